//! What is in what.

use super::Pulse;
use super::read::{JsonRef, View};
use crate::common::SqlResult;

impl JsonRef<'_> {
    /// JSON_CONTAINS: whether a candidate is in it. A scalar is in one that it equals; an array in an array when each of
    /// its elements is in some element; anything else in an array when it is in some element; an object in an object when
    /// each of its members is in the one with the same key.
    pub fn contains(&self, candidate: JsonRef<'_>, pulse: &mut Pulse<'_>) -> SqlResult<bool> {
        pulse.beat()?;
        match (self.view(), candidate.view()) {
            (View::Object(members), View::Object(wanted)) => {
                for (at, value) in wanted.values().enumerate() {
                    let Some(member) = members.find(wanted.key(at)) else { return Ok(false) };
                    if !member.contains(value, pulse)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (View::Array(_), View::Array(wanted)) => {
                for value in wanted.values() {
                    if !self.has_element_with(value, pulse)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (View::Array(_), _) => self.has_element_with(candidate, pulse),
            (one, other) => Ok(one.is_scalar() && other.is_scalar() && self.is_same(candidate)),
        }
    }

    fn has_element_with(&self, candidate: JsonRef<'_>, pulse: &mut Pulse<'_>) -> SqlResult<bool> {
        let Some(container) = self.container() else { return Ok(false) };
        for element in container.values() {
            if element.contains(candidate, pulse)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// JSON_OVERLAPS: whether two arrays have an element in common, or two objects a member; what is no array counts as an
    /// array of one beside one.
    pub fn overlaps(&self, other: JsonRef<'_>, pulse: &mut Pulse<'_>) -> SqlResult<bool> {
        match (self.view(), other.view()) {
            (View::Array(left), View::Array(right)) => {
                let (few, many) =
                    if left.len() <= right.len() { (left, right) } else { (right, left) };
                let mut sorted: Vec<JsonRef<'_>> = few.values().collect();
                sorted.sort_by(|left, right| left.compare(*right));
                for element in many.values() {
                    pulse.beat()?;
                    if sorted.binary_search_by(|one| one.compare(element)).is_ok() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (View::Array(_), _) => other.is_member_of(*self, pulse),
            (_, View::Array(_)) => self.is_member_of(other, pulse),
            (View::Object(left), View::Object(right)) => {
                for (at, value) in left.values().enumerate() {
                    pulse.beat()?;
                    if right.find(left.key(at)).is_some_and(|other| value.is_same(other)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(self.is_same(other)),
        }
    }

    /// MEMBER OF: whether it is an element of an array; what is no array counts as an array of one.
    pub fn is_member_of(&self, array: JsonRef<'_>, pulse: &mut Pulse<'_>) -> SqlResult<bool> {
        let View::Array(elements) = array.view() else { return Ok(self.is_same(array)) };
        for element in elements.values() {
            pulse.beat()?;
            if self.is_same(element) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
