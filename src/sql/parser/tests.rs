//! Tables of texts: what they parse to, or which error they get.

use super::ast::*;
use super::*;

fn introducer(charset: &str) -> Introducer {
    Introducer { charset: charset.to_owned(), quoted: true }
}

fn parse_all(sql: &str) -> Vec<ParsedStatement> {
    parse(sql, SqlMode::default()).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn expr(text: &str) -> Expr {
    let sql = format!("DO {text}");
    match parse_all(&sql).remove(0).statement {
        Statement::Do(mut list) if list.len() == 1 => list.remove(0),
        other => panic!("{text}: {other:?}"),
    }
}

fn string(text: &str) -> Expr {
    Expr::Literal(Literal::String(text.as_bytes().to_vec(), None))
}

#[test]
fn precedence() {
    let same = [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("NOT a = b", "NOT (a = b)"),
        ("!a = b", "(!a) = b"),
        ("a OR b AND c", "a OR (b AND c)"),
        ("a XOR b OR c", "(a XOR b) OR c"),
        ("a = b IS NULL", "(a = b) IS NULL"),
        ("a = b LIKE c", "a = (b LIKE c)"),
        ("a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b"),
        ("-a ^ b", "(-a) ^ b"),
        ("a | b & c << 1", "a | (b & (c << 1))"),
        ("a DIV 2 MOD 3", "(a DIV 2) MOD 3"),
        ("a IN (1) = b", "(a IN (1)) = b"),
        ("a BETWEEN 1 AND 2 IN (b)", "a BETWEEN 1 AND (2 IN (b))"),
        ("a NOT BETWEEN 1 AND 2 LIKE b", "a NOT BETWEEN 1 AND (2 LIKE b)"),
        ("a REGEXP NULL = b", "(a REGEXP (NULL)) = b"),
        ("NOT a NOT REGEXP NULL", "NOT (a NOT REGEXP (NULL))"),
        ("a + INTERVAL 1 DAY * 2", "(a + INTERVAL 1 DAY) * 2"),
        ("a * b - INTERVAL 1 DAY - c", "((a * b) - INTERVAL 1 DAY) - c"),
        ("a + INTERVAL(b, c) * 2", "a + (INTERVAL(b, c) * 2)"),
        ("INTERVAL 1 DAY + a = b AND c", "(INTERVAL 1 DAY + (a = b)) AND c"),
        ("a = b COLLATE utf8mb4_bin", "a = (b COLLATE utf8mb4_bin)"),
        ("a LIKE b COLLATE x COLLATE y", "a LIKE ((b COLLATE x) COLLATE y)"),
        ("-a COLLATE x", "-(a COLLATE x)"),
        ("a + INTERVAL 1 DAY > b", "(a + INTERVAL 1 DAY) > b"),
        ("a COLLATE utf8mb4_bin = b", "(a COLLATE utf8mb4_bin) = b"),
        ("a && b || c", "(a AND b) OR c"),
        ("CASE WHEN a THEN 1 END + 1", "(CASE WHEN a THEN 1 END) + 1"),
    ];
    for (bare, grouped) in same {
        assert_eq!(expr(bare), expr(grouped), "{bare}");
    }
}

#[test]
fn literals() {
    let binary = |bytes: &[u8]| Expr::Literal(Literal::Hex(bytes.to_vec()));
    let cases = [
        ("'a''b'", string("a'b")),
        (r"'a\'b\n\\\%\q'", string("a'b\n\\\\%q")),
        ("\"a'b\"", string("a'b")),
        ("'a' 'b'\n\"c\"", string("abc")),
        ("N'x'", Expr::Literal(Literal::String(b"x".to_vec(), Some(introducer("utf8mb3"))))),
        ("_binary'x'", Expr::Literal(Literal::String(b"x".to_vec(), Some(introducer("binary"))))),
        ("X'4D'", binary(b"M")),
        ("0x4d7", binary(&[0x04, 0xd7])),
        ("b'101'", Expr::Literal(Literal::Bit(vec![5]))),
        ("18446744073709551615", Expr::Literal(Literal::Integer(u64::MAX))),
        (
            "18446744073709551616",
            Expr::Literal(Literal::Decimal("18446744073709551616".to_owned())),
        ),
        (".5", Expr::Literal(Literal::Decimal(".5".to_owned()))),
        ("1e3", Expr::Literal(Literal::Float(1000.0))),
        ("DATE '2024-01-01'", Expr::Literal(Literal::Date("2024-01-01".to_owned()))),
        ("{ts '2024-01-01'}", Expr::Literal(Literal::Timestamp("2024-01-01".to_owned()))),
        ("true", Expr::Literal(Literal::Bool(true))),
    ];
    for (text, wanted) in cases {
        assert_eq!(expr(text), wanted, "{text}");
    }
}

#[test]
fn modes_change_the_tokens() {
    let one = |sql: &str, mode| match parse(sql, mode).expect(sql).remove(0).statement {
        Statement::Do(mut list) => list.remove(0),
        other => panic!("{other:?}"),
    };
    let column = Expr::Column { database: None, table: None, name: "a".to_owned() };
    assert_eq!(one("DO \"a\"", SqlMode::ANSI_QUOTES), column);
    assert_eq!(one(r"DO 'a\n'", SqlMode::NO_BACKSLASH_ESCAPES), string(r"a\n"));
    let concat = Expr::Call("concat".to_owned(), vec![string("a"), string("b")]);
    assert_eq!(one("DO 'a' || 'b'", SqlMode::PIPES_AS_CONCAT), concat);
}

#[test]
fn comments() {
    let wanted = parse_all("SELECT 1+2")[0].statement.clone();
    for sql in [
        "SELECT 1+/* two */2",
        "-- first\nSELECT 1+2 -- last",
        "# first\nSELECT 1+2#last",
        "/*!40101 SELECT */ 1+2",
        "SELECT 1+2 /*!99999 nonsense */",
        "SELECT /*+ HINT(a) */ 1+2",
    ] {
        let mut statement = parse_all(sql).remove(0).statement;
        if let Statement::Query(query) = &mut statement
            && let QueryBody::Select(select) = &mut query.body
            && let SelectItem::Expr { text, .. } = &mut select.items[0]
        {
            "1+2".clone_into(text);
        }
        assert_eq!(statement, wanted, "{sql}");
    }
    assert_eq!(expr("1 --2"), expr("1 - (-2)"), "not a comment without a blank");
}

#[test]
fn several_statements_with_their_places() {
    let sql = " SELECT 1 ;; SET @a = ';' ;\n";
    let parsed = parse_all(sql);
    let texts: Vec<&str> = parsed.iter().map(|statement| &sql[statement.range.clone()]).collect();
    assert_eq!(texts, ["SELECT 1", "SET @a = ';'"]);
    assert_eq!(parsed[0].next, 11);
    let counted = parse_all("SELECT ?, ? FROM t WHERE a = ? LIMIT ?");
    assert_eq!(counted[0].parameters, 4);
    // The statement before an error can be run.
    let first = parse_one(b"SELECT 1; SELEC 2", 0, SqlMode::default()).expect("fine").expect("one");
    assert!(parse_one(b"SELECT 1; SELEC 2", first.next, SqlMode::default()).is_err());
}

#[test]
fn columns_are_named_by_their_text() {
    let Statement::Query(query) = &parse_all("SELECT 1+ 1, t.a, 'x', a b, COUNT( * )")[0].statement
    else {
        panic!("not a query");
    };
    let QueryBody::Select(select) = &query.body else { panic!("not a select") };
    let names: Vec<&str> = select
        .items
        .iter()
        .map(|item| match item {
            SelectItem::Expr { alias, text, .. } => alias.as_deref().unwrap_or(text),
            SelectItem::Wildcard(_) => "*",
        })
        .collect();
    assert_eq!(names, ["1+ 1", "a", "x", "b", "COUNT( * )"]);
}

/// Code, and what the message quotes (for 1064) or says.
#[test]
fn errors() {
    let cases: &[(&str, u16, &str)] = &[
        ("", 1065, "Query was empty"),
        (" ; -- nothing", 1065, "Query was empty"),
        ("SELEC 1", 1064, "near 'SELEC 1' at line 1"),
        ("SELECT 1 +\n FROM t", 1064, "near 'FROM t' at line 2"),
        ("SELECT * FROM t WHERE", 1064, "near '' at line 1"),
        ("SELECT 'abc", 1064, "near ''abc' at line 1"),
        ("SELECT * FROM select", 1064, "near 'select' at line 1"),
        ("SELECT (1", 1064, "near '' at line 1"),
        ("INSERT INTO t VALUES (1,)", 1064, "near ')' at line 1"),
        ("CREATE TABLE t (a INTT)", 1064, "near 'INTT)' at line 1"),
        ("SELECT 1 /* open", 1064, "near '/* open' at line 1"),
        ("SELECT 1 2", 1064, "near '2' at line 1"),
        ("SHOW TABLES LIKE 5", 1064, "near '5' at line 1"),
        ("SELECT * FROM (SELECT 1)", 1248, "Every derived table must have its own alias"),
        ("LOCK INSTANCE FOR BACKUP", 1235, "'LOCK INSTANCE'"),
        ("ANALYZE TABLE t UPDATE HISTOGRAM ON a", 1235, "'ANALYZE TABLE ... UPDATE HISTOGRAM'"),
        ("ANALYZE TABLE t DROP HISTOGRAM ON a", 1235, "'ANALYZE TABLE ... DROP HISTOGRAM'"),
        ("ANALYZE TABLE t PARTITION p", 1235, "'ANALYZE TABLE ... PARTITION'"),
        ("ANALYZE SELECT 1", 1235, "'ANALYZE of a statement'"),
        ("SHOW STATS_BUCKETS", 1235, "'SHOW STATS_BUCKETS'"),
        ("SHOW STATS_TOPN", 1235, "'SHOW STATS_TOPN'"),
        ("GRANT ALL ON *.* TO x AS y", 1235, "'GRANT … AS'"),
        ("SELECT ROW_NUMBER() FROM t", 1064, "near 'FROM t' at line 1"),
        ("SELECT LAST_VALUE(a) IGNORE NULLS OVER () FROM t", 1235, "'IGNORE NULLS'"),
        ("SELECT SUM(a) OVER (ORDER BY b GROUPS 1 PRECEDING) FROM t", 1235, "'GROUPS'"),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b) MATCH FULL",
            1235,
            "'MATCH FULL'",
        ),
        ("SELECT 1->'$.b'", 1064, ""),
        ("SELECT a->b FROM t", 1064, ""),
        ("SELECT JSON_VALUE(a, '$' RETURNING INT) FROM t", 1064, ""),
        ("SELECT JSON_VALUE(a, '$' NULL ON ERROR NULL ON EMPTY) FROM t", 1064, ""),
        ("SELECT JSON_VALUE(a, '$', 1) FROM t", 1064, ""),
        ("SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$'))", 3667, "alias"),
        ("SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a FLUFF PATH '$')) t", 1064, ""),
    ];
    for (sql, code, text) in cases {
        let error = parse(sql, SqlMode::default()).expect_err(sql);
        assert_eq!(error.code, *code, "{sql}: {error}");
        assert!(error.message.contains(text), "{sql}: {error}");
    }
    let long = format!("SELECT {} FROM FROM {}", "a", "x".repeat(200));
    let error = parse(&long, SqlMode::default()).expect_err("two FROMs");
    assert!(error.message.contains(&format!("near 'FROM {}' at", "x".repeat(75))), "{error}");
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(parse(&deep, SqlMode::default()).expect_err("too deep").code, 1436);
}

#[test]
fn what_clients_send() {
    for sql in [
        "SET NAMES utf8mb4",
        "SET NAMES 'utf8' COLLATE 'utf8_general_ci'",
        "SET character_set_results = NULL",
        "SET AUTOCOMMIT = 0",
        "SET autocommit=1, sql_mode='STRICT_TRANS_TABLES', @@session.time_zone = '+00:00'",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET GLOBAL TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE",
        "SET @@GLOBAL.max_connections = 10, @x := 5, tx_isolation = 'READ-COMMITTED'",
        "SET CHARACTER SET DEFAULT",
        "SET sql_mode = ANSI, NAMES DEFAULT",
        "SELECT @@session.auto_increment_increment AS auto_increment_increment, @@version_comment LIMIT 1",
        "SHOW VARIABLES LIKE 'lower_case_%'",
        "SHOW SESSION VARIABLES WHERE Variable_name IN ('a', 'b') OR Value = 'x'",
        "SHOW FULL TABLES FROM `db` LIKE 'x%'",
        "SHOW FULL COLUMNS FROM `t` FROM `db`",
        "SHOW INDEX IN t",
        "SHOW CREATE TABLE `db`.`t`",
        "SHOW COLLATION WHERE Charset = 'utf8mb4'",
        "SHOW COUNT(*) WARNINGS",
        "SHOW WARNINGS LIMIT 3",
        "SHOW GRANTS FOR CURRENT_USER()",
        "SHOW ENGINES",
        "SHOW TABLE STATUS LIKE 't'",
        "SHOW FULL PROCESSLIST",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
        "BEGIN OPTIMISTIC",
        "COMMIT AND NO CHAIN NO RELEASE",
        "ROLLBACK WORK TO SAVEPOINT s",
        "PREPARE p FROM 'SELECT ?'",
        "EXECUTE p USING @a, @b",
        "DROP PREPARE p",
        "KILL QUERY 7",
        "SPLIT TABLE t BETWEEN (0) AND (1000) REGIONS 4",
        "SPLIT TABLE t INDEX i BY (1, 'a'), (2, 'b')",
        "EXPLAIN FORMAT = 'brief' DELETE FROM t",
        "DESC t a",
        "EXPLAIN t",
        "LOCK TABLES t READ, d.u AS x READ LOCAL, v w LOW_PRIORITY WRITE, y WRITE",
        "UNLOCK TABLES",
        "DELETE FROM a, b USING a JOIN b ON a.x = b.x",
        "SELECT * FROM (a, b) LEFT JOIN (c JOIN d ON c.x = d.x) ON a.x = d.x",
        "SELECT STRAIGHT.x FROM t STRAIGHT",
        "SELECT test.t.* FROM test.t",
        "(SELECT 1) UNION (SELECT 2) ORDER BY 1",
        "SELECT TRIM(LEADING 'x' FROM a), SUBSTRING(a FROM 2 FOR 3), POSITION('a' IN b) FROM t",
        "SELECT CAST(a AS UNSIGNED), CONVERT(a, CHAR(5)), CONVERT(a USING utf8mb4), BINARY a FROM t",
        "SELECT CURRENT_TIMESTAMP, NOW(3), DATE_ADD(a, INTERVAL 1 DAY), EXTRACT(YEAR FROM a) FROM t",
        "SELECT a COLLATE 'utf8mb4_bin' AS 'b', CONVERT(a USING 'latin1') FROM t",
        "SELECT a.1b, `select`, t.select FROM t",
        "CREATE TABLE IF NOT EXISTS t (id SERIAL_NO INT)",
    ] {
        let result = parse(sql, SqlMode::default());
        if sql.contains("SERIAL_NO") {
            assert_eq!(result.expect_err("no such type").code, 1064);
        } else {
            result.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

/// What sqlparser reads and we do not implement is refused with its name, wherever it stands.
#[test]
fn clauses_without_an_implementation_are_named() {
    let cases: &[(&str, &str)] = &[
        ("SELECT 1 FROM t ORDER BY a NULLS FIRST", "'NULLS FIRST and NULLS LAST'"),
        ("SELECT 1 FROM t GROUP BY a WITH CUBE", "'GROUP BY … WITH CUBE'"),
        ("SELECT 1 FROM t FETCH FIRST 1 ROW ONLY", "'FETCH'"),
        ("SELECT DISTINCT ON (a) b FROM t", "'DISTINCT ON'"),
        ("SELECT a FROM t AS u (b)", "'names of columns after a table's alias'"),
        ("DO a IS DISTINCT FROM b", "IS DISTINCT FROM"),
        ("DO f(a) WITHIN GROUP (ORDER BY a)", "'WITHIN GROUP'"),
    ];
    for (sql, text) in cases {
        let error = parse(sql, SqlMode::default()).expect_err(sql);
        assert!(error.code == 1235 && error.message.contains(text), "{sql}: {error}");
    }
}

/// Words of other databases that sqlparser knows are plain names in MySQL, and what it allows is not always allowed.
#[test]
fn the_dialect_is_not_sqlparsers() {
    let column = |name: &str| Expr::Column { database: None, table: None, name: name.to_owned() };
    for name in
        ["array", "struct", "lambda", "map", "ilike", "try_cast", "overlay", "qualify", "top"]
    {
        assert_eq!(expr(name), column(name), "{name}");
    }
    let cases: &[(&str, &str)] = &[
        ("SELECT 1 FROM 'a'", "near"),
        ("SELECT 1 FROM t 'a'", "near"),
        ("DO a + NOT b", "near 'NOT b'"),
        ("DO INTERVAL 1 DAY", "near ''"),
        ("DO a::int", "near '::int'"),
        ("DO [1]", "near '[1]'"),
        ("DO a ILIKE b", "near 'ILIKE b'"),
        ("DO a ~ b", "near '~ b'"),
        ("DO f(x => 1)", "near 'f(x => 1)'"),
        ("SELECT * EXCEPT (a) FROM t", "near 'a) FROM t'"),
        ("SELECT 1 FROM t LIMIT ALL", "near 'ALL'"),
        ("SELECT 1 FROM t LIMIT a", "near 'a'"),
        ("SELECT COUNT(DISTINCT *) FROM t", "near"),
        ("DO DATE_ADD(a, 1)", "near 'DATE_ADD(a, 1)'"),
        ("SELECT a AS select FROM t", "near 'select FROM t'"),
        ("SELECT 1 FROM a LEFT JOIN b", "near"),
    ];
    for (sql, text) in cases {
        let error = parse(sql, SqlMode::default()).expect_err(sql);
        assert_eq!(error.code, 1064, "{sql}: {error}");
        assert!(error.message.contains(text), "{sql}: {error}");
    }
}

#[test]
fn depth_is_bounded() {
    let terms = |count: usize, op: &str| format!("DO 1{}", format!(" {op} 1").repeat(count));
    // ANDs and ORs stay flat, however many there are.
    for op in ["AND", "OR", "||"] {
        let (Expr::And(list) | Expr::Or(list)) = expr(&terms(20_000, op)[3..]) else {
            panic!("not flat: {op}");
        };
        assert_eq!(list.len(), 20_001);
    }
    let refused = [
        terms(20_000, "+"),
        terms(20_000, "= 1 IS NULL ="),
        format!("DO {}1", "-".repeat(20_000)),
        format!("DO {}1", "NOT ".repeat(20_000)),
        format!("DO {}1{}", "f(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(20_000)),
        format!("SELECT * FROM {}t{}", "(".repeat(20_000), ")".repeat(20_000)),
    ];
    for sql in refused {
        let error = parse(&sql, SqlMode::default()).expect_err(&sql[..40]);
        assert_eq!(error.code, 1436, "{}: {error}", &sql[..40]);
    }
}

#[test]
fn texts_that_are_not_utf8() {
    let sql = b"DO _binary'\xff\x00\\'\xfe', 'a\xc3\xa9'";
    let parsed = parse_one(sql, 0, SqlMode::default()).expect("fine").expect("one");
    let Statement::Do(list) = parsed.statement else { panic!("not DO") };
    let binary = Literal::String(b"\xff\x00'\xfe".to_vec(), Some(introducer("binary")));
    assert_eq!(list[0], Expr::Literal(binary));
    assert_eq!(list[1], string("aé"));
    assert_eq!(parsed.range, 0..sql.len());
}

#[test]
fn semicolons_that_end_nothing() {
    let sql = "SELECT ';', `;` -- ;\n, 2 /* ; */ # ;\n; /*!40101 SET @a = 1 */; SELECT 3 --";
    let parsed = parse_all(sql);
    let texts: Vec<&str> = parsed.iter().map(|statement| &sql[statement.range.clone()]).collect();
    assert_eq!(texts, ["SELECT ';', `;` -- ;\n, 2", "SET @a = 1", "SELECT 3"]);
}

/// Makes a statement with so many tables.
type Shape = Box<dyn Fn(usize) -> String>;

/// A join of more than 61 tables is refused in whatever shape it is written.
#[test]
fn joins_have_a_limit_of_tables() {
    let nested = |count: usize| {
        let half = format!("({})", vec!["t"; count / 2].join(" JOIN "));
        format!("SELECT 1 FROM {half} JOIN {half}")
    };
    let shapes: [(&str, Shape); 4] = [
        ("comma", Box::new(|count| format!("SELECT 1 FROM {}", vec!["t"; count].join(",")))),
        ("join", Box::new(|count| format!("SELECT 1 FROM {}", vec!["t"; count].join(" JOIN ")))),
        (
            "cross",
            Box::new(|count| format!("DELETE t FROM {}", vec!["t"; count].join(" CROSS JOIN "))),
        ),
        ("nested", Box::new(nested)),
    ];
    for (shape, text) in shapes {
        assert!(parse(&text(60), SqlMode::default()).is_ok(), "{shape}");
        let error = parse(&text(62), SqlMode::default()).unwrap_err();
        assert_eq!(error.code, crate::common::errno::TOO_MANY_TABLES, "{shape}");
    }
}
