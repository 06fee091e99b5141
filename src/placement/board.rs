//! All that PD's leader decides on, together.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{ClusterMap, RegionReport};
use super::goals::Goals;
use super::operator::{Operators, Plan};
use super::scheduler::{Decision, Scheduler, mend};
use super::state::PdState;
use crate::common::StoreId;

/// What PD's leader knows and is doing: heard and decided since it leads.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// The cluster as it is reported.
    pub cluster: ClusterMap,
    /// What regions are being taken through.
    pub operators: Operators,
    /// What is wanted: the configured goals with the settings changed since.
    pub goals: Goals,
    /// Stores that are to lead nothing.
    pub evicting: BTreeSet<StoreId>,
    /// Schedulers that are stopped, by name.
    pub paused: BTreeSet<String>,
}

impl Board {
    /// A leader's board at the beginning of its term.
    pub fn new(state: &PdState, goals: Goals, now_unix_ms: u64) -> Board {
        let mut board = Board { cluster: ClusterMap::since(now_unix_ms), ..Board::default() };
        board.refresh(state, goals);
        board
    }

    /// Takes over what the durable state says of stores, settings and schedulers.
    pub fn refresh(&mut self, state: &PdState, goals: Goals) {
        for store in state.stores() {
            self.cluster.put_store(store.clone());
        }
        self.goals = goals.with(state.settings());
        self.evicting = state.evicting().collect();
        self.paused = state.paused().map(str::to_owned).collect();
    }

    /// What a scheduler wants done now: as much as limits allow and at most `most`, and its last word.
    pub fn plan(&self, scheduler: Scheduler, most: usize) -> (Vec<Plan>, &'static str) {
        if self.paused.contains(scheduler.name()) {
            return (Vec::new(), "stopped");
        }
        let mut plans = Vec::new();
        let mut operators = self.operators.clone();
        while plans.len() < most {
            match scheduler.decide(self, &operators) {
                Decision::Nothing { reason } => return (plans, reason),
                Decision::Do(plan) => match operators.add(plan.clone(), &self.cluster, &self.goals)
                {
                    Ok(()) => plans.push(plan),
                    Err(reason) => return (plans, reason),
                },
            }
        }
        (plans, "more is to be done")
    }

    /// What the replica checker wants done to one region, which has just been reported: it is told in the answer.
    pub fn mend(&self, report: &RegionReport) -> Option<Plan> {
        let is_stopped = self.paused.contains(Scheduler::Replica.name());
        match mend(self, &self.operators, report) {
            Decision::Do(plan) if !is_stopped => Some(plan),
            Decision::Do(_) | Decision::Nothing { .. } => None,
        }
    }

    /// Stores that were being emptied and are empty: nobody has a replica on them. Says none until every key's region
    /// was heard of, or the regions not heard of would be forgotten.
    pub fn drained(&self) -> Vec<StoreId> {
        use super::cluster::StoreState::Offline;
        if !self.cluster.regions().covers_all_keys() {
            return Vec::new();
        }
        let stores = self.cluster.stores().filter(|store| store.meta.state == Offline);
        stores
            .map(|store| store.meta.id)
            .filter(|id| self.cluster.load(*id).replicas == 0)
            .collect()
    }

    /// What operators will change about stores, on top of what is reported.
    pub(super) fn scores(&self, operators: &Operators) -> BTreeMap<StoreId, (i64, i64)> {
        let influences = operators.influences(&self.cluster);
        self.cluster
            .stores()
            .map(|store| {
                let (load, id) = (self.cluster.load(store.meta.id), store.meta.id);
                let change = influences.get(&id).copied().unwrap_or_default();
                let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
                (id, (signed(load.leaders) + change.leaders, signed(load.score) + change.score))
            })
            .collect()
    }
}
