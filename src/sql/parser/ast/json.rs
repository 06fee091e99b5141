//! JSON_VALUE and JSON_TABLE.

use super::{CastType, DataType, Expr};

/// What ON EMPTY or ON ERROR says is to take the place of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OnResponse {
    /// NULL, also where nothing is said.
    #[default]
    Null,
    /// ERROR.
    Error,
    /// DEFAULT value.
    Default(Box<Expr>),
}

/// JSON_VALUE(document, path [RETURNING type] [… ON EMPTY] [… ON ERROR]).
#[derive(Clone, Debug, PartialEq)]
pub struct JsonValue {
    /// The document.
    pub document: Expr,
    /// Where in it.
    pub path: Expr,
    /// RETURNING.
    pub returning: Option<CastType>,
    /// Where nothing is found.
    pub on_empty: OnResponse,
    /// Where it is no such value.
    pub on_error: OnResponse,
}

/// JSON_TABLE(document, path COLUMNS (…)) AS alias.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTable {
    /// The document.
    pub document: Expr,
    /// What rows are of.
    pub path: String,
    /// Its columns.
    pub columns: Vec<JsonColumn>,
    /// Its alias.
    pub alias: String,
}

/// A column of JSON_TABLE's, or several.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonColumn {
    /// name FOR ORDINALITY.
    Ordinality(String),
    /// name type EXISTS PATH path.
    Exists {
        /// Its name.
        name: String,
        /// Its type.
        data_type: DataType,
        /// Where.
        path: String,
    },
    /// name type PATH path.
    Value {
        /// Its name.
        name: String,
        /// Its type.
        data_type: DataType,
        /// Where.
        path: String,
        /// Where nothing is found.
        on_empty: OnResponse,
        /// Where it is no such value.
        on_error: OnResponse,
    },
    /// NESTED PATH path COLUMNS (…).
    Nested {
        /// What rows are of.
        path: String,
        /// Their columns.
        columns: Vec<JsonColumn>,
    },
}
