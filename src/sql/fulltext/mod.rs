//! Full-text search: the words of texts, what is searched for, and which rows it finds.
//!
//! Nothing here reads anything: who has the entries of an index gives them, and gets what each row is worth. Words, operators and ranks are
//! InnoDB's: a word of a row is worth `occurrences × idf²`, where `idf = log10(rows / rows that have the word)`.

use serde::{Deserialize, Serialize};

mod grammar;
mod ranks;
mod search;
#[cfg(test)]
mod tests;
mod words;

pub use ranks::{Postings, Ranks};
pub use search::{Phrase, Search, Term};
pub use words::{DEFAULT_STOPWORDS, NGRAM_SIZE, is_indexed, tokens, word_counts, word_key};

/// What cuts the texts of a FULLTEXT index into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FulltextParser {
    /// Letters and digits in a row.
    Words,
    /// WITH PARSER ngram: every so many characters in a row.
    Ngram,
}

/// How the text of a search is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchMode {
    /// IN NATURAL LANGUAGE MODE: some words.
    #[default]
    Natural,
    /// WITH QUERY EXPANSION: the words of what is found first are searched for as well.
    Expanded,
    /// IN BOOLEAN MODE: words with operators.
    Boolean,
}

impl SearchMode {
    /// What says so behind the text.
    pub fn words(self) -> &'static str {
        match self {
            SearchMode::Natural => "",
            SearchMode::Expanded => " with query expansion",
            SearchMode::Boolean => " in boolean mode",
        }
    }
}
