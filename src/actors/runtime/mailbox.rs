//! The mailbox: a bounded queue that counts.
//!
//! Queue, counters and the receiver's waker stand under one small lock, so that a message costs two uncontended lock
//! operations (one to send, one to take) and every figure is exact and consistent with the others. The lock is
//! never held while user code runs.

use std::{collections::VecDeque, task::Waker};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::oneshot;

use super::{
    actor::{Actor, Handler},
    clock::Monotonic,
    context::Context,
    figures::{Counters, InHand, MailboxFigures},
    message::{Message, ReplyTo, SendError},
};

/// What a full mailbox does with one more message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Turns it away with [`SendError::Overloaded`]: client work.
    Reject,
    /// Takes it, and throws away the one that waited longest: heartbeats.
    DropOldest,
    /// Makes `tell_wait` and `ask` wait for room, in the order they came; a plain `tell` is turned away.
    Wait,
}

/// How much may wait in a mailbox, and what happens beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxOptions {
    /// How many messages may wait, the one in hand not counted; at least 1.
    pub capacity: usize,
    /// What happens beyond.
    pub overflow: Overflow,
}

impl Default for MailboxOptions {
    fn default() -> MailboxOptions {
        MailboxOptions { capacity: 1024, overflow: Overflow::Reject }
    }
}

/// A message on its way to an `A`, its type erased.
pub(super) trait Parcel<A: Actor>: Send {
    fn name(&self) -> &'static str;
    fn deliver(self: Box<Self>, actor: &mut A, ctx: &mut Context<A>);
    fn refuse(self: Box<Self>, error: SendError);
}

pub(super) struct Envelope<M: Message> {
    pub(super) message: M,
    pub(super) reply: ReplyTo<M::Reply>,
}

impl<M: Message, A: Handler<M>> Parcel<A> for Envelope<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn deliver(self: Box<Self>, actor: &mut A, ctx: &mut Context<A>) {
        let Envelope { message, reply } = *self;
        actor.handle(message, reply, ctx);
    }

    fn refuse(self: Box<Self>, error: SendError) {
        self.reply.refuse(error);
    }
}

pub(super) type BoxedParcel<A> = Box<dyn Parcel<A>>;

/// A parcel taken out of the queue, and how long it waited.
pub(super) struct Taken<A: Actor> {
    pub(super) parcel: BoxedParcel<A>,
    pub(super) name: &'static str,
    pub(super) waited_ns: u64,
}

/// The word to a waiting sender that a place is kept for it.
pub(super) type RoomSender = oneshot::Sender<()>;

/// What became of a message at the door.
pub(super) enum Pushed<A: Actor> {
    /// It waits in the mailbox.
    Taken,
    /// It waits, and this older one had to go.
    Displaced(BoxedParcel<A>),
    /// The mailbox is full.
    Full(BoxedParcel<A>),
    /// The actor has stopped.
    Closed(BoxedParcel<A>),
}

/// What a sender comes to push with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: it is turned away when the mailbox is full.
    None,
    /// A place it was given by [`Room::Kept`].
    Kept,
    /// A place it has waited for.
    Granted,
}

/// Whether a sender may push now.
pub(super) enum Room {
    /// A place is kept for this sender; it must push or give it back.
    Kept,
    /// It has to wait until the receiver resolves.
    Later(oneshot::Receiver<()>),
    /// The actor has stopped.
    Closed,
}

struct Queue<A: Actor> {
    parcels: VecDeque<(Monotonic, BoxedParcel<A>)>,
    counters: Counters,
    receiver: Option<Waker>,
    waiting: VecDeque<RoomSender>,
    kept_places: usize,
    /// Those of the kept places whose senders have waited, and are about to push.
    granted_places: usize,
    closed: bool,
}

pub(super) struct Mailbox<A: Actor> {
    options: MailboxOptions,
    queue: Mutex<Queue<A>>,
}

/// After a burst the queue gives its memory back when it falls empty, down to this many places.
const PLACES_KEPT: usize = 256;

impl<A: Actor> Mailbox<A> {
    pub(super) fn new(options: MailboxOptions) -> Mailbox<A> {
        Mailbox {
            options: MailboxOptions { capacity: options.capacity.max(1), ..options },
            queue: Mutex::new(Queue {
                parcels: VecDeque::new(),
                counters: Counters::default(),
                receiver: None,
                waiting: VecDeque::new(),
                kept_places: 0,
                granted_places: 0,
                closed: false,
            }),
        }
    }

    pub(super) fn options(&self) -> MailboxOptions {
        self.options
    }

    /// Puts a parcel into the queue.
    pub(super) fn push(&self, parcel: BoxedParcel<A>, now: Monotonic, place: Place) -> Pushed<A> {
        let mut queue = self.queue.lock();
        queue.give_up(place);
        if queue.closed {
            queue.counters.rejected += 1;
            return Pushed::Closed(parcel);
        }
        let mut displaced = None;
        if place == Place::None && queue.parcels.len() + queue.kept_places >= self.options.capacity
        {
            if self.options.overflow != Overflow::DropOldest {
                queue.counters.rejected += 1;
                return Pushed::Full(parcel);
            }
            displaced = queue.parcels.pop_front();
            queue.counters.dropped += 1;
        }
        queue.parcels.push_back((now, parcel));
        queue.counters.enqueued += 1;
        queue.counters.high_water = queue.counters.high_water.max(queue.parcels.len());
        let receiver = queue.receiver.take();
        drop(queue);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        match displaced {
            None => Pushed::Taken,
            Some((_, parcel)) => Pushed::Displaced(parcel),
        }
    }

    /// Asks for a place: kept at once if there is one, otherwise when those who waited before have theirs.
    pub(super) fn reserve(&self) -> Room {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Room::Closed;
        }
        let is_full = queue.parcels.len() + queue.kept_places >= self.options.capacity;
        if !is_full && queue.granted_places == 0 {
            queue.kept_places += 1;
            return Room::Kept;
        }
        let (sender, receiver) = oneshot::channel();
        if is_full {
            queue.waiting.push_back(sender);
        } else {
            // There is room, but somebody who came before is just about to push: this one does so after it.
            queue.kept_places += 1;
            queue.granted_places += 1;
            let _ = sender.send(());
        }
        Room::Later(receiver)
    }

    /// Gives a place that was waited for back, and on to the next who waits.
    pub(super) fn give_back(&self) {
        let mut queue = self.queue.lock();
        queue.give_up(Place::Granted);
        let next = queue.keep_place_for_next(self.options.capacity);
        drop(queue);
        self.grant(next);
    }

    /// Tells a sender of the place kept for it; if it has given up waiting meanwhile, the next one.
    fn grant(&self, mut next: Option<RoomSender>) {
        while let Some(sender) = next {
            if sender.send(()).is_ok() {
                return;
            }
            let mut queue = self.queue.lock();
            queue.give_up(Place::Granted);
            next = queue.keep_place_for_next(self.options.capacity);
        }
    }

    /// Puts down the message in hand and takes the next; without one, `waker` is woken by the next push.
    pub(super) fn take(&self, now: Monotonic, waker: &Waker) -> Option<Taken<A>> {
        let mut queue = self.queue.lock();
        queue.counters.put_down(now);
        let Some((sent, parcel)) = queue.parcels.pop_front() else {
            if queue.parcels.capacity() > PLACES_KEPT {
                queue.parcels.shrink_to(PLACES_KEPT);
            }
            queue.receiver = Some(waker.clone());
            return None;
        };
        let name = parcel.name();
        let waited_ns = now.as_nanos().saturating_sub(sent.as_nanos());
        queue.counters.wait.record(waited_ns);
        queue.counters.count_type(name);
        queue.counters.in_hand = Some((name, now));
        let next = queue.keep_place_for_next(self.options.capacity);
        drop(queue);
        self.grant(next);
        Some(Taken { parcel, name, waited_ns })
    }

    /// Puts down the message in hand without taking another.
    pub(super) fn put_down(&self, now: Monotonic) {
        self.queue.lock().counters.put_down(now);
    }

    pub(super) fn len(&self) -> usize {
        self.queue.lock().parcels.len()
    }

    /// Closes the door for good. Returns what still waited, to be refused by the caller.
    pub(super) fn close(&self, now: Monotonic) -> VecDeque<BoxedParcel<A>> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.receiver = None;
        queue.waiting.clear(); // whoever waits for room sees its channel closed
        queue.counters.put_down(now);
        queue.counters.dropped += queue.parcels.len() as u64;
        std::mem::take(&mut queue.parcels).into_iter().map(|(_, parcel)| parcel).collect()
    }

    pub(super) fn figures(&self, now: Monotonic) -> MailboxFigures {
        let queue = self.queue.lock();
        let counters = &queue.counters;
        MailboxFigures {
            capacity: self.options.capacity,
            overflow: self.options.overflow,
            depth: queue.parcels.len(),
            high_water: counters.high_water,
            enqueued: counters.enqueued,
            handled: counters.handled,
            rejected: counters.rejected,
            dropped: counters.dropped,
            wait: counters.wait.quantiles(),
            busy: counters.busy.quantiles(),
            messages: counters.by_name(),
            in_hand: counters.in_hand.map(|(message, since)| InHand {
                message,
                since_us: u64::try_from(now.since(since).as_micros()).unwrap_or(u64::MAX),
            }),
        }
    }
}

impl<A: Actor> Queue<A> {
    /// A place is used, or not needed any more.
    fn give_up(&mut self, place: Place) {
        self.kept_places -= usize::from(place != Place::None);
        self.granted_places -= usize::from(place == Place::Granted);
    }

    /// Keeps a free place for the sender that has waited longest, if there are both.
    fn keep_place_for_next(&mut self, capacity: usize) -> Option<RoomSender> {
        if self.parcels.len() + self.kept_places >= capacity {
            return None;
        }
        while let Some(sender) = self.waiting.pop_front() {
            if !sender.is_closed() {
                self.kept_places += 1;
                self.granted_places += 1;
                return Some(sender);
            }
        }
        None
    }
}
