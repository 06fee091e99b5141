//! An expression as text, as MySQL writes it.

use std::fmt::Write;

use super::literal_text::cast_target;
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{
    Expr, Frame, FrameBound, FrameOffset, IntervalUnit, Literal, OrderItem, Over, TrimSide,
    TruthValue, UnaryOp, Window, WindowCall,
};

/// Writes a text.
pub(super) struct Writer<'a> {
    pub(super) text: String,
    /// The database that is not written.
    home: Option<&'a str>,
    /// Something of another database was met.
    pub(super) abroad: bool,
}

impl Writer<'_> {
    /// A writer that leaves this database out.
    pub(super) fn new(home: Option<&str>) -> Writer<'_> {
        Writer { text: String::new(), home, abroad: false }
    }

    /// A name in backquotes.
    pub(super) fn name(&mut self, name: &str) {
        self.text.push_str(&quote_name(name));
    }

    /// A database and a point.
    pub(super) fn database(&mut self, database: Option<&str>) {
        let Some(database) = database else { return };
        if self.home.is_some_and(|home| home.eq_ignore_ascii_case(database)) {
            return;
        }
        self.abroad = true;
        self.name(database);
        self.text.push('.');
    }

    /// Names of columns, if there are any.
    pub(super) fn names(&mut self, names: &[String]) {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| quote_name(name)).collect();
            let _ = write!(self.text, " ({})", names.join(","));
        }
    }

    /// Expressions with commas between them.
    pub(super) fn list(&mut self, exprs: &[Expr]) {
        self.joined(exprs, ",");
    }

    /// Expressions with something between them.
    fn joined(&mut self, exprs: &[Expr], between: &str) {
        for (position, expr) in exprs.iter().enumerate() {
            if position > 0 {
                self.text.push_str(between);
            }
            self.expr(expr);
        }
    }

    /// A function with its arguments.
    fn call(&mut self, name: &str, args: &[Expr]) {
        self.text.push_str(name);
        self.text.push('(');
        self.list(args);
        self.text.push(')');
    }

    /// `(left word right)`.
    fn between(&mut self, left: &Expr, word: &str, right: &Expr) {
        self.text.push('(');
        self.expr(left);
        let _ = write!(self.text, " {word} ");
        self.expr(right);
        self.text.push(')');
    }

    /// Something, or its opposite.
    fn negated(&mut self, negated: bool, write: impl FnOnce(&mut Self)) {
        if negated {
            self.text.push_str("(not(");
        }
        write(self);
        if negated {
            self.text.push_str("))");
        }
    }

    /// An expression. Operators stand in parentheses, so nobody needs to know how tightly they bind.
    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Parameter(_) => self.text.push('?'),
            Expr::Column { database, table, name } => {
                self.database(database.as_deref());
                if let Some(table) = table {
                    self.name(table);
                    self.text.push('.');
                }
                self.name(name);
            }
            Expr::Default(None) => self.text.push_str("default"),
            Expr::Default(Some(column)) => {
                let _ = write!(self.text, "default({})", quote_name(column));
            }
            Expr::InsertedValue(column) => {
                let _ = write!(self.text, "values({})", quote_name(column));
            }
            Expr::SystemVariable(_, name) => {
                let _ = write!(self.text, "@@{}", quote_name(name));
            }
            Expr::UserVariable(name) => {
                let _ = write!(self.text, "@{}", quote_name(name));
            }
            Expr::AssignUserVariable(name, value) => {
                let _ = write!(self.text, "(@{}:=", quote_name(name));
                self.expr(value);
                self.text.push(')');
            }
            Expr::Unary(op, operand) => self.unary(*op, operand),
            Expr::Binary(op, left, right) => self.between(left, op.text(), right),
            Expr::And(items) | Expr::Or(items) => {
                let word = if matches!(expr, Expr::And(_)) { " and " } else { " or " };
                self.text.push('(');
                self.joined(items, word);
                self.text.push(')');
            }
            Expr::Row(items) => self.call("", items),
            Expr::Call(name, args) => self.function(name, args),
            Expr::Grouping(args) => self.call("grouping", args),
            Expr::Window(call) => self.window_call(call),
            Expr::Aggregate { .. } => self.aggregate(expr),
            Expr::Subquery(query) => {
                self.text.push('(');
                self.query(query);
                self.text.push(')');
            }
            Expr::Exists(query) => {
                self.text.push_str("exists(");
                self.query(query);
                self.text.push(')');
            }
            _ => self.predicate(expr),
        }
    }

    /// An operator before its operand. A sign stays with its number.
    fn unary(&mut self, op: UnaryOp, operand: &Expr) {
        match op {
            UnaryOp::Not => self.negated(true, |writer| writer.expr(operand)),
            UnaryOp::Plus => self.expr(operand),
            UnaryOp::Minus if matches!(operand, Expr::Literal(_)) => {
                self.text.push('-');
                self.expr(operand);
            }
            UnaryOp::Minus => self.call("-", std::slice::from_ref(operand)),
            UnaryOp::BitNot => self.call("~", std::slice::from_ref(operand)),
        }
    }

    /// What is true or false, and CASE.
    fn predicate(&mut self, expr: &Expr) {
        match expr {
            Expr::IsNull(operand, negated) => {
                self.text.push('(');
                self.expr(operand);
                self.text.push_str(if *negated { " is not null)" } else { " is null)" });
            }
            Expr::IsTruth(operand, truth, negated) => {
                self.text.push('(');
                self.expr(operand);
                let word = match truth {
                    TruthValue::True => "true",
                    TruthValue::False => "false",
                    TruthValue::Unknown => "unknown",
                };
                let _ = write!(self.text, " is {}{word})", if *negated { "not " } else { "" });
            }
            Expr::InList { expr, list, negated } => {
                self.text.push('(');
                self.expr(expr);
                self.text.push_str(if *negated { " not in (" } else { " in (" });
                self.list(list);
                self.text.push_str("))");
            }
            Expr::InQuery { expr, query, negated } => self.negated(*negated, |writer| {
                writer.text.push('(');
                writer.expr(expr);
                writer.text.push_str(" in (");
                writer.query(query);
                writer.text.push_str("))");
            }),
            Expr::Compared { op, all, expr, query } => {
                self.text.push('(');
                self.expr(expr);
                let word = if *all { "all" } else { "any" };
                let _ = write!(self.text, " {} {word} (", op.text());
                self.query(query);
                self.text.push_str("))");
            }
            Expr::Between { expr, low, high, negated } => {
                self.text.push('(');
                self.expr(expr);
                self.text.push_str(if *negated { " not between " } else { " between " });
                self.joined(&[(**low).clone(), (**high).clone()], " and ");
                self.text.push(')');
            }
            Expr::Like { expr, pattern, escape, negated } => self.negated(*negated, |writer| {
                writer.text.push('(');
                writer.expr(expr);
                writer.text.push_str(" like ");
                writer.expr(pattern);
                if let Some(escape) = escape {
                    writer.text.push_str(" escape ");
                    writer.expr(escape);
                }
                writer.text.push(')');
            }),
            Expr::Regexp { expr, pattern, negated } => self.negated(*negated, |writer| {
                writer.call("regexp_like", &[(**expr).clone(), (**pattern).clone()]);
            }),
            Expr::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref());
            }
            _ => self.conversion(expr),
        }
    }

    /// CASE, with or without an operand.
    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) {
        self.text.push_str("(case");
        if let Some(operand) = operand {
            self.text.push(' ');
            self.expr(operand);
        }
        for (when, then) in branches {
            self.text.push_str(" when ");
            self.expr(when);
            self.text.push_str(" then ");
            self.expr(then);
        }
        if let Some(otherwise) = otherwise {
            self.text.push_str(" else ");
            self.expr(otherwise);
        }
        self.text.push_str(" end)");
    }

    /// What makes another value of one: casts, collations, arithmetic of dates, and functions with a grammar of their own.
    fn conversion(&mut self, expr: &Expr) {
        match expr {
            Expr::Cast(operand, target) => {
                self.text.push_str("cast(");
                self.expr(operand);
                let _ = write!(self.text, " as {})", cast_target(target));
            }
            Expr::ConvertUsing(operand, charset) => {
                self.text.push_str("convert(");
                self.expr(operand);
                let _ = write!(self.text, " using {charset})");
            }
            Expr::Collate(operand, collation) => {
                self.text.push('(');
                self.expr(operand);
                let _ = write!(self.text, " collate {collation})");
            }
            Expr::Match(search) => {
                self.text.push_str("(match ");
                self.list(&search.columns);
                self.text.push_str(" against (");
                self.expr(&search.query);
                let _ = write!(self.text, "{}))", search.mode.words());
            }
            Expr::Interval(amount, unit) => self.interval(amount, *unit),
            Expr::DateArithmetic { date, amount, unit, subtract } => {
                self.text.push('(');
                self.expr(date);
                self.text.push_str(if *subtract { " - " } else { " + " });
                self.interval(amount, *unit);
                self.text.push(')');
            }
            Expr::Extract(unit, operand) => {
                let _ = write!(self.text, "extract({} from ", unit.name().to_lowercase());
                self.expr(operand);
                self.text.push(')');
            }
            Expr::TimestampDiff(unit, first, second) => {
                let _ = write!(self.text, "timestampdiff({},", unit.name());
                self.list(&[(**first).clone(), (**second).clone()]);
                self.text.push(')');
            }
            Expr::Trim { side, what, expr } => {
                self.text.push_str("trim(");
                let word = match side {
                    TrimSide::Both => "both ",
                    TrimSide::Leading => "leading ",
                    TrimSide::Trailing => "trailing ",
                };
                if what.is_some() || *side != TrimSide::Both {
                    self.text.push_str(word);
                    if let Some(what) = what {
                        self.expr(what);
                        self.text.push(' ');
                    }
                    self.text.push_str("from ");
                }
                self.expr(expr);
                self.text.push(')');
            }
            // Whoever qualifies a query refuses what is left.
            _ => self.text.push('?'),
        }
    }

    /// INTERVAL and its unit.
    fn interval(&mut self, amount: &Expr, unit: IntervalUnit) {
        self.text.push_str("interval ");
        self.expr(amount);
        let _ = write!(self.text, " {}", unit.name().to_lowercase());
    }

    /// A function under the name that MySQL shows.
    fn function(&mut self, name: &str, args: &[Expr]) {
        match (name, args) {
            // The first argument is a word.
            ("get_format", [Expr::Literal(Literal::String(word, None)), region]) => {
                let _ = write!(self.text, "get_format({},", String::from_utf8_lossy(word));
                self.expr(region);
                self.text.push(')');
            }
            ("substring", _) => self.call("substr", args),
            _ => self.call(name, args),
        }
    }

    /// An aggregate. COUNT(*) is shown as the count of a constant.
    fn aggregate(&mut self, expr: &Expr) {
        let Expr::Aggregate { name, distinct, args, order_by, separator } = expr else { return };
        let _ = write!(self.text, "{name}({}", if *distinct { "distinct " } else { "" });
        match args.as_slice() {
            // COUNT(*).
            [] => self.text.push('0'),
            args => self.list(args),
        }
        self.directed(" order by ", order_by, " ASC", " DESC");
        if name == "group_concat" {
            self.text.push_str(" separator ");
            self.string(separator.as_deref().unwrap_or(",").as_bytes());
        }
        self.text.push(')');
    }

    /// Items of ORDER BY that say their direction.
    fn directed(&mut self, head: &str, items: &[OrderItem], up: &str, down: &str) {
        for (position, item) in items.iter().enumerate() {
            self.text.push_str(if position == 0 { head } else { "," });
            self.expr(&item.expr);
            self.text.push_str(if item.descending { down } else { up });
        }
    }

    /// A function over a window, or over a named one.
    fn window_call(&mut self, call: &WindowCall) {
        let _ = write!(self.text, "{}({}", call.name, if call.distinct { "distinct " } else { "" });
        match call.args.as_slice() {
            [] if call.name == "count" => self.text.push('0'),
            args => self.list(args),
        }
        self.text.push_str(") OVER ");
        match &call.over {
            Over::Name(name) => self.name(name),
            Over::Window(window) => self.window(window),
        }
    }

    /// A window in parentheses.
    pub(super) fn window(&mut self, window: &Window) {
        self.text.push('(');
        if let Some(base) = &window.base {
            self.name(base);
            self.text.push(' ');
        }
        for (position, expr) in window.partition_by.iter().enumerate() {
            self.text.push_str(if position == 0 { "PARTITION BY " } else { "," });
            self.expr(expr);
        }
        if !window.partition_by.is_empty() {
            self.text.push(' ');
        }
        self.directed("ORDER BY ", &window.order_by, "", " desc");
        if !window.order_by.is_empty() {
            self.text.push(' ');
        }
        if let Some(Frame { range, start, end }) = &window.frame {
            self.text.push_str(if *range { "RANGE BETWEEN " } else { "ROWS BETWEEN " });
            self.frame_bound(start);
            self.text.push_str(" AND ");
            self.frame_bound(end);
        }
        self.text.push(')');
    }

    /// An end of a frame.
    fn frame_bound(&mut self, bound: &FrameBound) {
        let (offset, word) = match bound {
            FrameBound::UnboundedPreceding => (None, "UNBOUNDED PRECEDING"),
            FrameBound::Preceding(offset) => (Some(offset), " PRECEDING"),
            FrameBound::CurrentRow => (None, "CURRENT ROW"),
            FrameBound::Following(offset) => (Some(offset), " FOLLOWING"),
            FrameBound::UnboundedFollowing => (None, "UNBOUNDED FOLLOWING"),
        };
        match offset {
            Some(FrameOffset { amount, unit: Some(unit) }) => self.interval(amount, *unit),
            Some(FrameOffset { amount, unit: None }) => self.expr(amount),
            None => {}
        }
        self.text.push_str(word);
    }
}
