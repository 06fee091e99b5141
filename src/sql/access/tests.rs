//! A walk over the table of kinds: each statement, and an account with everything but what it needs.

use std::sync::Arc;

use super::*;
use crate::sql::accounts::{Grants, Level, Permission, Privilege};
use crate::sql::catalog::NO_TEMPORARIES;
use crate::sql::parser::parse;
use crate::sql::statement::{Right, StatementKind, tests::STATEMENTS};
use crate::sql::types::SqlMode;

/// Nobody owns anything.
struct Nobody;

impl Definers for Nobody {
    fn rights(&self, _: &AccountName) -> Option<Arc<Rights>> {
        None
    }
}

/// All static privileges but these, and no dynamic one.
fn all_but(missing: Privileges) -> Rights {
    let mut grants = Grants::everything();
    grants.dynamic.clear();
    let taken = Permission { privileges: missing, ..Permission::default() };
    grants.revoke(&Level::Global, &taken);
    Rights::of(&AccountName::default(), &[], &|_| Some(&grants))
}

fn may(rights: &Rights, statement: &Statement) -> SqlResult<()> {
    let schema = InfoSchema::default();
    let who = Who { account: AccountName::new("me", "%"), from: "localhost".to_owned() };
    let checker = Checker {
        schema: &schema,
        temporary: &NO_TEMPORARIES,
        database: Some("d"),
        rights,
        who: &who,
        definers: &Nobody,
    };
    checker.statement(statement)
}

#[test]
fn each_kind_is_denied_to_who_lacks_its_right_alone() {
    for parsed in parse(STATEMENTS, SqlMode::default()).expect("they are all understood") {
        let statement = &parsed.statement;
        let kind = statement.kind();
        // Which table it is about only the schema tells.
        if kind == StatementKind::DropTrigger || kind == StatementKind::ShowCreateTrigger {
            continue;
        }
        let (missing, code) = match kind.traits().right {
            Right::Global(any) => (any, errno::SPECIFIC_ACCESS_DENIED),
            Right::Database(all) => (all, errno::DB_ACCESS_DENIED),
            Right::Table(all) => (all, errno::TABLEACCESS_DENIED),
            Right::Routine(all) => (all, errno::PROCACCESS_DENIED),
            Right::Anybody | Right::Reads | Right::Another | Right::Itself => continue,
        };
        may(&all_but(Privileges::NONE), statement).unwrap_or_else(|e| panic!("{kind:?}: {e:?}"));
        let denied = may(&all_but(missing), statement).expect_err(kind.traits().counted);
        assert_eq!(denied.code, code, "{kind:?}: {}", denied.message);
        // Who may not use a database is not told what for.
        let told =
            if code == errno::DB_ACCESS_DENIED { Vec::new() } else { missing.list().collect() };
        for one in told {
            assert!(denied.message.to_uppercase().contains(one.text()), "{}", denied.message);
        }
    }
}

#[test]
fn rows_are_read_with_select_alone() {
    let select = all_but(Privileges::ALL.without(Privilege::Select.into()));
    let none = all_but(Privilege::Select.into());
    for sql in [
        "SELECT a FROM t",
        "SELECT * FROM (SELECT a FROM t) x",
        "SELECT (SELECT MAX(a) FROM t)",
        "WITH c AS (SELECT a FROM t) SELECT * FROM c",
        "SELECT 1 UNION SELECT a FROM t",
        "SELECT 1 FROM dual WHERE EXISTS (SELECT 1 FROM t)",
        "DO (SELECT a FROM t)",
        "SET @a = (SELECT a FROM t)",
        "EXPLAIN SELECT a FROM t",
        "VALUES ROW((SELECT a FROM t))",
    ] {
        let statement = &parse(sql, SqlMode::default()).expect(sql)[0].statement;
        may(&select, statement).expect(sql);
        assert_eq!(may(&none, statement).expect_err(sql).code, errno::TABLEACCESS_DENIED, "{sql}");
    }
}
