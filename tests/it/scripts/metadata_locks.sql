-- Changes of the schema wait for the transactions that use the table, and these commit.
CREATE DATABASE m;
USE m;
CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY k (v));
CREATE TABLE u (id INT PRIMARY KEY, v INT);
INSERT INTO t VALUES (1, 1);
BEGIN;
INSERT INTO t VALUES (2, 2);
-- session b
USE m;
SET lock_wait_timeout = 1;
DROP INDEX k ON t;
TRUNCATE TABLE t;
DROP TABLE t;
DROP DATABASE m;
LOCK TABLES t WRITE;
ALTER TABLE t DROP INDEX k, ADD INDEX k2 (v);
-- An index that is taken back waits for the transaction; what comes behind it does, too.
CREATE INDEX i ON t (id, v);
CREATE INDEX i ON t (id, v);
SHOW CREATE TABLE t;
SELECT * FROM t;
-- Other tables are not held up.
CREATE INDEX i ON u (v);
TRUNCATE TABLE u;
DROP TABLE u;
SELECT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME, LOCK_TYPE, LOCK_DURATION, LOCK_STATUS
FROM performance_schema.metadata_locks WHERE OBJECT_SCHEMA = 'm';
-- session a
INSERT INTO t VALUES (3, 3);
COMMIT;
SELECT * FROM t;
-- session b
SET lock_wait_timeout = DEFAULT;
CREATE INDEX i ON t (id, v);
SELECT v FROM t WHERE id = 2 AND v > 0;
-- Reading holds a table as well, and an autocommit statement only while it runs.
-- session a
BEGIN;
SELECT COUNT(*) FROM t;
-- session b
SET lock_wait_timeout = 1;
DROP TABLE t;
-- session a
ROLLBACK;
SELECT COUNT(*) FROM t;
-- session b
DROP TABLE t;
-- A transaction that was there before a table changed may read it as it was, but not write to it.
CREATE TABLE t (id INT PRIMARY KEY, v INT);
CREATE TABLE u (id INT PRIMARY KEY, v INT);
INSERT INTO t VALUES (1, 1);
-- session a
BEGIN;
SELECT * FROM u;
-- session b
CREATE INDEX i ON t (v);
-- session a
SELECT * FROM t;
INSERT INTO t VALUES (2, 2);
ROLLBACK;
INSERT INTO t VALUES (2, 2);
-- session b
DROP DATABASE m;
