//! Finding the account for a client.

use std::net::IpAddr;
use std::sync::Arc;

use crate::actors::session::Account;
use crate::protocol::auth::Plugin;
use crate::sql::accounts::{AccountName, Grants, Rights};

/// All accounts, those with the most specific host first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTable {
    accounts: Vec<Account>,
}

impl AccountTable {
    /// A table of these accounts, with the built-in root if there is no other: it proves itself with `plugin`.
    pub fn new(mut accounts: Vec<Account>, plugin: Plugin) -> AccountTable {
        if !accounts.iter().any(|account| account.user == "root") {
            accounts.push(built_in_root(plugin));
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

    /// The account or role of a name.
    pub fn named(&self, name: &AccountName) -> Option<&Account> {
        self.get(&name.user, &name.host)
    }

    /// What an account may do with these roles active.
    pub fn rights(&self, name: &AccountName, roles: &[AccountName]) -> Rights {
        Rights::of(name, roles, &|name| Some(&*self.named(name)?.grants))
    }

    /// All accounts.
    pub fn list(&self) -> &[Account] {
        &self.accounts
    }
}

/// The account there is before anybody makes one: without a password, and for the machine itself only.
pub(super) fn built_in_root(plugin: Plugin) -> Account {
    Account {
        user: "root".to_owned(),
        host: "localhost".to_owned(),
        plugin,
        stored: Vec::new(),
        grants: Arc::new(Grants::everything()),
        options: Arc::default(),
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

/// LIKE with `%` and `_`, without an escape. After a mismatch only the last `%` is tried again, one byte further: what is
/// before it has found the earliest place it can have, and a later one would help nobody.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'%') => {
                at += 1;
                retry = Some((at, in_text));
            }
            Some(letter) if *letter == b'_' || letter.eq_ignore_ascii_case(&text[in_text]) => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((after, tried)) = retry else { return false };
                (at, in_text) = (after, tried + 1);
                retry = Some((after, in_text));
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA2: Plugin = Plugin::CachingSha2;

    fn account(user: &str, host: &str) -> Account {
        Account {
            user: user.to_owned(),
            host: host.to_owned(),
            plugin: Plugin::Native,
            stored: vec![1],
            grants: Arc::default(),
            options: Arc::default(),
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
        let table = AccountTable::new(
            accounts.iter().map(|(user, host)| account(user, host)).collect(),
            SHA2,
        );
        assert_eq!(host(&table, "a", "10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(host(&table, "a", "10.0.7.1").as_deref(), Some("10.0.%"));
        assert_eq!(host(&table, "a", "::1").as_deref(), Some("%"));
        assert_eq!(host(&table, "b", "10.1.9.9").as_deref(), Some("10.1.0.0/16"));
        assert_eq!(host(&table, "b", "10.2.9.9"), None);
        assert_eq!(host(&table, "nobody", "127.0.0.1").as_deref(), Some("localhost"));
    }

    #[test]
    fn root_without_a_password_is_local_only_and_gives_way() {
        let table = AccountTable::new(Vec::new(), SHA2);
        assert_eq!(host(&table, "root", "127.0.0.1").as_deref(), Some("localhost"));
        assert_eq!(host(&table, "root", "10.0.0.1"), None);
        let table = AccountTable::new(vec![account("root", "%")], SHA2);
        assert_eq!(host(&table, "root", "127.0.0.1").as_deref(), Some("%"));
    }

    #[test]
    fn patterns_are_matched_in_no_time() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("a%", "ab", true),
            ("%b", "ab", true),
            ("%b", "abc", false),
            ("a%c%e", "abcde", true),
            ("a%c%f", "abcde", false),
            ("%ab%ab", "aababab", true),
            ("_b_", "abc", true),
            ("_b", "abc", false),
            ("A%", "abc", true),
            ("%_", "", false),
        ] {
            assert_eq!(like(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
        // With one attempt for each way to share the text out among them, this would not end.
        let many = format!("{}x", "%".repeat(200));
        assert!(!like(many.as_bytes(), b"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"));
        let many = format!("{}x", "%a".repeat(100));
        assert!(!like(many.as_bytes(), "a".repeat(250).as_bytes()));
    }
}
