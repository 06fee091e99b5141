//! Statements without their values: what statements that differ in constants only have in common.
//!
//! Numbers, strings and `?` become `?`, lists of them `...`; comments and spaces go, words are compared without case.
//! [`fingerprint`] is for counting and costs about as much as reading the text once; [`digest_text`] is for people.

mod keywords;

use sha2::{Digest as _, Sha256};

pub use keywords::keywords;

/// Of a longer text no more is looked at: what follows is values.
const TEXT_LIMIT: usize = 16 << 10;
/// A digest's text is cut after so many bytes, as MySQL's `max_digest_length` has it.
const DIGEST_LIMIT: usize = 1024;

/// A piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// A keyword or a name.
    Word(&'t [u8]),
    /// A name in backquotes, without them.
    Quoted(&'t [u8]),
    /// A constant.
    Value,
    /// Several constants with commas between them.
    Values,
    /// `(?)`
    Row,
    /// `(...)`
    LongRow,
    /// `(...), (...)`
    Rows,
    /// An operator or a bracket.
    Symbol(&'t [u8]),
}

/// Reads tokens. A copy looks ahead.
#[derive(Clone, Copy)]
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// The last token was a symbol other than `)`: a sign that follows is a number's.
    signed: bool,
    /// Inside of `/*! … */`.
    versioned: bool,
}

const OPERATORS: [&[u8]; 11] =
    [b"<=>", b"<=", b">=", b"<>", b"!=", b":=", b"||", b"&&", b"<<", b">>", b"->"];

impl<'t> Reader<'t> {
    fn new(text: &'t [u8]) -> Reader<'t> {
        let text = match text.get(..TEXT_LIMIT) {
            None => text,
            // Behind a whole row, so that long inserts have one digest wherever they are cut.
            Some(head) => {
                let end = memchr::memmem::rfind(head, b"),").map_or(head.len(), |at| at + 1);
                &head[..end]
            }
        };
        Reader { text, at: 0, signed: true, versioned: false }
    }

    fn rest(&self) -> &'t [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    /// Passes over spaces and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let end = |mark: &[u8]| {
                memchr::memmem::find(rest, mark).map_or(rest.len(), |at| at + mark.len())
            };
            self.at += match rest {
                [letter, ..] if letter.is_ascii_whitespace() => 1,
                [b'#', ..] | [b'-', b'-'] | [b'-', b'-', b' ' | b'\t' | b'\n', ..] => end(b"\n"),
                [b'/', b'*', b'!', ..] => {
                    self.versioned = true;
                    3 + rest[3..].iter().take_while(|letter| letter.is_ascii_digit()).count()
                }
                [b'/', b'*', ..] => end(b"*/"),
                [b'*', b'/', ..] if self.versioned => {
                    self.versioned = false;
                    2
                }
                _ => return,
            };
        }
    }

    /// The next token as it stands.
    fn plain(&mut self) -> Option<Token<'t>> {
        self.skip();
        let rest = self.rest();
        let first = *rest.first()?;
        let is_word = |letter: &u8| {
            letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'$' | b'@' | 0x80..)
        };
        let is_digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
        let token = match first {
            b'\'' | b'"' => self.string(first),
            b'`' => self.quoted(),
            b'?' => self.take(1, Token::Value),
            b'0'..=b'9' => self.number(0),
            b'.' if is_digit(1) => self.number(0),
            b'-' | b'+'
                if self.signed && (is_digit(1) || rest.get(1) == Some(&b'.') && is_digit(2)) =>
            {
                self.number(1)
            }
            b'x' | b'X' | b'b' | b'B' | b'n' | b'N' if rest.get(1) == Some(&b'\'') => {
                self.at += 1;
                self.string(b'\'')
            }
            _ if is_word(&first) => {
                let length = rest.iter().take_while(|letter| is_word(letter)).count();
                self.take(length, Token::Word(&rest[..length]))
            }
            _ => {
                let long = OPERATORS.iter().find(|operator| rest.starts_with(operator));
                let length = long.map_or(1, |operator| operator.len());
                self.take(length, Token::Symbol(&rest[..length]))
            }
        };
        self.signed = matches!(token, Token::Symbol(symbol) if symbol != b")");
        Some(token)
    }

    fn take(&mut self, length: usize, token: Token<'t>) -> Token<'t> {
        self.at += length;
        token
    }

    fn number(&mut self, sign: usize) -> Token<'t> {
        let rest = &self.rest()[sign..];
        let mut length = 0;
        while let Some(letter) = rest.get(length) {
            let exponent = length > 0 && matches!(rest[length - 1], b'e' | b'E');
            let goes_on = letter.is_ascii_alphanumeric()
                || *letter == b'.'
                || (matches!(letter, b'-' | b'+') && exponent);
            if !goes_on {
                break;
            }
            length += 1;
        }
        self.take(sign + length, Token::Value)
    }

    fn string(&mut self, quote: u8) -> Token<'t> {
        let rest = self.rest();
        let mut at = 1;
        while let Some(letter) = rest.get(at) {
            at += match *letter {
                b'\\' => 2,
                letter if letter == quote && rest.get(at + 1) == Some(&quote) => 2,
                letter if letter == quote => return self.take(at + 1, Token::Value),
                _ => 1,
            };
        }
        self.take(rest.len(), Token::Value)
    }

    fn quoted(&mut self) -> Token<'t> {
        let rest = &self.rest()[1..];
        let length = memchr::memchr(b'`', rest).unwrap_or(rest.len());
        self.take((length + 2).min(rest.len() + 1), Token::Quoted(&rest[..length]))
    }

    /// The next token, with lists of values in one.
    fn next(&mut self) -> Option<Token<'t>> {
        match self.plain()? {
            Token::Value => Some(if self.more_values() { Token::Values } else { Token::Value }),
            Token::Symbol(b"(") => {
                let Some(row) = self.row() else { return Some(Token::Symbol(b"(")) };
                let mut several = false;
                loop {
                    let mut ahead = *self;
                    let follows = ahead.plain() == Some(Token::Symbol(b","))
                        && ahead.plain() == Some(Token::Symbol(b"("))
                        && ahead.row().is_some();
                    if !follows {
                        return Some(if several { Token::Rows } else { row });
                    }
                    *self = ahead;
                    several = true;
                }
            }
            other => Some(other),
        }
    }

    /// Takes `, value` as often as it comes.
    fn more_values(&mut self) -> bool {
        let mut any = false;
        loop {
            let mut ahead = *self;
            if ahead.plain() != Some(Token::Symbol(b",")) || ahead.plain() != Some(Token::Value) {
                return any;
            }
            *self = ahead;
            any = true;
        }
    }

    /// After `(`: values and `)`.
    fn row(&mut self) -> Option<Token<'t>> {
        let mut ahead = *self;
        if ahead.plain() != Some(Token::Value) {
            return None;
        }
        let row = if ahead.more_values() { Token::LongRow } else { Token::Row };
        if ahead.plain() != Some(Token::Symbol(b")")) {
            return None;
        }
        *self = ahead;
        Some(row)
    }
}

/// A number that statements with the same digest in the same database share, and hardly any others.
pub fn fingerprint(text: &[u8], database: Option<&str>) -> u64 {
    let mut hash = Fnv::new();
    hash.add(database.unwrap_or_default().as_bytes());
    let mut reader = Reader::new(text);
    while let Some(token) = reader.next() {
        match token {
            Token::Word(word) | Token::Quoted(word) => hash.add(word),
            Token::Symbol(symbol) => hash.add(symbol),
            Token::Value => hash.add(b"?"),
            Token::Values => hash.add(b"?,"),
            Token::Row => hash.add(b"(?)"),
            Token::LongRow => hash.add(b"(?,)"),
            Token::Rows => hash.add(b"(?,),"),
        }
    }
    hash.0
}

/// A name in backquotes.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The statement without its values, in MySQL's form: keywords in capitals, names in backquotes.
pub fn digest_text(text: &[u8]) -> String {
    let known = keywords();
    let mut out = String::new();
    let mut reader = Reader::new(text);
    let mut glued = true;
    while let Some(token) = reader.next() {
        if out.len() > DIGEST_LIMIT {
            out.push_str(" ...");
            break;
        }
        let dot = token == Token::Symbol(b".");
        if !glued && !dot && token != Token::Symbol(b";") {
            out.push(' ');
        }
        glued = dot;
        match token {
            Token::Word(word) => {
                let word = String::from_utf8_lossy(word);
                let upper = word.to_ascii_uppercase();
                match known.binary_search_by(|(keyword, _)| (*keyword).cmp(&upper)) {
                    Ok(_) => out.push_str(&upper),
                    Err(_) if word.starts_with('@') => out.push_str(&word),
                    Err(_) => out.push_str(&quote_name(&word)),
                }
            }
            Token::Quoted(name) => {
                out.push_str(&quote_name(&String::from_utf8_lossy(name)));
            }
            Token::Value => out.push('?'),
            Token::Values => out.push_str("..."),
            Token::Row => out.push_str("(?)"),
            Token::LongRow => out.push_str("(...)"),
            Token::Rows => out.push_str("(...) /* , ... */"),
            Token::Symbol(b";") => {}
            Token::Symbol(symbol) => out.push_str(&String::from_utf8_lossy(symbol)),
        }
    }
    out
}

/// The name of a digest: SHA-256 of its text, in hexadecimal.
pub fn digest_name(digest_text: &str) -> String {
    Sha256::digest(digest_text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// FNV-1a of words without case, with an end after each.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, part: &[u8]) {
        for byte in part.iter().map(u8::to_ascii_lowercase).chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> String {
        digest_text(text.as_bytes())
    }

    #[test]
    fn values_go_and_lists_are_one() {
        let cases = [
            ("select * from t where id=5", "SELECT * FROM `t` WHERE `id` = ?"),
            ("SELECT /* c */ a.b FROM `x` -- end\n", "SELECT `a`.`b` FROM `x`"),
            (
                "INSERT INTO t VALUES (1,'a;'), (-2,NULL)",
                "INSERT INTO `t` VALUES (...) , ( ? , NULL )",
            ),
            (
                "insert into t values (1,'it''s'),(2,\"\\\"\"),(3,x'00')",
                "INSERT INTO `t` VALUES (...) /* , ... */",
            ),
            ("select 1 in (1, 2,3) , a - 1, 1e-5", "SELECT ? IN (...) , `a` - ..."),
            ("set @a = ?, @@sql_mode = 'x';", "SET @a = ? , @@sql_mode = ?"),
            ("/*!40101 SET NAMES utf8 */", "SET NAMES `utf8`"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(digest(text), expected, "{text}");
        }
    }

    #[test]
    fn same_digest_same_fingerprint() {
        let same = [
            ["SELECT * FROM t WHERE a = 1", "select  *  from T where A='x' "],
            ["INSERT INTO t VALUES (1,2)", "INSERT INTO t VALUES (3,4)"],
            ["INSERT INTO t VALUES (1,2),(3,4)", "INSERT INTO t VALUES (1,2),(3,4),(5,6)"],
        ];
        for [a, b] in same {
            assert_eq!(fingerprint(a.as_bytes(), None), fingerprint(b.as_bytes(), None), "{a}");
        }
        let long = |row: &str| format!("INSERT INTO t VALUES {}(0, '')", row.repeat(4000));
        assert_eq!(
            fingerprint(long("(1, 'a'),\n").as_bytes(), None),
            fingerprint(long("(22, 'bc'),").as_bytes(), None)
        );
        let a = fingerprint(b"SELECT 1", Some("x"));
        assert_ne!(a, fingerprint(b"SELECT 1", Some("y")));
        assert_ne!(a, fingerprint(b"SELECT a", Some("x")));
        assert_eq!(digest_name("SELECT ?").len(), 64);
    }

    #[test]
    fn whatever_comes_it_ends() {
        for text in
            ["'", "\"\\", "`", "/*", "/*!", "--", "-", "1e", "(", "(1,", "\u{0}ä\u{ff}", "(((1)))"]
        {
            fingerprint(text.as_bytes(), None);
            digest(text);
        }
        let long = "(1),".repeat(100_000);
        assert!(digest(&format!("INSERT INTO t VALUES {long}(1)")).len() < 2000);
    }
}
