//! Whatever way rows are found, they are those that the condition says.
//!
//! Every type × every operator × every kind of constant, written in the text and as a parameter, asked of the same rows in
//! tables that have no key, a key, a unique one, a primary one, and one whose second column it is. What reading
//! all rows and testing each says is right; so is its error.

use super::golden::Session;
use crate::common::SqlResult;
use crate::sql::catalog::InfoSchema;
use crate::sql::exec::{ExecContext, execute_query};
use crate::sql::parser::parse;
use crate::sql::plan::{Planner, StatementPlan};
use crate::sql::types::{Datum, FieldType};

/// Tables of the same rows, by their first letter. `p` has none with NULL.
const TABLES: [(&str, &str); 5] = [
    ("s", "id INT PRIMARY KEY, v {}"),
    ("i", "id INT PRIMARY KEY, v {}, KEY (v)"),
    ("u", "id INT, v {}, UNIQUE KEY (v)"),
    ("c", "id INT, g INT DEFAULT 7, v {}, KEY (g, v)"),
    ("p", "id INT, v {} PRIMARY KEY"),
];

/// Conditions on `v`: `{c}` is the constant, `{m}` one that is in the middle of the rows.
const CONDITIONS: [&str; 17] = [
    "v = {c}",
    "{c} = v",
    "v <> {c}",
    "v < {c}",
    "v <= {c}",
    "v > {c}",
    "v >= {c}",
    "{c} < v",
    "v <=> {c}",
    "v BETWEEN {c} AND {m}",
    "v BETWEEN {m} AND {c}",
    "v NOT BETWEEN {c} AND {m}",
    "v IN ({c}, {m})",
    "v NOT IN ({c}, {m})",
    "v < {c} OR v = {m}",
    "v > {c} AND v <= {m}",
    "v IS NULL OR v = {c}",
];

/// Constants of every kind.
const CONSTANTS: [&str; 44] = [
    "0",
    "1",
    "-1",
    "2",
    "24",
    "300",
    "-1.5",
    "1.5",
    "0.5",
    "-0.5",
    "1.5e0",
    "-1.5e0",
    "1e30",
    "-1e30",
    "9007199254740993",
    "9007199254740993e0",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999999",
    "20240102",
    "'1'",
    "' 1 '",
    "'-1.5'",
    "'1.50'",
    "'1e2'",
    "'9007199254740993'",
    "'abc'",
    "'1abc'",
    "''",
    "'2024-01-02'",
    "'2024-01-02 03:04:05'",
    "'2024-01-02 03:04:05.678'",
    "'2024-00-10'",
    "'1900-01-01'",
    "'9999-12-31'",
    "'10:11:12'",
    "'-10:11:12.5'",
    "NULL",
    "TRUE",
    "0x41",
    "DATE'2024-01-02'",
    "TIMESTAMP'2024-01-02 03:04:05'",
];

/// A session that answers with the ids of rows.
struct Paths {
    session: Session,
    schema: InfoSchema,
    runtime: tokio::runtime::Runtime,
}

impl Paths {
    /// The tables, with a row for each value; the first has NULL.
    fn new(field_type: &str, values: &[&str]) -> Paths {
        let mut session = Session::new();
        session.text("SET sql_mode = ''");
        let rows = values.iter().enumerate();
        let rows: Vec<String> = rows.map(|(id, value)| format!("({}, {value})", id + 1)).collect();
        for (letter, columns) in TABLES {
            let columns = columns.replace("{}", field_type);
            let made = session.text(&format!("CREATE TABLE {letter} ({columns})"));
            assert_eq!(made, "", "{field_type}");
            let null = if letter == "p" { "" } else { "(0, NULL), " };
            let rows = rows.join(", ");
            let done = session.text(&format!("INSERT INTO {letter} (id, v) VALUES {null}{rows}"));
            assert!(done.contains("affected"), "{field_type} {letter}: {done}");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let schema = runtime.block_on(session.schema()).unwrap();
        Paths { session, schema, runtime }
    }

    /// The ids of the rows, or the number of the error. `params` stand for question marks; `strict`: as a change of
    /// rows in strict mode reads them.
    fn ids(&self, sql: &str, params: &[Datum], strict: bool) -> Result<Vec<i64>, u16> {
        self.runtime.block_on(self.run(sql, params, strict)).map_err(|error| error.code)
    }

    async fn run(&self, sql: &str, params: &[Datum], strict: bool) -> SqlResult<Vec<i64>> {
        let parsed = parse(sql, self.session.sql_mode)?.remove(0);
        let types: Vec<FieldType> = params.iter().map(FieldType::of_literal).collect();
        let planner = Planner {
            parameter_count: parsed.parameters,
            parameter_types: &types,
            ..Planner::new(&self.schema, Some("test"), self.session.sql_mode)
        };
        let plan = planner.plan(&parsed.statement)?;
        let ctx = self.session.context(&plan).await?;
        let ctx = ExecContext { eval: std::sync::Arc::new(eval(params, strict)), ..ctx };
        let StatementPlan::Query(query) = plan else { panic!("a query was expected") };
        let mut rows = execute_query(&query, &ctx).await?;
        let mut ids = Vec::new();
        while let Some(batch) = rows.next_batch().await? {
            ids.extend(batch.into_rows(&query.root.schema).into_iter().map(|row| match row[0] {
                Datum::Int(id) => id,
                _ => panic!("an id was expected"),
            }));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The value of a constant.
    fn value(&self, text: &str) -> Datum {
        let parsed = parse(&format!("DO {text}"), self.session.sql_mode).unwrap().remove(0);
        let crate::sql::parser::Statement::Do(exprs) = parsed.statement else { panic!("DO") };
        let planner = Planner::new(&self.schema, Some("test"), self.session.sql_mode);
        planner.bind_constant(&exprs[0]).unwrap().eval(&[], &eval(&[], false)).unwrap()
    }

    /// All conditions with all constants by all paths; `middle` is one of the values.
    fn probe(&self, field_type: &str, middle: &str) {
        let mut wrong = Vec::new();
        for constant in CONSTANTS {
            let parameter = self.value(constant);
            for condition in CONDITIONS {
                let text = condition.replace("{m}", middle);
                let prepared = text.replace("{c}", "?");
                let text = text.replace("{c}", constant);
                for strict in [false, true] {
                    if strict && !condition.starts_with("v = ") {
                        continue;
                    }
                    let right = self.ids(&format!("SELECT id FROM s WHERE {text}"), &[], strict);
                    for (table, _) in TABLES {
                        let condition = if table == "c" { "g = 7 AND " } else { "" };
                        let mut right = right.clone();
                        if let (Ok(ids), "p") = (&mut right, table) {
                            ids.retain(|id| *id != 0);
                        }
                        let select = format!("SELECT id FROM {table} WHERE {condition}");
                        let mut check = |sql: String, params: &[Datum]| {
                            let found = self.ids(&sql, params, strict);
                            if found != right {
                                wrong.push(format!("{sql} [{constant}]: {found:?}, not {right:?}"));
                            }
                        };
                        check(format!("{select}({text})"), &[]);
                        // As a parameter X'…' is a string and nothing else.
                        if !constant.starts_with("0x") {
                            let count = prepared.matches('?').count();
                            check(format!("{select}({prepared})"), &vec![parameter.clone(); count]);
                        }
                    }
                }
            }
        }
        let some = &wrong[..wrong.len().min(40)];
        assert!(wrong.is_empty(), "{field_type}: {} differ\n{}", wrong.len(), some.join("\n"));
    }
}

fn eval(params: &[Datum], strict: bool) -> crate::sql::expr::EvalContext {
    let mut eval = crate::sql::expr::EvalContext::new();
    eval.params = params.to_vec();
    eval.writes = strict;
    if !strict {
        eval.sql_mode = crate::sql::types::SqlMode::EMPTY;
    }
    eval
}

macro_rules! types {
    ($($name:ident: $field_type:literal, $middle:literal, [$($value:literal),*];)*) => {$(
        #[test]
        fn $name() {
            Paths::new($field_type, &[$($value),*]).probe($field_type, $middle);
        }
    )*};
}

types! {
    tinyint: "TINYINT", "1", ["-128", "-2", "-1", "0", "1", "2", "24", "127"];
    int_unsigned: "INT UNSIGNED", "2", ["0", "1", "2", "3", "65", "300", "4294967295"];
    bigint: "BIGINT", "1",
        ["-9223372036854775808", "-2", "-1", "0", "1", "2", "9007199254740992", "9007199254740993",
        "9223372036854775807"];
    bigint_unsigned: "BIGINT UNSIGNED", "1",
        ["0", "1", "2", "9007199254740993", "9223372036854775808", "18446744073709551615"];
    year: "YEAR", "2000", ["1901", "1999", "2000", "2001", "2024", "2065", "2155"];
    float: "FLOAT", "1", ["-1.5", "-1", "-0.5", "0", "1", "1.5", "300", "1e30"];
    double: "DOUBLE", "1", ["-1.5", "-1", "0", "0.1", "1", "1.5", "9007199254740992", "1e30"];
    decimal: "DECIMAL(5,2)", "1", ["-999.99", "-1.5", "-1", "0", "0.5", "1", "1.5", "1.51", "999.99"];
    char: "CHAR(20)", "'abc'", ["''", "'-1.5'", "'1'", "'A'", "'abc'", "'ABD'", "'2024-01-02'"];
    varchar_ci: "VARCHAR(20) COLLATE utf8mb4_general_ci", "'abc'",
        ["''", "'1'", "'1abc'", "'A'", "'aBc'", "'abd'", "'2024-01-02'"];
    varbinary: "VARBINARY(20)", "'abc'", ["''", "'1'", "'A'", "'ABC'", "'abc'", "'abc '"];
    date: "DATE", "'2024-01-02'",
        ["'0000-00-00'", "'1000-01-01'", "'2024-00-10'", "'2024-01-01'", "'2024-01-02'", "'2024-01-03'",
        "'9999-12-31'"];
    datetime: "DATETIME", "'2024-01-02 03:04:05'",
        ["'0000-00-00'", "'1000-01-01'", "'2024-01-02'", "'2024-01-02 03:04:05'", "'2024-01-02 03:04:06'",
        "'9999-12-31 23:59:59'"];
    datetime_micros: "DATETIME(6)", "'2024-01-02 03:04:05'",
        ["'0000-00-00'", "'2024-01-02'", "'2024-01-02 03:04:05'", "'2024-01-02 03:04:05.678'"];
    timestamp: "TIMESTAMP", "'2024-01-02 03:04:05'",
        ["'0000-00-00'", "'1970-01-02'", "'2024-01-02'", "'2024-01-02 03:04:05'", "'2024-01-02 03:04:06'",
        "'2038-01-19'"];
    time: "TIME", "'10:11:12'",
        ["'-838:59:59'", "'-10:11:13'", "'-10:11:12'", "'00:00:00'", "'00:00:01'", "'10:11:12'", "'838:59:59'"];
}
