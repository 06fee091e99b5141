//! The errors of documents, in MySQL's words.

use crate::common::{SqlError, errno};

/// Error 3140: a text for a column that is none of a document.
pub fn invalid_text(message: &str, position: usize, column: &str) -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_TEXT,
        format!(
            "Invalid JSON text: \"{message}\" at position {position} in value for column '{column}'."
        ),
    )
}

/// Error 3141: an argument, counted from 1, that is no text of a document.
pub fn invalid_text_in_argument(
    message: &str,
    position: usize,
    argument: usize,
    function: &str,
) -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_TEXT_IN_PARAM,
        format!(
            "Invalid JSON text in argument {argument} to function {function}: \"{message}\" at position {position}."
        ),
    )
}

/// Error 3146: an argument, counted from 1, of a type that holds no documents.
pub fn not_json(argument: usize, function: &str) -> SqlError {
    SqlError::new(
        errno::INVALID_TYPE_FOR_JSON,
        format!(
            "Invalid data type for JSON data in argument {argument} to function {function}; a JSON string or JSON type is required."
        ),
    )
}

/// Error 3853: a document, counted from 1, that is no object.
pub fn not_an_object(argument: usize, function: &str) -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_TYPE,
        format!(
            "Invalid JSON type in argument {argument} to function {function}; an object is required."
        ),
    )
}

/// Error 3154.
pub fn bad_one_or_all(function: &str) -> SqlError {
    SqlError::new(
        errno::JSON_BAD_ONE_OR_ALL_ARG,
        format!("The oneOrAll argument to {function} may take these values: 'one' or 'all'."),
    )
}

/// Error 3158.
pub fn null_key() -> SqlError {
    SqlError::new(
        errno::JSON_DOCUMENT_NULL_KEY,
        "JSON documents may not contain NULL member names.",
    )
}

/// Error 3156: a document that is none of a type's values.
pub fn invalid_cast(target: &str, column: &str, row: u64) -> (u16, String) {
    (
        errno::INVALID_JSON_VALUE_FOR_CAST,
        format!("Invalid JSON value for CAST to {target} from column {column} at row {row}"),
    )
}

/// Error 3155: a number beyond a type's range.
pub fn out_of_range_cast(target: &str, column: &str, row: u64) -> (u16, String) {
    (
        errno::NUMERIC_JSON_VALUE_OUT_OF_RANGE,
        format!("Out of range JSON value for CAST to {target} from column {column} at row {row}"),
    )
}

/// Error 3665: JSON_TABLE … ERROR ON EMPTY.
pub fn cell_is_missing(column: &str) -> SqlError {
    SqlError::new(
        errno::MISSING_JSON_TABLE_VALUE,
        format!("Missing value for JSON_TABLE column '{column}'"),
    )
}

/// Error 3666.
pub fn cell_is_container(column: &str) -> SqlError {
    SqlError::new(
        errno::WRONG_JSON_TABLE_VALUE,
        format!("Can't store an array or an object in the scalar JSON_TABLE column '{column}'"),
    )
}

/// Error 3669.
pub fn cell_out_of_range(column: &str) -> SqlError {
    SqlError::new(
        errno::JT_VALUE_OUT_OF_RANGE,
        format!("Value is out of range for JSON_TABLE's column '{column}'"),
    )
}

/// Error 3966: JSON_VALUE … ERROR ON EMPTY.
pub fn missing_value(function: &str) -> SqlError {
    SqlError::new(
        errno::MISSING_JSON_VALUE,
        format!("No value was found by '{function}' on the specified path."),
    )
}

/// Error 3967: JSON_VALUE … ERROR ON ERROR.
pub fn multiple_values(function: &str) -> SqlError {
    SqlError::new(
        errno::MULTIPLE_JSON_VALUES,
        format!("More than one value was found by '{function}' on the specified path."),
    )
}

pub(super) fn too_deep() -> SqlError {
    SqlError::new(errno::JSON_DOCUMENT_TOO_DEEP, "The JSON document exceeds the maximum depth.")
}

pub(super) fn key_too_long() -> SqlError {
    SqlError::new(errno::JSON_KEY_TOO_BIG, "The JSON object contains a key name that is too long.")
}

pub(super) fn too_big() -> SqlError {
    SqlError::new(
        errno::JSON_VALUE_TOO_BIG,
        "The JSON value is too big to be stored in a JSON column.",
    )
}

pub(super) fn invalid_path(position: usize) -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_PATH,
        format!("Invalid JSON path expression. The error is around character position {position}."),
    )
}

pub(super) fn wildcard() -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_PATH_WILDCARD,
        "In this situation, path expressions may not contain the * and ** tokens or an array range.",
    )
}

pub(super) fn vacuous_path() -> SqlError {
    SqlError::new(
        errno::JSON_VACUOUS_PATH,
        "The path expression '$' is not allowed in this context.",
    )
}

pub(super) fn not_a_cell() -> SqlError {
    SqlError::new(
        errno::INVALID_JSON_PATH_ARRAY_CELL,
        "A path expression is not a path to a cell in an array.",
    )
}
