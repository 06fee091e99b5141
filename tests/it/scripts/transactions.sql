CREATE TABLE t (id INT PRIMARY KEY, v INT);
INSERT INTO t VALUES (1, 10), (2, 20);
BEGIN;
UPDATE t SET v = 11 WHERE id = 1;
SELECT * FROM t;
-- session b
SELECT * FROM t;
-- session a
ROLLBACK;
SELECT * FROM t;
-- A snapshot does not move.
START TRANSACTION WITH CONSISTENT SNAPSHOT;
-- session b
UPDATE t SET v = 21 WHERE id = 2;
-- session a
SELECT * FROM t;
COMMIT;
SELECT * FROM t;
-- A failed statement undoes itself and leaves the transaction open.
BEGIN;
INSERT INTO t VALUES (3, 30);
INSERT INTO t VALUES (4, 40), (1, 1);
SELECT * FROM t;
COMMIT;
SELECT * FROM t;
-- Pessimistic by default: a lock is waited for.
BEGIN;
SELECT * FROM t WHERE id = 1 FOR UPDATE;
-- session b
SET innodb_lock_wait_timeout = 1;
UPDATE t SET v = 0 WHERE id = 1;
SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT;
-- session a
COMMIT;
-- Optimistic on request: the second to commit is told.
BEGIN OPTIMISTIC;
UPDATE t SET v = 100 WHERE id = 1;
-- session b
UPDATE t SET v = 200 WHERE id = 1;
-- session a
SET @before = 1;
SELECT v FROM t WHERE id = 1;
-- session b
SELECT v FROM t WHERE id = 1;
-- session a
ROLLBACK;
SET autocommit = 0;
DELETE FROM t;
-- session b
SELECT COUNT(*) FROM t;
-- session a
ROLLBACK;
SET autocommit = 1;
SELECT COUNT(*) FROM t;
-- DDL commits what is open.
BEGIN;
DELETE FROM t WHERE id = 3;
CREATE TABLE u (a INT);
ROLLBACK;
SELECT COUNT(*) FROM t;
-- Savepoints.
BEGIN;
INSERT INTO t VALUES (10, 1);
SAVEPOINT one;
INSERT INTO t VALUES (11, 1);
ROLLBACK TO one;
COMMIT;
SELECT id FROM t WHERE id >= 10;
START TRANSACTION READ ONLY;
INSERT INTO t VALUES (12, 1);
CREATE TABLE never (a INT);
CREATE USER never;
ANALYZE TABLE t;
COMMIT;
PREPARE p FROM 'EXECUTE q';
-- What fails before it begins undoes nothing.
BEGIN;
INSERT INTO t VALUES (20, 1);
selec 1;
SELECT missing FROM t;
USE missing;
COMMIT;
SELECT id FROM t WHERE id >= 20;
