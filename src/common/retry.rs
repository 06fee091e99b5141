//! The one policy of trying again: what of which class of errors, how often, and after which pause.
//!
//! Three levels try again, each what the one below could not: a request to a region, a statement, and a transaction that is the server's own. Each
//! asks [`decide`]. What a client began with BEGIN is never run again as a whole: only the client knows what it did with what it read.
//!
//! | level | where | until |
//! |---|---|---|
//! | a request | `actors::kv::request` | its deadline (`Backoff`), which stands still while the other side works |
//! | a statement under locks | `sql::exec::retry` | 64 runs; each keeps the locks it took, so a few do |
//! | a write that is a transaction of its own | the session | 10 runs, the first three without locks |
//! | the server's own transaction | counters, statistics, schema jobs, accounts | 100 runs |
//! | a question to the placement driver | `actors::pd::remote` | its deadline |

use std::time::Duration;

use super::{ErrorClass, SqlError};

/// What a request to a region does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It reads versions, and any replica may serve it.
    Read,
    /// It looks at what only the leader has, and changes nothing.
    Look,
    /// It changes locks or records; done twice is done once.
    Change,
    /// The same, and a transaction may be committed by it: its outcome must be known, or be called unknown.
    Decide,
}

impl Effect {
    /// Whether something may have been done by a request that was not answered.
    pub fn changes(self) -> bool {
        matches!(self, Effect::Change | Effect::Decide)
    }
}

/// What is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A request to a region.
    Request(Effect),
    /// A statement of a pessimistic transaction.
    LockingStatement,
    /// A statement of an optimistic one, which reads at its start whatever others do.
    Statement,
    /// A write that is a transaction of its own.
    Autocommit,
    /// A transaction of the server's own, which decides anew what it writes.
    Bookkeeping,
    /// A question to the placement driver, which may be asked twice.
    Question,
    /// An order to it, to be carried out once.
    Order,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Once more, now.
    AtOnce,
    /// Once more, after [`pause`].
    AfterPause,
    /// The same, and for longer than other requests: the answer decides.
    UntilKnown,
    /// Once more when the lock is out of the way.
    Resolve,
    /// Once more, waiting in the line for its locks.
    InLine,
    /// Once more, with a new plan, when the table is free.
    Replan,
    /// The error is the outcome.
    GiveUp,
}

/// How often a statement under locks is run at most. Every run takes locks it keeps, so that one after a few has them all.
const LOCKING_RUNS: usize = 64;
/// The same of a write that is a transaction of its own.
const AUTOCOMMIT_RUNS: usize = 10;
/// And how many of these runs take no locks.
pub const OPTIMISTIC_RUNS: usize = 3;
/// The same of the server's own transactions: other nodes change the same records at the same time.
const BOOKKEEPING_RUNS: usize = 100;

/// What to do after `runs` runs, of which the last one ended with an error of this class.
pub fn decide(unit: Unit, class: ErrorClass, runs: usize) -> Decision {
    match unit {
        Unit::Request(effect) => after_request(effect, class, runs),
        Unit::LockingStatement => match class {
            ErrorClass::Conflict if runs < LOCKING_RUNS => Decision::AtOnce,
            _ => Decision::GiveUp,
        },
        Unit::Statement => Decision::GiveUp,
        Unit::Autocommit if runs >= AUTOCOMMIT_RUNS => Decision::GiveUp,
        Unit::Autocommit => match class {
            ErrorClass::Conflict | ErrorClass::GaveWay => Decision::AtOnce,
            ErrorClass::Locked => Decision::InLine,
            ErrorClass::OldSchema => Decision::Replan,
            _ => Decision::GiveUp,
        },
        // Until the deadline of who asks.
        Unit::Question | Unit::Order => match class {
            ErrorClass::Elsewhere | ErrorClass::Away => Decision::AfterPause,
            ErrorClass::Lost if unit == Unit::Question => Decision::AfterPause,
            _ => Decision::GiveUp,
        },
        Unit::Bookkeeping => match class {
            ErrorClass::Conflict | ErrorClass::GaveWay if runs < BOOKKEEPING_RUNS => {
                Decision::AfterPause
            }
            _ => Decision::GiveUp,
        },
    }
}

/// Whether something that is not a request is run again as it is, after an error.
pub fn runs_again(unit: Unit, error: &SqlError, runs: usize) -> bool {
    matches!(decide(unit, error.class(), runs), Decision::AtOnce | Decision::AfterPause)
}

fn after_request(effect: Effect, class: ErrorClass, runs: usize) -> Decision {
    match class {
        // The first hint mostly leads there; whoever is sent to and fro pauses.
        ErrorClass::Elsewhere if runs <= 1 => Decision::AtOnce,
        ErrorClass::Elsewhere | ErrorClass::Away | ErrorClass::Busy => Decision::AfterPause,
        ErrorClass::Lost if effect == Effect::Decide => Decision::UntilKnown,
        ErrorClass::Lost => Decision::AfterPause,
        ErrorClass::Locked => Decision::Resolve,
        ErrorClass::Deterministic
        | ErrorClass::WaitedOut
        | ErrorClass::Conflict
        | ErrorClass::GaveWay
        | ErrorClass::OldSchema
        | ErrorClass::DiskFull
        | ErrorClass::TooMuch
        | ErrorClass::Ended
        | ErrorClass::Undetermined
        | ErrorClass::Fatal => Decision::GiveUp,
    }
}

/// The first pause of a request.
const FIRST: Duration = Duration::from_millis(2);
/// Its longest pause.
const LONGEST: Duration = Duration::from_millis(500);
/// The longest before a region is asked again: its new leader may be there at any moment.
const LONGEST_FOR_REGION: Duration = Duration::from_millis(150);
/// Between two runs of the server's own transactions.
pub const BETWEEN_RUNS: Duration = Duration::from_millis(5);

/// Between two questions to the placement driver: its next leader may be there at any moment.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// The longest pause after so many others, from which jitter takes up to a half.
pub fn pause(unit: Unit, pauses: u32) -> Duration {
    match unit {
        Unit::Request(_) => growing(pauses).min(LONGEST_FOR_REGION),
        Unit::Bookkeeping => BETWEEN_RUNS,
        Unit::Question | Unit::Order => BETWEEN_QUESTIONS,
        Unit::LockingStatement | Unit::Statement | Unit::Autocommit => Duration::ZERO,
    }
}

/// The same before a question to the placement driver, or another look at a lock.
pub fn growing(pauses: u32) -> Duration {
    FIRST.saturating_mul(1 << pauses.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [ErrorClass; 15] = [
        ErrorClass::Deterministic,
        ErrorClass::Elsewhere,
        ErrorClass::Away,
        ErrorClass::Busy,
        ErrorClass::Lost,
        ErrorClass::Locked,
        ErrorClass::WaitedOut,
        ErrorClass::Conflict,
        ErrorClass::GaveWay,
        ErrorClass::OldSchema,
        ErrorClass::DiskFull,
        ErrorClass::TooMuch,
        ErrorClass::Ended,
        ErrorClass::Undetermined,
        ErrorClass::Fatal,
    ];
    const UNITS: [Unit; 10] = [
        Unit::Request(Effect::Read),
        Unit::Request(Effect::Look),
        Unit::Request(Effect::Change),
        Unit::Request(Effect::Decide),
        Unit::LockingStatement,
        Unit::Statement,
        Unit::Autocommit,
        Unit::Bookkeeping,
        Unit::Question,
        Unit::Order,
    ];

    /// The whole table after a first run: class by class, in the order of the units; `.` gives up.
    const TABLE: &str = "
        Deterministic . . . . . . . . . .
        Elsewhere     a a a a . . . . p p
        Away          p p p p . . . . p p
        Busy          p p p p . . . . . .
        Lost          p p p k . . . . p .
        Locked        r r r r . . l . . .
        WaitedOut     . . . . . . . . . .
        Conflict      . . . . a . a p . .
        GaveWay       . . . . . . a p . .
        OldSchema     . . . . . . n . . .
        DiskFull      . . . . . . . . . .
        TooMuch       . . . . . . . . . .
        Ended         . . . . . . . . . .
        Undetermined  . . . . . . . . . .
        Fatal         . . . . . . . . . .";

    fn sign(decision: Decision) -> char {
        match decision {
            Decision::AtOnce => 'a',
            Decision::AfterPause => 'p',
            Decision::UntilKnown => 'k',
            Decision::Resolve => 'r',
            Decision::InLine => 'l',
            Decision::Replan => 'n',
            Decision::GiveUp => '.',
        }
    }

    #[test]
    fn each_class_of_errors_has_its_answer_on_each_level() {
        let rows = TABLE.lines().filter(|line| !line.trim().is_empty());
        assert_eq!(rows.clone().count(), CLASSES.len());
        for (row, class) in rows.zip(CLASSES) {
            let mut words = row.split_whitespace();
            assert_eq!(words.next(), Some(&*format!("{class:?}")));
            let expected: Vec<&str> = words.collect();
            let decided = UNITS.map(|unit| sign(decide(unit, class, 1)).to_string());
            assert_eq!(decided.as_slice(), expected, "{class:?}");
        }
    }

    #[test]
    fn nothing_is_run_for_ever_but_what_has_a_deadline() {
        for unit in UNITS {
            for class in CLASSES {
                let late = decide(unit, class, 1000);
                match unit {
                    Unit::Request(_) | Unit::Question | Unit::Order => {
                        assert_ne!(late, Decision::AtOnce, "{class:?}");
                    }
                    _ => assert_eq!(late, Decision::GiveUp, "{unit:?} {class:?}"),
                }
            }
        }
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let region = |pauses| pause(Unit::Request(Effect::Read), pauses);
        assert_eq!(region(0), FIRST);
        assert_eq!(region(3), 8 * FIRST);
        assert_eq!(region(100), LONGEST_FOR_REGION);
        assert_eq!(growing(100), LONGEST);
    }
}
