//! Operators: what a region is being taken through, step by step.
//!
//! A [`Plan`] is what somebody wants done; accepted, it is an [`Operator`], of which a region has one at a time. The step at
//! hand is given to the region's leader in the answer to its reports until a report shows it done; stores ask which
//! regions have an order that was not given yet. An operator
//! ends when its last step is done, when a step takes too long or its store is down, when a step has become impossible, or when it is cancelled;
//! whatever it leaves behind (a learner, say) the replica checker clears away.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::Serialize;

use super::cluster::{ClusterMap, RegionReport, StoreCondition};
use super::goals::Goals;
use super::order::RegionOrder;
use crate::common::{RegionId, StoreId};
use crate::storage::region::{Peer, PeerRole};

/// How many finished operators are remembered.
const HISTORY: usize = 128;
/// How long a step may take that moves no data.
const QUICK_STEP_MS: u64 = 60_000;
/// How long a step may look undone that moves no data before the region is told again.
const TELL_AGAIN_MS: u64 = 3_000;
/// How long a step may take that reads a region's data.
const SCAN_STEP_MS: u64 = 5 * 60_000;
/// How long a step may take that moves a region's data.
const SLOW_STEP_MS: u64 = 30 * 60_000;

/// One in so many of the leaders by which stores differ may move at a time,
const LEADERS_SHARE: u64 = 8;
/// and not more than this, if the goals do not allow more.
const LEADERS_MOST: usize = 128;

/// Why an operator is there: each kind has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorKind {
    /// A region lacks replicas, or has the wrong ones.
    Replica,
    /// Stores lead unevenly, or one is to lead nothing.
    Leader,
    /// Stores carry unevenly.
    Region,
    /// A region is too small.
    Merge,
    /// A region is too large.
    Split,
    /// Somebody asked for it: no limit.
    Admin,
}

/// One step of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Adds a replica that does not vote. Its id is 0 until one is allocated.
    AddLearner {
        /// The replica.
        peer: Peer,
    },
    /// Lets the learner on a store vote, once it has caught up.
    Promote {
        /// Where.
        store_id: StoreId,
    },
    /// Hands leadership over.
    TransferLeader {
        /// To the voter there.
        store_id: StoreId,
    },
    /// Removes the replica on a store.
    RemovePeer {
        /// Where.
        store_id: StoreId,
    },
    /// Becomes part of a neighbour.
    Merge {
        /// The neighbour.
        target: RegionId,
    },
    /// Splits in the middle.
    Split,
}

impl Step {
    fn is_done(&self, report: &RegionReport, version: u64) -> bool {
        let on = |store_id: &StoreId| report.region.peer_on(*store_id);
        match self {
            Step::AddLearner { peer } => on(&peer.store_id).is_some(),
            Step::Promote { store_id } => {
                on(store_id).is_some_and(|peer| peer.role == PeerRole::Voter)
            }
            Step::TransferLeader { store_id } => report.leader.store_id == *store_id,
            Step::RemovePeer { store_id } => on(store_id).is_none(),
            // Done when the target has the range and the region is not known any more: see `expire`.
            Step::Merge { .. } => false,
            Step::Split => report.region.epoch.version != version,
        }
    }

    /// What the region is told, or why the step is impossible by now.
    fn order(
        &self,
        report: &RegionReport,
        cluster: &ClusterMap,
    ) -> Result<RegionOrder, &'static str> {
        let on = |store_id: &StoreId| report.region.peer_on(*store_id);
        match self {
            Step::AddLearner { peer } if cluster.is_stopping(peer.store_id) => {
                Err("the store that was to have a replica stops")
            }
            Step::AddLearner { peer } => Ok(RegionOrder::AddPeer { peer: *peer }),
            Step::Promote { store_id } => {
                let learner = on(store_id).ok_or("the learner is gone")?;
                Ok(RegionOrder::AddPeer { peer: Peer { role: PeerRole::Voter, ..learner } })
            }
            Step::TransferLeader { store_id } => {
                let to = on(store_id).ok_or("the replica that was to lead is gone")?;
                if cluster.is_stopping(*store_id) {
                    return Err("the store that was to lead stops");
                }
                if to.role == PeerRole::Learner {
                    return Err("the replica that was to lead does not vote");
                }
                Ok(RegionOrder::TransferLeader { to })
            }
            Step::RemovePeer { store_id } => {
                Ok(RegionOrder::RemovePeer { peer: on(store_id).ok_or("the replica is gone")? })
            }
            Step::Merge { target } => {
                let target = cluster.regions().by_id(*target).ok_or("the neighbour is gone")?;
                Ok(RegionOrder::Merge { target: Box::new(target.region.clone()) })
            }
            Step::Split if report.unsplittable => Err("the region has no place to be split at"),
            Step::Split => Ok(RegionOrder::Split),
        }
    }

    /// The store that has to do something for it.
    fn needs(&self) -> Option<StoreId> {
        match self {
            Step::AddLearner { peer } => Some(peer.store_id),
            Step::Promote { store_id } | Step::TransferLeader { store_id } => Some(*store_id),
            Step::RemovePeer { .. } | Step::Merge { .. } | Step::Split => None,
        }
    }

    fn timeout_ms(&self) -> u64 {
        match self {
            Step::Promote { .. } | Step::Merge { .. } => SLOW_STEP_MS,
            Step::Split => SCAN_STEP_MS,
            _ => QUICK_STEP_MS,
        }
    }

    /// How long it may look undone before the region is told again: it may have been busy, or not have heard.
    fn tell_again_ms(&self) -> Option<u64> {
        match self.timeout_ms() {
            QUICK_STEP_MS => Some(TELL_AGAIN_MS),
            SCAN_STEP_MS => Some(SCAN_STEP_MS / 5),
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::AddLearner { peer } => {
                write!(f, "add learner peer {} on store {}", peer.id, peer.store_id)
            }
            Step::Promote { store_id } => write!(f, "promote learner on store {store_id} to voter"),
            Step::TransferLeader { store_id } => write!(f, "transfer leader to store {store_id}"),
            Step::RemovePeer { store_id } => write!(f, "remove peer on store {store_id}"),
            Step::Merge { target } => write!(f, "merge region into region {target}"),
            Step::Split => f.write_str("split region"),
        }
    }
}

/// What somebody wants done to a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The region.
    pub region: RegionId,
    /// Why.
    pub kind: OperatorKind,
    /// In words: `replace-down-peer`.
    pub name: &'static str,
    /// How.
    pub steps: Vec<Step>,
}

/// How an operator stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum OperatorState {
    /// It is at a step.
    Running,
    /// All steps are done.
    Success,
    /// A step took too long.
    Timeout,
    /// It was given up, and why.
    Cancelled(&'static str),
}

/// A plan that is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// What is wanted.
    pub plan: Plan,
    /// The step at hand.
    pub at: usize,
    /// How it stands.
    pub state: OperatorState,
    /// The region's version when it began: a split is done once it has another.
    pub version: u64,
    /// Unix milliseconds of the beginning.
    pub created_unix_ms: u64,
    /// Unix milliseconds of the beginning of the step at hand; of the end, when it is over.
    pub since_unix_ms: u64,
    /// Unix milliseconds at which the region's leader was last told of the step at hand.
    pub told_unix_ms: Option<u64>,
}

impl Operator {
    /// Whether the region's leader has yet to hear of the step at hand, or seems not to have.
    fn is_untold(&self, now_unix_ms: u64) -> bool {
        let Some(step) = self.remaining().first() else { return false };
        let again = step.tell_again_ms();
        let is_over = |told: u64| again.is_some_and(|again| told + again <= now_unix_ms);
        self.told_unix_ms.is_none_or(is_over)
    }

    fn remaining(&self) -> &[Step] {
        &self.plan.steps[self.at.min(self.plan.steps.len())..]
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { region, kind, name, steps } = &self.plan;
        let steps: Vec<String> = steps.iter().map(Step::to_string).collect();
        write!(
            f,
            "{name} {{{}}} (kind:{kind:?}, region:{region}, createAt:{}, currentStep:{}, steps:[{}])",
            steps.last().map_or("", String::as_str),
            self.created_unix_ms,
            self.at,
            steps.join(", "),
        )
    }
}

/// What the operators under way will change about a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Influence {
    /// Leaders it gains.
    pub leaders: i64,
    /// Score it gains.
    pub score: i64,
    /// Replicas that come or go.
    pub moves: u64,
}

/// How many operators of a kind may be under way. Moving a leader costs little: the further stores are from balance, the more
/// of them move at a time, so that it is a matter of seconds after a table was split into thousands of regions, too.
pub(super) fn limit(kind: OperatorKind, goals: &Goals, cluster: &ClusterMap) -> usize {
    let limit = goals.limit(kind);
    if kind != OperatorKind::Leader || limit == 0 {
        return limit;
    }
    let leaders = || cluster.up_stores().map(|store| cluster.load(store.meta.id).leaders);
    let apart = leaders().max().unwrap_or(0) - leaders().min().unwrap_or(0);
    limit.max(usize::try_from(apart / LEADERS_SHARE).unwrap_or(0).min(LEADERS_MOST))
}

/// The operators under way and the last ones that are over.
#[derive(Clone, Debug, Default)]
pub struct Operators {
    running: BTreeMap<RegionId, Operator>,
    finished: VecDeque<Operator>,
}

impl Operators {
    /// Begins to carry a plan out, unless limits or another operator stand against it.
    pub fn add(
        &mut self,
        plan: Plan,
        cluster: &ClusterMap,
        goals: &Goals,
    ) -> Result<(), &'static str> {
        let report = cluster.regions().by_id(plan.region).ok_or("the region is not known")?;
        self.admits(&plan, goals, cluster)?;
        let operator = Operator {
            version: report.region.epoch.version,
            at: 0,
            state: OperatorState::Running,
            created_unix_ms: cluster.now_unix_ms(),
            since_unix_ms: cluster.now_unix_ms(),
            told_unix_ms: None,
            plan,
        };
        self.running.insert(operator.plan.region, operator);
        Ok(())
    }

    fn admits(&self, plan: &Plan, goals: &Goals, cluster: &ClusterMap) -> Result<(), &'static str> {
        let target = plan.steps.iter().find_map(|step| match step {
            Step::Merge { target } => Some(*target),
            _ => None,
        });
        if self.is_busy(plan.region) || target.is_some_and(|target| self.is_busy(target)) {
            return Err("the region has another operator");
        }
        if plan.kind == OperatorKind::Admin {
            return Ok(());
        }
        if self.count(plan.kind) >= limit(plan.kind, goals, cluster) {
            return Err("as many operators of the kind as may be are under way");
        }
        let influences = self.influences(cluster);
        let full = plan.steps.iter().any(|step| match step {
            Step::AddLearner { peer: Peer { store_id, .. } } | Step::RemovePeer { store_id } => {
                influences.get(store_id).is_some_and(|now| now.moves >= goals.store_limit)
            }
            _ => false,
        });
        if full {
            Err("a store gains or loses as many replicas as it may at a time")
        } else {
            Ok(())
        }
    }

    /// Whether a region has an operator, or is to take another in.
    pub fn is_busy(&self, region: RegionId) -> bool {
        self.running.contains_key(&region)
            || self
                .running
                .values()
                .any(|operator| operator.plan.steps.contains(&Step::Merge { target: region }))
    }

    /// How many of a kind are under way.
    pub fn count(&self, kind: OperatorKind) -> usize {
        self.running.values().filter(|operator| operator.plan.kind == kind).count()
    }

    /// What will change about each store.
    pub fn influences(&self, cluster: &ClusterMap) -> BTreeMap<StoreId, Influence> {
        let mut influences: BTreeMap<StoreId, Influence> = BTreeMap::new();
        for operator in self.running.values() {
            let Some(report) = cluster.regions().by_id(operator.plan.region) else { continue };
            let score = i64::try_from(report.score()).unwrap_or(i64::MAX);
            for step in operator.remaining() {
                match step {
                    Step::AddLearner { peer } => {
                        let store = influences.entry(peer.store_id).or_default();
                        store.score += score;
                        store.moves += 1;
                    }
                    Step::RemovePeer { store_id } => {
                        let store = influences.entry(*store_id).or_default();
                        store.score -= score;
                        store.moves += 1;
                    }
                    Step::TransferLeader { store_id } => {
                        influences.entry(*store_id).or_default().leaders += 1;
                        influences.entry(report.leader.store_id).or_default().leaders -= 1;
                    }
                    // The data is on its way, though the replica is counted already.
                    Step::Promote { store_id } if operator.at > 0 => {
                        influences.entry(*store_id).or_default().moves += 1;
                    }
                    Step::Promote { .. } | Step::Merge { .. } | Step::Split => {}
                }
            }
        }
        influences
    }

    /// Goes on with a region's operator by what its leader reports; answers what it is to do next.
    pub fn on_report(
        &mut self,
        report: &RegionReport,
        cluster: &ClusterMap,
    ) -> Option<RegionOrder> {
        let now = cluster.now_unix_ms();
        let operator = self.running.get_mut(&report.region.id)?;
        while let Some(step) = operator.plan.steps.get(operator.at) {
            if !step.is_done(report, operator.version) {
                break;
            }
            operator.at += 1;
            operator.since_unix_ms = now;
            operator.told_unix_ms = None;
        }
        let next = operator.plan.steps.get(operator.at).copied();
        let outcome = match next {
            None => OperatorState::Success,
            Some(step) => match step.order(report, cluster) {
                Ok(order) => {
                    operator.told_unix_ms = Some(now);
                    return Some(order);
                }
                Err(reason) => OperatorState::Cancelled(reason),
            },
        };
        self.end(report.region.id, outcome, now);
        None
    }

    /// The regions led on a store that have an order to be told of.
    pub fn untold(&self, store_id: StoreId, cluster: &ClusterMap) -> Vec<RegionId> {
        let leads = |region: &RegionId| {
            cluster.regions().by_id(*region).is_some_and(|known| known.leader.store_id == store_id)
        };
        let now = cluster.now_unix_ms();
        let untold = self.running.iter().filter(|(_, operator)| operator.is_untold(now));
        untold.map(|(region, _)| *region).filter(leads).collect()
    }

    /// Ends what takes too long, whose region is gone, or what waits for a store that is down. To be called from time to
    /// time.
    pub fn expire(&mut self, cluster: &ClusterMap, goals: &Goals) {
        let now = cluster.now_unix_ms();
        let is_down = |id: StoreId| {
            let condition = cluster.store(id).map(|store| cluster.condition(store, goals));
            matches!(condition, Some(StoreCondition::Down | StoreCondition::Tombstone))
        };
        let ended: Vec<(RegionId, OperatorState)> = self
            .running
            .iter()
            .filter_map(|(region, operator)| {
                if cluster.regions().by_id(*region).is_none() {
                    let merged = matches!(operator.remaining().first(), Some(Step::Merge { .. }));
                    let gone = OperatorState::Cancelled("the region is gone");
                    return Some((*region, if merged { OperatorState::Success } else { gone }));
                }
                let step = operator.remaining().first()?;
                if step.needs().is_some_and(is_down) {
                    return Some((*region, OperatorState::Cancelled("its store is down")));
                }
                let late = now.saturating_sub(operator.since_unix_ms) > step.timeout_ms();
                late.then_some((*region, OperatorState::Timeout))
            })
            .collect();
        for (region, state) in ended {
            self.end(region, state, now);
        }
    }

    /// Gives an operator up; answers whether there was one.
    pub fn cancel(&mut self, region: RegionId, now_unix_ms: u64) -> bool {
        self.end(region, OperatorState::Cancelled("somebody asked for it"), now_unix_ms)
    }

    fn end(&mut self, region: RegionId, state: OperatorState, now_unix_ms: u64) -> bool {
        let Some(mut operator) = self.running.remove(&region) else { return false };
        operator.state = state;
        operator.since_unix_ms = now_unix_ms;
        self.finished.truncate(HISTORY - 1);
        self.finished.push_front(operator);
        true
    }

    /// Those under way, by region.
    pub fn running(&self) -> impl Iterator<Item = &Operator> {
        self.running.values()
    }

    /// The one of a region.
    pub fn of(&self, region: RegionId) -> Option<&Operator> {
        self.running.get(&region)
    }

    /// Those that are over, the latest first.
    pub fn finished(&self) -> impl Iterator<Item = &Operator> {
        self.finished.iter()
    }
}
