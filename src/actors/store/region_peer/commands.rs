//! Commands from their arrival to their answer.
//!
//! A command is in one of three stages: it waits for its latches, it waits for a lock (holding no
//! latches), or it is proposed. Commands that hold all their latches are put in a queue and run
//! from there, one after the other, never from within each other: a hot key may have thousands
//! behind it.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::actor::{RegionPeer, Waiting};
use super::messages::{CommandReply, KvCommand, Wake};
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::applier::Completion;
use crate::common::Term;
use crate::common::retry::Effect;
use crate::storage::region::entry::{RegionCommand, encode};
use crate::storage::region::reserve;
use crate::storage::txn::{
    self, Busy, CommandContext, CommandId, Decision, KvRequest, KvResponse, LockInfo, Outcome,
    RegionContext, RegionError, RequestError,
};

/// No entry of the log may be larger: with a little around it, it has to fit the largest message between nodes
/// (`bridge.max-message`, 128 MiB), or no other replica could ever have it.
const ENTRY_BYTES_MAX: usize = 120 << 20;

/// A command that waits for its leader to be ready.
pub(super) struct Parked {
    pub(super) command: KvCommand,
    pub(super) reply: ReplyTo<CommandReply>,
}

/// Where a command is.
pub(super) enum Stage {
    /// Waits for its latches, or holds them and is about to run.
    Latching,
    /// Waits for a lock.
    Waiting(Box<LockInfo>),
    /// Its write is on the way, proposed in this term.
    Proposed(Term, txn::Effects),
}

/// A command in flight.
pub(super) struct Command {
    pub(super) context: RegionContext,
    pub(super) request: KvRequest,
    /// Gone to the applier once the last write of the command is proposed.
    pub(super) reply: Option<ReplyTo<CommandReply>>,
    pub(super) keys: Vec<Bytes>,
    /// What comes after this round.
    pub(super) rest: Option<Box<KvRequest>>,
    pub(super) stage: Stage,
    /// When it began to wait for locks, and when it has waited long enough.
    pub(super) wait: Option<Range<u64>>,
    /// The key whose lock it was woken to take.
    pub(super) woken_for: Option<Bytes>,
}

impl RegionPeer {
    /// Lets a command in, or answers why not.
    pub(super) fn admit(
        &mut self,
        command: KvCommand,
        reply: ReplyTo<CommandReply>,
        ctx: &mut Context<Self>,
    ) {
        if !self.core.is_leader() && !self.core.is_only_voter() {
            reply.send(Err(self.not_leader().into()));
            return;
        }
        if let Err(error) = self.check(&command.context, &command.request) {
            reply.send(Err(error.into()));
            return;
        }
        if !self.core.is_ready() {
            self.park(command, reply);
            return;
        }
        if let Some(error) = self.unwritable(&command.request) {
            reply.send(Err(error.into()));
            return;
        }
        if let Some(reason) = self.overload() {
            reply.send(Err(RegionError::ServerIsBusy(reason).into()));
            return;
        }
        let KvCommand { context, request } = command;
        match request.effect() {
            Effect::Read => self.read(request, reply, ctx),
            Effect::Look | Effect::Change | Effect::Decide => self.begin(context, request, reply),
        }
    }

    /// Why a request that is not a read cannot be taken now: the region is about to be another's, or too
    /// many disks are full. What ends transactions is taken on a full disk, too, and what frees space; locks are memory.
    fn unwritable(&self, request: &KvRequest) -> Option<RegionError> {
        if request.effect() == Effect::Read {
            return None;
        }
        if self.is_merging() {
            return Some(RegionError::EpochNotMatch(self.id()));
        }
        let KvRequest::Prewrite(prewrite) = request else { return None };
        let (full, room) = self.store_without_room()?;
        let refused = !reserve::may_use(prewrite, room) || self.shared.parts.disk.is_exhausted();
        refused.then_some(RegionError::DiskFull(full))
    }

    /// Why no more commands can be taken, if so.
    fn overload(&self) -> Option<Busy> {
        let options = &self.shared.parts.options;
        if self.commands.len() >= options.max_commands_in_flight {
            Some(Busy::Commands)
        } else if self.shared.log_writer.mailbox_len() >= options.max_backlog {
            Some(Busy::LogWriter)
        } else if self.shared.applier(self.id()).mailbox_len() >= options.max_backlog {
            Some(Busy::Applier)
        } else {
            None
        }
    }

    /// Queues a command for its latches.
    pub(super) fn begin(
        &mut self,
        context: RegionContext,
        request: KvRequest,
        reply: ReplyTo<CommandReply>,
    ) {
        self.wake_up();
        let command = Command {
            context,
            request,
            reply: Some(reply),
            keys: Vec::new(),
            rest: None,
            stage: Stage::Latching,
            wait: None,
            woken_for: None,
        };
        let id = self.next_id();
        self.latch(id, command);
    }

    pub(super) fn next_id(&mut self) -> CommandId {
        self.next_command += 1;
        self.next_command
    }

    /// Acquires a command's latches, or queues for them.
    pub(super) fn latch(&mut self, id: CommandId, mut command: Command) {
        match txn::footprint(&self.command_context(), &command.request) {
            Ok(footprint) => {
                command.keys = footprint.keys;
                command.rest = footprint.rest;
            }
            Err(error) => {
                self.answer(&mut command, Err(RequestError::Storage(error.to_string())));
                return;
            }
        }
        command.stage = Stage::Latching;
        if self.latches.acquire(id, &command.keys) {
            self.runnable.push_back(id);
        }
        self.commands.insert(id, command);
    }

    /// Runs the commands that hold their latches, so many with each message, unless leadership is being handed over: then they
    /// wait for what comes of that. One that ends can make others runnable, and has its rest run: other messages have their turn in between.
    pub(super) fn run_all(&mut self, ctx: &mut Context<Self>) {
        if self.handover.is_some() {
            return;
        }
        while self.commands_left > 0 {
            let Some(id) = self.runnable.pop_front() else { return };
            if let Some(command) = self.commands.remove(&id) {
                self.commands_left -= 1;
                self.run(id, command, ctx);
            }
        }
        if !self.runnable.is_empty() && !std::mem::replace(&mut self.goes_on, true) {
            // If it does not fit in the mailbox, another message is about to be handled anyway.
            let _ = ctx.me().tell(Wake);
        }
    }

    fn command_context(&self) -> CommandContext<'_> {
        let parts = &self.shared.parts;
        CommandContext {
            reader: &*parts.kv,
            locks: &self.locks,
            concurrency: &parts.concurrency,
            range: &self.key_range,
            max_ts_synced: self.max_ts_synced,
        }
    }

    fn run(&mut self, id: CommandId, mut command: Command, ctx: &mut Context<Self>) {
        // The region may have changed while the command was queued.
        if let Err(error) = self.check(&command.context, &command.request) {
            self.finish(id, command, Err(error.into()));
            return;
        }
        if self.is_pointless(&command) {
            self.finish(id, command, Err(RegionError::StaleCommand(self.id()).into()));
            return;
        }
        match txn::execute(&self.command_context(), &command.request, &command.keys) {
            Ok(Outcome::Reply(response)) => self.finish(id, command, Ok(response)),
            Ok(Outcome::Error(error)) => self.finish(id, command, Err(error.into())),
            Ok(Outcome::WaitForLock { lock, timeout_ms }) => {
                self.wait_for_lock(id, command, lock, timeout_ms, ctx);
            }
            Ok(Outcome::Write(decision)) => {
                let Decision { batch, mut response, mut effects } = *decision;
                if let (KvResponse::Locked { waited, .. }, Some(wait)) =
                    (&mut response, &command.wait)
                {
                    *waited = Duration::from_nanos(Self::now(ctx).saturating_sub(wait.start));
                }
                if batch.is_empty() {
                    self.apply_effects(&mut effects, &mut command, ctx);
                    self.finish(id, command, Ok(response));
                } else {
                    let write = RegionCommand::Write(batch);
                    self.propose_write(id, command, write, response, effects, ctx);
                }
            }
            Err(error) => {
                self.finish(id, command, Err(RequestError::Storage(error.to_string())));
            }
        }
    }

    /// A lock for a client that is gone would only be in the way of others.
    fn is_pointless(&self, command: &Command) -> bool {
        matches!(command.request, KvRequest::PessimisticLock(_))
            && command.reply.as_ref().is_some_and(|reply| !reply.is_wanted())
    }

    fn propose_write(
        &mut self,
        id: CommandId,
        mut command: Command,
        write: RegionCommand,
        response: KvResponse,
        mut effects: txn::Effects,
        ctx: &mut Context<Self>,
    ) {
        let data = encode(self.region.context(), write);
        if data.len() > ENTRY_BYTES_MAX {
            let text = format!("a write of {} bytes is too large for a region's log", data.len());
            return self.finish(id, command, Err(RequestError::TooLarge(text)));
        }
        let answer = match &command.rest {
            Some(_) => None,
            None => command.reply.take().map(|reply| (reply, response)),
        };
        let completion = Completion { command: id, answer, guard: effects.guard.take() };
        match self.core.propose(data, Waiting::Entry(completion), Self::now(ctx)) {
            Ok(_) => {
                command.stage = Stage::Proposed(self.core.term(), effects);
                self.commands.insert(id, command);
            }
            Err(Waiting::Entry(completion)) => {
                if let Some((reply, _)) = completion.answer {
                    command.reply = Some(reply);
                }
                let error = if self.core.is_leader() {
                    RegionError::ServerIsBusy(Busy::Log)
                } else {
                    self.not_leader()
                };
                self.finish(id, command, Err(error.into()));
            }
            Err(Waiting::Read { .. }) => unreachable!("an entry was proposed"),
        }
    }

    /// A proposal is applied, or (with a refusal) never will be. The client has its answer, unless
    /// a rest follows.
    pub(super) fn on_command_applied(
        &mut self,
        id: CommandId,
        refusal: Option<RegionError>,
        ctx: &mut Context<Self>,
    ) {
        let Some(mut command) = self.commands.remove(&id) else {
            self.on_admin_applied(id, refusal);
            return;
        };
        let stage = std::mem::replace(&mut command.stage, Stage::Latching);
        let Stage::Proposed(term, mut effects) = stage else {
            unreachable!("a command is applied after it was proposed")
        };
        let result = match refusal {
            Some(error) => Err(error.into()),
            None => {
                if term == self.core.term() {
                    self.apply_effects(&mut effects, &mut command, ctx);
                }
                Ok(KvResponse::Done)
            }
        };
        self.finish(id, command, result);
    }

    /// Changes the leader's memory as a command decided.
    fn apply_effects(
        &mut self,
        effects: &mut txn::Effects,
        command: &mut Command,
        ctx: &mut Context<Self>,
    ) {
        let acquired: Vec<(Bytes, _)> = if self.waiters.is_empty() {
            Vec::new()
        } else {
            effects.acquire.iter().map(|(key, entry)| (key.clone(), entry.start_ts)).collect()
        };
        let unlocked = effects.apply(&mut self.locks);
        for (key, holder) in acquired {
            if command.woken_for.as_ref() == Some(&key) {
                command.woken_for = None;
            }
            self.retarget_waiters(&key, holder, ctx);
        }
        for key in unlocked {
            self.wake_waiter(&key);
        }
    }

    /// Ends a command that holds its latches: answers it, goes on with its rest, releases the
    /// latches.
    pub(super) fn finish(&mut self, id: CommandId, mut command: Command, result: CommandReply) {
        if let Some(key) = command.woken_for.take()
            && result.is_err()
        {
            // It was woken to take the lock and did not: the next one's turn.
            self.wake_waiter(&key);
        }
        let keys = std::mem::take(&mut command.keys);
        match command.rest.take() {
            Some(rest) if result.is_ok() => {
                if let Some(reply) = command.reply.take() {
                    self.release(id, &keys);
                    self.begin(command.context, *rest, reply);
                    return;
                }
            }
            _ => self.answer(&mut command, result),
        }
        self.release(id, &keys);
    }

    fn answer(&self, command: &mut Command, result: CommandReply) {
        if let Some(reply) = command.reply.take() {
            reply.send(result);
        }
    }

    pub(super) fn release(&mut self, id: CommandId, keys: &[Bytes]) {
        self.runnable.extend(self.latches.release(id, keys));
    }

    /// Refuses every command that is not proposed yet. Those proposed find out what became of them.
    pub(super) fn refuse_commands(&mut self, error: &RegionError) {
        self.forget_waiters();
        let commands = std::mem::take(&mut self.commands);
        for (id, mut command) in commands {
            if matches!(command.stage, Stage::Proposed(..)) {
                self.commands.insert(id, command);
                continue;
            }
            if matches!(command.stage, Stage::Latching) {
                self.latches.release(id, &command.keys);
            }
            self.answer(&mut command, Err(error.clone().into()));
        }
        self.runnable.clear();
    }
}
