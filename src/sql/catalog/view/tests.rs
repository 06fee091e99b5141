use super::{parse_query, qualify, query_text};
use crate::sql::catalog::{DatabaseInfo, DdlContext, InfoSchema, SchemaState, build_table};
use crate::sql::expr::EvalContext;
use crate::sql::parser::{Statement, parse};
use crate::sql::types::SqlMode;

fn schema() -> InfoSchema {
    let database = DatabaseInfo {
        id: 1,
        name: "d".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: "utf8mb4_0900_ai_ci".to_owned(),
        state: SchemaState::Public,
    };
    let empty = InfoSchema::new(1, vec![(database.clone(), Vec::new())]);
    let eval = EvalContext::new();
    let table = |id: i64, sql: &str| {
        let statement = parse(sql, SqlMode::default()).expect("it is SQL").remove(0).statement;
        let Statement::CreateTable(create) = statement else { panic!("no table: {sql}") };
        let ctx = DdlContext {
            schema: &empty,
            current_db: Some("d"),
            sql_mode: SqlMode::default(),
            eval: &eval,
        };
        let mut table = build_table(&create, &ctx).expect("it is a table");
        table.id = id;
        table
    };
    let tables = vec![
        table(1, "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10))"),
        table(2, "CREATE TABLE u (a INT, c INT)"),
    ];
    InfoSchema::new(1, vec![(database, tables)])
}

/// What a query says, and what is written of it; where the second begins with `!`, the error.
const TEXTS: &[(&str, &str)] = &[
    ("SELECT * FROM t", "select `t`.`a` AS `a`,`t`.`b` AS `b` from `t`"),
    ("SELECT x.* FROM t AS x", "select `x`.`a` AS `a`,`x`.`b` AS `b` from `t` `x`"),
    (
        "SELECT A+1, COUNT(*) c FROM t GROUP BY a+1 ORDER BY c DESC LIMIT 2, 3",
        "select (`t`.`a` + 1) AS `A+1`,count(0) AS `c` from `t` group by (`t`.`a` + 1) order by `c` desc limit 2,3",
    ),
    (
        "SELECT * FROM t NATURAL JOIN u",
        "select `t`.`a` AS `a`,`t`.`b` AS `b`,`u`.`c` AS `c` from (`t` join `u` on((`t`.`a` = `u`.`a`)))",
    ),
    (
        "SELECT a FROM t RIGHT JOIN u USING (a)",
        "select `u`.`a` AS `a` from (`u` left join `t` on((`t`.`a` = `u`.`a`)))",
    ),
    (
        "SELECT b FROM t WHERE a IN (SELECT c FROM u WHERE u.a = b) AND NOT b LIKE 'x\\'%'",
        "select `t`.`b` AS `b` from `t` where ((`t`.`a` in (select `u`.`c` from `u` where (`u`.`a` = `t`.`b`))) and \
      (not((`t`.`b` like 'x\\'%'))))",
    ),
    (
        "SELECT a FROM t UNION ALL (SELECT c FROM u ORDER BY c LIMIT 1) ORDER BY a",
        "select `t`.`a` AS `a` from `t` union all (select `u`.`c` AS `c` from `u` order by `c` limit 1) order by `a`",
    ),
    (
        "WITH w (x) AS (SELECT a FROM t) SELECT x FROM w",
        "with `w` (`x`) as (select `t`.`a` AS `a` from `t`) select `w`.`x` AS `x` from `w`",
    ),
    (
        "SELECT CASE a WHEN 1 THEN 'x' ELSE NULL END z, -a, -1, CAST(b AS SIGNED), b IS NULL, a BETWEEN 1 AND 2 FROM t",
        "select (case `t`.`a` when 1 then 'x' else NULL end) AS `z`,-(`t`.`a`) AS `-a`,-1 AS `-1`,cast(`t`.`b` as signed) AS \
      `CAST(b AS SIGNED)`,(`t`.`b` is null) AS `b IS NULL`,(`t`.`a` between 1 and 2) AS `a BETWEEN 1 AND 2` from `t`",
    ),
    (
        "SELECT ROW_NUMBER() OVER (PARTITION BY b ORDER BY a DESC) r, GROUP_CONCAT(DISTINCT b ORDER BY b) FROM t GROUP BY a",
        "select row_number() OVER (PARTITION BY `t`.`b` ORDER BY `t`.`a` desc ) AS `r`,group_concat(distinct `t`.`b` order by `t`.`b` \
      ASC separator ',') AS `GROUP_CONCAT(DISTINCT b ORDER BY b)` from `t` group by `t`.`a`",
    ),
    (
        "SELECT DATE_ADD(b, INTERVAL 1 DAY) d, TRIM(LEADING 'x' FROM b) t, SUBSTRING(b, 1) s FROM t",
        "select (`t`.`b` + interval 1 day) AS `d`,trim(leading 'x' from `t`.`b`) AS `t`,substr(`t`.`b`,1) AS `s` from `t`",
    ),
    (
        "SELECT b, c FROM t STRAIGHT_JOIN u",
        "select `t`.`b` AS `b`,`u`.`c` AS `c` from (`t` straight_join `u`)",
    ),
    ("SELECT @a FROM t", "!1351"),
    ("SELECT @@sql_mode", "!1351"),
];

#[test]
fn the_text_is_mysqls_and_is_read_again() {
    let schema = schema();
    for (sql, expected) in TEXTS {
        let mut query = parse_query(sql).expect("it is a query");
        if let Err(error) = qualify(&mut query, &schema, Some("d")) {
            assert_eq!(format!("!{}", error.code), *expected, "{sql}");
            continue;
        }
        assert_eq!(query_text(&query, Some("d")), *expected, "{sql}");
        let full = query_text(&query, None);
        let again = parse_query(&full).unwrap_or_else(|error| panic!("{full}: {error}"));
        assert_eq!(query_text(&again, None), full, "{sql}");
    }
}
