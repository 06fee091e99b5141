//! JSON_SEARCH.

use std::collections::HashSet;

use super::path::{ArrayIndex, Leg, Path};
use super::read::{JsonRef, View};
use super::value::Value;
use super::{Json, Pulse};
use crate::common::SqlResult;

/// Whether a text is one that is searched for.
pub type Matches<'a> = &'a dyn Fn(&str) -> SqlResult<bool>;

struct Searcher<'a, 'b, 'p> {
    matches: Matches<'a>,
    is_one_enough: bool,
    /// Where paths may begin.
    roots: HashSet<usize>,
    here: Path,
    found: Vec<String>,
    known: HashSet<usize>,
    pulse: &'b mut Pulse<'p>,
}

/// The paths of the texts in a document that match; only below what `paths` find, if there are some. One path alone is a
/// string, several are an array.
pub fn search(
    document: &Json,
    is_one_enough: bool,
    matches: Matches<'_>,
    paths: &[Path],
    pulse: &mut Pulse<'_>,
) -> SqlResult<Option<Json>> {
    let root = document.as_ref();
    let everything = [Path::default()];
    let paths = if paths.is_empty() { &everything } else { paths };
    let mut searcher = Searcher {
        matches,
        is_one_enough,
        roots: HashSet::new(),
        here: Path::default(),
        found: Vec::new(),
        known: HashSet::new(),
        pulse,
    };
    for path in paths {
        let roots = root.seek(path, searcher.pulse)?;
        searcher.roots = roots.iter().map(JsonRef::place).collect();
        searcher.walk(root, false)?;
        if searcher.is_done() {
            break;
        }
    }
    let mut found = searcher.found.into_iter().map(Value::String).collect::<Vec<_>>();
    let answer = match found.len() {
        0 => return Ok(None),
        1 => found.swap_remove(0),
        _ => Value::Array(found),
    };
    answer.to_json(pulse).map(Some)
}

impl Searcher<'_, '_, '_> {
    fn is_done(&self) -> bool {
        self.is_one_enough && !self.found.is_empty()
    }

    fn walk(&mut self, part: JsonRef<'_>, is_below_root: bool) -> SqlResult<()> {
        self.pulse.beat()?;
        let is_below_root = is_below_root || self.roots.contains(&part.place());
        match part.view() {
            View::String(text) => {
                let is_new = is_below_root && !self.known.contains(&part.place());
                if is_new && (self.matches)(text)? {
                    self.known.insert(part.place());
                    self.found.push(self.here.to_string());
                }
            }
            View::Array(container) => {
                for (at, element) in container.values().enumerate() {
                    // No document has more elements than 32 bits say.
                    self.below(
                        Leg::Cell(ArrayIndex::FromStart(at as u32)),
                        element,
                        is_below_root,
                    )?;
                }
            }
            View::Object(container) => {
                for (at, member) in container.values().enumerate() {
                    let key = container.key(at).to_owned();
                    self.below(Leg::Member(key), member, is_below_root)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn below(&mut self, leg: Leg, part: JsonRef<'_>, is_below_root: bool) -> SqlResult<()> {
        if self.is_done() {
            return Ok(());
        }
        self.here.push(leg);
        self.walk(part, is_below_root)?;
        self.here.pop();
        Ok(())
    }
}
