//! What a path finds.

use std::collections::HashSet;

use super::path::{Leg, Path, range_within};
use super::read::{JsonRef, View};
use super::value::Value;
use super::{Json, Pulse};
use crate::common::SqlResult;

/// How many parts are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    All,
    One,
}

struct Seeker<'a, 'l> {
    legs: &'l [Leg],
    /// Parts to go on from, each with the position of the next leg; the next is the last. A stack of our own: a path may
    /// have any number of legs.
    ahead: Vec<(JsonRef<'a>, usize)>,
    found: Vec<JsonRef<'a>>,
    /// Where which leg was begun already, when more than one way may lead there.
    seen: Option<HashSet<(usize, usize)>>,
}

impl<'a> JsonRef<'a> {
    /// All parts that a path finds, each once, in the order of the document.
    pub fn seek(&self, path: &Path, pulse: &mut Pulse<'_>) -> SqlResult<Vec<JsonRef<'a>>> {
        self.seek_for(path, Want::All, pulse)
    }

    /// Whether a path finds something.
    pub fn has(&self, path: &Path, pulse: &mut Pulse<'_>) -> SqlResult<bool> {
        Ok(!self.seek_for(path, Want::One, pulse)?.is_empty())
    }

    /// The part that a path finds which can find only one.
    pub fn seek_single(
        &self,
        path: &Path,
        pulse: &mut Pulse<'_>,
    ) -> SqlResult<Option<JsonRef<'a>>> {
        path.check_single()?;
        Ok(self.seek_for(path, Want::One, pulse)?.pop())
    }

    fn seek_for(
        &self,
        path: &Path,
        want: Want,
        pulse: &mut Pulse<'_>,
    ) -> SqlResult<Vec<JsonRef<'a>>> {
        let seen = path.has_ellipsis().then(HashSet::new);
        let ahead = vec![(*self, 0)];
        let mut seeker = Seeker { legs: path.legs(), ahead, found: Vec::new(), seen };
        while let Some((part, at)) = seeker.ahead.pop() {
            pulse.beat()?;
            seeker.step(part, at);
            if want == Want::One && !seeker.found.is_empty() {
                break;
            }
        }
        Ok(seeker.found)
    }
}

impl Json {
    /// JSON_EXTRACT: what paths find: for one that can find only one part that, otherwise an array of all; nothing when
    /// they find nothing.
    pub fn extract(&self, paths: &[Path], pulse: &mut Pulse<'_>) -> SqlResult<Option<Json>> {
        if let [path] = paths
            && !path.finds_many()
        {
            return Ok(self.as_ref().seek_single(path, pulse)?.map(|part| self.part(part)));
        }
        let mut found = Vec::new();
        for path in paths {
            let parts = self.as_ref().seek(path, pulse)?;
            found.extend(parts.into_iter().map(|part| Value::Stored(self.part(part))));
        }
        if found.is_empty() {
            return Ok(None);
        }
        Value::Array(found).to_json(pulse).map(Some)
    }
}

impl<'a> Seeker<'a, '_> {
    /// Goes from a part by the leg at a position.
    fn step(&mut self, part: JsonRef<'a>, at: usize) {
        if let Some(seen) = &mut self.seen
            && !seen.insert((at, part.place()))
        {
            return;
        }
        let Some(leg) = self.legs.get(at) else {
            self.found.push(part);
            return;
        };
        match (leg, part.view()) {
            (Leg::Ellipsis, view) => {
                if let View::Array(container) | View::Object(container) = view {
                    self.go_on(container.values(), at);
                }
                self.ahead.push((part, at + 1));
            }
            (Leg::Member(name), View::Object(members)) => {
                self.ahead.extend(members.find(name).map(|value| (value, at + 1)));
            }
            (Leg::AnyMember, View::Object(members)) => self.go_on(members.values(), at + 1),
            (Leg::Cell(index), View::Array(elements)) => {
                if let Ok(position) = index.within(elements.len()) {
                    self.ahead.push((elements.get(position), at + 1));
                }
            }
            (Leg::AnyCell, View::Array(elements)) => self.go_on(elements.values(), at + 1),
            (Leg::Range(from, to), View::Array(elements)) => {
                let range = range_within(*from, *to, elements.len());
                self.go_on(range.map(|position| elements.get(position)), at + 1);
            }
            (leg, view) if !matches!(view, View::Array(_)) && leg.stays_at_scalar() => {
                self.ahead.push((part, at + 1));
            }
            _ => {}
        }
    }

    fn go_on(&mut self, parts: impl DoubleEndedIterator<Item = JsonRef<'a>>, at: usize) {
        self.ahead.extend(parts.rev().map(|part| (part, at)));
    }
}
