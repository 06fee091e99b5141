//! Which physical table a row is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hash::{KeyHash, place};
use super::{BoundValue, PartitionBounds, Partitioning, SplitBy, SplitMethod};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::types::{Datum, FieldType, codec};

/// What is greater than every value.
const MAX: u8 = 0xff;
/// The key of NULL of a function; it is lowest.
const NULL: u8 = 0;
/// What the key of a function's number begins with.
const NUMBER: u8 = 1;

/// What a row is divided by.
#[derive(Debug)]
pub enum Source {
    /// A function over the row, which gives an integer.
    Function(Expr),
    /// Columns, by their places, with their types.
    Columns(Vec<(usize, FieldType)>),
}

impl Source {
    /// The places of the columns it reads, each once.
    pub fn columns(&self) -> Vec<usize> {
        match self {
            Source::Function(expr) => {
                let mut columns: Vec<usize> = expr.columns().into_iter().collect();
                columns.sort_unstable();
                columns.dedup();
                columns
            }
            Source::Columns(columns) => columns.iter().map(|(offset, _)| *offset).collect(),
        }
    }

    /// What the function gives; `None`: NULL.
    pub fn number(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<Option<i128>> {
        let Source::Function(expr) = self else {
            return Err(SqlError::internal("columns have no number"));
        };
        // What a row holds needs no lookup.
        let value = match expr {
            Expr::Column { index, .. } => row[*index].clone(),
            expr => expr.eval(row, eval)?,
        };
        number_of(&value, eval)
    }

    /// What rows are compared by.
    pub fn key(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<Vec<u8>> {
        match self {
            Source::Function(_) => Ok(number_key(self.number(row, eval)?)),
            Source::Columns(columns) => {
                let mut key = Vec::with_capacity(columns.len() * 9);
                for (offset, field_type) in columns {
                    let zone = &eval.time_zone;
                    codec::encode_key_value(&row[*offset], field_type, zone, &mut key)?;
                }
                Ok(key)
            }
        }
    }
}

/// An integer, whatever it is stored as.
pub(super) fn number_of(value: &Datum, eval: &EvalContext) -> SqlResult<Option<i128>> {
    Ok(match value {
        Datum::Null => None,
        Datum::Int(number) => Some(i128::from(*number)),
        Datum::UInt(number) => Some(i128::from(*number)),
        other => Some(other.to_f64(eval)?.trunc() as i128),
    })
}

/// The key of a function's number.
pub fn number_key(number: Option<i128>) -> Vec<u8> {
    let Some(number) = number else { return vec![NULL] };
    let mut key = Vec::with_capacity(17);
    key.push(NUMBER);
    key.extend_from_slice(&(number.cast_unsigned() ^ (1 << 127)).to_be_bytes());
    key
}

/// A hash of rows.
#[derive(Debug)]
struct Hasher {
    /// Of what.
    source: Source,
    linear: bool,
    old: bool,
    count: usize,
}

impl Hasher {
    fn locate(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<usize> {
        let hash = match &self.source {
            Source::Function(_) => self.source.number(row, eval)?.unwrap_or(0) as i64,
            Source::Columns(columns) => {
                let mut hash = KeyHash::new(self.old);
                for (offset, field_type) in columns {
                    hash.add(&row[*offset], field_type, &eval.time_zone)?;
                }
                hash.finish() as i64
            }
        };
        Ok(place(hash, self.count, self.linear))
    }
}

/// The rule.
#[derive(Debug)]
enum Rule {
    /// Each partition has what is below its key and not below the one before.
    Range(Source, Vec<Vec<u8>>),
    /// The partition of each key.
    List(Source, BTreeMap<Vec<u8>, usize>),
    Hash(Hasher),
}

/// The physical tables of a table, and which of them a row is in.
#[derive(Debug)]
pub struct Partitions {
    tables: Vec<Arc<TableInfo>>,
    rule: Rule,
    sub: Option<Hasher>,
}

/// An interval of keys.
#[derive(Clone, Debug, Default)]
pub struct KeyBounds {
    /// The lowest.
    pub low: Option<Vec<u8>>,
    /// What is above all of them.
    pub high: Option<Vec<u8>>,
}

impl KeyBounds {
    /// What is above all keys that begin like this one.
    pub fn behind(mut key: Vec<u8>) -> Vec<u8> {
        key.push(MAX);
        key
    }
}

impl Partitions {
    /// Of a table; `source` makes what it is divided by of its definition.
    pub fn new(
        table: &TableInfo,
        partitioning: &Partitioning,
        source: impl Fn(&SplitBy) -> SqlResult<Source>,
    ) -> SqlResult<Partitions> {
        let hasher = |by: &SplitBy, count: usize| {
            let (linear, old) = (by.linear, by.old_algorithm);
            Ok::<_, SqlError>(Hasher { source: source(by)?, linear, old, count })
        };
        let (by, definitions) = (&partitioning.by, &partitioning.definitions);
        let rule = match by.method {
            SplitMethod::Hash => Rule::Hash(hasher(by, definitions.len())?),
            SplitMethod::Range => {
                let bounds = definitions.iter().map(|partition| match &partition.bounds {
                    PartitionBounds::LessThan(values) => values_key(values),
                    _ => Err(SqlError::internal("a range without a bound")),
                });
                Rule::Range(source(by)?, bounds.collect::<SqlResult<_>>()?)
            }
            SplitMethod::List => {
                let mut keys = BTreeMap::new();
                for (at, partition) in definitions.iter().enumerate() {
                    let PartitionBounds::In(values) = &partition.bounds else { continue };
                    for value in values {
                        keys.insert(values_key(value)?, at);
                    }
                }
                Rule::List(source(by)?, keys)
            }
        };
        let sub = match &partitioning.sub {
            Some(by) => Some(hasher(by, partitioning.width())?),
            None => None,
        };
        let tables = partitioning.ids().map(|id| Arc::new(table.physical(id))).collect();
        Ok(Partitions { tables, rule, sub })
    }

    /// All physical tables.
    pub fn tables(&self) -> &[Arc<TableInfo>] {
        &self.tables
    }

    /// How many physical tables a partition has.
    pub fn width(&self) -> usize {
        self.sub.as_ref().map_or(1, |sub| sub.count)
    }

    /// What partitions are made by.
    pub fn source(&self) -> &Source {
        match &self.rule {
            Rule::Range(source, _) | Rule::List(source, _) => source,
            Rule::Hash(hasher) => &hasher.source,
        }
    }

    /// What subpartitions are made by.
    pub fn sub_source(&self) -> Option<&Source> {
        self.sub.as_ref().map(|sub| &sub.source)
    }

    /// Whether partitions have no order.
    pub fn is_hashed(&self) -> bool {
        matches!(self.rule, Rule::Hash(_))
    }

    /// Which partition the values of a row are of; `None`: none.
    pub fn partition_of(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<Option<usize>> {
        Ok(match &self.rule {
            Rule::Range(source, bounds) => {
                let key = source.key(row, eval)?;
                let at = bounds.partition_point(|bound| *bound <= key);
                (at < bounds.len()).then_some(at)
            }
            Rule::List(source, keys) => keys.get(&source.key(row, eval)?).copied(),
            Rule::Hash(hasher) => Some(hasher.locate(row, eval)?),
        })
    }

    /// Which subpartition of its partition a row is in.
    pub fn sub_of(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<usize> {
        self.sub.as_ref().map_or(Ok(0), |sub| sub.locate(row, eval))
    }

    /// The position of the physical table that a row is in; `None`: none.
    pub fn locate(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<Option<usize>> {
        let Some(at) = self.partition_of(row, eval)? else { return Ok(None) };
        Ok(Some(at * self.width() + self.sub_of(row, eval)?))
    }

    /// The same, or error 1526.
    pub fn place(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<usize> {
        self.locate(row, eval)?.map_or_else(|| Err(self.no_partition(row, eval)?), Ok)
    }

    fn no_partition(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<SqlError> {
        let source = self.source();
        let shown = match source {
            Source::Columns(_) => "from column_list".to_owned(),
            Source::Function(_) => {
                let number = source.number(row, eval)?;
                number.map_or_else(|| "NULL".to_owned(), |number| number.to_string())
            }
        };
        let message = format!("Table has no partition for value {shown}");
        Ok(SqlError::new(errno::NO_PARTITION_FOR_GIVEN_VALUE, message))
    }

    /// The partitions that may hold keys between these bounds, marked; `None`: bounds say nothing of hashes.
    pub fn between(&self, bounds: &KeyBounds) -> Option<Vec<bool>> {
        match &self.rule {
            Rule::Hash(_) => None,
            Rule::Range(_, ends) => {
                let mut found = vec![false; ends.len()];
                let point = |key: &Vec<u8>| ends.partition_point(|end| end <= key);
                let first = bounds.low.as_ref().map_or(0, point);
                let last = match &bounds.high {
                    None => ends.len(),
                    // What is below a partition's end is in it at most.
                    Some(key) => ends.partition_point(|end| end < key) + 1,
                };
                let last = last.min(ends.len());
                found[first.min(last)..last].fill(true);
                Some(found)
            }
            Rule::List(_, keys) => {
                let count = self.tables.len() / self.width();
                let mut found = vec![false; count];
                let inside = |key: &Vec<u8>| {
                    let above = bounds.low.as_ref().is_none_or(|low| key >= low);
                    above && bounds.high.as_ref().is_none_or(|high| key < high)
                };
                keys.iter().filter(|(key, _)| inside(key)).for_each(|(_, at)| found[*at] = true);
                Some(found)
            }
        }
    }

    /// The partition of NULL, if there is one.
    pub fn of_null(&self) -> Option<usize> {
        match &self.rule {
            Rule::Range(..) => Some(0),
            Rule::List(_, keys) => keys.get(&vec![NULL]).copied(),
            Rule::Hash(_) => Some(0),
        }
    }
}

/// Bounds as a key.
pub(in crate::sql) fn values_key(values: &[BoundValue]) -> SqlResult<Vec<u8>> {
    let mut key = Vec::new();
    for value in values {
        match value {
            BoundValue::Max => {
                key.push(MAX);
                break;
            }
            BoundValue::Null => key.push(NULL),
            BoundValue::Number(text) => {
                let number = text.parse::<i128>();
                let number = number.map_err(|_| SqlError::internal("a bound is no number"))?;
                key.extend(number_key(Some(number)));
            }
            BoundValue::Column(_, part) => key.extend_from_slice(part),
        }
    }
    Ok(key)
}
