//! What is searched for: words, each once, and how rows that have them are put together.

use super::grammar::{self, Item, Part, Sign};
use super::words::{NGRAM_SIZE, is_indexed, prefix_key, tokens, word_key};
use super::{FulltextParser, SearchMode};
use crate::common::SqlResult;
use crate::sql::types::Collation;

/// A word that rows are looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is the same for words that are the same; of a beginning, what those of the words begin with.
    pub key: Vec<u8>,
    /// All words that begin with it.
    pub prefix: bool,
}

/// Words in a row, or close to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The keys of its words, found by themselves or not.
    words: Vec<Vec<u8>>,
    /// Those of its words that rows are looked up by, by their numbers.
    pub terms: Vec<usize>,
    /// They stand in any order within so many words.
    within: Option<usize>,
}

/// A part of a search, with numbers of terms and phrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Term(usize),
    Phrase(usize),
    Group(Vec<(Sign, Node)>),
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The words.
    pub terms: Vec<Term>,
    /// The phrases: which rows have one is not known from its words alone.
    pub phrases: Vec<Phrase>,
    pub(super) root: Vec<(Sign, Node)>,
    parser: FulltextParser,
    collation: Collation,
}

impl Search {
    /// Of this text. Error 1064 for a text that is none, IN BOOLEAN MODE.
    pub fn new(
        text: &str,
        mode: SearchMode,
        parser: FulltextParser,
        collation: Collation,
    ) -> SqlResult<Search> {
        let items = match mode {
            SearchMode::Boolean => grammar::parse(text)?,
            SearchMode::Natural | SearchMode::Expanded => grammar::plain(text),
        };
        let (terms, phrases, root) = (Vec::new(), Vec::new(), Vec::new());
        let mut search = Search { terms, phrases, root, parser, collation };
        search.root = search.nodes(items, mode == SearchMode::Boolean);
        Ok(search)
    }

    /// Searches for the words of these texts as well.
    pub fn expand<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let mut found = Vec::new();
        for text in texts {
            for token in tokens(self.parser, text) {
                if is_indexed(self.parser, token) {
                    found.push(word_key(self.collation, token));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        for key in found {
            let term = Term { key, prefix: false };
            if !self.terms.contains(&term) {
                self.terms.push(term);
                self.root.push((Sign::May, Node::Term(self.terms.len() - 1)));
            }
        }
    }

    /// Whether a row with these texts has a phrase.
    pub fn has_phrase<'t>(&self, phrase: &Phrase, texts: impl Iterator<Item = &'t str>) -> bool {
        texts.into_iter().any(|text| {
            let keys = tokens(self.parser, text).into_iter();
            let keys: Vec<Vec<u8>> = keys.map(|token| word_key(self.collation, token)).collect();
            match phrase.within {
                None => keys.windows(phrase.words.len()).any(|window| window == phrase.words),
                Some(within) => {
                    let width = within.min(keys.len()).max(1);
                    let has_all =
                        |window: &[Vec<u8>]| phrase.words.iter().all(|word| window.contains(word));
                    keys.windows(width).any(has_all)
                }
            }
        })
    }

    fn nodes(&mut self, items: Vec<Item>, operators: bool) -> Vec<(Sign, Node)> {
        let mut nodes = Vec::with_capacity(items.len());
        for Item { sign, part } in items {
            match part {
                Part::Group(items) => {
                    let group = self.nodes(items, operators);
                    nodes.push((sign, Node::Group(group)));
                }
                Part::Phrase { text, within } => {
                    nodes.extend(self.phrase(&text, within).map(|node| (sign, node)));
                }
                Part::Word { text, prefix } => {
                    self.word(&text, prefix, sign, operators, &mut nodes)
                }
            }
        }
        nodes
    }

    /// What a text without spaces stands for: one word, or several.
    fn word(
        &mut self,
        text: &str,
        prefix: bool,
        sign: Sign,
        operators: bool,
        nodes: &mut Vec<(Sign, Node)>,
    ) {
        let is_ngram = self.parser == FulltextParser::Ngram;
        // In pieces, a word is found where the pieces are in a row, and a beginning may be shorter than a piece.
        if operators && is_ngram && !(prefix && text.chars().count() < NGRAM_SIZE) {
            nodes.extend(self.phrase(text, None).map(|node| (sign, node)));
            return;
        }
        let parser = if prefix { FulltextParser::Words } else { self.parser };
        let mut group = Vec::new();
        for token in tokens(parser, text) {
            // What is asked for by an operator is found nowhere if it has no entries.
            if operators || is_indexed(self.parser, token) {
                let key = match prefix {
                    true => prefix_key(self.collation, token),
                    false => word_key(self.collation, token),
                };
                let number = self.term(key, prefix);
                group.push((sign, Node::Term(number)));
            }
        }
        nodes.extend(group);
    }

    fn phrase(&mut self, text: &str, within: Option<usize>) -> Option<Node> {
        let words = tokens(self.parser, text);
        let found: Vec<&str> =
            words.iter().copied().filter(|word| is_indexed(self.parser, word)).collect();
        let mut terms = Vec::with_capacity(found.len());
        for word in found {
            let number = self.term(word_key(self.collation, word), false);
            if !terms.contains(&number) {
                terms.push(number);
            }
        }
        // None of its words has entries: it is found nowhere.
        if words.is_empty() {
            return None;
        }
        let words = words.into_iter().map(|word| word_key(self.collation, word)).collect();
        self.phrases.push(Phrase { words, terms, within });
        Some(Node::Phrase(self.phrases.len() - 1))
    }

    fn term(&mut self, key: Vec<u8>, prefix: bool) -> usize {
        let term = Term { key, prefix };
        match self.terms.iter().position(|known| *known == term) {
            Some(number) => number,
            None => {
                self.terms.push(term);
                self.terms.len() - 1
            }
        }
    }
}
