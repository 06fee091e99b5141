//! What operators did: EXPLAIN ANALYZE.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::sql::plan::{NodeFigures, PhysicalPlan, PlanNode, TreeFigures};

#[derive(Default)]
struct Trees {
    all: Vec<TreeFigures>,
    /// Where the operators of the tree that runs now are in memory.
    places: HashMap<usize, Arc<NodeFigures>>,
}

/// The figures of a statement that runs.
pub struct Profile {
    now: Box<dyn Fn() -> u64 + Send + Sync>,
    trees: Mutex<Trees>,
}

fn place(plan: &PhysicalPlan) -> usize {
    std::ptr::from_ref(plan) as usize
}

impl Profile {
    /// Nothing has run yet. `now` tells nanoseconds since any moment.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Profile {
        Profile { now: Box::new(now), trees: Mutex::default() }
    }

    /// A tree begins to run, as it is shown and as it is run: with physical tables in the place of those that are divided. `again`: what it has
    /// done so far does not count.
    pub(crate) fn begin(&self, shown: &PhysicalPlan, run: &PhysicalPlan, again: bool) {
        let mut trees = self.trees.lock();
        if again {
            trees.all.pop();
        }
        trees.places.clear();
        let mut tree = Vec::new();
        let mut left = vec![(shown, run)];
        while let Some((shown, run)) = left.pop() {
            let figures = Arc::<NodeFigures>::default();
            tree.push(figures.clone());
            if let PlanNode::Partitions { .. } = shown.node {
                let each = Arc::<NodeFigures>::default();
                tree.push(each.clone());
                match &run.node {
                    PlanNode::UnionAll { inputs } => {
                        trees.places.insert(place(run), figures);
                        let inputs = inputs.iter().map(|input| (place(input), each.clone()));
                        trees.places.extend(inputs);
                    }
                    _ => drop(trees.places.insert(place(run), each)),
                }
                continue;
            }
            trees.places.insert(place(run), figures);
            left.extend(
                shown
                    .node
                    .children()
                    .zip(run.node.children())
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev(),
            );
        }
        trees.all.push(tree);
    }

    /// The figures of an operator of the tree that runs.
    pub(crate) fn of(&self, plan: &PhysicalPlan) -> Option<Arc<NodeFigures>> {
        self.trees.lock().places.get(&place(plan)).cloned()
    }

    /// The time.
    pub(crate) fn now(&self) -> u64 {
        (self.now)()
    }

    /// The trees that ran, in that order: the last are those of the last attempt.
    pub fn trees(&self) -> Vec<TreeFigures> {
        self.trees.lock().all.clone()
    }
}
