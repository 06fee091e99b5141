//! Programs that need nobody else, from text to result.

use std::sync::Arc;

use super::{Bound, BoundExprs, Machine, Stop, compile_body};
use crate::common::SqlResult;
use crate::sql::catalog::InfoSchema;
use crate::sql::expr::EvalContext;
use crate::sql::parser::ast::Statement;
use crate::sql::parser::parse;
use crate::sql::plan::{PlanNode, Planner};
use crate::sql::types::{Collation, SqlMode};

/// What a function returns.
fn returned(body: &str) -> SqlResult<String> {
    let text = format!("CREATE FUNCTION f() RETURNS INT {body}");
    let parsed = parse(&text, SqlMode::default())?.remove(0);
    let Statement::CreateRoutine(create) = parsed.statement else { panic!("a function") };
    let program = Arc::new(compile_body(&create.body, Collation::default(), &[])?);
    let mut machine = Machine::new(program.clone());
    let mut bound = BoundExprs::of(&program);
    let mut eval = EvalContext::new();
    eval.writes = true;
    let schema = InfoSchema::default();
    loop {
        match machine.run(&mut eval, &bound)? {
            Stop::Bind(number) => {
                let mut planner = Planner::new(&schema, None, SqlMode::default());
                planner.parameter_count = program.variables.len();
                planner.parameter_types = &bound.types;
                let plan = planner.plan_value(&program.exprs[number])?;
                let PlanNode::Project { exprs, .. } = plan.root.node else { panic!("a value") };
                let expr = exprs.into_iter().next().expect("one value");
                bound.put(number, Bound::of(expr));
            }
            Stop::Returned(value, _) => return Ok(value.to_text()),
            Stop::Yield => {}
            other => return Ok(format!("{other:?}")),
        }
    }
}

fn error_of(text: &str) -> (u16, String) {
    let error = parse(text, SqlMode::default()).expect_err(text);
    (error.code, error.message)
}

#[test]
fn loops_and_branches() {
    let sum = "BEGIN DECLARE i, s INT DEFAULT 0; WHILE i < 1000 DO SET i = i + 1, s = s + i; END WHILE; RETURN s; END";
    assert_eq!(returned(sum).unwrap(), "500500");
    let labels = "BEGIN DECLARE i, s INT DEFAULT 0; a: LOOP SET i = i + 1; IF i > 10 THEN LEAVE a; ELSEIF i % 2 THEN ITERATE a; END IF; SET s = s + i; END LOOP a; RETURN s; END";
    assert_eq!(returned(labels).unwrap(), "30");
    let repeat = "BEGIN DECLARE i INT DEFAULT 0; REPEAT SET i = i + 1; UNTIL i >= 3 END REPEAT; RETURN i; END";
    assert_eq!(returned(repeat).unwrap(), "3");
    let case = "BEGIN DECLARE x INT DEFAULT 2; CASE x WHEN 1 THEN RETURN 10; WHEN 2 THEN RETURN 20; END CASE; RETURN 0; END";
    assert_eq!(returned(case).unwrap(), "20");
    let none = "BEGIN CASE WHEN 0 THEN RETURN 10; END CASE; RETURN 0; END";
    assert_eq!(returned(none).unwrap_err().code, 1339);
}

#[test]
fn handlers_are_chosen_as_mysql_chooses() {
    let goes_on = "BEGIN DECLARE x INT DEFAULT 1; DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET x = x + 100; CASE x WHEN 2 THEN SET x = 3; END CASE; RETURN x; END";
    assert_eq!(returned(goes_on).unwrap(), "101");
    let exits = "BEGIN DECLARE x INT DEFAULT 1; BEGIN DECLARE EXIT HANDLER FOR 1339 SET x = x + 10; DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET x = 0; CASE x WHEN 2 THEN SET x = 3; END CASE; SET x = 77; END; RETURN x; END";
    assert_eq!(returned(exits).unwrap(), "11");
    let by_state = "BEGIN DECLARE x INT DEFAULT 1; DECLARE none CONDITION FOR SQLSTATE '20000'; DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET x = 5; BEGIN DECLARE EXIT HANDLER FOR none SET x = 6; CASE x WHEN 2 THEN SET x = 3; END CASE; END; RETURN x; END";
    assert_eq!(returned(by_state).unwrap(), "6");
    let inner = "BEGIN DECLARE x INT DEFAULT 1; DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET x = 50; BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION CASE x WHEN 9 THEN SET x = 3; END CASE; CASE x WHEN 2 THEN SET x = 3; END CASE; END; RETURN x; END";
    assert_eq!(returned(inner).unwrap(), "50");
}

#[test]
fn variables_convert_as_columns_do() {
    let text = "BEGIN DECLARE x VARCHAR(3) DEFAULT 'abcd'; RETURN x; END";
    assert_eq!(returned(text).unwrap_err().code, 1406);
    assert_eq!(
        returned("BEGIN DECLARE x TINYINT; SET x = 300; RETURN x; END").unwrap_err().code,
        1264
    );
    let scopes = "BEGIN DECLARE x INT DEFAULT 1; BEGIN DECLARE x INT DEFAULT 2; SET x = 3; END; RETURN x; END";
    assert_eq!(returned(scopes).unwrap(), "1");
}

#[test]
fn errors_of_the_text() {
    let procedure =
        |body: &str| error_of(&format!("CREATE PROCEDURE p(a INT) BEGIN {body}; END")).0;
    for (body, code) in [
        ("LEAVE x", 1308),
        ("x: LOOP x: LOOP LEAVE x; END LOOP; END LOOP", 1309),
        ("x: LOOP LEAVE x; END LOOP y", 1310),
        ("RETURN 1", 1313),
        ("USE d", 1314),
        ("DECLARE EXIT HANDLER FOR nix SET a = 1", 1319),
        ("DECLARE c CURSOR FOR DELETE FROM t", 1322),
        ("DECLARE c CURSOR FOR SELECT 1 INTO a", 1323),
        ("OPEN c", 1324),
        ("SELECT 1 INTO b", 1327),
        ("DECLARE b, b INT", 1331),
        ("DECLARE b CONDITION FOR 1; DECLARE b CONDITION FOR 2", 1332),
        ("DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 1", 1333),
        ("DECLARE c CURSOR FOR SELECT 1; DECLARE b INT", 1337),
        ("DECLARE EXIT HANDLER FOR 5 SET a = 1; DECLARE c CURSOR FOR SELECT 1", 1338),
        ("DECLARE b CONDITION FOR SQLSTATE '4200'", 1407),
        ("DECLARE EXIT HANDLER FOR 5, 5 SET a = 1", 1413),
        ("SELECT ?", 1064),
        ("DROP PROCEDURE p", 1357),
    ] {
        assert_eq!(procedure(body), code, "{body}");
    }
    assert_eq!(error_of("CREATE PROCEDURE p(a INT, A INT) SELECT 1").0, 1330);
    assert_eq!(error_of("CREATE FUNCTION f() RETURNS INT SET @a = 1").0, 1320);
    assert_eq!(error_of("CREATE FUNCTION f() RETURNS INT BEGIN SELECT 1; RETURN 1; END").0, 1415);
    assert_eq!(error_of("CREATE FUNCTION f() RETURNS INT BEGIN COMMIT; RETURN 1; END").0, 1422);
    assert_eq!(
        error_of("CREATE FUNCTION f() RETURNS INT BEGIN PREPARE s FROM 'DO 1'; RETURN 1; END").0,
        1336
    );
}

#[test]
fn a_packet_is_cut_behind_the_body() {
    let text = "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT ';'; END IF; END; SELECT 2";
    let parsed = parse(text, SqlMode::default()).unwrap();
    assert_eq!(parsed.len(), 2);
    assert_eq!(&text[parsed[0].range.clone()], &text[..text.len() - 10]);
}
