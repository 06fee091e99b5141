//! Statements by digest: how often they ran and what they cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::Ran;
use crate::sql::digest::{digest_name, digest_text};
use crate::sql::system::Digest;

/// So many digests are kept; what comes after goes into one that stands for all others.
const KEPT: usize = 3000;
/// The fingerprint of the others.
const OTHERS: u64 = 0;
/// Of a statement's text so much is kept as an example.
const SAMPLE_LIMIT: usize = 1024;
/// Buckets of latencies: each twice as long as the one before, the first up to a microsecond.
const BUCKETS: usize = 32;

/// What is known of a digest.
#[derive(Debug)]
pub struct Summary {
    /// The database in use.
    pub database: Option<String>,
    /// `None`: of all that found no place.
    pub digest: Option<String>,
    /// The statement without its values.
    pub text: Option<String>,
    /// The first one.
    pub sample: Option<String>,
    /// When it was first seen, in microseconds since 1970.
    pub first_micros: u64,
    count: AtomicU64,
    errors: AtomicU64,
    warnings: AtomicU64,
    sum_nanos: AtomicU64,
    min_nanos: AtomicU64,
    max_nanos: AtomicU64,
    sent: AtomicU64,
    affected: AtomicU64,
    examined: AtomicU64,
    last_micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// The numbers of a [`Summary`] at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// How often it ran.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// All its time.
    pub sum: Duration,
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// Rows sent.
    pub sent: u64,
    /// Rows changed.
    pub affected: u64,
    /// Rows read.
    pub examined: u64,
    /// When it was last seen, in microseconds since 1970.
    pub last_micros: u64,
}

impl Summary {
    fn new(ran: &Ran<'_>, named: bool) -> Summary {
        let text = named.then(|| digest_text(ran.text));
        let sample = &ran.text[..ran.text.len().min(SAMPLE_LIMIT)];
        Summary {
            database: ran.database.filter(|_| named).map(str::to_owned),
            digest: text.as_deref().map(digest_name),
            sample: named.then(|| String::from_utf8_lossy(sample).into_owned()),
            text,
            first_micros: ran.now_micros,
            count: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            warnings: AtomicU64::new(0),
            sum_nanos: AtomicU64::new(0),
            min_nanos: AtomicU64::new(u64::MAX),
            max_nanos: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            affected: AtomicU64::new(0),
            examined: AtomicU64::new(0),
            last_micros: AtomicU64::new(0),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    fn add(&self, ran: &Ran<'_>) {
        let outcome = &ran.outcome;
        let nanos = u64::try_from(outcome.elapsed.as_nanos()).unwrap_or(u64::MAX);
        let add = |counter: &AtomicU64, more: u64| {
            if more > 0 {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        };
        add(&self.count, 1);
        add(&self.errors, outcome.error.is_some().into());
        add(&self.warnings, outcome.warnings);
        add(&self.sum_nanos, nanos);
        add(&self.sent, outcome.sent);
        add(&self.affected, outcome.affected);
        add(&self.examined, outcome.examined);
        self.min_nanos.fetch_min(nanos, Ordering::Relaxed);
        self.max_nanos.fetch_max(nanos, Ordering::Relaxed);
        self.last_micros.fetch_max(ran.now_micros, Ordering::Relaxed);
        add(&self.buckets[bucket(nanos)], 1);
    }

    /// The numbers now.
    pub fn numbers(&self) -> Numbers {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let nanos = |counter: &AtomicU64| Duration::from_nanos(of(counter));
        Numbers {
            count: of(&self.count),
            errors: of(&self.errors),
            warnings: of(&self.warnings),
            sum: nanos(&self.sum_nanos),
            min: nanos(&self.min_nanos),
            max: nanos(&self.max_nanos),
            sent: of(&self.sent),
            affected: of(&self.affected),
            examined: of(&self.examined),
            last_micros: of(&self.last_micros),
        }
    }

    /// What is told of it.
    pub fn facts(&self) -> Digest {
        let numbers = self.numbers();
        Digest {
            database: self.database.clone(),
            digest: self.digest.clone(),
            text: self.text.clone(),
            sample: self.sample.clone(),
            first_micros: self.first_micros,
            last_micros: numbers.last_micros,
            count: numbers.count,
            errors: numbers.errors,
            warnings: numbers.warnings,
            sum: numbers.sum,
            min: numbers.min,
            max: numbers.max,
            p95: self.quantile(950),
            p99: self.quantile(990),
            p999: self.quantile(999),
            sent: numbers.sent,
            affected: numbers.affected,
            examined: numbers.examined,
        }
    }

    /// A latency that so many of a thousand executions do not exceed, rounded up to a power of two microseconds.
    pub fn quantile(&self, per_mille: u64) -> Duration {
        let counts: Vec<u64> =
            self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let wanted = (counts.iter().sum::<u64>() * per_mille).div_ceil(1000);
        let mut seen = 0;
        for (at, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                let longest = Duration::from_nanos(self.max_nanos.load(Ordering::Relaxed));
                return Duration::from_micros(1 << at).min(longest);
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    let micros = nanos.div_ceil(1000).max(1);
    (u64::BITS - (micros - 1).leading_zeros()).min(BUCKETS as u32 - 1) as usize
}

/// All digests of a node.
#[derive(Debug, Default)]
pub struct Statements {
    by_fingerprint: DashMap<u64, Arc<Summary>>,
}

impl Statements {
    /// Counts a statement.
    pub fn record(&self, ran: &Ran<'_>) {
        if let Some(known) = self.by_fingerprint.get(&ran.fingerprint) {
            known.add(ran);
            return;
        }
        let fits = self.by_fingerprint.len() < KEPT;
        let key = if fits { ran.fingerprint } else { OTHERS };
        let entry = self.by_fingerprint.entry(key);
        let summary = entry.or_insert_with(|| Arc::new(Summary::new(ran, fits))).clone();
        summary.add(ran);
    }

    /// All of them, those that took most time first.
    pub fn list(&self) -> Vec<Arc<Summary>> {
        let mut all: Vec<_> =
            self.by_fingerprint.iter().map(|entry| entry.value().clone()).collect();
        all.sort_by_cached_key(|summary| {
            (std::cmp::Reverse(summary.numbers().sum), summary.text.clone())
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Outcome;
    use super::*;
    use crate::sql::digest::fingerprint;
    use crate::sql::statement::StatementKind;

    fn record(statements: &Statements, text: &str, millis: u64, error: Option<u16>) {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        statements.record(&Ran {
            command: StatementKind::Select,
            fingerprint: fingerprint(text.as_bytes(), None),
            text: &bytes,
            database: None,
            now_micros: 5,
            outcome: Outcome {
                elapsed: Duration::from_millis(millis),
                sent: 2,
                error,
                ..Outcome::default()
            },
        });
    }

    #[test]
    fn statements_are_added_up_by_digest() {
        let statements = Statements::default();
        record(&statements, "SELECT 1", 1, None);
        record(&statements, "SELECT 2", 3, Some(1054));
        record(&statements, "SELECT a", 10, None);
        let list = statements.list();
        assert_eq!(list[0].text.as_deref(), Some("SELECT `a`"));
        assert_eq!(list[1].text.as_deref(), Some("SELECT ?"));
        let numbers = list[1].numbers();
        assert_eq!((numbers.count, numbers.errors, numbers.sent), (2, 1, 4));
        assert_eq!((numbers.min.as_millis(), numbers.max.as_millis()), (1, 3));
        assert_eq!(list[1].quantile(950), Duration::from_millis(3));
    }

    #[test]
    fn there_is_a_limit() {
        let statements = Statements::default();
        for number in 0..KEPT + 50 {
            record(&statements, &format!("SELECT c{number}"), 1, None);
        }
        let list = statements.list();
        assert_eq!(list.len(), KEPT + 1);
        let others = list.iter().find(|summary| summary.digest.is_none()).expect("the others");
        assert_eq!(others.numbers().count, 50);
    }
}
