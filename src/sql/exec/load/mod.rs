//! Rows in files: how LOAD DATA reads them, and how SELECT … INTO OUTFILE writes them.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::RowReader;
pub use writer::RowWriter;
