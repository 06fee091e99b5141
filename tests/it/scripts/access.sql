-- By which key rows are found makes no difference, and what has no answer has none by any.
CREATE TABLE t (id INT UNSIGNED PRIMARY KEY, d DATE, n BIGINT UNSIGNED NOT NULL, KEY (d), UNIQUE KEY (n));
INSERT INTO t VALUES (1, NULL, 1), (2, '2024-01-02', 2), (3, '2024-01-03', 3);
SELECT id FROM t WHERE d = '';
SELECT id FROM t WHERE d = 'x' OR d IS NULL;
SELECT id FROM t WHERE d IN ('2024-01-02', 'x');
SELECT id FROM t WHERE id = 77 AND d <> '0000-00-00';
SET sql_mode = '';
SELECT id FROM t WHERE id = 77 AND d <> '0000-00-00';
DELETE FROM t WHERE d = 'x';
DELETE FROM t WHERE d <= '0000-00-00';
DELETE FROM t WHERE id < -1.5;
DELETE FROM t WHERE n < -1.5;
SELECT COUNT(*) FROM t WHERE id > -1.5;
SELECT COUNT(*) FROM t WHERE n > -1.5 AND n <= 2.5;
SELECT id FROM t WHERE n = '1e0' OR n = 2.0;
PREPARE s FROM 'SELECT id FROM t WHERE d >= ?';
SET @v = '2024-01-03';
EXECUTE s USING @v;
SET @v = 'x';
EXECUTE s USING @v;
SET @v = NULL;
EXECUTE s USING @v;
SET sql_mode = DEFAULT;
-- A unique key without NULL stands in for the primary one.
CREATE TABLE u (a INT, b INT NOT NULL, c INT NOT NULL, UNIQUE KEY (a), UNIQUE KEY (c, b), UNIQUE KEY (b));
DESCRIBE u;
SHOW COLUMNS FROM t;
-- Of two rows in the way the first key says which is changed.
INSERT INTO u VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO u VALUES (1, 2, 9) ON DUPLICATE KEY UPDATE a = 100;
SELECT * FROM u ORDER BY b;
-- Insert what is not there.
INSERT INTO u SELECT 5, 5, 5 WHERE NOT EXISTS (SELECT * FROM u WHERE b = 5);
INSERT INTO u SELECT 5, 5, 5 WHERE NOT EXISTS (SELECT * FROM u WHERE b = 5);
REPLACE INTO u SELECT 6, (SELECT MAX(b) FROM u), (SELECT MAX(c) FROM u);
SELECT * FROM u ORDER BY b;
-- Variables, row by row.
SET @n = 0;
SELECT b, @n := @n + 1, @n FROM u ORDER BY b;
SET @n = 0;
SELECT b, @n FROM u WHERE (@n := @n + 1) < 3 ORDER BY b;
