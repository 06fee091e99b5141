//! Golden scripts: texts, and the tree or the error that each gets.
//!
//! The trees are shown without what is not written: fields that are `None`, false or empty. Expressions after DO are shown in
//! parentheses, which is how tightly their operators bind. `UPDATE_GOLDENFILES=1` records them anew.

use std::error::Error;

use goldenscript::{Command, Context, Runner};

use super::ast::{Expr, Literal, Statement, UnaryOp};
use super::{SqlMode, parse};

#[derive(Default)]
struct Texts {
    sql_mode: SqlMode,
}

impl Runner for Texts {
    type Command = Command;

    /// `> text`; `mode NAMES` sets `sql_mode`, and `text "…"` is a text that has line feeds.
    fn run(&mut self, command: &Command, _context: &Context) -> Result<String, Box<dyn Error>> {
        let mut args = command.consume_args();
        let argument = args.next_pos().unwrap_or_default();
        let text = match command.name.as_str() {
            "mode" => {
                self.sql_mode = SqlMode::parse(argument)?;
                return Ok(String::new());
            }
            "text" => argument,
            text => text,
        };
        let mut out = String::new();
        match parse(text, self.sql_mode) {
            Ok(parsed) => {
                for one in parsed {
                    out.push_str(&shown(&one.statement));
                    out.push('\n');
                    for warning in &one.warnings {
                        out.push_str(&format!("warning {} {}\n", warning.code, warning.message));
                    }
                }
            }
            Err(error) => {
                let message = error.message.replace("\n", "\\n");
                out.push_str(&format!("{} {}\n", error.code, short(&message)));
            }
        }
        Ok(out)
    }
}

/// What all syntax errors begin with is left out.
fn short(message: &str) -> &str {
    const BEFORE: &str = "the right syntax to use ";
    message.find(BEFORE).map_or(message, |at| &message[at + BEFORE.len()..])
}

fn shown(statement: &Statement) -> String {
    match statement {
        Statement::Do(list) => list.iter().map(grouped).collect::<Vec<_>>().join(", "),
        other => written(&format!("{other:?}")),
    }
}

/// An expression with its operands in parentheses.
fn grouped(expr: &Expr) -> String {
    let list =
        |items: &[Expr], between: &str| items.iter().map(grouped).collect::<Vec<_>>().join(between);
    let not = |negated: &bool| if *negated { "NOT " } else { "" };
    match expr {
        Expr::Column { database, table, name } => {
            let parts = [database.as_deref(), table.as_deref(), Some(name)];
            parts.into_iter().flatten().collect::<Vec<_>>().join(".")
        }
        Expr::Literal(Literal::Integer(number)) => number.to_string(),
        Expr::Parameter(number) => format!("?{number}"),
        Expr::UserVariable(name) => format!("@{name}"),
        Expr::AssignUserVariable(name, value) => format!("(@{name} := {})", grouped(value)),
        Expr::Unary(op, operand) => {
            let op = match op {
                UnaryOp::Not => "NOT ",
                UnaryOp::Minus => "-",
                UnaryOp::Plus => "+",
                UnaryOp::BitNot => "~",
            };
            format!("({op}{})", grouped(operand))
        }
        Expr::Binary(op, left, right) => {
            format!("({} {} {})", grouped(left), op.text().to_uppercase(), grouped(right))
        }
        Expr::And(items) => format!("({})", list(items, " AND ")),
        Expr::Or(items) => format!("({})", list(items, " OR ")),
        Expr::IsNull(expr, negated) => format!("({} IS {}NULL)", grouped(expr), not(negated)),
        Expr::IsTruth(expr, value, negated) => {
            format!("({} IS {}{value:?})", grouped(expr), not(negated))
        }
        Expr::InList { expr, list: items, negated } => {
            format!("({} {}IN ({}))", grouped(expr), not(negated), list(items, ", "))
        }
        Expr::Between { expr, low, high, negated } => {
            let (expr, low, high) = (grouped(expr), grouped(low), grouped(high));
            format!("({expr} {}BETWEEN {low} AND {high})", not(negated))
        }
        Expr::Like { expr, pattern, escape, negated } => {
            let escape = escape.as_ref().map(|e| format!(" ESCAPE {}", grouped(e)));
            let (expr, pattern) = (grouped(expr), grouped(pattern));
            format!("({expr} {}LIKE {pattern}{})", not(negated), escape.unwrap_or_default())
        }
        Expr::Regexp { expr, pattern, negated } => {
            format!("({} {}REGEXP {})", grouped(expr), not(negated), grouped(pattern))
        }
        Expr::Call(name, args) => format!("{name}({})", list(args, ", ")),
        Expr::Cast(expr, to) => format!("cast({} as {to:?})", grouped(expr)),
        Expr::ConvertUsing(expr, charset) => format!("convert({} using {charset})", grouped(expr)),
        Expr::Collate(expr, name) => format!("({} COLLATE {name})", grouped(expr)),
        Expr::DateArithmetic { date, amount, unit, subtract } => {
            let (date, amount) = (grouped(date), grouped(amount));
            let sign = if *subtract { '-' } else { '+' };
            format!("({date} {sign} INTERVAL {amount} {})", unit.name())
        }
        Expr::Row(items) => format!("ROW({})", list(items, ", ")),
        other => written(&format!("{other:?}")),
    }
}

/// A tree as it derives Debug, without the fields that are not written, and with bytes as text.
fn written(tree: &str) -> String {
    let mut tree = tree.to_owned();
    for empty in ["None", "false", "[]", "\"\""] {
        tree = without(tree, &format!(": {empty}"));
    }
    bytes_as_text(&tree.replace(" {  }", "").replace("Literal(", "("))
}

/// Without the fields that end in `value`.
fn without(mut tree: String, value: &str) -> String {
    let mut from = 0;
    while let Some(at) = tree[from..].find(value) {
        let (at, end) = (from + at, from + at + value.len());
        let name = tree[..at].bytes().rev().take_while(|b| b.is_ascii_lowercase() || *b == b'_');
        let start = at - name.count();
        let follows = tree[end..].starts_with(", ");
        let field = start < at && (follows || tree[end..].starts_with(" }"));
        from = match (field, follows) {
            (false, _) => end,
            (true, true) => {
                tree.replace_range(start..end + 2, "");
                start
            }
            (true, false) => {
                let comma = if tree[..start].ends_with(", ") { 2 } else { 0 };
                tree.replace_range(start - comma..end, "");
                start - comma
            }
        };
    }
    tree
}

fn bytes_as_text(tree: &str) -> String {
    let mut out = String::with_capacity(tree.len());
    let mut rest = tree;
    while let Some(at) = rest.find("([") {
        let (before, list) = rest.split_at(at + 1);
        out.push_str(before);
        let end = list.find(']').map_or(list.len(), |end| end + 1);
        let numbers = list[..end].trim_matches(['[', ']']);
        let bytes: Option<Vec<u8>> = numbers.split(", ").map(|n| n.parse().ok()).collect();
        match bytes {
            Some(bytes) => out.push_str(&format!("{:?}", String::from_utf8_lossy(&bytes))),
            None => out.push_str(&list[..end]),
        }
        rest = &list[end..];
    }
    out + rest
}

fn run(script: &str) {
    let path = format!("{}/src/sql/parser/testscripts/{script}", env!("CARGO_MANIFEST_DIR"));
    goldenscript::run(&mut Texts::default(), path).expect("the script runs as recorded");
}

#[test]
fn statements_of_mysql() {
    run("statements_of_mysql");
}

#[test]
fn data_statements() {
    run("data_statements");
}

#[test]
fn other_statements() {
    run("other_statements");
}

#[test]
fn precedence() {
    run("precedence");
}

#[test]
fn tokens() {
    run("tokens");
}

#[test]
fn syntax_errors() {
    run("syntax_errors");
}

#[test]
fn hints() {
    run("hints");
}
