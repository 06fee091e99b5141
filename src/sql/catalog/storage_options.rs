//! Options of a table that say how an engine is to store it: they are recorded, and shown again.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::TableInfo;

/// In the order of SHOW CREATE TABLE, with the value that says nothing. What is not here (INSERT_METHOD) is not shown by MySQL either.
const OPTIONS: &[(&str, &str)] = &[
    ("MIN_ROWS", "0"),
    ("MAX_ROWS", "0"),
    ("AVG_ROW_LENGTH", "0"),
    ("PACK_KEYS", "DEFAULT"),
    ("STATS_PERSISTENT", "DEFAULT"),
    ("STATS_AUTO_RECALC", "DEFAULT"),
    ("STATS_SAMPLE_PAGES", "DEFAULT"),
    ("CHECKSUM", "0"),
    ("DELAY_KEY_WRITE", "0"),
    ("ROW_FORMAT", "DEFAULT"),
    ("KEY_BLOCK_SIZE", "0"),
    ("COMPRESSION", ""),
];

/// Those that are on or off.
const SWITCHES: &[&str] =
    &["PACK_KEYS", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "CHECKSUM", "DELAY_KEY_WRITE"];

/// The options of a statement; of one that stands twice the last holds.
#[derive(Debug, Default)]
pub(super) struct StorageOptions(BTreeMap<usize, String>);

impl StorageOptions {
    pub(super) fn record(&mut self, name: &str, value: &str) {
        let Some(at) = OPTIONS.iter().position(|(known, _)| *known == name) else { return };
        let value = match value.parse::<u64>() {
            Ok(number) if number > 1 && SWITCHES.contains(&name) => "1",
            _ => value,
        };
        let default = OPTIONS[at].1;
        if value == default {
            self.0.remove(&at);
        } else {
            self.0.insert(at, value.to_owned());
        }
    }

    pub(super) fn list(self) -> Vec<(String, String)> {
        self.0.into_iter().map(|(at, value)| (OPTIONS[at].0.to_owned(), value)).collect()
    }
}

/// As SHOW CREATE TABLE has them, each after a space.
pub(super) fn storage_text(table: &TableInfo) -> String {
    let mut text = String::new();
    for (name, value) in &table.storage {
        let quote = if name == "COMPRESSION" { "'" } else { "" };
        let _ = write!(text, " {name}={quote}{value}{quote}");
    }
    text
}

/// As CREATE_OPTIONS of information_schema.TABLES has them.
pub fn create_options(table: &TableInfo) -> String {
    let shown = table.storage.iter().map(|(name, value)| match name.as_str() {
        "COMPRESSION" => format!("COMPRESSION=\"{value}\""),
        "KEY_BLOCK_SIZE" => format!("{name}={value}"),
        _ => format!("{}={value}", name.to_lowercase()),
    });
    let partitioned = table.partitioning.iter().map(|_| "partitioned".to_owned());
    shown.chain(partitioned).collect::<Vec<_>>().join(" ")
}

/// The format of its rows as information_schema.TABLES has it.
pub fn row_format(table: &TableInfo) -> String {
    let written = table.storage.iter().find(|(name, _)| name == "ROW_FORMAT");
    let name = written.map_or("DYNAMIC", |(_, format)| format.as_str());
    let (first, rest) = name.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}
