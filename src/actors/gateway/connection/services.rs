//! What connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

use super::denials::Denials;
use crate::actors::gateway::GatewayOptions;
use crate::actors::gateway::tls::ClientTls;
use crate::actors::runtime::{Clock, Rng};
use crate::actors::session::{Account, Accounts, ProcessList, Sessions};

/// What connections share.
pub struct Services {
    /// Settings.
    pub options: GatewayOptions,
    /// Who may log in.
    pub accounts: Arc<dyn Accounts>,
    /// Opens sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Who is connected.
    pub processes: Arc<ProcessList>,
    /// TLS, if configured.
    pub tls: Option<ClientTls>,
    /// Time.
    pub clock: Clock,
    /// Randomness of the greetings.
    pub(super) nonces: Mutex<ChaCha8Rng>,
    /// Whose logins have failed of late.
    pub(super) denials: Denials,
    seats: Arc<AtomicUsize>,
    draining: AtomicBool,
    drain: Notify,
}

impl Services {
    /// What connections share.
    pub fn new(
        options: GatewayOptions,
        accounts: Arc<dyn Accounts>,
        sessions: Arc<dyn Sessions>,
        processes: Arc<ProcessList>,
        tls: Option<ClientTls>,
        clock: Clock,
        rng: &Rng,
    ) -> Services {
        Services {
            options,
            accounts,
            sessions,
            processes,
            tls,
            clock,
            nonces: Mutex::new(rng.stream("gateway/nonces")),
            denials: Denials::default(),
            seats: Arc::default(),
            draining: AtomicBool::new(false),
            drain: Notify::new(),
        }
    }

    /// From now on connections end as soon as they have nothing in hand.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.drain.notify_waiters();
    }

    /// Resolves when that has been said.
    pub(super) async fn drained(&self) {
        let notified = self.drain.notified();
        if !self.draining.load(Ordering::Acquire) {
            notified.await;
        }
    }

    /// Whether not even an administrator gets a seat.
    pub(in crate::actors::gateway) fn is_full(&self) -> bool {
        self.seats.load(Ordering::Relaxed) > self.options.max_connections as usize
    }

    /// A seat for whoever has logged in: there are `max_connections`, and one more for the administrator, who has to be able to see
    /// who has the others.
    pub(super) fn seat(&self, account: &Account) -> Option<Seat> {
        let max = self.options.max_connections as usize + usize::from(account.user == "root");
        let one_more = |taken: usize| (taken < max).then_some(taken + 1);
        self.seats
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Seat(self.seats.clone()))
    }
}

/// The place of a client that has logged in, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
