CREATE TABLE t (id INT PRIMARY KEY, v INT, k VARCHAR(9), UNIQUE (k));
INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b');
-- The snapshot is taken by the first read without locks.
BEGIN;
UPDATE t SET v = 11 WHERE id = 1;
-- session b
UPDATE t SET v = 21 WHERE id = 2;
-- session a
SELECT id, v FROM t;
-- session b
UPDATE t SET v = 22 WHERE id = 2;
-- session a
SELECT id, v FROM t;
COMMIT;
-- A key that was moved meanwhile.
BEGIN;
-- session b
UPDATE t SET k = 'c' WHERE id = 1;
-- session a
INSERT INTO t VALUES (3, 30, 'a');
SELECT id, k FROM t ORDER BY id;
COMMIT;
-- An upsert sees the row it hit.
BEGIN;
-- session b
INSERT INTO t VALUES (4, 40, 'd');
-- session a
INSERT INTO t VALUES (5, 40, 'd') ON DUPLICATE KEY UPDATE v = 40;
SELECT * FROM t WHERE k = 'd';
COMMIT;
-- READ COMMITTED locks no key that is not there; REPEATABLE READ does.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
BEGIN;
SELECT * FROM t WHERE k = 'x' FOR UPDATE;
SELECT * FROM t WHERE id = 77 FOR UPDATE;
SELECT id FROM t WHERE id IN (2, 78) FOR UPDATE;
-- session b
SET innodb_lock_wait_timeout = 1;
INSERT INTO t VALUES (77, 1, 'x'), (78, 1, 'y');
UPDATE t SET v = 0 WHERE id = 2;
-- session a
COMMIT;
BEGIN;
SELECT * FROM t WHERE k = 'w' FOR UPDATE;
-- session b
INSERT INTO t VALUES (79, 1, 'w');
-- session a
COMMIT;
-- READ UNCOMMITTED sees nothing that may yet be undone.
SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;
SELECT @@transaction_isolation;
-- session b
BEGIN;
UPDATE t SET v = 0 WHERE id = 1;
-- session a
SELECT v FROM t WHERE id = 1;
-- session b
ROLLBACK;
-- session a
-- SERIALIZABLE: each reads both rows and changes one. One after the other, the second would have seen what the first did.
SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT @@transaction_isolation;
CREATE TABLE doctors (id INT PRIMARY KEY, on_call INT, KEY (on_call));
INSERT INTO doctors VALUES (1, 1), (2, 1), (3, 0);
BEGIN;
SELECT COUNT(*) FROM doctors WHERE on_call = 1;
-- session b
SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE;
BEGIN;
SELECT COUNT(*) FROM doctors WHERE on_call = 1;
UPDATE doctors SET on_call = 0 WHERE id = 2;
-- session a
UPDATE doctors SET on_call = 0 WHERE id = 1;
COMMIT;
-- session b
COMMIT;
SELECT * FROM doctors;
-- A row that comes into a range that was read, and one that comes elsewhere.
BEGIN;
SELECT COUNT(*) FROM doctors WHERE id BETWEEN 50 AND 60;
INSERT INTO doctors VALUES (70, 0);
-- session a
INSERT INTO doctors VALUES (55, 0);
-- session b
COMMIT;
BEGIN;
SELECT COUNT(*) FROM doctors WHERE id BETWEEN 50 AND 60;
INSERT INTO doctors VALUES (70, 0);
-- session a
INSERT INTO doctors VALUES (61, 0);
-- session b
COMMIT;
-- Who only reads is not sent back; AND CHAIN keeps the level; a lost update is found.
BEGIN;
SELECT COUNT(*) FROM doctors;
-- session a
UPDATE doctors SET on_call = on_call + 1;
-- session b
COMMIT AND CHAIN;
SELECT on_call FROM doctors WHERE id = 1;
-- session a
UPDATE doctors SET on_call = 7 WHERE id = 1;
-- session b
UPDATE doctors SET on_call = 2 WHERE id = 1;
COMMIT;
SELECT on_call FROM doctors WHERE id = 1;
-- session a
-- One statement is such a transaction too.
INSERT INTO doctors SELECT id + 100, on_call FROM doctors WHERE id < 10;
UPDATE doctors SET on_call = 9 WHERE id > 100;
DELETE FROM doctors WHERE on_call = 9;
SELECT COUNT(*) FROM doctors;
-- AND CHAIN keeps the access mode.
START TRANSACTION READ ONLY;
COMMIT AND CHAIN;
UPDATE t SET v = 0;
ROLLBACK;
-- A unique value that another transaction is giving up is waited for, not taken for a duplicate.
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
CREATE TABLE given (id INT PRIMARY KEY, k VARCHAR(9), UNIQUE (k));
INSERT INTO given VALUES (1, 'a'), (2, 'b'), (3, 'c');
BEGIN;
UPDATE given SET k = 'moved' WHERE id = 1;
DELETE FROM given WHERE id = 2;
REPLACE INTO given VALUES (3, 'd');
-- session b
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET innodb_lock_wait_timeout = 1;
INSERT INTO given VALUES (11, 'a');
INSERT INTO given VALUES (12, 'b');
INSERT INTO given VALUES (13, 'c');
-- session a
COMMIT;
-- session b
INSERT INTO given VALUES (11, 'a'), (12, 'b'), (13, 'c');
SELECT * FROM given;
