//! Finding the account for a client.

use std::net::IpAddr;

use crate::actors::session::Account;
use crate::protocol::auth::Plugin;

/// All accounts, those with the most specific host first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTable {
    accounts: Vec<Account>,
}

impl AccountTable {
    /// A table of these accounts.
    pub fn new(mut accounts: Vec<Account>) -> AccountTable {
        if !accounts.iter().any(|account| account.user == "root") {
            accounts.push(Account {
                user: "root".to_owned(),
                host: "localhost".to_owned(),
                plugin: Plugin::CachingSha2,
                stored: Vec::new(),
            });
        }
        accounts.sort_by(|a, b| specificity(b).cmp(&specificity(a)).then(a.host.cmp(&b.host)));
        AccountTable { accounts }
    }

    /// The account for a user at an address: of those that match the most specific one. Named accounts come before
    /// anonymous ones.
    pub fn find(&self, user: &str, address: IpAddr) -> Option<&Account> {
        let fits = |account: &&Account, name: &str| {
            account.user == name && matches_host(&account.host, address)
        };
        let named = self.accounts.iter().find(|account| fits(account, user));
        named.or_else(|| self.accounts.iter().find(|account| fits(account, "")))
    }

    /// The account of exactly this name and host pattern.
    pub fn get(&self, user: &str, host: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user == user && account.host == host)
    }

    /// All accounts.
    pub fn list(&self) -> &[Account] {
        &self.accounts
    }
}

/// How much of the host is fixed: an address, then patterns by their length before the first wildcard, then any host.
fn specificity(account: &Account) -> usize {
    match account.host.find(['%', '_']) {
        None => usize::MAX,
        Some(prefix) => prefix,
    }
}

/// Whether a host pattern of an account fits an address. `localhost` is the machine itself.
pub fn matches_host(pattern: &str, address: IpAddr) -> bool {
    if pattern.eq_ignore_ascii_case("localhost") {
        return address.is_loopback();
    }
    if let Some((network, mask)) = pattern.split_once('/') {
        return in_network(network, mask, address);
    }
    like(pattern.as_bytes(), address.to_string().as_bytes())
}

/// `192.168.1.0/255.255.255.0` and `192.168.1.0/24`.
fn in_network(network: &str, mask: &str, address: IpAddr) -> bool {
    let (Ok(IpAddr::V4(network)), IpAddr::V4(address)) = (network.parse(), address) else {
        return false;
    };
    let bits = match (mask.parse::<u32>(), mask.parse::<std::net::Ipv4Addr>()) {
        (Ok(length), _) if length <= 32 => u32::MAX.checked_shl(32 - length).unwrap_or(0),
        (_, Ok(mask)) => mask.to_bits(),
        _ => return false,
    };
    network.to_bits() & bits == address.to_bits() & bits
}

/// LIKE with `%` and `_`, without an escape.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'%', rest)), _) => {
            like(rest, text)
                || text.split_first().is_some_and(|(_, shorter)| like(pattern, shorter))
        }
        (Some((b'_', rest)), Some((_, shorter))) => like(rest, shorter),
        (Some((letter, rest)), Some((other, shorter))) => {
            letter.eq_ignore_ascii_case(other) && like(rest, shorter)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, host: &str) -> Account {
        Account {
            user: user.to_owned(),
            host: host.to_owned(),
            plugin: Plugin::Native,
            stored: vec![1],
        }
    }

    fn host(table: &AccountTable, user: &str, address: &str) -> Option<String> {
        table.find(user, address.parse().unwrap()).map(|account| account.host.clone())
    }

    #[test]
    fn the_most_specific_host_wins() {
        let accounts = [
            ("a", "%"),
            ("a", "10.0.%"),
            ("a", "10.0.0.1"),
            ("b", "10.1.0.0/16"),
            ("", "localhost"),
        ];
        let table =
            AccountTable::new(accounts.iter().map(|(user, host)| account(user, host)).collect());
        assert_eq!(host(&table, "a", "10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(host(&table, "a", "10.0.7.1").as_deref(), Some("10.0.%"));
        assert_eq!(host(&table, "a", "::1").as_deref(), Some("%"));
        assert_eq!(host(&table, "b", "10.1.9.9").as_deref(), Some("10.1.0.0/16"));
        assert_eq!(host(&table, "b", "10.2.9.9"), None);
        assert_eq!(host(&table, "nobody", "127.0.0.1").as_deref(), Some("localhost"));
    }

    #[test]
    fn root_without_a_password_is_local_only_and_gives_way() {
        let table = AccountTable::new(Vec::new());
        assert_eq!(host(&table, "root", "127.0.0.1").as_deref(), Some("localhost"));
        assert_eq!(host(&table, "root", "10.0.0.1"), None);
        let table = AccountTable::new(vec![account("root", "%")]);
        assert_eq!(host(&table, "root", "127.0.0.1").as_deref(), Some("%"));
    }
}
