//! MATCH … AGAINST.

use super::Expr;
use crate::sql::fulltext::SearchMode;

/// MATCH (columns) AGAINST (query mode).
#[derive(Clone, Debug, PartialEq)]
pub struct MatchAgainst {
    /// Where.
    pub columns: Vec<Expr>,
    /// What for.
    pub query: Expr,
    /// How.
    pub mode: SearchMode,
}
