//! A walk over the table: what holds of every kind of statement, and where each kind is met.

use super::*;
use crate::sql::parser::parse;
use crate::sql::types::SqlMode;

#[test]
fn lines_agree_with_themselves() {
    let mut names: Vec<&str> =
        StatementKind::ALL.iter().map(|kind| kind.traits().counted).collect();
    let sorted = names.is_sorted();
    names.dedup();
    assert!(sorted && names.len() == TRAITS.len(), "each name is there once, in order");
    for kind in StatementKind::ALL {
        let traits = kind.traits();
        // What changes the schema cannot be undone: it is no part of a transaction.
        let apart = [StatementKind::Begin, StatementKind::Flush, StatementKind::LockTables];
        let commits = traits.commits == Commits::First && !apart.contains(kind);
        assert_eq!(traits.uses == Uses::Schema, commits, "{kind:?}");
        // A plan is what reads or writes rows; those of a file are not there to be written again.
        let plans = matches!(traits.uses, Uses::Reads | Uses::Writes);
        let plans = plans && *kind != StatementKind::Load;
        assert_eq!(plans, traits.prepares == Prepares::Plan, "{kind:?}");
        if traits.begins == Begins::Apart {
            assert_eq!(traits.answers, Answers::Rows, "{kind:?}");
        }
    }
}

/// A statement of every kind.
pub(in crate::sql) const STATEMENTS: &str = "
    ALTER DATABASE d COLLATE utf8mb4_bin; ALTER FUNCTION f COMMENT 'c'; ALTER PROCEDURE p COMMENT 'c'; ALTER TABLE t ADD COLUMN a INT, DROP COLUMN b; ALTER USER u IDENTIFIED BY 'p'; SET DEFAULT ROLE ALL TO u; ANALYZE TABLE t; BEGIN; CALL p; USE d; CHECK TABLE t; CHECKSUM TABLE t; COMMIT;
    CREATE DATABASE d; CREATE FUNCTION f() RETURNS INT RETURN 1; CREATE INDEX i ON t (a); CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END; CREATE ROLE r; CREATE TABLE t (a INT); CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1; CREATE USER u; CREATE VIEW v AS SELECT 1; DEALLOCATE PREPARE p;
    DELETE FROM t; DO 1; DROP DATABASE d; DROP FUNCTION f; DROP INDEX i ON t; DROP PROCEDURE p; DROP ROLE r; DROP TABLE t; DROP TRIGGER r; DROP USER u; DROP VIEW v; EXECUTE p; EXPLAIN SELECT 1; FLUSH TABLES; GET DIAGNOSTICS @a = NUMBER; GRANT SELECT ON t TO u; GRANT r TO u;
    INSERT INTO t VALUES (1); INSERT INTO t SELECT 1; KILL 1; LOAD DATA INFILE 'f' INTO TABLE t; LOCK TABLES t READ; OPTIMIZE TABLE t; PREPARE p FROM 'DO 1';
    RELEASE SAVEPOINT s; RENAME TABLE t TO u; RENAME USER u TO v; REPAIR TABLE t; REPLACE INTO t VALUES (1); REPLACE INTO t SELECT 1; RESIGNAL; REVOKE SELECT ON t FROM u; REVOKE ALL, GRANT OPTION FROM u; REVOKE r FROM u; ROLLBACK; ROLLBACK TO s; SAVEPOINT s;
    SELECT 1; SET @a = 1; SET PASSWORD = 'p'; SET ROLE NONE; SHOW BINLOG EVENTS; SHOW BINARY LOGS; SHOW CHARSET; SHOW COLLATION; SHOW CREATE DATABASE d; SHOW CREATE FUNCTION f; SHOW CREATE PROCEDURE p; SHOW CREATE TABLE t; SHOW CREATE TRIGGER r; SHOW CREATE USER u;
    SHOW DATABASES; SHOW ENGINE INNODB LOGS; SHOW ENGINE INNODB MUTEX; SHOW ENGINE INNODB STATUS; SHOW ERRORS; SHOW EVENTS; SHOW COLUMNS FROM t; SHOW FUNCTION STATUS; SHOW GRANTS; SHOW INDEX FROM t;
    SHOW MASTER STATUS; SHOW OPEN TABLES; SHOW PLUGINS; SHOW PRIVILEGES; SHOW PROCEDURE STATUS; SHOW PROCESSLIST; SHOW REPLICA STATUS; SHOW REPLICAS; SHOW STATS_HEALTHY; SHOW STATS_HISTOGRAMS;
    SHOW STATS_META; SHOW STATUS; SHOW ENGINES; SHOW TABLE STATUS; SHOW TABLES; SHOW TRIGGERS; SHOW VARIABLES;
    SHOW WARNINGS; SIGNAL SQLSTATE '45000'; SPLIT TABLE t BY (1); TRUNCATE t; UNLOCK TABLES; UPDATE t SET a = 1";

#[test]
fn every_kind_is_met() {
    let statements = parse(STATEMENTS, SqlMode::default()).expect("they are all understood");
    let met: Vec<StatementKind> = statements.iter().map(|parsed| parsed.statement.kind()).collect();
    assert_eq!(met, StatementKind::ALL);
}
