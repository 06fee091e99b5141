-- FOR UPDATE over a join locks the rows it finds on both sides, and no others.
SET innodb_lock_wait_timeout = 1;
CREATE TABLE t (id INT PRIMARY KEY, v INT);
CREATE TABLE u (id INT PRIMARY KEY, t_id INT, KEY (t_id));
INSERT INTO t VALUES (1, 10), (2, 20);
INSERT INTO u VALUES (1, 1), (2, 2);
EXPLAIN SELECT * FROM u JOIN t ON t.id = u.t_id WHERE u.id = 1 FOR UPDATE;
BEGIN;
SELECT * FROM u JOIN t ON t.id = u.t_id WHERE u.id = 1 FOR UPDATE;
-- session b
SET innodb_lock_wait_timeout = 1;
UPDATE t SET v = 11 WHERE id = 1;
UPDATE u SET t_id = 1 WHERE id = 1;
UPDATE t SET v = 21 WHERE id = 2;
-- session a
ROLLBACK;
BEGIN;
SELECT * FROM t JOIN u ON u.t_id = t.id WHERE t.id = 1 FOR UPDATE;
-- session b
UPDATE u SET t_id = 9 WHERE id = 1;
UPDATE u SET t_id = 9 WHERE id = 2;
-- session a
COMMIT;
-- The rows of a table without an integer key are found the same way.
CREATE TABLE h (a INT, b INT, KEY (a));
INSERT INTO h VALUES (1, 1), (1, 2), (2, 3);
UPDATE t JOIN h ON h.a = t.id SET h.b = h.b + t.v WHERE t.id = 1;
SELECT * FROM h ORDER BY b;
DELETE h FROM t JOIN h ON h.a = t.id WHERE t.id = 1;
SELECT * FROM h ORDER BY b;
