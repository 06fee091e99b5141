//! Texts cut into words.

use std::collections::BTreeMap;

use super::FulltextParser;
use crate::sql::types::Collation;

/// `innodb_ft_min_token_size` and `innodb_ft_max_token_size`: how many characters words have that are found.
const WORD_LENGTHS: std::ops::RangeInclusive<usize> = 3..=84;

/// `ngram_token_size`.
pub const NGRAM_SIZE: usize = 2;

/// InnoDB's: what `INFORMATION_SCHEMA.INNODB_FT_DEFAULT_STOPWORD` lists.
pub const DEFAULT_STOPWORDS: [&str; 36] = [
    "a", "about", "an", "are", "as", "at", "be", "by", "com", "de", "en", "for", "from", "how",
    "i", "in", "is", "it", "la", "of", "on", "or", "that", "the", "this", "to", "was", "what",
    "when", "where", "who", "will", "with", "und", "the", "www",
];

fn is_word_character(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// All words of a text, in order, whether they are found or not.
pub fn tokens(parser: FulltextParser, text: &str) -> Vec<&str> {
    let words = text.split(|letter| !is_word_character(letter)).filter(|word| !word.is_empty());
    match parser {
        FulltextParser::Words => words.collect(),
        FulltextParser::Ngram => words.flat_map(ngrams).collect(),
    }
}

/// Every so many characters in a row.
fn ngrams(word: &str) -> impl Iterator<Item = &str> {
    let starts = word.char_indices().map(|(at, _)| at);
    let ends = word.char_indices().map(|(at, letter)| at + letter.len_utf8()).skip(NGRAM_SIZE - 1);
    starts.zip(ends).map(|(start, end)| &word[start..end])
}

/// Whether a word has entries. A stopword has none, nor has a piece of a word that holds one.
pub fn is_indexed(parser: FulltextParser, token: &str) -> bool {
    let lower = token.to_lowercase();
    match parser {
        FulltextParser::Words => {
            WORD_LENGTHS.contains(&token.chars().count())
                && !DEFAULT_STOPWORDS.contains(&lower.as_str())
        }
        FulltextParser::Ngram => !DEFAULT_STOPWORDS.iter().any(|word| lower.contains(word)),
    }
}

/// What is the same for words that are the same.
pub fn word_key(collation: Collation, token: &str) -> Vec<u8> {
    collation.sort_key(token.as_bytes()).into_owned()
}

/// What the keys of all words begin with that begin with this text. Where letters differ in accents or case alone, and the collation tells
/// those apart, it is not told apart here.
pub(super) fn prefix_key(collation: Collation, text: &str) -> Vec<u8> {
    let mut key = word_key(collation, text);
    if collation.pads() {
        // The end.
        key.truncate(key.len() - collation.sort_key(b"").len());
    } else if !collation.compares_bytes()
        && let Some(level) = key.chunks_exact(2).position(|weight| weight == [0, 0])
    {
        key.truncate(2 * level);
    }
    key
}

/// The words of a row's texts that have entries, by their keys, and how often each is there.
pub fn word_counts<'t>(
    parser: FulltextParser,
    collation: Collation,
    texts: impl Iterator<Item = &'t [u8]>,
) -> BTreeMap<Vec<u8>, u32> {
    let mut counts = BTreeMap::new();
    for text in texts {
        let text = String::from_utf8_lossy(text);
        for token in tokens(parser, &text) {
            if is_indexed(parser, token) {
                *counts.entry(word_key(collation, token)).or_insert(0_u32) += 1;
            }
        }
    }
    counts
}
