//! A program's expressions, bound as they are met: under one schema, and with the types that its variables have.

use std::collections::BTreeMap;

use super::{Program, Step};
use crate::sql::expr::{Expr, Function};
use crate::sql::types::FieldType;

/// What has become of an expression.
#[derive(Clone, Debug)]
pub enum Bound {
    /// Nobody is needed to compute it.
    Pure(Expr),
    /// It waits, or reads tables, or is bound anew each time: whoever drives the machine computes it.
    Outside,
}

/// The expressions of a program, as far as they are bound.
#[derive(Debug)]
pub struct BoundExprs {
    /// The types of variables, by slot.
    pub types: Vec<FieldType>,
    bound: Vec<Option<Bound>>,
    /// The slots that expressions are kept in, by expression.
    kept: BTreeMap<usize, usize>,
}

impl BoundExprs {
    /// None of them is.
    pub fn of(program: &Program) -> BoundExprs {
        let types = program
            .variables
            .iter()
            .map(|variable| variable.field_type.clone().unwrap_or_else(FieldType::null));
        let mut kept = BTreeMap::new();
        for step in &program.steps {
            if let Step::Keep { slot, expr } = step {
                kept.entry(*expr).or_insert(*slot);
            }
        }
        BoundExprs { types: types.collect(), bound: vec![None; program.exprs.len()], kept }
    }

    /// An expression, if it is bound.
    pub fn get(&self, expr: usize) -> Option<&Bound> {
        self.bound.get(expr)?.as_ref()
    }

    /// Binds an expression. Where it is kept in a variable without a type, the variable has its type.
    pub fn put(&mut self, expr: usize, bound: Bound) {
        if let Bound::Pure(pure) = &bound {
            self.keep_type(expr, pure.field_type());
        }
        if let Some(place) = self.bound.get_mut(expr) {
            *place = Some(bound);
        }
    }

    /// The type of what a variable without a type is given.
    pub fn keep_type(&mut self, expr: usize, field_type: &FieldType) {
        if let Some(slot) = self.kept.get(&expr) {
            self.types[*slot] = field_type.clone();
        }
    }
}

impl Bound {
    /// Of an expression without subqueries.
    pub fn of(expr: Expr) -> Bound {
        let mut waits = false;
        expr.visit(&mut |part| {
            if let Expr::Call { function, .. } = part {
                waits |= function.is_named_lock() || *function == Function::Sleep;
            }
        });
        if waits { Bound::Outside } else { Bound::Pure(expr) }
    }
}
