//! What a pattern says.

use regex_syntax::hir::ClassUnicode;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One letter of a set, which may be one letter.
    Class(ClassUnicode),
    /// Between letters.
    Assert(Assertion),
    /// One behind the other; nothing, if there is none.
    Concat(Vec<Node>),
    /// The first that leads to a match.
    Either(Vec<Node>),
    /// A group that a back reference may name, from 1.
    Group(u32, Box<Node>),
    /// What follows is not tried with another match of it.
    Atomic(Box<Node>),
    Repeat(Box<Repeat>),
    Look(Box<Look>),
    /// What a group has matched once more; in any case if that is to be ignored.
    Back(u32, bool),
}

#[derive(Clone, Debug)]
pub(super) struct Repeat {
    pub(super) node: Node,
    pub(super) min: u32,
    /// `None`: any number.
    pub(super) max: Option<u32>,
    /// As many as there are first.
    pub(super) greedy: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) node: Node,
    /// What stands behind the place; else what stands before it, with its least and its greatest length.
    pub(super) behind: Option<(u32, u32)>,
    pub(super) negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    /// \A, ^, \G.
    TextStart,
    /// \z.
    TextEnd,
    /// $, \Z: also before an end of line that ends the text.
    TextEndLine,
    /// ^ of a line.
    LineStart,
    /// $ of a line.
    LineEnd,
    /// \b.
    WordEdge,
    /// \B.
    NoWordEdge,
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) groups: u32,
    /// Whether it must be tried out.
    pub(super) tries: bool,
    /// Whether it has a [`Assertion::TextEndLine`].
    pub(super) dollar: bool,
}

/// What ends a line.
pub(super) fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a letter belongs to a word.
pub(super) fn is_word(letter: char) -> bool {
    regex_syntax::is_word_character(letter)
}

impl Node {
    /// The least and the greatest number of letters; `None`: there is no greatest.
    pub(super) fn length(&self) -> (u32, Option<u32>) {
        match self {
            Node::Class(_) => (1, Some(1)),
            Node::Assert(_) | Node::Look(_) => (0, Some(0)),
            Node::Back(..) => (0, None),
            Node::Group(_, inner) | Node::Atomic(inner) => inner.length(),
            Node::Concat(parts) => parts.iter().fold((0, Some(0)), |(least, most), part| {
                let (part_least, part_most) = part.length();
                let most = most.zip(part_most).map(|(most, part)| most.saturating_add(part));
                (least.saturating_add(part_least), most)
            }),
            Node::Either(parts) => {
                let lengths = parts.iter().map(Node::length);
                let both = |(least, most): (u32, Option<u32>), (other_least, other_most)| {
                    (
                        least.min(other_least),
                        most.zip(other_most).map(|(a, b): (u32, u32)| a.max(b)),
                    )
                };
                lengths.reduce(both).unwrap_or((0, Some(0)))
            }
            Node::Repeat(repeat) => {
                let (least, most) = repeat.node.length();
                let most = match (most, repeat.max) {
                    (Some(0), _) => Some(0),
                    (most, max) => most.zip(max).map(|(most, max)| most.saturating_mul(max)),
                };
                (least.saturating_mul(repeat.min), most)
            }
        }
    }
}
