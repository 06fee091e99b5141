//! Runs scripts against one region on the engine in memory.
//!
//! Timestamps are plain numbers, or `5ms` for physical time 5, or `max`. Values that start with `long` are padded to 300
//! bytes. Mutations: `put/KEY/VALUE`, `delete/KEY`, `lock/KEY`, `insert/KEY/VALUE`, `absent/KEY`; a fourth part
//! `exist` or `notexist` asserts. Lists are joined by dots.
//!
//! ```text
//! prewrite START MUTATION… [primary=K] [ttl=MS] [for_update=TS] [min_commit=TS] [one_pc=true] [async=K.K|none]
//!          [action=check|skip|constraint]
//! commit START COMMIT KEY…
//! rollback START KEY…
//! status PRIMARY START [caller=TS] [now=TS] [rollback=false] [pessimistic=true]
//! secondaries START KEY…
//! resolve START [commit=TS] [KEY…]
//! heartbeat PRIMARY START ttl=MS
//! lock START KEY… for_update=TS [primary=K] [ttl=MS] [absent=true] [values=true] [nowait=true]
//! unlock START KEY… for_update=TS
//! scan_lock MAX_TS [START [END]] [limit=N]
//! gc SAFE_POINT [START [END]]
//! delete_range START END
//! get KEY TS [resolved=TS.TS]
//! batch_get TS KEY… [resolved=TS.TS]
//! scan TS [START [END]] [limit=N] [reverse=true] [key_only=true] [resolved=TS.TS]
//! dump                 every record
//! memory               the pessimistic locks in memory
//! max_ts [TS]          shows it, or raises it first
//! unsynced             the leader's max_ts is not synchronized from now on
//! handover             writes the pessimistic locks into the lock family and forgets them
//! crash                the leader forgets its pessimistic locks
//! apply                applies the oldest write held back by the tag [hold]
//! drop                 drops it
//! ```

use std::collections::VecDeque;
use std::error::Error;

use bytes::Bytes;
use goldenscript::{ArgumentConsumer, Command, Context};

use super::format;
use crate::common::Timestamp;
use crate::storage::engine::{Engine, MemoryEngine};
use crate::storage::mvcc::KeyRange;
use crate::storage::txn::{
    Assertion, CheckTxnStatus, CommandContext, CommitKeys, ConcurrencyManager, Decision, KvRequest,
    LockTable, Mutation, MutationKind, Outcome, Pass, PessimisticAction, PessimisticLock, Prewrite,
    WaitPolicy, admit, execute, footprint, read,
};

type Output = Result<String, Box<dyn Error>>;

pub(super) struct Runner {
    engine: MemoryEngine,
    locks: LockTable,
    concurrency: ConcurrencyManager,
    range: KeyRange,
    max_ts_synced: bool,
    held: VecDeque<Decision>,
}

impl Runner {
    pub(super) fn new() -> Runner {
        Runner {
            engine: MemoryEngine::new(),
            locks: LockTable::new(),
            concurrency: ConcurrencyManager::new(),
            range: KeyRange::all(),
            max_ts_synced: true,
            held: VecDeque::new(),
        }
    }

    fn context(&self) -> CommandContext<'_> {
        CommandContext {
            reader: &self.engine,
            locks: &self.locks,
            concurrency: &self.concurrency,
            range: &self.range,
            max_ts_synced: self.max_ts_synced,
        }
    }

    /// Runs a command as a region's leader does, round by round.
    fn command(&mut self, request: KvRequest, hold: bool) -> Output {
        let mut request = Box::new(request);
        loop {
            let round = footprint(&self.context(), &request)?;
            let output = match execute(&self.context(), &request, &round.keys)? {
                Outcome::Reply(response) => format::response(&response),
                Outcome::Write(decision) if hold => {
                    let output = format!("held: {}", format::response(&decision.response));
                    self.held.push_back(*decision);
                    output
                }
                Outcome::Write(decision) => self.apply(*decision)?,
                Outcome::WaitForLock { lock, timeout_ms } => {
                    format!("wait {timeout_ms}ms for {}", format::lock(&lock))
                }
                Outcome::Error(error) => return Err(format::error(&error).into()),
            };
            match round.rest {
                Some(rest) => request = rest,
                None => return Ok(output),
            }
        }
    }

    fn apply(&mut self, decision: Decision) -> Output {
        let Decision { batch, response, mut effects } = decision;
        if !batch.is_empty() {
            self.engine.write(batch, false)?;
        }
        let unlocked = effects.apply(&mut self.locks);
        let mut output = format::response(&response);
        if !unlocked.is_empty() {
            output += &format!("\nunlocked: {}", format::key_list(&unlocked));
        }
        Ok(output)
    }

    fn read(&self, request: &KvRequest) -> Output {
        if let Err(error) = admit(&self.concurrency, request) {
            return Err(format::error(&error).into());
        }
        match read(&*self.engine.snapshot(), &self.range, request) {
            Ok(response) => Ok(format::response(&response)),
            Err(crate::storage::mvcc::Error::Key(error)) => Err(format::error(&error).into()),
            Err(error) => Err(error.into()),
        }
    }

    fn memory(&self) -> String {
        let locks = self.locks.range(b"", b"");
        let lines = locks.map(|(key, entry)| format::lock(&entry.to_lock().info(key)));
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() { "no locks".into() } else { lines.join("\n") }
    }

    fn control(&mut self, name: &str, args: &mut ArgumentConsumer<'_>) -> Output {
        Ok(match name {
            "dump" => format::dump(&self.engine),
            "memory" => self.memory(),
            "max_ts" => {
                if let Some(ts) = args.next_pos() {
                    self.concurrency.push_max_ts(format::parse_ts(ts)?);
                }
                format::ts(self.concurrency.max_ts())
            }
            "unsynced" => {
                self.max_ts_synced = false;
                String::new()
            }
            "handover" => {
                self.engine.write(self.locks.persist(), false)?;
                self.locks.clear();
                String::new()
            }
            "crash" => {
                self.locks.clear();
                String::new()
            }
            "apply" => {
                let decision = self.held.pop_front().ok_or("nothing is held back")?;
                self.apply(decision)?
            }
            "drop" => {
                self.held.pop_front().ok_or("nothing is held back")?;
                String::new()
            }
            _ => return Err(format!("unknown command {name}").into()),
        })
    }
}

impl goldenscript::Runner for Runner {
    type Command = Command;

    fn run(&mut self, command: &Command, context: &Context) -> Output {
        let mut args = command.consume_args();
        let output = match parse(&command.name, &mut args)? {
            Some(
                request @ (KvRequest::Get { .. }
                | KvRequest::BatchGet { .. }
                | KvRequest::Scan { .. }),
            ) => self.read(&request),
            Some(request) => self.command(request, context.tags.contains("hold")),
            None => self.control(&command.name, &mut args),
        };
        args.reject_next()?;
        output
    }
}

/// A request, or none for the commands of the runner itself.
fn parse(name: &str, args: &mut ArgumentConsumer<'_>) -> Result<Option<KvRequest>, Box<dyn Error>> {
    Ok(Some(match name {
        "prewrite" => KvRequest::Prewrite(parse_prewrite(args)?),
        "commit" => {
            let (start_ts, commit_ts) = (pos_ts(args)?, pos_ts(args)?);
            KvRequest::Commit(CommitKeys { keys: keys(args), start_ts, commit_ts })
        }
        "rollback" => {
            let start_ts = pos_ts(args)?;
            KvRequest::Rollback { keys: keys(args), start_ts }
        }
        "status" => KvRequest::CheckTxnStatus(CheckTxnStatus {
            primary: pos_key(args)?,
            lock_ts: pos_ts(args)?,
            caller_start_ts: key_ts(args, "caller")?.unwrap_or(Timestamp::MAX),
            current_ts: key_ts(args, "now")?.unwrap_or_default(),
            rollback_if_not_exist: args.take_key("rollback") != Some("false"),
            resolving_pessimistic: flag(args, "pessimistic"),
        }),
        "secondaries" => {
            let start_ts = pos_ts(args)?;
            KvRequest::CheckSecondaryLocks { keys: keys(args), start_ts }
        }
        "resolve" => {
            let (start_ts, commit_ts) = (pos_ts(args)?, key_ts(args, "commit")?);
            KvRequest::ResolveLock { start_ts, commit_ts, keys: keys(args), from: Bytes::new() }
        }
        "heartbeat" => KvRequest::TxnHeartBeat {
            primary: pos_key(args)?,
            start_ts: pos_ts(args)?,
            ttl_ms: number(args, "ttl")?.ok_or("ttl is missing")?,
        },
        "lock" => KvRequest::PessimisticLock(parse_lock(args)?),
        "unlock" => {
            let for_update_ts = key_ts(args, "for_update")?.ok_or("for_update is missing")?;
            let start_ts = pos_ts(args)?;
            KvRequest::PessimisticRollback { keys: keys(args), start_ts, for_update_ts }
        }
        "scan_lock" => {
            let limit = limit(args)?;
            let max_ts = pos_ts(args)?;
            KvRequest::ScanLock {
                max_ts,
                start: optional_key(args),
                end: optional_key(args),
                limit,
            }
        }
        "gc" => {
            let safe_point = pos_ts(args)?;
            KvRequest::Gc { safe_point, start: optional_key(args), end: optional_key(args) }
        }
        "delete_range" => KvRequest::DeleteRange { start: pos_key(args)?, end: pos_key(args)? },
        _ => return parse_read(name, args),
    }))
}

fn parse_read(
    name: &str,
    args: &mut ArgumentConsumer<'_>,
) -> Result<Option<KvRequest>, Box<dyn Error>> {
    Ok(Some(match name {
        "get" => {
            let (key, ts) = (pos_key(args)?, pos_ts(args)?);
            KvRequest::Get { key, ts, resolved: resolved(args)? }
        }
        "batch_get" => {
            let (ts, resolved) = (pos_ts(args)?, resolved(args)?);
            KvRequest::BatchGet { keys: keys(args), ts, resolved }
        }
        "scan" => KvRequest::Scan {
            ts: pos_ts(args)?,
            start: optional_key(args),
            end: optional_key(args),
            limit: limit(args)?,
            reverse: flag(args, "reverse"),
            key_only: flag(args, "key_only"),
            resolved: resolved(args)?,
        },
        _ => return Ok(None),
    }))
}

fn parse_prewrite(args: &mut ArgumentConsumer<'_>) -> Result<Prewrite, Box<dyn Error>> {
    let action = match args.take_key("action") {
        None | Some("skip") => PessimisticAction::SkipCheck,
        Some("check") => PessimisticAction::DoCheck,
        Some("constraint") => PessimisticAction::DoConstraintCheck,
        Some(other) => return Err(format!("unknown action {other}").into()),
    };
    let primary = args.take_key("primary").map(key);
    let mut prewrite = Prewrite {
        mutations: Vec::new(),
        primary: Bytes::new(),
        start_ts: pos_ts(args)?,
        ttl_ms: number(args, "ttl")?.unwrap_or_default(),
        txn_size: 0,
        for_update_ts: key_ts(args, "for_update")?.unwrap_or_default(),
        min_commit_ts: key_ts(args, "min_commit")?.unwrap_or_default(),
        try_one_pc: flag(args, "one_pc"),
        async_commit: match args.take_key("async") {
            None => None,
            Some("none") => Some(Vec::new()),
            Some(list) => Some(list.split('.').map(key).collect()),
        },
    };
    while let Some(text) = args.next_pos() {
        prewrite.mutations.push(parse_mutation(text, action)?);
    }
    let first = prewrite.mutations.first().ok_or("no mutations")?;
    prewrite.primary = primary.unwrap_or_else(|| first.key.clone());
    Ok(prewrite)
}

fn parse_mutation(text: &str, pessimistic: PessimisticAction) -> Result<Mutation, Box<dyn Error>> {
    let parts: Vec<&str> = text.split('/').collect();
    let kind = match parts[0] {
        "put" => MutationKind::Put,
        "delete" => MutationKind::Delete,
        "lock" => MutationKind::Lock,
        "insert" => MutationKind::Insert,
        "absent" => MutationKind::CheckNotExists,
        other => return Err(format!("unknown mutation {other}").into()),
    };
    let assertion = match parts.get(3).copied() {
        None => Assertion::None,
        Some("exist") => Assertion::Exist,
        Some("notexist") => Assertion::NotExist,
        Some(other) => return Err(format!("unknown assertion {other}").into()),
    };
    let mut value = parts.get(2).copied().unwrap_or_default().to_owned();
    if value.starts_with("long") {
        value += &".".repeat(300 - value.len());
    }
    let key = key(parts.get(1).ok_or("a mutation needs a key")?);
    Ok(Mutation { kind, key, value: Bytes::from(value), assertion, pessimistic })
}

fn parse_lock(args: &mut ArgumentConsumer<'_>) -> Result<PessimisticLock, Box<dyn Error>> {
    let primary = args.take_key("primary").map(key);
    let absent = flag(args, "absent");
    let wait = if flag(args, "nowait") { WaitPolicy::NoWait } else { WaitPolicy::Timeout(1000) };
    let for_update_ts = key_ts(args, "for_update")?.ok_or("for_update is missing")?;
    let ttl_ms = number(args, "ttl")?.unwrap_or_default();
    let return_values = flag(args, "values");
    let start_ts = pos_ts(args)?;
    let keys = keys(args);
    Ok(PessimisticLock {
        primary: primary.unwrap_or_else(|| keys[0].clone()),
        keys: keys.into_iter().map(|key| (key, absent)).collect(),
        start_ts,
        for_update_ts,
        ttl_ms,
        wait,
        return_values,
    })
}

fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn pos_ts(args: &mut ArgumentConsumer<'_>) -> Result<Timestamp, Box<dyn Error>> {
    Ok(format::parse_ts(args.next_pos().ok_or("a timestamp is missing")?)?)
}

fn pos_key(args: &mut ArgumentConsumer<'_>) -> Result<Bytes, Box<dyn Error>> {
    Ok(key(args.next_pos().ok_or("a key is missing")?))
}

fn optional_key(args: &mut ArgumentConsumer<'_>) -> Bytes {
    args.next_pos().map(key).unwrap_or_default()
}

fn keys(args: &mut ArgumentConsumer<'_>) -> Vec<Bytes> {
    std::iter::from_fn(|| args.next_pos().map(key)).collect()
}

fn key_ts(
    args: &mut ArgumentConsumer<'_>,
    name: &str,
) -> Result<Option<Timestamp>, Box<dyn Error>> {
    Ok(args.take_key(name).map(format::parse_ts).transpose()?)
}

fn number(args: &mut ArgumentConsumer<'_>, name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    Ok(args.take_key(name).map(str::parse).transpose()?)
}

fn limit(args: &mut ArgumentConsumer<'_>) -> Result<usize, Box<dyn Error>> {
    Ok(args.take_key("limit").map(str::parse).transpose()?.unwrap_or(usize::MAX))
}

fn flag(args: &mut ArgumentConsumer<'_>, name: &str) -> bool {
    args.take_key(name) == Some("true")
}

fn resolved(args: &mut ArgumentConsumer<'_>) -> Result<Vec<Pass>, Box<dyn Error>> {
    let mut passes = Vec::new();
    for (name, committed) in [("resolved", false), ("committed", true)] {
        let list = args.take_key(name).unwrap_or_default();
        for ts in list.split('.').filter(|ts| !ts.is_empty()) {
            passes.push(Pass { start_ts: format::parse_ts(ts)?, committed });
        }
    }
    Ok(passes)
}
