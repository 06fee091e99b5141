//! Programs in executable comments, as dumps write them: `/*!50003 TRIGGER … */`.

/// Where a body ends that begins at a byte inside of an executable comment, and where the text goes on behind that comment and a semicolon;
/// `None`: it is in none.
pub(super) fn around(sql: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = &sql[..at];
    let open = memchr::memmem::rfind(before, b"/*!")?;
    if memchr::memmem::find(&before[open..], b"*/").is_some() {
        return None;
    }
    let end = close(sql, at)?;
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let behind = &sql[end + 2..];
    let text = behind.iter().position(|byte| !blank(byte)).unwrap_or(behind.len());
    let semicolon = usize::from(behind.get(text) == Some(&b';'));
    Some((end, end + 2 + text + semicolon))
}

/// The end of the comment that a byte is in: what is in quotes, and comments inside, are passed over.
fn close(sql: &[u8], at: usize) -> Option<usize> {
    let (mut at, mut depth, mut quote) = (at, 0_usize, None);
    while at < sql.len() {
        match (quote, &sql[at..]) {
            (Some(_), [b'\\', _, ..]) => at += 1,
            (Some(open), [byte, ..]) if *byte == open => quote = None,
            (Some(_), _) => {}
            (None, [byte @ (b'\'' | b'"' | b'`'), ..]) => quote = Some(*byte),
            (None, [b'/', b'*', ..]) => (at, depth) = (at + 1, depth + 1),
            (None, [b'*', b'/', ..]) if depth == 0 => return Some(at),
            (None, [b'*', b'/', ..]) => (at, depth) = (at + 1, depth - 1),
            (None, _) => {}
        }
        at += 1;
    }
    None
}

#[test]
fn the_comment_around_a_body_is_found() {
    let sql = b"/*!50003 CREATE*/ /*!50003 TRIGGER t SET @a = '*/' /* x */ */ ; SELECT 1";
    let at = sql.len() - b"SET @a = '*/' /* x */ */ ; SELECT 1".len();
    let (end, next) = around(sql, at).expect("it is in one");
    assert!(sql[at..end].ends_with(b"/* x */ "));
    assert_eq!(&sql[next..], b" SELECT 1");
    assert_eq!(around(b"/*!50003 CREATE*/ TRIGGER t SET @a = 1", 30), None);
}
