//! What operators did: EXPLAIN ANALYZE.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::sql::plan::{NodeFigures, PhysicalPlan, TreeFigures};

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

    /// A tree begins to run; `again`: what it has done so far does not count.
    pub(crate) fn begin(&self, plan: &PhysicalPlan, again: bool) {
        let mut trees = self.trees.lock();
        if again {
            trees.all.pop();
        }
        trees.places.clear();
        let mut tree = Vec::new();
        let mut left = vec![plan];
        while let Some(node) = left.pop() {
            let figures = Arc::<NodeFigures>::default();
            trees.places.insert(place(node), figures.clone());
            tree.push(figures);
            left.extend(node.node.children().rev());
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
