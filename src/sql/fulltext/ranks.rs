//! Which rows a search finds, and what each is worth.

use ahash::{AHashMap, AHashSet};
use bytes::{BufMut, Bytes, BytesMut};

use super::grammar::Sign;
use super::search::{Node, Search};

/// The rows that have a word, and how often each has it.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    /// Each row once; of a beginning of words, with all their occurrences.
    pub rows: AHashMap<i64, u32>,
    /// How many entries there are: of a beginning, one for each word of a row.
    pub entries: u64,
}

impl Postings {
    /// Adds an entry.
    pub fn add(&mut self, handle: i64, count: u32) {
        *self.rows.entry(handle).or_insert(0) += count;
        self.entries += 1;
    }

    /// What an occurrence is worth among so many rows.
    fn weight(&self, rows: u64) -> f64 {
        if self.entries == 0 {
            return 0.0;
        }
        // A word that every row has would be worth nothing.
        let part = if rows == self.entries { 1.0001 } else { rows as f64 / self.entries as f64 };
        part.log10().powi(2)
    }
}

/// Rows that were found with what > and < and ~ give and take.
type Found = AHashMap<i64, f32>;

struct Evaluation<'a> {
    postings: &'a [Postings],
    phrases: &'a [AHashSet<i64>],
    /// The terms that count for what a row is worth.
    counting: Vec<bool>,
    search: &'a Search,
}

impl Evaluation<'_> {
    fn node(&mut self, node: &Node, counts: bool) -> Found {
        let plain = |handle: &i64| (*handle, 0.0);
        match node {
            Node::Term(number) => {
                self.counting[*number] |= counts;
                self.postings[*number].rows.keys().map(plain).collect()
            }
            Node::Phrase(number) => {
                for term in &self.search.phrases[*number].terms {
                    self.counting[*term] |= counts;
                }
                self.phrases[*number].iter().map(plain).collect()
            }
            Node::Group(nodes) => self.list(nodes, counts),
        }
    }

    fn list(&mut self, nodes: &[(Sign, Node)], counts: bool) -> Found {
        let mut found = Found::default();
        let mut against = Vec::new();
        for (sign, node) in nodes {
            let gives = match sign {
                Sign::May => 0.0,
                Sign::More => 1.0,
                Sign::Less => -1.0,
                Sign::Against => {
                    against.push(self.node(node, counts));
                    continue;
                }
                Sign::Must | Sign::Not => continue,
            };
            for (handle, own) in self.node(node, counts) {
                add(found.entry(handle).or_insert(0.0), own + gives);
            }
        }
        let mut required: Option<Found> = None;
        for (_, node) in nodes.iter().filter(|(sign, _)| *sign == Sign::Must) {
            let these = self.node(node, counts);
            required = Some(match required {
                None => these,
                Some(mut known) => {
                    known.retain(|handle, own| match these.get(handle) {
                        Some(other) => {
                            add(own, *other);
                            true
                        }
                        None => false,
                    });
                    known
                }
            });
        }
        if let Some(mut required) = required {
            for (handle, own) in &mut required {
                add(own, found.get(handle).copied().unwrap_or(0.0));
            }
            found = required;
        }
        for handle in against.iter().flat_map(|found| found.keys()) {
            if let Some(own) = found.get_mut(handle) {
                add(own, -1.0);
            }
        }
        for (_, node) in nodes.iter().filter(|(sign, _)| *sign == Sign::Not) {
            for handle in self.node(node, false).keys() {
                found.remove(handle);
            }
        }
        found
    }
}

/// What operators give and take stays between -1 and 1.
fn add(own: &mut f32, more: f32) {
    *own = (*own + more).clamp(-1.0, 1.0);
}

/// What the rows are worth that a search finds: pairs of eight bytes of the handle, in its order, and four of the rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranks(Bytes);

/// Bytes of a pair.
const PAIR: usize = 12;

impl Ranks {
    /// Of a search in a table of so many rows. `postings` are those of its terms, `phrases` the rows that have each of its phrases.
    pub fn of(
        search: &Search,
        postings: &[Postings],
        phrases: &[AHashSet<i64>],
        rows: u64,
    ) -> Ranks {
        let counting = vec![false; search.terms.len()];
        let mut evaluation = Evaluation { postings, phrases, counting, search };
        let mut found = evaluation.list(&search.root, true);
        for (postings, _) in
            postings.iter().zip(&evaluation.counting).filter(|(_, counts)| **counts)
        {
            let weight = postings.weight(rows);
            // Whichever are fewer are gone over.
            if postings.rows.len() <= found.len() {
                for (handle, count) in &postings.rows {
                    if let Some(rank) = found.get_mut(handle) {
                        *rank += (f64::from(*count) * weight) as f32;
                    }
                }
            } else {
                for (handle, rank) in &mut found {
                    if let Some(count) = postings.rows.get(handle) {
                        *rank += (f64::from(*count) * weight) as f32;
                    }
                }
            }
        }
        let mut found: Vec<(i64, f32)> = found.into_iter().collect();
        found.sort_unstable_by_key(|(handle, _)| *handle);
        let mut bytes = BytesMut::with_capacity(found.len() * PAIR);
        for (handle, rank) in found {
            bytes.put_i64(handle);
            bytes.put_f32(rank);
        }
        Ranks(bytes.freeze())
    }

    /// As they are kept.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// As they were kept.
    pub fn from_bytes(bytes: Bytes) -> Ranks {
        Ranks(bytes)
    }

    /// How many rows were found.
    pub fn len(&self) -> usize {
        self.0.len() / PAIR
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pair(&self, at: usize) -> (i64, f32) {
        let bytes = &self.0[at * PAIR..(at + 1) * PAIR];
        let (handle, rank) = bytes.split_at(8);
        let handle = i64::from_be_bytes(handle.try_into().expect("eight bytes"));
        (handle, f32::from_be_bytes(rank.try_into().expect("four bytes")))
    }

    /// What a row is worth; zero: it was not found.
    pub fn of_row(&self, handle: i64) -> f32 {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let (found, rank) = self.pair(middle);
            match found.cmp(&handle) {
                std::cmp::Ordering::Equal => return rank,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        0.0
    }

    /// The rows, the best first.
    pub fn best_first(&self) -> Vec<i64> {
        let mut pairs: Vec<(i64, f32)> = (0..self.len()).map(|at| self.pair(at)).collect();
        pairs.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        pairs.into_iter().map(|(handle, _)| handle).collect()
    }
}
