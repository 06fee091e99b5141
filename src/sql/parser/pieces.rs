//! Long texts in pieces.
//!
//! sqlparser's tokenizer cuts a text as a whole. Before that a long one is looked over, much faster: how many tokens it has at most, so that
//! one that would fill the memory is refused first; and where it may be divided, so that whoever waits for the end of the statement
//! does not wait for the end of the text.

/// A text that is shorter is cut as a whole.
const PIECE: usize = 256 << 10;

/// What a look over a text finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    /// It has no more tokens than this.
    pub(super) tokens: usize,
    /// What its parentheses come to, in tokens.
    pub(super) parentheses: usize,
    /// Where it may be divided: past commas and blanks that stand in no string, name or comment.
    pub(super) divisions: Vec<usize>,
}

impl Pieces {
    /// Looks a text over. `escapes`: a backslash in a string takes the next character's meaning away.
    pub(super) fn of(text: &[u8], escapes: bool) -> Pieces {
        let mut found = Pieces::default();
        let mut at = 0;
        let mut begins = 0;
        // In a comment that is executed.
        let mut executed = false;
        let rows = reads_rows(text);
        while at < text.len() {
            let byte = text[at];
            // Blanks are forgotten as soon as a piece has been cut.
            found.tokens += usize::from(!byte.is_ascii_whitespace());
            if byte == b'(' {
                let called = at > 0 && is_of_word(text[at - 1]);
                found.parentheses += parenthesis_tokens(called, rows);
            }
            at = match byte {
                b'\'' | b'"' | b'`' => past_quote(text, at, escapes && byte != b'`'),
                b'/' if text[at..].starts_with(b"/*!") => {
                    executed = true;
                    at + 3
                }
                b'*' if executed && text.get(at + 1) == Some(&b'/') => {
                    executed = false;
                    at + 2
                }
                b'/' if text.get(at + 1) == Some(&b'*') => {
                    let end = memchr::memmem::find(&text[at + 2..], b"*/");
                    end.map_or(text.len(), |end| at + 2 + end + 2)
                }
                b'#' => past_line(text, at),
                b'-' if is_dashes(&text[at..]) => past_line(text, at),
                byte if is_of_word(byte) => {
                    text[at..].iter().position(|b| !is_of_word(*b)).map_or(text.len(), |n| at + n)
                }
                _ => at + 1,
            };
            if (byte == b',' || byte.is_ascii_whitespace())
                && !executed
                && at - begins >= PIECE
                && at < text.len()
            {
                found.divisions.push(at);
                begins = at;
            }
        }
        found
    }
}

/// Whether a text begins with INSERT or REPLACE.
fn reads_rows(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    begins(b"INSERT") || begins(b"REPLACE")
}

/// What a parenthesis is made into beside its tokens, in tokens: a call, a row or an expression. `rows`: the rows of INSERT, which
/// are not sqlparser's.
pub(super) fn parenthesis_tokens(called: bool, rows: bool) -> usize {
    match (called, rows) {
        (true, _) => 8,
        (false, true) => 0,
        (false, false) => 4,
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Whether a comment begins: dashes with a blank after them, or nothing.
fn is_dashes(text: &[u8]) -> bool {
    text.starts_with(b"--") && text.get(2).is_none_or(|next| *next <= b' ')
}

fn past_line(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end + 1)
}

/// Past the quote that closes the one at `at`; a doubled one closes, and opens again.
fn past_quote(text: &[u8], at: usize, escapes: bool) -> usize {
    let quote = text[at];
    let mut from = at + 1;
    loop {
        let Some(found) = memchr::memchr2(quote, b'\\', &text[from..]) else { return text.len() };
        let found = from + found;
        if text[found] == quote {
            return found + 1;
        }
        from = if escapes { (found + 2).min(text.len()) } else { found + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_stand_outside_of_strings_and_comments() {
        let row = "('a,\\'b', \"c,'\", `d,`, 1) /* , ' */ -- , '\n";
        let one = Pieces::of(row.as_bytes(), true);
        let text = vec![row; 20_000].join(",");
        let pieces = Pieces::of(text.as_bytes(), true);
        assert_eq!(pieces.tokens, one.tokens * 20_000 + 19_999);
        assert!(pieces.divisions.len() > 2, "{:?}", pieces.divisions);
        for division in pieces.divisions {
            let before = text.as_bytes()[division - 1];
            assert!(before == b',' || before.is_ascii_whitespace());
            // Neither in a string nor in a comment: what is left is cut as the whole is.
            let rest = Pieces::of(&text.as_bytes()[division..], true).tokens;
            let first = Pieces::of(&text.as_bytes()[..division], true).tokens;
            assert_eq!(first + rest, pieces.tokens);
        }
    }

    #[test]
    fn what_does_not_end_ends_with_the_text() {
        for text in ["'a", "'a\\", "/* a", "`", "-- a", "\"a\\\""] {
            assert!(Pieces::of(text.as_bytes(), true).tokens <= 2, "{text}");
        }
        assert_eq!(Pieces::of(b"'a\\',1", false).tokens, 3);
        assert_eq!(Pieces::of(b"1--1", true).tokens, 4);
        assert_eq!(Pieces::of(b"/*!40101 1, 1 */ 1", true).tokens, 7);
    }
}
