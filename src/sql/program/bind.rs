//! A program's expressions, bound as they are met: under one schema, and with the types that its variables have.

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
}

impl BoundExprs {
    /// None of them is.
    pub fn of(program: &Program) -> BoundExprs {
        let types = program
            .variables
            .iter()
            .map(|variable| variable.field_type.clone().unwrap_or_else(FieldType::null));
        BoundExprs { types: types.collect(), bound: vec![None; program.exprs.len()] }
    }

    /// An expression, if it is bound.
    pub fn get(&self, expr: usize) -> Option<&Bound> {
        self.bound.get(expr)?.as_ref()
    }

    /// Binds an expression. Where it is kept in a variable without a type, the variable has its type.
    pub fn put(&mut self, program: &Program, expr: usize, bound: Bound) {
        if let Bound::Pure(pure) = &bound {
            self.keep_type(program, expr, pure.field_type());
        }
        if let Some(place) = self.bound.get_mut(expr) {
            *place = Some(bound);
        }
    }

    /// The type of what a variable without a type is given.
    pub fn keep_type(&mut self, program: &Program, expr: usize, field_type: &FieldType) {
        let kept = program.steps.iter().find_map(|step| match step {
            Step::Keep { slot, expr: kept } if *kept == expr => Some(*slot),
            _ => None,
        });
        if let Some(slot) = kept {
            self.types[slot] = field_type.clone();
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
