//! The logical plan: what rows are wanted, before it is decided how they are found.

use std::sync::Arc;

use super::index_hints::IndexChoice;
use super::join_hints::Placing;
use super::physical::{AccessLock, ApplyKind, JoinKind, SortKey};
use super::window::Window;
use crate::sql::catalog::TableInfo;
use crate::sql::expr::{Aggregate, Expr};
use crate::sql::functions::DocumentTable;
use crate::sql::stats::TableStats;
use crate::sql::types::FieldType;

/// A stored table's rows.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) table: Arc<TableInfo>,
    /// Offsets of the columns it gives; one past the last column is the hidden handle.
    pub(super) outputs: Vec<usize>,
    /// What rows must fulfil, over offsets in the table (not over `outputs`).
    pub(super) filters: Vec<Expr>,
    pub(super) lock: AccessLock,
    /// What is known of the table's rows, if it was analyzed.
    pub(super) stats: Option<Arc<TableStats>>,
    /// Which indexes it may be read by.
    pub(super) choice: IndexChoice,
    /// The physical tables that PARTITION (…) names; `None`: all.
    pub(super) selected: Option<Vec<usize>>,
    /// STRAIGHT_JOIN: the tables that it is joined with are read in the order of the text.
    pub(super) fixed: bool,
    /// Where hints put it among the tables that it is joined with.
    pub(super) placings: Vec<Placing>,
}

/// An operator and its inputs. Expressions refer to positions in the input's row (for a join: left's, then right's).
#[derive(Clone, Debug)]
pub(super) enum Logical {
    /// One row without columns.
    Dual,
    /// Constant rows; also no rows at all.
    Values {
        rows: Vec<Vec<Expr>>,
        schema: Vec<FieldType>,
    },
    Scan(Box<Scan>),
    /// A table of `information_schema`, with its offsets given.
    Virtual {
        table: Arc<TableInfo>,
        database: String,
        outputs: Vec<usize>,
    },
    /// The rows of a common table: of one of the binder's subqueries first, of the table of that number once the statement
    /// is bound.
    Common {
        subquery: usize,
        outputs: Vec<usize>,
        /// The types of its columns, of which `outputs` are given.
        schema: Vec<FieldType>,
    },
    Filter {
        input: Box<Logical>,
        predicates: Vec<Expr>,
    },
    Project {
        input: Box<Logical>,
        exprs: Vec<Expr>,
    },
    Join {
        left: Box<Logical>,
        right: Box<Logical>,
        kind: JoinKind,
        conditions: Vec<Expr>,
        null_aware: bool,
    },
    /// The rows of a document of each row, behind that row.
    Unnest {
        input: Box<Logical>,
        document: Expr,
        table: Arc<DocumentTable>,
        /// Inner, or left.
        kind: JoinKind,
        /// Of a left one: what must hold, over both.
        filter: Option<Expr>,
    },
    Aggregate {
        input: Box<Logical>,
        group_by: Vec<Expr>,
        aggregates: Vec<Aggregate>,
    },
    /// As [`PlanNode::Rollup`](super::PlanNode::Rollup).
    Rollup {
        input: Box<Logical>,
        keys: Vec<Expr>,
    },
    /// As [`PlanNode::Window`](super::PlanNode::Window).
    Window {
        input: Box<Logical>,
        window: Window,
    },
    Sort {
        input: Box<Logical>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Logical>,
        offset: Option<Expr>,
        limit: Option<Expr>,
    },
    UnionAll {
        inputs: Vec<Logical>,
    },
    /// For each left row the right rows, whose plan has parameters that are values of it.
    Apply {
        left: Box<Logical>,
        right: Box<Logical>,
        bindings: Vec<(usize, Expr)>,
        kind: ApplyKind,
    },
    /// Every row as often as the last column says, without that column.
    Repeat {
        input: Box<Logical>,
    },
}

/// A node's children; `$iter` is `iter` or `iter_mut`. The only place that says of every node what stands below it.
macro_rules! children {
    ($node:expr, $iter:ident, $as_ref:ident, $none:expr) => {{
        let (pair, list) = match $node {
            Logical::Dual
            | Logical::Values { rows: _, schema: _ }
            | Logical::Scan(_)
            | Logical::Virtual { table: _, database: _, outputs: _ }
            | Logical::Common { subquery: _, outputs: _, schema: _ } => ([None, None], $none),
            Logical::Filter { input, predicates: _ }
            | Logical::Project { input, exprs: _ }
            | Logical::Unnest { input, document: _, table: _, kind: _, filter: _ }
            | Logical::Aggregate { input, group_by: _, aggregates: _ }
            | Logical::Rollup { input, keys: _ }
            | Logical::Window { input, window: _ }
            | Logical::Sort { input, keys: _ }
            | Logical::Limit { input, offset: _, limit: _ }
            | Logical::Repeat { input } => ([Some(input.$as_ref()), None], $none),
            Logical::Join { left, right, kind: _, conditions: _, null_aware: _ }
            | Logical::Apply { left, right, bindings: _, kind: _ } => {
                ([Some(left.$as_ref()), Some(right.$as_ref())], $none)
            }
            Logical::UnionAll { inputs } => ([None, None], inputs.$iter()),
        };
        pair.into_iter().flatten().chain(list)
    }};
}

/// A node's own expressions, each given to `$visit`; those of a scan are over its table. The only place that says of every node which
/// they are.
macro_rules! each_expr {
    ($node:expr, $iter:ident, $visit:expr) => {
        match $node {
            Logical::Dual
            | Logical::Virtual { table: _, database: _, outputs: _ }
            | Logical::Common { subquery: _, outputs: _, schema: _ }
            | Logical::Repeat { input: _ }
            | Logical::UnionAll { inputs: _ } => {}
            Logical::Values { rows, schema: _ } => rows.$iter().flatten().for_each($visit),
            Logical::Scan(scan) => scan.filters.$iter().for_each($visit),
            Logical::Filter { input: _, predicates } => predicates.$iter().for_each($visit),
            Logical::Project { input: _, exprs } => exprs.$iter().for_each($visit),
            Logical::Join { left: _, right: _, kind: _, conditions, null_aware: _ } => {
                conditions.$iter().for_each($visit);
            }
            Logical::Unnest { input: _, document, table: _, kind: _, filter } => {
                [document].into_iter().chain(filter.$iter()).for_each($visit);
            }
            Logical::Aggregate { input: _, group_by, aggregates } => {
                let args = aggregates.$iter().flat_map(|aggregate| aggregate.args.$iter());
                group_by.$iter().chain(args).for_each($visit);
            }
            Logical::Rollup { input: _, keys } => keys.$iter().for_each($visit),
            Logical::Window { input: _, window } => {
                each_expr!(@window window, $iter).into_iter().for_each($visit);
            }
            Logical::Sort { input: _, keys } => {
                keys.$iter().map(each_expr!(@key $iter)).for_each($visit);
            }
            Logical::Limit { input: _, offset, limit } => {
                offset.$iter().chain(limit.$iter()).for_each($visit);
            }
            Logical::Apply { left: _, right: _, bindings, kind } => {
                let bound = bindings.$iter().map(|(_, expr)| expr);
                bound.chain(each_expr!(@wanted kind $iter)).for_each($visit);
            }
        }
    };
    (@wanted $kind:ident iter) => {
        $kind.wanted()
    };
    (@wanted $kind:ident iter_mut) => {
        $kind.wanted_mut()
    };
    (@window $window:ident, iter) => {
        $window.exprs()
    };
    (@window $window:ident, iter_mut) => {
        $window.exprs_mut()
    };
    (@key iter) => {
        |key| &key.expr
    };
    (@key iter_mut) => {
        |key| &mut key.expr
    };
}

/// How many columns of a table statements see.
pub(super) fn public_columns(table: &TableInfo) -> usize {
    table.public_columns().len()
}

/// What a change reads of a row besides what statements see: the columns that come or go, and the hidden handle.
pub(super) fn unseen_columns(table: &TableInfo) -> std::ops::Range<usize> {
    public_columns(table)..table.columns.len() + usize::from(table.handle_column.is_none())
}

/// What every scan of a table gives besides what statements see: MATCH finds rows by their handles.
pub(super) fn searched_columns(table: &TableInfo) -> std::ops::Range<usize> {
    if table.is_searched_by_hidden_handle() { unseen_columns(table) } else { 0..0 }
}

/// The type of a table's column, or of its hidden handle.
pub(super) fn column_type(table: &TableInfo, offset: usize) -> FieldType {
    match table.columns.get(offset) {
        Some(column) => column.field_type.clone(),
        None => FieldType::bigint().not_null(),
    }
}

/// The types of an input's rows with the keys of a rollup behind them, and the number that says which of those are left out.
pub(super) fn rollup_schema(mut schema: Vec<FieldType>, keys: &[Expr]) -> Vec<FieldType> {
    schema.extend(keys.iter().map(|key| key.field_type().clone().nullable()));
    schema.push(FieldType::bigint_unsigned().not_null());
    schema
}

impl Logical {
    /// A scan of a table's public columns (and of its hidden handle, if rows are searched for by it); for a change, of all of its columns, and of its hidden handle if there is one.
    pub(super) fn scan(
        table: &Arc<TableInfo>,
        for_change: bool,
        stats: Option<Arc<TableStats>>,
    ) -> Logical {
        let mut outputs: Vec<usize> = (0..public_columns(table)).collect();
        outputs.extend(if for_change { unseen_columns(table) } else { searched_columns(table) });
        Logical::Scan(Box::new(Scan {
            table: table.clone(),
            outputs,
            filters: Vec::new(),
            lock: AccessLock::None,
            fixed: false,
            placings: Vec::new(),
            stats,
            choice: IndexChoice::default(),
            selected: None,
        }))
    }

    /// The same scan by these indexes alone.
    pub(super) fn choosing(mut self, choice: IndexChoice) -> Logical {
        if let Logical::Scan(scan) = &mut self {
            scan.choice = choice;
        }
        self
    }

    /// The same scan of these physical tables alone.
    pub(super) fn selecting(mut self, selected: Option<Vec<usize>>) -> Logical {
        if let Logical::Scan(scan) = &mut self {
            scan.selected = selected;
        }
        self
    }

    /// No rows, as wide as `schema`.
    pub(super) fn empty(schema: Vec<FieldType>) -> Logical {
        Logical::Values { rows: Vec::new(), schema }
    }

    /// The rows for which all the predicates hold.
    pub(super) fn filter(self, predicates: Vec<Expr>) -> Logical {
        if predicates.is_empty() {
            return self;
        }
        Logical::Filter { input: Box::new(self), predicates }
    }

    /// How many columns its rows have.
    pub(super) fn width(&self) -> usize {
        match self {
            Logical::Dual => 0,
            Logical::Values { schema, .. } => schema.len(),
            Logical::Scan(scan) => scan.outputs.len(),
            Logical::Virtual { outputs, .. } | Logical::Common { outputs, .. } => outputs.len(),
            Logical::Filter { input, .. }
            | Logical::Sort { input, .. }
            | Logical::Limit { input, .. } => input.width(),
            Logical::Project { exprs, .. } => exprs.len(),
            Logical::Join { left, right, kind, .. } => match kind {
                JoinKind::Inner | JoinKind::Left => left.width() + right.width(),
                JoinKind::Semi | JoinKind::Anti => left.width(),
            },
            Logical::Unnest { input, table, .. } => input.width() + table.columns.len(),
            Logical::Aggregate { group_by, aggregates, .. } => group_by.len() + aggregates.len(),
            Logical::Rollup { input, keys } => input.width() + keys.len() + 1,
            Logical::Window { input, window } => input.width() + window.calls.len(),
            Logical::UnionAll { inputs } => inputs.first().map_or(0, Logical::width),
            Logical::Repeat { input } => input.width() - 1,
            Logical::Apply { left, right, kind, .. } => {
                let added = match kind {
                    ApplyKind::Join(JoinKind::Inner | JoinKind::Left) => right.width(),
                    ApplyKind::Row => right.width() + 1,
                    ApplyKind::Join(JoinKind::Semi | JoinKind::Anti) => 0,
                    ApplyKind::Exists | ApplyKind::Compare { .. } => 1,
                };
                left.width() + added
            }
        }
    }

    /// The types of its rows' columns.
    pub(super) fn schema(&self) -> Vec<FieldType> {
        let types = |exprs: &[Expr]| exprs.iter().map(|expr| expr.field_type().clone()).collect();
        match self {
            Logical::Dual => Vec::new(),
            Logical::Values { schema, .. } => schema.clone(),
            Logical::Scan(scan) => {
                scan.outputs.iter().map(|offset| column_type(&scan.table, *offset)).collect()
            }
            Logical::Virtual { table, outputs, .. } => {
                outputs.iter().map(|offset| column_type(table, *offset)).collect()
            }
            Logical::Common { outputs, schema, .. } => {
                outputs.iter().map(|output| schema[*output].clone()).collect()
            }
            Logical::Filter { input, .. }
            | Logical::Sort { input, .. }
            | Logical::Limit { input, .. } => input.schema(),
            Logical::Project { exprs, .. } => types(exprs),
            Logical::Join { left, right, kind, .. } => {
                let mut schema = left.schema();
                match kind {
                    JoinKind::Inner => schema.extend(right.schema()),
                    JoinKind::Left => {
                        schema.extend(right.schema().into_iter().map(FieldType::nullable));
                    }
                    JoinKind::Semi | JoinKind::Anti => {}
                }
                schema
            }
            Logical::Unnest { input, table, .. } => {
                let mut schema = input.schema();
                schema.extend(table.columns.iter().map(|column| column.field_type.clone()));
                schema
            }
            Logical::Aggregate { group_by, aggregates, .. } => {
                let mut schema: Vec<FieldType> = types(group_by);
                schema.extend(aggregates.iter().map(|aggregate| aggregate.field_type.clone()));
                schema
            }
            Logical::Rollup { input, keys } => rollup_schema(input.schema(), keys),
            Logical::Window { input, window } => {
                let mut schema = input.schema();
                schema.extend(window.types());
                schema
            }
            Logical::UnionAll { inputs } => inputs.first().map_or_else(Vec::new, Logical::schema),
            Logical::Repeat { input } => {
                let mut schema = input.schema();
                schema.pop();
                schema
            }
            Logical::Apply { left, right, kind, .. } => {
                let mut schema = left.schema();
                schema.extend(kind.added(right.schema()));
                schema
            }
        }
    }

    /// The plans whose rows it takes, in order.
    pub(super) fn children(&self) -> impl DoubleEndedIterator<Item = &Logical> {
        children!(self, iter, as_ref, [].iter())
    }

    /// The same, to be changed.
    pub(super) fn children_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Logical> {
        children!(self, iter_mut, as_mut, [].iter_mut())
    }

    /// The same operator over other inputs.
    pub(super) fn map_children(mut self, map: &mut dyn FnMut(Logical) -> Logical) -> Logical {
        for child in self.children_mut() {
            *child = map(std::mem::replace(child, Logical::Dual));
        }
        self
    }

    /// Its own expressions.
    pub(super) fn exprs(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        each_expr!(self, iter, |expr| found.push(expr));
        found
    }

    /// The same operator with each of its own expressions changed.
    pub(super) fn map_exprs(mut self, map: &mut dyn FnMut(Expr) -> Expr) -> Logical {
        each_expr!(&mut self, iter_mut, |expr: &mut Expr| {
            *expr = map(std::mem::replace(expr, Expr::null()));
        });
        self
    }

    /// STRAIGHT_JOIN: keeps the tables of FROM in their order.
    pub(super) fn fix_order(&mut self) {
        if let Logical::Scan(scan) = self {
            scan.fixed = true;
        }
        self.children_mut().for_each(Logical::fix_order);
    }

    /// Locks the rows of every stored table in it, derived tables included. Those of WITH are not: as in MySQL, their
    /// queries say themselves what they lock.
    pub(super) fn lock_all(&mut self, lock: AccessLock) {
        if let Logical::Scan(scan) = self {
            scan.lock = lock;
        }
        self.children_mut().for_each(|child| child.lock_all(lock));
    }
}
