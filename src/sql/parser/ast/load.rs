//! LOAD DATA, and how rows stand in files.

use super::{Assignment, ObjectName};

/// How values and rows are set apart in a file: FIELDS … LINES ….
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFormat {
    /// FIELDS TERMINATED BY.
    pub field_end: Vec<u8>,
    /// ENCLOSED BY.
    pub quote: Option<u8>,
    /// OPTIONALLY: only texts are enclosed.
    pub quotes_optionally: bool,
    /// ESCAPED BY.
    pub escape: Option<u8>,
    /// LINES STARTING BY.
    pub line_start: Vec<u8>,
    /// LINES TERMINATED BY.
    pub line_end: Vec<u8>,
}

impl Default for FileFormat {
    /// Values with tabs between them, a row a line, backslashes.
    fn default() -> FileFormat {
        FileFormat {
            field_end: b"\t".to_vec(),
            quote: None,
            quotes_optionally: false,
            escape: Some(b'\\'),
            line_start: Vec::new(),
            line_end: b"\n".to_vec(),
        }
    }
}

/// INTO OUTFILE, or without a format INTO DUMPFILE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntoFile {
    /// The file.
    pub file: String,
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// FIELDS and LINES.
    pub format: Option<FileFormat>,
}

/// What a value of the file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadTarget {
    /// A column.
    Column(String),
    /// @name.
    Variable(String),
}

/// LOAD DATA.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadData {
    /// LOCAL: the client reads the file.
    pub local: bool,
    /// The file.
    pub file: String,
    /// REPLACE.
    pub replace: bool,
    /// IGNORE.
    pub ignore: bool,
    /// Into which table.
    pub table: ObjectName,
    /// PARTITION (…): rows may go into these; none: all.
    pub partitions: Vec<String>,
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// FIELDS and LINES.
    pub format: FileFormat,
    /// IGNORE n LINES.
    pub skip: u64,
    /// What the file's values are for; `None`: all columns.
    pub targets: Option<Vec<LoadTarget>>,
    /// SET.
    pub assignments: Vec<Assignment>,
}
