-- A duplicate is shown as it was to be written, whoever finds it: the statement, or only the commit.
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) COLLATE utf8mb4_general_ci, b VARCHAR(100) COLLATE utf8mb4_0900_ai_ci, c VARCHAR(10) COLLATE utf8mb4_general_ci, n INT, ts TIMESTAMP NULL, d DECIMAL(6,2), UNIQUE ua (a), UNIQUE ub (b(3)), UNIQUE ucn (c, n), UNIQUE uts (ts), UNIQUE ud (d));
INSERT INTO t VALUES (1, 'abc', 'xyzabc', 'k', 1, '2024-01-02 03:04:05', 1.50);
-- Alone: no locks are taken, so the commit finds it.
INSERT INTO t VALUES (1, 'n', 'n', 'n', 2, NULL, NULL);
INSERT INTO t VALUES (2, 'ABC', 'n', 'n', 2, NULL, NULL);
INSERT INTO t VALUES (2, 'n', 'XYZother', 'n', 2, NULL, NULL);
INSERT INTO t VALUES (2, 'n', 'n', 'K', 1, NULL, NULL);
INSERT INTO t VALUES (2, 'n', 'n', 'n', 2, '2024-01-02 03:04:05', NULL);
INSERT INTO t VALUES (2, 'n', 'n', 'n', 2, NULL, 1.5);
SET time_zone = '+02:00';
INSERT INTO t VALUES (2, 'n', 'n', 'n', 2, '2024-01-02 05:04:05', NULL);
SET time_zone = DEFAULT;
-- In a transaction the statement finds it.
BEGIN;
INSERT INTO t VALUES (2, 'ABC', 'n', 'n', 2, NULL, NULL);
INSERT INTO t VALUES (2, 'n', 'XYZother', 'n', 2, NULL, NULL);
INSERT INTO t VALUES (2, 'n', 'n', 'K', 1, NULL, NULL);
COMMIT;
-- In an optimistic one the commit does.
BEGIN OPTIMISTIC;
INSERT INTO t VALUES (2, 'aBc', 'n', 'n', 2, NULL, NULL);
COMMIT;
BEGIN OPTIMISTIC;
INSERT INTO t VALUES (2, 'n', 'xYz', 'n', 2, NULL, NULL);
COMMIT;
BEGIN OPTIMISTIC;
INSERT INTO t VALUES (2, 'n', 'n', 'K', 1, NULL, NULL);
COMMIT;
SELECT id FROM t;
-- What a prefix keeps for this is not taken for the column.
SELECT b FROM t WHERE b LIKE 'XYZ%';
SELECT b FROM t WHERE b > 'a' ORDER BY b;
UPDATE t SET b = 'uvwxyz' WHERE id = 1;
INSERT INTO t VALUES (3, 'm', 'xyzfree', 'm', 3, NULL, NULL);
UPDATE t SET a = 'ABC' WHERE id = 3;
DELETE FROM t WHERE b = 'UVWXYZ';
SELECT id, b FROM t;
DROP TABLE t;
-- Warnings of a statement that begins on the short road and goes on on the wide one are counted once.
CREATE TABLE s (id INT PRIMARY KEY, v VARCHAR(10));
INSERT INTO s VALUES (1, 'x'), (2, 'y'), (3, '3');
SET sql_mode = '';
CREATE TABLE w (id INT PRIMARY KEY, n INT);
INSERT INTO w SELECT id, v FROM s;
SHOW COUNT(*) WARNINGS;
SELECT @@warning_count;
