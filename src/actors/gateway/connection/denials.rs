//! Logins that failed: whoever fails again and again waits longer for each answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So many failures are answered at once: people mistype.
const FREE: u32 = 3;
/// How long the first one after them is held back; every further one twice as long.
const DELAY: Duration = Duration::from_millis(250);
/// As long at most: below the time a login may take.
const DELAY_MAX: Duration = Duration::from_secs(4);
/// After so long without a failure a host is forgiven.
const FORGIVEN: Duration = Duration::from_secs(300);
/// Of so many hosts failures are kept.
const HOSTS_MAX: usize = 4096;

/// The failed logins of hosts. A login that succeeds is never held back, whoever else of its host has failed.
#[derive(Debug, Default)]
pub(super) struct Denials {
    hosts: Mutex<HashMap<IpAddr, Failed>>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    times: u32,
    last: Instant,
}

impl Denials {
    /// A login of a host has failed: how often that has been so, and how long its answer is to be held back.
    pub(super) fn note(&self, host: IpAddr) -> (u32, Duration) {
        let (host, now) = (network(host), Instant::now());
        let mut hosts = self.hosts.lock();
        if hosts.len() >= HOSTS_MAX && !hosts.contains_key(&host) {
            hosts.retain(|_, failed| now - failed.last < FORGIVEN);
            let oldest = hosts.iter().min_by_key(|(_, failed)| failed.last).map(|(host, _)| *host);
            if let Some(oldest) = oldest.filter(|_| hosts.len() >= HOSTS_MAX) {
                hosts.remove(&oldest);
            }
        }
        let failed = hosts.entry(host).or_insert(Failed { times: 0, last: now });
        if now - failed.last >= FORGIVEN {
            failed.times = 0;
        }
        failed.times = failed.times.saturating_add(1);
        failed.last = now;
        let doubled = failed.times.checked_sub(FREE + 1);
        let delay = doubled.map_or(Duration::ZERO, |doubled| {
            DELAY.saturating_mul(1_u32.checked_shl(doubled).unwrap_or(u32::MAX)).min(DELAY_MAX)
        });
        (failed.times, delay)
    }

    /// A login of the host has succeeded.
    pub(super) fn forget(&self, host: IpAddr) {
        let mut hosts = self.hosts.lock();
        if !hosts.is_empty() {
            hosts.remove(&network(host));
        }
    }
}

/// With IPv6 whoever has one address has 2^64 of them.
fn network(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(_) => host,
        IpAddr::V6(host) => IpAddr::V6((host.to_bits() & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(bits: u32) -> IpAddr {
        IpAddr::V4(bits.into())
    }

    #[tokio::test(start_paused = true)]
    async fn answers_take_longer_and_longer_until_the_host_is_forgiven() {
        let denials = Denials::default();
        let delays =
            |denials: &Denials| (0..9).map(|_| denials.note(v4(1)).1.as_millis()).collect();
        let seen: Vec<u128> = delays(&denials);
        assert_eq!(seen, [0, 0, 0, 250, 500, 1000, 2000, 4000, 4000]);
        assert_eq!(denials.note(v4(2)), (1, Duration::ZERO), "another host");
        tokio::time::advance(FORGIVEN).await;
        assert_eq!(denials.note(v4(1)), (1, Duration::ZERO));
        denials.forget(v4(1));
        assert_eq!(denials.note(v4(1)).0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let denials = Denials::default();
        for bits in 0..HOSTS_MAX as u32 * 2 {
            denials.note(v4(bits));
        }
        assert_eq!(denials.hosts.lock().len(), HOSTS_MAX);
        let neighbours = ["2001:db8::1", "2001:db8::2"].map(|host| host.parse().unwrap());
        let times = neighbours.map(|host| denials.note(host).0);
        assert_eq!(times, [1, 2], "one network");
    }
}
