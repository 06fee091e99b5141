//! What the branches of an OR have in common.

use super::prints::Prints;
use crate::common::SqlResult;
use crate::sql::expr::{Expr, Function};

/// The parts of a condition that must each be true. What all branches of an OR demand is taken out of it: `(a AND b) OR (a AND c)` is
/// `a AND (b OR c)`, whatever of them is NULL; so `a` may be the key of a join, or find rows by an index.
pub(super) fn split(condition: Expr) -> SqlResult<Vec<Expr>> {
    let mut parts = Vec::new();
    for part in condition.split_conjunction() {
        match part {
            Expr::Call { function: Function::Or, args, field_type } => {
                split_branches(
                    Expr::Call { function: Function::Or, args, field_type },
                    &mut parts,
                )?;
            }
            other => parts.push(other),
        }
    }
    Ok(parts)
}

fn split_branches(or: Expr, parts: &mut Vec<Expr>) -> SqlResult<()> {
    let Expr::Call { args, .. } = &or else {
        parts.push(or);
        return Ok(());
    };
    let common = common_parts(args);
    if common.is_empty() {
        parts.push(or);
        return Ok(());
    }
    let known = Prints::of(common.iter());
    let mut rests = Vec::with_capacity(args.len());
    for branch in args {
        let mut rest = branch.clone().split_conjunction();
        rest.retain(|part| known.find(part, |position| &common[position]).is_none());
        match Expr::conjunction(rest) {
            Some(rest) => rests.push(rest),
            // What they have in common is all that this one demands.
            None => {
                rests.clear();
                break;
            }
        }
    }
    for part in common {
        parts.extend(split(part)?);
    }
    if !rests.is_empty() {
        parts.push(Expr::call(Function::Or, rests)?);
    }
    Ok(())
}

/// What a condition demands of some columns alone, if every branch of it says something of them: `(p = 1 AND l = 2) OR (p = 3 AND l = 4)`
/// cannot hold where `p = 1 OR p = 3` does not. `about` says which parts speak of them, and may be asked of rows that the whole
/// condition is not asked of. `None` if it is no OR: then it is known already.
pub(super) fn implied(condition: &Expr, about: &impl Fn(&Expr) -> bool) -> SqlResult<Option<Expr>> {
    match condition {
        Expr::Call { function: Function::Or, .. } => demanded(condition, about),
        _ => Ok(None),
    }
}

fn demanded(condition: &Expr, about: &impl Fn(&Expr) -> bool) -> SqlResult<Option<Expr>> {
    match condition {
        Expr::Call { function: Function::And, args, .. } => {
            let parts = args.iter().map(|arg| demanded(arg, about));
            let parts: Vec<Option<Expr>> = parts.collect::<SqlResult<_>>()?;
            Ok(Expr::conjunction(parts.into_iter().flatten().collect()))
        }
        Expr::Call { function: Function::Or, args, .. } => {
            let mut branches = Vec::with_capacity(args.len());
            for arg in args {
                let Some(branch) = demanded(arg, about)? else { return Ok(None) };
                branches.push(branch);
            }
            Expr::call(Function::Or, branches).map(Some)
        }
        part => Ok(about(part).then(|| part.clone())),
    }
}

/// What each of the branches demands, as the first one says it.
fn common_parts(branches: &[Expr]) -> Vec<Expr> {
    let [first, others @ ..] = branches else { return Vec::new() };
    let mut common: Vec<&Expr> = Vec::new();
    conjuncts(first, &mut common);
    common.retain(|part| part.is_deterministic());
    for branch in others {
        if common.is_empty() {
            break;
        }
        let mut parts = Vec::new();
        conjuncts(branch, &mut parts);
        let known = Prints::of(parts.iter().copied());
        common.retain(|part| known.find(part, |position| parts[position]).is_some());
    }
    common.into_iter().cloned().collect()
}

/// The parts of an AND, those of ANDs in it among them.
fn conjuncts<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Call { function: Function::And, args, .. } => {
            args.iter().for_each(|arg| conjuncts(arg, parts));
        }
        other => parts.push(other),
    }
}
