//! USE INDEX, IGNORE INDEX, FORCE INDEX.

use super::scope::same_name;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::parser::ast::{IndexHint, IndexHintKind, IndexPurpose};

/// Which indexes a table may be read by, as its hints say.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexChoice {
    /// To find rows.
    find: Allowed,
    /// To have them in order.
    order: Allowed,
    /// Rows are to be found by an index, if one of these can.
    forced: bool,
}

/// Some of a table's indexes.
#[derive(Clone, Debug, Default)]
struct Allowed {
    /// No others than these; `None`: all.
    only: Option<Vec<Key>>,
    /// None of these.
    never: Vec<Key>,
}

/// An index by its number; `None` is the handle.
type Key = Option<i64>;

impl Allowed {
    fn has(&self, key: Key) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&key)) && !self.never.contains(&key)
    }
}

impl IndexChoice {
    /// What the hints of a table under this name say. Error 1176 for an index that there is not, 1221 for USE beside FORCE.
    pub(super) fn of(
        table: &TableInfo,
        alias: &str,
        hints: &[IndexHint],
    ) -> SqlResult<IndexChoice> {
        let mut choice = IndexChoice::default();
        let kind = |kind: IndexHintKind| hints.iter().any(|hint| hint.kind == kind && !hint.advice);
        if kind(IndexHintKind::Use) && kind(IndexHintKind::Force) {
            return Err(SqlError::new(
                errno::WRONG_USAGE,
                "Incorrect usage of USE INDEX and FORCE INDEX",
            ));
        }
        for IndexHint { kind, purpose, names, advice } in hints {
            let mut keys = Vec::with_capacity(names.len());
            for name in names {
                match key(table, name) {
                    Some(key) => keys.push(key),
                    None if *advice => {}
                    None => return Err(no_such_key(name, alias)),
                }
            }
            if keys.is_empty() && !names.is_empty() {
                continue;
            }
            let finds = matches!(purpose, None | Some(IndexPurpose::Join));
            let orders = matches!(purpose, None | Some(IndexPurpose::OrderBy));
            choice.forced |= *kind == IndexHintKind::Force && finds;
            let about = [(finds, &mut choice.find), (orders, &mut choice.order)];
            for (_, allowed) in about.into_iter().filter(|(is_meant, _)| *is_meant) {
                match kind {
                    IndexHintKind::Ignore => allowed.never.extend(&keys),
                    IndexHintKind::Use | IndexHintKind::Force => {
                        allowed.only.get_or_insert_default().extend(&keys);
                    }
                }
            }
        }
        Ok(choice)
    }

    /// Whether rows may be found by an index; `None`: by their handle.
    pub(super) fn finds_by(&self, index: Option<&IndexInfo>) -> bool {
        self.find.has(index.map(|index| index.id))
    }

    /// Whether rows may be read in the order of an index; `None`: of their handle.
    pub(super) fn orders_by(&self, index: Option<&IndexInfo>) -> bool {
        self.order.has(index.map(|index| index.id))
    }

    /// Whether reading all rows is only for when nothing else can be done.
    pub(super) fn is_forced(&self) -> bool {
        self.forced
    }
}

/// The index of a name; PRIMARY may be the handle.
fn key(table: &TableInfo, name: &str) -> Option<Key> {
    let mut public =
        table.indexes.iter().filter(|index| index.is_usable() || index.is_searchable());
    if let Some(index) = public.find(|index| same_name(&index.name, name)) {
        return Some(Some(index.id));
    }
    (name.eq_ignore_ascii_case("PRIMARY") && table.handle_column.is_some()).then_some(None)
}

/// The first index that hints name, which there is not where there are no indexes; advice names what it likes.
pub(super) fn first_name(hints: &[IndexHint]) -> Option<&String> {
    hints.iter().filter(|hint| !hint.advice).flat_map(|hint| &hint.names).next()
}

/// Error 1176.
pub(super) fn no_such_key(name: &str, table: &str) -> SqlError {
    SqlError::new(
        errno::KEY_DOES_NOT_EXIST,
        format!("Key '{name}' doesn't exist in table '{table}'"),
    )
}
