//! JSON_TABLE: the rows of a document.

use super::path::Path;
use super::read::JsonRef;
use super::{Json, Pulse};
use crate::common::SqlResult;

/// What is below a path: a row for each part that it finds, and in each the rows of what is nested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePath {
    /// What rows are of.
    pub path: Path,
    /// Its own columns.
    pub columns: Vec<TableColumn>,
    /// NESTED PATHs: the rows of one after those of the other.
    pub nested: Vec<TablePath>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its position in a row.
    pub position: usize,
    /// What it holds.
    pub source: ColumnSource,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// The row's number below its path.
    Ordinality,
    /// Whether a path finds something.
    Exists(Path),
    /// What a path finds.
    Value(Path),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Cell {
    /// NULL: the row is of another nested path.
    #[default]
    Null,
    /// A row's number, from 1.
    Ordinal(u64),
    /// Whether a path found something.
    Exists(bool),
    /// A path found nothing: ON EMPTY.
    Missing,
    /// It found this.
    One(Json),
    /// It found several parts: an array of them for a column of documents, ON ERROR for others.
    Many(Json),
}

struct Producer<'d, 'a, 'b, 'p, F> {
    document: &'d Json,
    row: Vec<Cell>,
    emit: &'a mut F,
    pulse: &'b mut Pulse<'p>,
}

impl TablePath {
    /// Hands all rows of a document to `emit`, each of `width` columns.
    pub fn rows(
        &self,
        document: &Json,
        width: usize,
        pulse: &mut Pulse<'_>,
        mut emit: impl FnMut(&[Cell]) -> SqlResult<()>,
    ) -> SqlResult<()> {
        let row = vec![Cell::Null; width];
        let mut producer = Producer { document, row, emit: &mut emit, pulse };
        producer.below(self, document.as_ref()).map(drop)
    }

    fn blank(&self, row: &mut [Cell]) {
        for column in &self.columns {
            row[column.position] = Cell::Null;
        }
        for nested in &self.nested {
            nested.blank(row);
        }
    }
}

impl<F: FnMut(&[Cell]) -> SqlResult<()>> Producer<'_, '_, '_, '_, F> {
    /// The rows below a path; whether there were some.
    fn below(&mut self, table: &TablePath, from: JsonRef<'_>) -> SqlResult<bool> {
        let parts = from.seek(&table.path, self.pulse)?;
        for (at, part) in parts.iter().enumerate() {
            for column in &table.columns {
                self.row[column.position] = self.cell(&column.source, *part, at as u64 + 1)?;
            }
            let mut has_rows = false;
            for nested in &table.nested {
                has_rows |= self.below(nested, *part)?;
                nested.blank(&mut self.row);
            }
            if !has_rows {
                (self.emit)(&self.row)?;
            }
        }
        table.blank(&mut self.row);
        Ok(!parts.is_empty())
    }

    fn cell(&mut self, source: &ColumnSource, part: JsonRef<'_>, number: u64) -> SqlResult<Cell> {
        let path = match source {
            ColumnSource::Ordinality => return Ok(Cell::Ordinal(number)),
            ColumnSource::Exists(path) => {
                return Ok(Cell::Exists(part.has(path, self.pulse)?));
            }
            ColumnSource::Value(path) => path,
        };
        let found = part.seek(path, self.pulse)?;
        let parts = found.iter().map(|part| self.document.part(*part));
        Ok(match found.as_slice() {
            [] => Cell::Missing,
            [one] => Cell::One(self.document.part(*one)),
            _ => {
                let elements = parts.map(super::Value::Stored).collect();
                Cell::Many(super::Value::Array(elements).to_json(self.pulse)?)
            }
        })
    }
}
