//! Which modules a file names: a small reader of Rust's tokens, use trees and paths.
//!
//! It knows comments, literals, inline modules and what only tests compile, and takes every path for
//! what it says: `use` trees with groups, and paths in the code, inside of macros too.

use std::collections::BTreeSet;
use std::path::Path;

/// One token of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// `::`.
    Colons,
    /// Any other sign.
    Sign(char),
    /// The value of a string literal, as it is written.
    Text(String),
}

/// A token and its line, from 1.
pub(super) type Placed = (usize, Token);

/// A path from the root of the crate, and the line that names it.
pub(super) type Named = (usize, Vec<String>);

fn is_word(token: Option<&Placed>, word: &str) -> bool {
    matches!(token, Some((_, Token::Word(found))) if found == word)
}

fn is_sign(token: Option<&Placed>, sign: char) -> bool {
    matches!(token, Some((_, Token::Sign(found))) if *found == sign)
}

/// The index after the end of a string that opens at `at`, with its number of `#` if it is raw.
fn after_string(chars: &[char], mut at: usize, raw: Option<usize>) -> usize {
    at += 1;
    while at < chars.len() {
        match (chars[at], raw) {
            ('\\', None) => at += 2,
            ('"', None) => return at + 1,
            ('"', Some(hashes))
                if chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes =>
            {
                return at + 1 + hashes;
            }
            _ => at += 1,
        }
    }
    at
}

/// The index after a comment that opens at `at`, or none if none does.
fn after_comment(chars: &[char], at: usize) -> Option<usize> {
    match chars.get(at..at + 2)? {
        ['/', '/'] => {
            Some(chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n))
        }
        ['/', '*'] => {
            let (mut depth, mut at) = (1, at + 2);
            while depth > 0 && at < chars.len() {
                match chars.get(at..at + 2) {
                    Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
                    Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
            }
            Some(at)
        }
        _ => None,
    }
}

/// The index after a `'a'` at `at`, or none if it is a lifetime.
fn after_char(chars: &[char], at: usize) -> Option<usize> {
    if chars.get(at + 1) == Some(&'\\') {
        return chars[at + 3..].iter().position(|c| *c == '\'').map(|n| at + 4 + n);
    }
    (chars.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

/// How many `#` a raw string's opening has whose quote follows `at`, or none if none does.
fn raw_hashes(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + hashes) == Some(&'"')).then_some(hashes)
}

/// Cuts a file into tokens.
pub(super) fn tokens(text: &str) -> Vec<Placed> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let c = chars[at];
        let mut end = at + 1;
        if let Some(after) = after_comment(&chars, at) {
            end = after;
        } else if c == '"' {
            end = after_string(&chars, at, None);
            found.push((line, Token::Text(chars[at + 1..end - 1].iter().collect())));
        } else if c == '\'' {
            end = after_char(&chars, at).unwrap_or(end);
        } else if c.is_alphanumeric() || c == '_' {
            while chars.get(end).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                end += 1;
            }
            let word: String = chars[at..end].iter().collect();
            match (word.as_str(), raw_hashes(&chars, end)) {
                ("r" | "br" | "b" | "c" | "cr", Some(hashes)) => {
                    let raw = word.contains('r').then_some(hashes);
                    end = after_string(&chars, end + hashes, raw);
                }
                ("b", _) if chars.get(end) == Some(&'\'') => {
                    end = after_char(&chars, end).unwrap_or(end);
                }
                _ => found.push((line, Token::Word(word))),
            }
        } else if c == ':' && chars.get(end) == Some(&':') {
            end += 1;
            found.push((line, Token::Colons));
        } else if !c.is_whitespace() {
            found.push((line, Token::Sign(c)));
        }
        line += chars[at..end.min(chars.len())].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    found
}

/// The index after the bracket that closes the one at `at`.
fn after_brackets(tokens: &[Placed], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, (_, token)) in tokens[at..].iter().enumerate() {
        match token {
            Token::Sign('{' | '(' | '[') => depth += 1,
            Token::Sign('}' | ')' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// The index after the item at `at`: its block, or its semicolon.
fn after_item(tokens: &[Placed], mut at: usize) -> usize {
    while at < tokens.len() {
        match &tokens[at].1 {
            Token::Sign(';') => return at + 1,
            Token::Sign('{') => return after_brackets(tokens, at),
            Token::Sign('(' | '[') => at = after_brackets(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// Whether the attribute in `tokens` leaves its item to tests.
fn is_for_tests(tokens: &[Placed]) -> bool {
    tokens.iter().any(|(_, token)| *token == Token::Word("test".into()))
        && !tokens.iter().any(|(_, token)| *token == Token::Word("not".into()))
        && (is_word(tokens.first(), "cfg") || is_word(tokens.first(), "test"))
}

/// Takes out what only tests compile; gives the names of the modules that were declared there.
pub(super) fn without_tests(tokens: &[Placed]) -> (Vec<Placed>, Vec<String>) {
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if is_sign(tokens.get(at), '#') && is_sign(tokens.get(at + 1), '[') {
            let mut end = after_brackets(tokens, at + 1);
            if is_for_tests(&tokens[at + 2..end]) {
                while is_sign(tokens.get(end), '#') {
                    end = after_brackets(tokens, end + 1);
                }
                let item = end;
                end = after_item(tokens, item);
                for pair in tokens[item..end].windows(2) {
                    if let [(_, Token::Word(keyword)), (_, Token::Word(name))] = pair
                        && keyword == "mod"
                    {
                        modules.push(name.clone());
                        break;
                    }
                }
                at = end;
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    (kept, modules)
}

/// The module that a file of `src` is, without `crate`.
pub(super) fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Reads the tokens of one module.
struct Reader<'a> {
    tokens: &'a [Placed],
    /// The file's module, and the inline ones around the token in hand with the depth they opened at.
    module: Vec<String>,
    inline: Vec<usize>,
    depth: usize,
    /// Every module of the crate.
    modules: &'a BTreeSet<Vec<String>>,
    found: Vec<Named>,
}

impl Reader<'_> {
    /// Where a path that begins with `first` starts from, or none if it leaves the crate.
    fn start(&self, first: &str) -> Option<Vec<String>> {
        match first {
            "crate" | "troupedb" => Some(Vec::new()),
            "self" => Some(self.module.clone()),
            "super" => {
                let mut parent = self.module.clone();
                parent.pop().map(|_| parent)
            }
            child => {
                let mut path = self.module.clone();
                path.push(child.to_owned());
                self.modules.contains(&path).then_some(path)
            }
        }
    }

    /// Follows the path at `at` from `base`; in a use tree, through its groups too. Gives the index after it.
    fn path(&mut self, mut at: usize, mut base: Vec<String>, tree: bool) -> usize {
        let line = self.tokens[at].0;
        loop {
            match self.tokens.get(at) {
                Some((_, Token::Word(word))) if word == "super" => {
                    base.pop();
                }
                Some((_, Token::Word(word))) if word == "self" || word == "crate" => {}
                Some((_, Token::Word(word))) => base.push(word.clone()),
                Some((_, Token::Sign('{'))) if tree => {
                    let end = after_brackets(self.tokens, at);
                    at += 1;
                    while at < end - 1 {
                        if is_sign(self.tokens.get(at), ',') {
                            at += 1;
                        } else {
                            at = self.path(at, base.clone(), true);
                        }
                    }
                    return end;
                }
                _ => {}
            }
            at += 1;
            if self.tokens.get(at).map(|(_, token)| token) != Some(&Token::Colons) {
                break;
            }
            at += 1;
            if !tree && !matches!(self.tokens.get(at), Some((_, Token::Word(_)))) {
                break;
            }
        }
        self.found.push((line, base));
        if tree && is_word(self.tokens.get(at), "as") {
            at += 2;
        }
        at
    }

    /// The path that begins at `at`, if one does.
    fn one(&mut self, at: usize, tree: bool) -> Option<usize> {
        let (_, Token::Word(first)) = self.tokens.get(at)? else { return None };
        let before = at.checked_sub(1).map(|before| &self.tokens[before].1);
        if !tree && before == Some(&Token::Colons) {
            return None;
        }
        let is_path = matches!(self.tokens.get(at + 1), Some((_, Token::Colons)));
        if !tree && !is_path {
            return None;
        }
        let base = self.start(first)?;
        if !is_path {
            self.found.push((self.tokens[at].0, base));
            return Some(at + 1);
        }
        Some(self.path(at + 2, base, tree))
    }

    fn read(mut self) -> Vec<Named> {
        let mut at = 0;
        while at < self.tokens.len() {
            if is_word(self.tokens.get(at), "mod")
                && is_sign(self.tokens.get(at + 2), '{')
                && let (_, Token::Word(name)) = &self.tokens[at + 1]
            {
                self.module.push(name.clone());
                self.inline.push(self.depth);
                at += 2;
                continue;
            }
            match &self.tokens[at].1 {
                Token::Sign('{') => self.depth += 1,
                Token::Sign('}') => {
                    self.depth -= 1;
                    if self.inline.last() == Some(&self.depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                }
                _ => {}
            }
            let tree = is_word(self.tokens.get(at), "use");
            let first = if tree { at + 1 } else { at };
            at = match self.one(first, tree) {
                Some(after) => after,
                None => at + 1,
            };
        }
        self.found
    }
}

/// Every path into this crate that the tokens of a file name.
pub(super) fn paths(
    tokens: &[Placed],
    module: &[String],
    modules: &BTreeSet<Vec<String>>,
) -> Vec<Named> {
    let reader = Reader {
        tokens,
        module: module.to_vec(),
        inline: Vec::new(),
        depth: 0,
        modules,
        found: Vec::new(),
    };
    reader.read()
}

#[test]
fn the_reader_knows_trees_supers_and_what_is_for_tests() {
    let text = r##"
        //! use crate::comment::Nothing;
        use std::fmt; use crate::one::{self, two::{Three as Drei, *}, four};
        pub(crate) use super::sibling::Thing;
        const A: &str = "use crate::text::Nothing"; const B: char = '"'; const C: &str = r#"crate::raw::X "#;
        fn f<'a>(x: &'a crate::inline::Type<'a>) { matches!(x, self::Local::V); child::g(); b'x'; }
        mod inner { use super::super::uncle::U; }
        #[cfg(test)]
        mod tests { use crate::hidden::X; }
        #[cfg(test)] mod testing;
        #[test] fn t() { crate::hidden::y() }
        use child::Child;
    "##;
    let modules = [vec!["a".to_owned(), "b".into(), "child".into()]].into();
    let (kept, hidden) = without_tests(&tokens(text));
    assert_eq!(hidden, ["tests", "testing"]);
    let found: Vec<String> = paths(&kept, &["a".into(), "b".into()], &modules)
        .into_iter()
        .map(|(line, path)| format!("{line} {}", path.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "3 one",
            "3 one::two::Three",
            "3 one::two",
            "3 one::four",
            "4 a::sibling::Thing",
            "6 inline::Type",
            "6 a::b::Local::V",
            "6 a::b::child::g",
            "7 a::uncle::U",
            "12 a::b::child::Child",
        ]
    );
}
