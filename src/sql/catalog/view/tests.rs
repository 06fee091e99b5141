use super::{Known, Through, ViewInfo, merge_update, parse_query, qualify, query_text};
use crate::common::SqlResult;
use crate::sql::catalog::{
    DatabaseInfo, DdlContext, InfoSchema, NO_TEMPORARIES, SchemaState, build_table,
};
use crate::sql::expr::EvalContext;
use crate::sql::parser::ast::{
    CheckOption, Expr, Literal, Query, QueryBody, Select, Update, ViewAlgorithm,
};
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
    let view = |id: i64, columns: &str, definition: &str, check: Option<CheckOption>| {
        let mut view = table(id, &format!("CREATE TABLE {columns}"));
        view.view = Some(Box::new(ViewInfo {
            definition: definition.to_owned(),
            algorithm: ViewAlgorithm::Undefined,
            definer: ("root".to_owned(), "%".to_owned()),
            invoker: false,
            check,
            named: false,
            updatable: true,
            charset: ("utf8mb4".to_owned(), "utf8mb4_0900_ai_ci".to_owned()),
        }));
        view
    };
    let of_t = "select `d`.`t`.`a` AS `x`,`d`.`t`.`b` AS `y`,(`d`.`t`.`a` + 1) AS `z` from `d`.`t` where (`d`.`t`.`a` > 5)";
    let of_v = "select `d`.`v`.`x` AS `p`,`d`.`v`.`z` AS `q` from `d`.`v` where (`d`.`v`.`z` < 9)";
    let of_both = "select `d`.`t`.`b` AS `b`,`d`.`u`.`c` AS `c` from (`d`.`t` join `d`.`u` on((`d`.`t`.`a` = `d`.`u`.`a`)))";
    let tables = vec![
        table(1, "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10))"),
        table(2, "CREATE TABLE u (a INT, c INT)"),
        view(3, "v (x INT, y VARCHAR(10), z INT)", of_t, None),
        view(4, "w (p INT, q INT)", of_v, Some(CheckOption::Cascaded)),
        view(5, "l (p INT, q INT)", of_v, Some(CheckOption::Local)),
        view(6, "j (b VARCHAR(10), c INT)", of_both, None),
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

fn merged(sql: &str, schema: &InfoSchema) -> SqlResult<Option<(Update, Vec<Through>)>> {
    let statement = parse(sql, SqlMode::default()).expect("it is SQL").remove(0).statement;
    let Statement::Update(update) = statement else { panic!("no update: {sql}") };
    merge_update(&update, Known { schema, temporary: &NO_TEMPORARIES, current_db: Some("d") })
}

/// What an UPDATE has become: what is assigned, and the query that gives its rows; where the last begins with `!`, the error.
const CHANGES: &[(&str, &str)] = &[
    ("UPDATE t SET a = 1", "-"),
    ("UPDATE t JOIN v ON t.a = v.x SET t.b = v.y", "-"),
    (
        "UPDATE v SET y = z WHERE v.x = 3",
        "t.b=(`t`.`a` + 1) from `t` `t` where ((`t`.`a` > 5) and (`t`.`a` = 3))",
    ),
    (
        "UPDATE w SET p = q",
        "t.a=(`t`.`a` + 1) from `t` `t` where ((`t`.`a` > 5) and ((`t`.`a` + 1) < 9))",
    ),
    (
        "UPDATE t JOIN v ON b = y SET y = 1 WHERE a = 2",
        "t+.b=1 from (`t` join `t` `t+` on((`t`.`b` = `t+`.`b`))) where ((`t+`.`a` > 5) and (`t`.`a` = 2))",
    ),
    ("UPDATE u LEFT JOIN v ON u.a = v.x SET y = 1", "!1235"),
    (
        "UPDATE v SET y = 1 WHERE x IN (SELECT a FROM t WHERE t.b = y)",
        "t+.b=1 from `t` `t+` where ((`t+`.`a` > 5) and (`t+`.`a` in (select `t`.`a` from `t` where (`t`.`b` = `t+`.`b`))))",
    ),
    ("UPDATE j SET c = 1", "u.c=1 from (`t` `t` join `u` `u` on((`t`.`a` = `u`.`a`)))"),
    ("UPDATE v SET z = 1", "!1348"),
    ("UPDATE v SET y = a", "!1054"),
    ("UPDATE v SET y = 1 WHERE t.a = 1", "!1054"),
    ("UPDATE j SET b = 1, c = 2", "!1393"),
    ("UPDATE j JOIN t ON t.a = j.c SET j.b = 1 ORDER BY b", "!1052"),
];

#[test]
fn a_change_of_a_view_is_one_of_its_tables() {
    let schema = schema();
    for (sql, expected) in CHANGES {
        let (update, _) = match merged(sql, &schema) {
            Ok(Some(merged)) => merged,
            Ok(None) => {
                assert_eq!("-", *expected, "{sql}");
                continue;
            }
            Err(error) => {
                assert_eq!(format!("!{}", error.code), *expected, "{sql}");
                continue;
            }
        };
        let assigned = update.assignments.iter().map(|assignment| {
            let table =
                assignment.table.as_ref().map(|name| name.name.as_str()).unwrap_or_default();
            let value = text_of(assignment.value.clone(), None);
            format!("{table}.{}={}", assignment.column, &value["select ".len()..])
        });
        let assigned: Vec<String> = assigned.collect();
        let rows = text_of(Expr::Literal(Literal::Null), Some(update));
        assert_eq!(
            format!("{}{}", assigned.join(","), &rows["select NULL".len()..]),
            *expected,
            "{sql}"
        );
    }
}

/// The text of a query for an expression, over the rows of an UPDATE.
fn text_of(expr: Expr, update: Option<Update>) -> String {
    let QueryBody::Select(select) = parse_query("SELECT 1").expect("it is a query").body else {
        panic!("no SELECT")
    };
    let items =
        vec![crate::sql::parser::ast::SelectItem::Expr { expr, alias: None, text: String::new() }];
    let (from, selection) =
        update.map_or((None, None), |update| (Some(update.from), update.selection));
    let select = Select { items, from, selection, ..*select };
    query_text(&Query::plain(QueryBody::Select(Box::new(select))), Some("d"))
}

#[test]
fn what_is_checked_is_what_the_views_below_ask() {
    let schema = schema();
    let check = |sql: &str| {
        let (_, through) = merged(sql, &schema).expect("it can be changed").expect("it is a view");
        let check = through.into_iter().next().and_then(|through| through.check);
        check.map(|check| text_of(check, None)["select ".len()..].to_owned())
    };
    assert_eq!(check("UPDATE v SET x = 1"), None);
    assert_eq!(check("UPDATE l SET p = 1"), Some("((`t`.`a` + 1) < 9)".to_owned()));
    let cascaded = "(((`t`.`a` + 1) < 9) and (`t`.`a` > 5))";
    assert_eq!(check("UPDATE w SET p = 1"), Some(cascaded.to_owned()));
}
