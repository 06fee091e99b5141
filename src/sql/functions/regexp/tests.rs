//! Patterns and what they fit.

use super::regex::{Flags, Regex};
use crate::common::errno;
use crate::sql::expr::{EvalContext, InterruptReason};

fn found(pattern: &str, text: &str) -> bool {
    let regex = Regex::new(pattern, Flags::default());
    let regex = regex.unwrap_or_else(|error| panic!("{pattern}: {error}"));
    regex.is_match(text, &EvalContext::new()).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

#[test]
fn what_looks_around_and_back() {
    let fits = [
        ("foo(?=bar)", "foobar"),
        ("foo(?!bar)", "foobaz"),
        ("(?<=foo)bar", "foobar"),
        ("(?<!x)bar", "foobar"),
        ("(?<=a{2,3})b", "xaaab"),
        ("(?<=ab|cde)f", "cdef"),
        ("(?<=ä)ö", "äö"),
        (r"^(ab)\1$", "abab"),
        (r"(?<twice>.)\k<twice>", "xyyz"),
        (r"(a|b)(c)\2\1", "acca"),
        (r"(?i)(ab)\1", "abAB"),
        ("a++b", "aaab"),
        ("(?>a|ab)c", "ac"),
        ("^(?=.*\\d)(?=.*[a-z])\\w{4,}$", "ab12"),
        ("^(?!.*secret).*$", "open"),
        ("(?=(a+))a*b\\1", "baaabac"),
        ("x(?=y(?=z))", "xyz"),
        ("(?:(?=a)a|b)+$", "abab"),
        ("(a*)*b(?=c)", "aabc"),
        ("\\R(?=b)", "a\r\nb"),
        ("(?<=\\bno )\\w+", "no way"),
        ("q(?!u)", "Iraq"),
    ];
    for (pattern, text) in fits {
        assert!(found(pattern, text), "{pattern} in {text}");
    }
    let others = [
        ("foo(?=bar)", "foobaz"),
        ("foo(?!bar)", "foobar"),
        ("(?<=foo)bar", "fobar"),
        ("(?<!o)bar", "foobar"),
        ("(?<=a{2,3})b", "xab"),
        (r"^(ab)\1$", "abba"),
        (r"(ab)\1", "abAB"),
        ("a++ab", "aaab"),
        ("(?>a|ab)c", "abc"),
        ("^(?=.*\\d)(?=.*[a-z])\\w{4,}$", "abcd"),
        ("^(?!.*secret).*$", "a secret"),
        ("q(?!u)", "quit"),
        // A group that has matched nothing matches nothing again.
        (r"(a)?b\1c", "bc"),
    ];
    for (pattern, text) in others {
        assert!(!found(pattern, text), "{pattern} in {text}");
    }
}

/// Both ways of matching say the same.
#[test]
fn an_automaton_agrees_with_trying() {
    let patterns = [
        "a",
        "a*",
        "ab+c?",
        "(a|b)*c",
        "^a",
        "c$",
        "^$",
        "a.c",
        "[a-c]{2,3}",
        "(?:ab)+?c",
        r"\bab\b",
        r"\Bb",
        "[^a]",
        "a|bc|",
        r"\d+",
        r"[[:alpha:]]\s",
        "(a?){3}b",
        "(?i)A[B-C]",
        "(?s)a.c",
        "(?m)^b$",
        r"\Aab\z",
        r"b\Z",
        r"\w\W",
        "a{0}b",
        "(a*)+b",
        r"\x61\u0062",
        r"[\]a]",
        "[]a]b",
        r"\Qa.c\E",
        "(?x) a b # c",
        "a{2,}",
        "ä|é",
        "(?-i)b",
    ];
    let texts = [
        "", "a", "b", "ab", "abc", "aabbcc", "a\nc", "b\nb", "cab", "A B", "12a", "aaab", "a.c",
        "ab\n", "ab\r\n", "äb", "é", "]b", "a b", "acb", "bc", "a\n\n",
    ];
    let ctx = EvalContext::new();
    for pattern in patterns {
        let linear = Regex::new(pattern, Flags::default()).expect("it is a pattern");
        // An empty look-ahead changes nothing but the way.
        let tried = Regex::new(&format!("{pattern}|(?!)"), Flags::default());
        let tried = tried.expect("it is a pattern, too");
        for text in texts {
            let expected = tried.is_match(text, &ctx).expect("it ends");
            assert_eq!(
                linear.is_match(text, &ctx).expect("it ends"),
                expected,
                "{pattern} in {text:?}"
            );
        }
    }
}

#[test]
fn a_long_text_is_matched_in_pieces_alike() {
    let ctx = EvalContext::new();
    let long = "ab".repeat(50_000);
    for (pattern, at_end, expected) in [
        ("abc$", "c", true),
        ("^abab", "", true),
        ("ba(?:ab)*x", "", false),
        (r"\bab+x", "x", false),
        ("é", "é", true),
    ] {
        let regex = Regex::new(pattern, Flags::default()).expect("it is a pattern");
        let text = format!("{long}{at_end}");
        assert_eq!(regex.is_match(&text, &ctx).expect("it ends"), expected, "{pattern}");
    }
}

#[test]
fn what_is_no_pattern_is_an_error_of_its_kind() {
    let cases = [
        ("a(b", errno::REGEXP_MISMATCHED_PAREN),
        ("a)b", errno::REGEXP_MISMATCHED_PAREN),
        ("a{b}", errno::REGEXP_BAD_INTERVAL),
        ("a{1", errno::REGEXP_BAD_INTERVAL),
        ("a{2,1}", errno::REGEXP_MAX_LT_MIN),
        (r"\1", errno::REGEXP_INVALID_BACK_REF),
        (r"(a)\2", errno::REGEXP_INVALID_BACK_REF),
        (r"\k<no>", errno::REGEXP_INVALID_BACK_REF),
        ("(?<=a+)b", errno::REGEXP_LOOK_BEHIND_LIMIT),
        ("[a", errno::REGEXP_MISSING_CLOSE_BRACKET),
        ("[b-a]", errno::REGEXP_INVALID_RANGE),
        (r"\y", errno::REGEXP_BAD_ESCAPE_SEQUENCE),
        ("*a", errno::REGEXP_RULE_SYNTAX),
        ("a**", errno::REGEXP_RULE_SYNTAX),
        ("(?y)a", errno::REGEXP_INVALID_FLAG),
        ("(?<1a>b)", errno::REGEXP_INVALID_CAPTURE_GROUP_NAME),
        (r"\X", errno::REGEXP_UNIMPLEMENTED),
        ("[[:nothing:]]", errno::REGEXP_ILLEGAL_ARGUMENT),
        ("((a{1000}){1000}){1000}", errno::REGEXP_PATTERN_TOO_BIG),
    ];
    for (pattern, code) in cases {
        let regex = Regex::new(pattern, Flags::default());
        assert_eq!(regex.err().map(|error| error.code), Some(code), "{pattern}");
    }
}

/// What would be tried for years ends: by its bounds, or by whoever ends the statement.
#[test]
fn trying_ends() {
    let ctx = EvalContext::new();
    let regex = Regex::new("^(a+)+(?=b)$", Flags::default()).expect("it is a pattern");
    let text = "a".repeat(60);
    let error = std::thread::scope(|scope| {
        let matching = scope.spawn(|| regex.is_match(&text, &ctx));
        ctx.interrupt.raise(InterruptReason::Killed);
        matching.join().expect("it does not panic")
    });
    assert_eq!(error.map_err(|error| error.code), Err(errno::QUERY_INTERRUPTED));
    ctx.interrupt.clear();
    let deep = Regex::new("^(a|b)*(?=c)", Flags::default()).expect("it is a pattern");
    let error = deep.is_match(&"ab".repeat(1_000_000), &ctx);
    assert_eq!(error.map_err(|error| error.code), Err(errno::REGEXP_STACK_OVERFLOW));
}
