//! What an ENUM or a SET is made of, and its values.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Collation, Datum};

/// The members of an ENUM or a SET, in the order of their declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Members(Arc<[Bytes]>);

impl From<Vec<String>> for Members {
    fn from(names: Vec<String>) -> Members {
        Members(names.into_iter().map(Bytes::from).collect())
    }
}

impl From<Members> for Vec<String> {
    fn from(members: Members) -> Vec<String> {
        members.names().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }
}

/// A value of an ENUM or a SET: a number, with the text that it stands for.
///
/// Where a number is wanted it is the number, everywhere else the text. Rows and keys hold the number only.
#[derive(Clone, Debug)]
pub struct Member {
    /// Of an ENUM the position of its member, from 1, and 0 for what is none; of a SET a bit for each member.
    pub number: u64,
    /// The member's name, or those of all that are in the set, with commas between.
    pub text: Bytes,
}

impl PartialEq for Member {
    fn eq(&self, other: &Member) -> bool {
        self.number == other.number && self.text == other.text
    }
}

impl Hash for Member {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl Members {
    /// Their names, as declared.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        self.0.iter()
    }

    /// The position of a name, from 1.
    pub fn position(&self, name: &[u8], collation: Collation) -> Option<u64> {
        let same = |known: &Bytes| collation.compare(known, name).is_eq();
        self.0.iter().position(same).map(|at| at as u64 + 1)
    }

    /// The member at a position of an ENUM, from 1; the empty text for any other.
    pub fn of_enum(&self, number: u64) -> Datum {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| self.0.get(at)) {
            Some(name) => Datum::Member(Member { number, text: name.clone() }),
            None => Datum::Member(Member { number: 0, text: Bytes::new() }),
        }
    }

    /// The members of a SET whose bits are set; bits without a member are dropped.
    pub fn of_set(&self, bits: u64) -> Datum {
        let number = bits & self.all();
        let mut chosen =
            self.0.iter().enumerate().filter(|(at, _)| number >> at & 1 == 1).map(|(_, name)| name);
        let text = match (chosen.next(), chosen.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.clone(),
            (Some(first), Some(second)) => {
                let mut text = first.to_vec();
                for name in std::iter::once(second).chain(chosen) {
                    text.push(b',');
                    text.extend_from_slice(name);
                }
                Bytes::from(text)
            }
        };
        Datum::Member(Member { number, text })
    }

    /// The bits of all members of a SET.
    pub fn all(&self) -> u64 {
        match self.0.len() {
            64.. => u64::MAX,
            count => (1 << count) - 1,
        }
    }
}
