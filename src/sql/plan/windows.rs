//! Functions over windows: what OVER and WINDOW name, and the operators that compute them.

use std::cmp::Reverse;
use std::mem;

use super::binder::{Binder, Clause, NameRule, WINDOW_BASE};
use super::explain::{list, sort_keys};
use super::frames::shown_frame;
use super::logical::Logical;
use super::outer::{OUTER_BASE, is_outer};
use super::physical::SortKey;
use super::scope::{Scope, same_name};
use super::select::sorted;
use super::window::{Frame, Window, WindowCall};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, Expr, WindowFunction, WindowKind};
use crate::sql::parser::ast;
use crate::sql::types::Datum;

/// What messages call a window without a name.
const UNNAMED: &str = "<unnamed window>";

/// The windows of a SELECT.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// WINDOW.
    named: Vec<ast::NamedWindow>,
    /// What is computed, each call in a window of its own: a column from [`WINDOW_BASE`] on.
    bound: Vec<Window>,
}

/// A window with what it takes over from others.
struct Whole {
    label: String,
    window: ast::Window,
}

/// Whether an expression has a function over a window in it.
pub(super) fn has_window(expr: &Expr) -> bool {
    expr.columns().range(WINDOW_BASE..OUTER_BASE).next().is_some()
}

/// Error 3593.
pub(super) fn misplaced(name: &str) -> SqlError {
    SqlError::new(
        errno::WINDOW_INVALID_WINDOW_FUNC_USE,
        format!("You cannot use the window function '{name}' in this context.'"),
    )
}

/// Error 3594.
pub(super) fn misplaced_alias(name: &str) -> SqlError {
    SqlError::new(
        errno::WINDOW_INVALID_WINDOW_FUNC_ALIAS_USE,
        format!(
            "You cannot use the alias '{name}' of an expression containing a window function in this context.'"
        ),
    )
}

impl Windows {
    /// Those of a WINDOW clause. Error 3591 for a name that is there twice.
    pub(super) fn new(named: &[ast::NamedWindow]) -> SqlResult<Windows> {
        for (position, window) in named.iter().enumerate() {
            if named[..position].iter().any(|known| same_name(&known.name, &window.name)) {
                return Err(SqlError::new(
                    errno::WINDOW_DUPLICATE_NAME,
                    format!("Window '{}' is defined twice.", window.name),
                ));
            }
        }
        Ok(Windows { named: named.to_vec(), bound: Vec::new() })
    }

    /// Whether nothing is computed over windows.
    pub(super) fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }

    /// The expressions of each call, with the column that stands for the call.
    pub(super) fn exprs_mut(&mut self) -> impl Iterator<Item = (usize, Vec<&mut Expr>)> {
        let windows = self.bound.iter_mut().enumerate();
        windows.map(|(number, window)| (WINDOW_BASE + number, window.exprs_mut()))
    }

    /// Error 3579 if there is none of this name.
    fn named(&self, name: &str) -> SqlResult<&ast::NamedWindow> {
        self.named.iter().find(|known| same_name(&known.name, name)).ok_or_else(|| {
            SqlError::new(
                errno::WINDOW_NO_SUCH_WINDOW,
                format!("Window name '{name}' is not defined."),
            )
        })
    }

    fn whole(&self, over: &ast::Over) -> SqlResult<Whole> {
        let (label, window) = match over {
            ast::Over::Name(name) => {
                let found = self.named(name)?;
                (found.name.clone(), &found.window)
            }
            ast::Over::Window(window) => (UNNAMED.to_owned(), &**window),
        };
        let window = self.with_base(&label, window, 0)?;
        Ok(Whole { label, window })
    }

    /// A window with what it takes over from the one it names.
    fn with_base(&self, label: &str, window: &ast::Window, depth: usize) -> SqlResult<ast::Window> {
        let Some(base) = &window.base else { return Ok(window.clone()) };
        if depth > self.named.len() {
            return Err(SqlError::new(
                errno::WINDOW_CIRCULARITY_IN_WINDOW_GRAPH,
                "There is a circularity in the window dependency graph.",
            ));
        }
        let base = self.named(base)?;
        if !window.partition_by.is_empty() {
            return Err(SqlError::new(
                errno::WINDOW_NO_CHILD_PARTITIONING,
                "A window which depends on another cannot define partitioning.",
            ));
        }
        let inherited = self.with_base(&base.name, &base.window, depth + 1)?;
        if inherited.frame.is_some() {
            return Err(SqlError::new(
                errno::WINDOW_NO_INHERIT_FRAME,
                format!(
                    "Window '{}' has a frame definition, so cannot be referenced by another window.",
                    base.name
                ),
            ));
        }
        if !window.order_by.is_empty() && !inherited.order_by.is_empty() {
            return Err(SqlError::new(
                errno::WINDOW_NO_REDEFINE_ORDER_BY,
                format!(
                    "Window '{label}' cannot inherit '{}' since both contain an ORDER BY clause.",
                    base.name
                ),
            ));
        }
        let order_by = match window.order_by.is_empty() {
            true => inherited.order_by,
            false => window.order_by.clone(),
        };
        let frame = window.frame.clone();
        Ok(ast::Window { base: None, partition_by: inherited.partition_by, order_by, frame })
    }

    /// The operators that compute what is asked for over the input's rows, and which of their columns each call is.
    pub(super) fn plan(self, mut input: Logical) -> (Logical, Vec<usize>) {
        let mut places = vec![0; self.bound.len()];
        let mut shared: Vec<(Window, Vec<usize>)> = Vec::new();
        for (number, mut window) in self.bound.into_iter().enumerate() {
            let same = |(known, _): &&mut (Window, Vec<usize>)| {
                known.partition_by == window.partition_by && known.order_by == window.order_by
            };
            match shared.iter_mut().find(same) {
                Some((known, numbers)) => {
                    known.calls.append(&mut window.calls);
                    numbers.push(number);
                }
                None => shared.push((window, vec![number])),
            }
        }
        // What is sorted by more is sorted by less as well.
        shared.sort_by_key(|(window, _)| Reverse(order_of(window).len()));
        let mut sorted_by: Vec<SortKey> = Vec::new();
        for (window, numbers) in shared {
            let keys = order_of(&window);
            if !sorted_by.starts_with(&keys) {
                input = sorted(input, keys.clone());
                sorted_by = keys;
            }
            let width = input.width();
            numbers.iter().enumerate().for_each(|(at, number)| places[*number] = width + at);
            input = Logical::Window { input: Box::new(input), window };
        }
        (input, places)
    }
}

/// The order in which a window takes rows: partition by partition.
fn order_of(window: &Window) -> Vec<SortKey> {
    let partition = window.partition_by.iter().cloned();
    let partition = partition.map(|expr| SortKey { expr, descending: false });
    let mut keys: Vec<SortKey> = Vec::new();
    for key in partition.chain(window.order_by.iter().cloned()) {
        if !key.expr.is_constant() && keys.iter().all(|known| known.expr != key.expr) {
            keys.push(key);
        }
    }
    keys
}

impl Binder<'_> {
    /// A function over a window, as the column that stands for it.
    pub(super) fn window_call(
        &mut self,
        call: &ast::WindowCall,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        // Taken out: one in the other finds no place.
        let Some(windows) = clause.windows.take() else { return Err(misplaced(&call.name)) };
        let window = self.over_window(call, windows, clause);
        let window = match window {
            Ok(window) => window,
            Err(error) => {
                clause.windows = Some(windows);
                return Err(error);
            }
        };
        let field_type = window.calls[0].function.field_type().clone();
        let position = windows.bound.iter().position(|known| *known == window);
        let position = position.unwrap_or_else(|| {
            windows.bound.push(window);
            windows.bound.len() - 1
        });
        clause.windows = Some(windows);
        Ok(Expr::column(WINDOW_BASE + position, field_type))
    }

    fn over_window(
        &mut self,
        call: &ast::WindowCall,
        windows: &Windows,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Window> {
        let Whole { label, window } = windows.whole(&call.over)?;
        let mut args = self.exprs(&call.args, clause)?;
        if args.iter().any(has_window) {
            return Err(misplaced(&call.name));
        }
        let rules = &self.planner.rules;
        let function = match WindowKind::by_name(&call.name) {
            Some(kind) => WindowFunction::by_rules(kind, args, rules)?,
            None => {
                let kind = AggregateKind::by_name(&call.name);
                let kind = kind.ok_or_else(|| misplaced(&call.name))?;
                if args.is_empty() {
                    args.push(Expr::literal(Datum::Int(1)));
                }
                WindowFunction::Aggregate(Aggregate::by_rules(kind, args, call.distinct, rules)?)
            }
        };
        let ignores_frame = window.frame.is_some() && !function.has_frame();
        let mut bound = self.window(&label, &window, clause)?;
        let frame = self.frame(&label, window.frame.as_ref(), &bound.order_by, clause)?;
        bound.calls.push(WindowCall { function, window: label, frame, ignores_frame });
        Ok(bound)
    }

    /// Looks the windows of WINDOW over, also those that nobody uses.
    pub(super) fn check_windows(&mut self, windows: &Windows, scope: &Scope) -> SqlResult<()> {
        let mut unused = Vec::new();
        let mut clause = Clause::plain(scope, "field list");
        clause.aggregates = Some(&mut unused);
        for known in &windows.named {
            let Whole { label, window } = windows.whole(&ast::Over::Name(known.name.clone()))?;
            let bound = self.window(&label, &window, &mut clause)?;
            self.frame(&label, window.frame.as_ref(), &bound.order_by, &mut clause)?;
        }
        Ok(())
    }

    /// PARTITION BY and ORDER BY.
    fn window(
        &mut self,
        label: &str,
        window: &ast::Window,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Window> {
        let mut partition_by = Vec::with_capacity(window.partition_by.len());
        for item in &window.partition_by {
            partition_by.push(self.of_window(label, "window partition by", item, clause)?);
        }
        let mut order_by = Vec::with_capacity(window.order_by.len());
        for item in &window.order_by {
            let expr = self.of_window(label, "window order by", &item.expr, clause)?;
            order_by.push(SortKey { expr, descending: item.descending });
        }
        Ok(Window { partition_by, order_by, calls: Vec::new() })
    }

    /// An expression that says what a window is.
    fn of_window(
        &mut self,
        label: &str,
        place: &'static str,
        item: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if super::select::position(item).is_some() {
            return Err(SqlError::new(
                errno::WINDOW_ILLEGAL_ORDER_BY,
                format!(
                    "Window '{label}': ORDER BY or PARTITION BY uses legacy position indication which is not supported, use \
                     expression."
                ),
            ));
        }
        let name = mem::replace(&mut clause.name, place);
        let rule = mem::replace(&mut clause.name_rule, NameRule::Unseen);
        let bound = self.expr(item, clause);
        (clause.name, clause.name_rule) = (name, rule);
        bound.map_err(|error| match error.code {
            errno::WINDOW_INVALID_WINDOW_FUNC_USE => SqlError::new(
                errno::WINDOW_NESTED_WINDOW_FUNC_USE_IN_WINDOW_SPEC,
                format!(
                    "You cannot nest a window function in the specification of window '{label}'."
                ),
            ),
            _ => error,
        })
    }
}

/// The input with what is computed over windows; `exprs` are then over its columns.
pub(super) fn over_windows<'e>(
    input: Logical,
    windows: Windows,
    exprs: impl Iterator<Item = &'e mut Expr>,
) -> Logical {
    let (input, places) = windows.plan(input);
    for expr in exprs {
        let over = std::mem::replace(expr, Expr::null());
        *expr = over.map_columns(&mut |index| match index.checked_sub(WINDOW_BASE) {
            Some(number) if !is_outer(index) => places[number],
            _ => index,
        });
    }
    input
}

/// What EXPLAIN says of a window.
pub(super) fn shown(window: &Window, names: &[String]) -> String {
    let mut over = Vec::new();
    if !window.partition_by.is_empty() {
        over.push(format!("partition by {}", list(&window.partition_by, names)));
    }
    if !window.order_by.is_empty() {
        over.push(format!("order by {}", sort_keys(&window.order_by, names)));
    }
    let usual = if window.order_by.is_empty() { Frame::WHOLE } else { Frame::SO_FAR };
    let calls = window.calls.iter().map(|call| {
        let args = match &call.function {
            WindowFunction::Own { args, .. } => list(args, names),
            WindowFunction::Aggregate(aggregate) => list(&aggregate.args, names),
        };
        let mut over = over.clone();
        if call.function.has_frame() && call.frame != usual {
            over.push(shown_frame(&call.frame, names));
        }
        format!("{}({args}) over({})", call.function.name(), over.join(" "))
    });
    calls.collect::<Vec<String>>().join(", ")
}
