-- SHOW … WHERE is a condition like any other.
CREATE TABLE t (a INT, b INT, c INT);
CREATE TABLE named (n VARCHAR(20));
INSERT INTO named VALUES ('a'), ('c'), ('sql_mode');
SHOW COLUMNS FROM t WHERE Field IN (SELECT n FROM named);
SHOW COLUMNS FROM t WHERE NOT EXISTS (SELECT * FROM named WHERE n = Field);
SHOW TABLES WHERE Tables_in_test = (SELECT 'named');
SHOW TABLES WHERE Tables_in_test > ALL (SELECT n FROM named WHERE n < 'd');
SHOW COLUMNS FROM t WHERE Field = (SELECT n FROM named);
SHOW COLUMNS FROM t WHERE Field IN (SELECT nothing FROM named);
BEGIN;
INSERT INTO named VALUES ('b');
SHOW COLUMNS FROM t WHERE Field IN (SELECT n FROM named);
ROLLBACK;
SHOW COLUMNS FROM t WHERE Field IN (SELECT n FROM named);
PREPARE p FROM 'SHOW COLUMNS FROM t WHERE Field = (SELECT min(n) FROM named WHERE n > ?)';
SET @x = 'a';
EXECUTE p USING @x;
DROP TABLE t, named;
-- A number without an exact text is rounded until it fits.
CREATE TABLE f (c CHAR(5), v VARCHAR(8), b VARBINARY(4));
INSERT INTO f (c) VALUES (1234.5678e0), (0.00012345e0), (1234567.891e0), (-1.23456e0), (1e100), (99999.7e0), (12.5e0);
INSERT INTO f (v) VALUES (1/3e0), (-1e0/3), (123456789.5e0), (1.5e-20), (0.1e0 + 0.2e0);
INSERT INTO f (b) VALUES (3.14159e0), (31415.9e0);
INSERT INTO f (b) VALUES (-3.14e-100);
INSERT INTO f (c) VALUES (1234.5678);
SELECT * FROM f;
DROP TABLE f;
-- A word in quotes, whichever they are, is a value of a variable.
SET SESSION sql_mode = 'ANSI_QUOTES';
SET SESSION sql_mode = "ANSI_QUOTES,STRICT_TRANS_TABLES";
SELECT @@sql_mode;
SET SESSION sql_mode = "";
SELECT @@sql_mode;
SET sql_mode = DEFAULT;
