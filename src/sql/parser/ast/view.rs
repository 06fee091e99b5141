//! Views.

use serde::{Deserialize, Serialize};

use super::{ObjectName, Query, UserName};

/// WITH CHECK OPTION: which rows may be written through a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOption {
    /// Those that the view shows.
    Local,
    /// Those that the view and all views below it show.
    Cascaded,
}

/// ALGORITHM: how a view is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewAlgorithm {
    /// As it goes best.
    #[default]
    Undefined,
    /// As part of the query around.
    Merge,
    /// As a table of its own.
    Temptable,
}

/// CREATE VIEW and ALTER VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// Its name.
    pub name: ObjectName,
    /// OR REPLACE.
    pub or_replace: bool,
    /// ALTER VIEW: it must be there.
    pub alters: bool,
    /// ALGORITHM.
    pub algorithm: ViewAlgorithm,
    /// DEFINER, if written.
    pub definer: Option<UserName>,
    /// SQL SECURITY INVOKER.
    pub invoker: bool,
    /// Its columns' names, if written.
    pub columns: Vec<String>,
    /// What it shows.
    pub query: Box<Query>,
    /// WITH CHECK OPTION.
    pub check: Option<CheckOption>,
}
