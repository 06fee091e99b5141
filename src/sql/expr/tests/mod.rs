//! Golden scripts of expressions, and the two ways to compute one against each other.

mod bind;
mod bounds;
mod vectors;

use std::error::Error;
use std::fmt::Write as _;

use goldenscript::{Command, Context, Runner};

use super::EvalContext;
use crate::sql::types::{SqlMode, TimeZone};

/// Runs `> expression` lines: prints the value, its type, and the warnings. `mode …` sets sql_mode, `zone …` the time
/// zone, `write` makes the following expressions parts of a statement that writes.
struct Script {
    ctx: EvalContext,
}

impl Script {
    fn new() -> Script {
        let mut ctx = EvalContext::new();
        // 2024-02-29 12:34:56.789012 UTC.
        ctx.now_unix_micros = 1_709_210_096_789_012;
        ctx.time_zone = TimeZone::UTC;
        ctx.current_db = Some("test".to_owned());
        ctx.connection_id = 42;
        Script { ctx }
    }

    fn evaluate(&mut self, source: &str) -> Result<String, Box<dyn Error>> {
        let expr = bind::parse(source)?;
        let value = expr.eval(&[], &self.ctx)?;
        let mut text = Vec::new();
        crate::sql::types::write_text(&value, expr.field_type(), &mut text);
        let shown = match (value.is_null(), String::from_utf8(text)) {
            (true, _) => "NULL".to_owned(),
            (false, Ok(text)) => text.replace('\0', "\\0"),
            (false, Err(bytes)) => format!("{:02X?}", bytes.into_bytes()),
        };
        let mut output = format!("{shown}  [{}", expr.field_type().sql_text());
        output.push_str(if expr.field_type().not_null { " not null]" } else { "]" });
        for warning in self.ctx.take_warnings() {
            write!(output, "\n  {} {}: {}", warning.level.name(), warning.code, warning.message)?;
        }
        Ok(output)
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _context: &Context) -> Result<String, Box<dyn Error>> {
        let mut args = command.consume_args();
        let mut words: Vec<&str> = Vec::new();
        while let Some(word) = args.next_pos() {
            words.push(word);
        }
        match (command.name.as_str(), words.as_slice()) {
            ("mode", modes) => self.ctx.sql_mode = SqlMode::parse(&modes.join(","))?,
            ("zone", [zone]) => self.ctx.time_zone = TimeZone::parse(zone)?,
            ("write", []) => self.ctx.writes = true,
            ("read", []) => self.ctx.writes = false,
            (source, _) => {
                return match self.evaluate(source) {
                    Ok(output) => Ok(output),
                    Err(error) => Ok(error.to_string()),
                };
            }
        }
        Ok(String::new())
    }
}

#[test]
fn scripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/expr/testscripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the scripts' folder is part of the project")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        goldenscript::run(&mut Script::new(), &path).expect("the script can be read");
    }
}
