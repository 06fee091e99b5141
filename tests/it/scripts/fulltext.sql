-- FULLTEXT indexes: the words of texts, found by MATCH as InnoDB finds them, and worth what they are worth there.
CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(200), body TEXT, FULLTEXT (title, body), FULLTEXT KEY kb (body) COMMENT 'words', KEY (id, title)) COLLATE utf8mb4_general_ci;
SHOW CREATE TABLE a;
SHOW INDEX FROM a;
INSERT INTO a (title, body) VALUES
  ('MySQL Tutorial', 'DBMS stands for DataBase ...'),
  ('How To Use MySQL Well', 'After you went through a ...'),
  ('Optimizing MySQL', 'In this tutorial, we show ...'),
  ('1001 MySQL Tricks', '1. Never run mysqld as root. 2. ...'),
  ('MySQL vs. YourSQL', 'In the following database comparison ...'),
  ('MySQL Security', 'When configured properly, MySQL ...'),
  ('don''t stop', 'o''reilly''s it''s database foo_bar'),
  ('red apple', 'the quick brown fox jumps over the lazy dog'),
  ('green apple banana', 'quick fox brown database database');
SELECT id, MATCH (title, body) AGAINST ('database') AS r FROM a;
SELECT id, MATCH (title, body) AGAINST ('database comparison') AS r FROM a WHERE MATCH (title, body) AGAINST ('database comparison');
SELECT id, MATCH (title, body) AGAINST ('+MySQL -YourSQL' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('+MySQL -YourSQL' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('apple >banana <quick' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('apple >banana <quick' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('apple ~banana' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('apple ~banana' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('~banana' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('"quick brown"' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('"quick brown"' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('"over the lazy"' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('"over the lazy"' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"over lazy"' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"quick fox" @1' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"quick fox" @2' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"quick fox" @3' IN BOOLEAN MODE) ORDER BY id;
SELECT id, MATCH (title, body) AGAINST ('data*' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('data*' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('t*' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('t*' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('+the +apple' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('-apple' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ("o'reilly");
SELECT id FROM a WHERE MATCH (title, body) AGAINST ("don't" IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('foo_bar' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('foo' IN BOOLEAN MODE);
SELECT id, MATCH (title, body) AGAINST ('comparison' WITH QUERY EXPANSION) AS r FROM a WHERE MATCH (title, body) AGAINST ('comparison' IN NATURAL LANGUAGE MODE WITH QUERY EXPANSION);
SELECT id, MATCH (title, body) AGAINST ('+mysql +(>tutorial <tricks)' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('+mysql +(>tutorial <tricks)' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple-banana' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('"quick brown"');
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple -(banana dog)' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (body, title) AGAINST ('apple');
SELECT id FROM a WHERE MATCH body AGAINST ('quick');
SELECT COUNT(*) FROM a WHERE MATCH (title, body) AGAINST ('database');
SELECT COUNT(*) FROM a WHERE NOT MATCH (title, body) AGAINST ('database');
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple') > 0.3;
SELECT id FROM a WHERE MATCH (title, body) AGAINST (CONCAT('ap', 'ple')) AND id > 8;
SELECT id FROM a ORDER BY MATCH (title, body) AGAINST ('apple') DESC, id DESC LIMIT 2;
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('mysql') ORDER BY MATCH (title, body) AGAINST ('mysql') DESC LIMIT 1;
SELECT id, MATCH (title, body) AGAINST ('apple') AS r FROM a HAVING r > 0;
SELECT a.id, b.id FROM a JOIN a AS b ON b.id = a.id + 1 WHERE MATCH (a.title, a.body) AGAINST ('apple');
SELECT a.id, b.id, MATCH (b.title, b.body) AGAINST ('banana') > 0 AS r FROM a LEFT JOIN a AS b ON b.id = a.id + 1 AND MATCH (b.title, b.body) AGAINST ('apple') WHERE a.id > 6;
SELECT id FROM a WHERE id IN (SELECT id FROM a WHERE MATCH (title, body) AGAINST ('tricks'));
EXPLAIN SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple');
EXPLAIN SELECT title FROM a WHERE MATCH (title, body) AGAINST ('apple') AND id > 1;

-- What is searched for may be a parameter or a variable.
PREPARE s FROM 'SELECT id FROM a WHERE MATCH (title, body) AGAINST (? IN BOOLEAN MODE) ORDER BY id';
SET @x = '+quick';
EXECUTE s USING @x;
SET @x = 'security';
EXECUTE s USING @x;
SELECT id FROM a WHERE MATCH (title, body) AGAINST (@x);
SELECT id FROM a WHERE MATCH (title, body) AGAINST (NULL);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('');

-- Whatever changes rows keeps their words.
UPDATE a SET title = 'blue berry' WHERE MATCH (title, body) AGAINST ('+red' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple');
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('berry');
DELETE FROM a WHERE MATCH (title, body) AGAINST ('banana');
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple');
REPLACE INTO a VALUES (8, 'apple again', NULL);
INSERT INTO a VALUES (8, 'x', 'x') ON DUPLICATE KEY UPDATE body = 'cherry';
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('+apple +cherry' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('lazy');
BEGIN;
INSERT INTO a (title) VALUES ('ephemeral');
SELECT COUNT(*) FROM a WHERE MATCH (title, body) AGAINST ('ephemeral');
ROLLBACK;
SELECT COUNT(*) FROM a WHERE MATCH (title, body) AGAINST ('ephemeral');
CREATE TABLE a2 LIKE a;
INSERT INTO a2 SELECT * FROM a;
SELECT id FROM a2 WHERE MATCH (title, body) AGAINST ('cherry');
TRUNCATE TABLE a2;
SELECT id FROM a2 WHERE MATCH (title, body) AGAINST ('cherry');
DROP TABLE a2;

-- Without a key of the row's own, and with one that is no number.
CREATE TABLE n (v VARCHAR(50), w VARCHAR(10) UNIQUE) COLLATE utf8mb4_0900_ai_ci;
INSERT INTO n VALUES ('first words', 'a'), ('second words', 'b'), ('third', 'c');
ALTER TABLE n ADD FULLTEXT INDEX f (v);
SELECT v, MATCH (v) AGAINST ('first') > 0 AS r FROM n ORDER BY w;
SELECT w FROM n WHERE MATCH (v) AGAINST ('words') ORDER BY w;
SELECT * FROM n JOIN a ON MATCH (v) AGAINST ('third') AND a.id = 1;
UPDATE n, a SET n.v = 'fourth', a.title = 'changed' WHERE MATCH (n.v) AGAINST ('third') AND a.id = 1 AND MATCH (a.title, a.body) AGAINST ('tutorial');
SELECT w FROM n WHERE MATCH (v) AGAINST ('fourth');
DELETE n FROM n JOIN a ON a.id = 1 WHERE MATCH (a.title, a.body) AGAINST ('changed') AND n.w = 'b';
SELECT * FROM n ORDER BY w;
ALTER TABLE n ADD PRIMARY KEY (w);
ALTER TABLE n MODIFY v TEXT, ADD c INT DEFAULT 1 FIRST;
SELECT * FROM n WHERE MATCH (v) AGAINST ('first fourth') ORDER BY w;
SHOW CREATE TABLE n;
ALTER TABLE n DROP INDEX f;
SELECT w FROM n WHERE MATCH (v) AGAINST ('fourth');
CREATE FULLTEXT INDEX g ON n (v) WITH PARSER ngram;
SHOW CREATE TABLE n;
INSERT INTO n VALUES (1, '数据库管理', 'x'), (1, '信息管理', 'y');
SELECT w FROM n WHERE MATCH (v) AGAINST ('数据库' IN BOOLEAN MODE);
SELECT w FROM n WHERE MATCH (v) AGAINST ('管理') ORDER BY w;
SELECT w FROM n WHERE MATCH (v) AGAINST ('信*' IN BOOLEAN MODE);
DROP INDEX g ON n;

-- In programs, and beneath what else changes rows.
CREATE PROCEDURE p (x TEXT) SELECT id FROM a WHERE MATCH (title, body) AGAINST (x) ORDER BY id;
CALL p('tutorial');
CALL p('cherry');
DROP PROCEDURE p;
CREATE TABLE parent (k VARCHAR(20) PRIMARY KEY) COLLATE utf8mb4_general_ci;
CREATE TABLE child (id INT PRIMARY KEY, k VARCHAR(20), KEY (k), FULLTEXT (k), FOREIGN KEY (k) REFERENCES parent (k) ON UPDATE CASCADE ON DELETE SET NULL) COLLATE utf8mb4_general_ci;
INSERT INTO parent VALUES ('first'), ('second');
INSERT INTO child VALUES (1, 'first'), (2, 'second');
UPDATE parent SET k = 'third' WHERE k = 'first';
SELECT id FROM child WHERE MATCH (k) AGAINST ('first third');
DELETE FROM parent WHERE k = 'second';
SELECT id FROM child WHERE MATCH (k) AGAINST ('second');
SELECT id, MATCH (k) AGAINST ('third') > 0 AS r FROM child;
CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW SET NEW.k = CONCAT('thi', 'rd');
INSERT INTO child VALUES (3, NULL);
SELECT id FROM child WHERE MATCH (k) AGAINST ('third') ORDER BY id;
SELECT index_name, index_type FROM information_schema.STATISTICS WHERE table_name = 'child' ORDER BY 1;
DROP TABLE child, parent;
CREATE TEMPORARY TABLE tt (v TEXT, FULLTEXT (v));
INSERT INTO tt VALUES ('some words'), ('others');
SELECT v FROM tt WHERE MATCH (v) AGAINST ('words');
DROP TABLE tt;
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('security') FOR UPDATE;
SELECT MATCH (title, body) AGAINST ('mysql') > 0 AS r, COUNT(*) FROM a GROUP BY r ORDER BY r;

-- What is wrong.
SELECT id FROM a WHERE MATCH (title) AGAINST ('apple');
SELECT id FROM a WHERE MATCH (title, id) AGAINST ('apple');
SELECT id FROM a WHERE MATCH (title, nothing) AGAINST ('apple');
SELECT id FROM a WHERE MATCH (title, body) AGAINST (id);
SELECT a.id FROM a JOIN a AS b ON b.id = a.id WHERE MATCH (a.title, b.body) AGAINST ('apple');
SELECT d.title FROM (SELECT title, body FROM a) AS d WHERE MATCH (d.title, d.body) AGAINST ('apple');
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('+' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('++apple' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple )' IN BOOLEAN MODE);
SELECT id FROM a WHERE MATCH (title, body) AGAINST ('apple' IN BOOLEAN MODE WITH QUERY EXPANSION);
CREATE TABLE b (i INT, FULLTEXT (i));
CREATE TABLE b (a VARBINARY(10), FULLTEXT (a));
CREATE TABLE b (a BLOB, FULLTEXT (a));
CREATE TABLE b (a ENUM('x'), FULLTEXT (a));
CREATE TABLE b (a VARCHAR(10) CHARACTER SET latin1, b VARCHAR(10), FULLTEXT (a, b));
CREATE TABLE b (a VARCHAR(10), FULLTEXT (a DESC));
CREATE TABLE b (a VARCHAR(10), FULLTEXT ((UPPER(a))));
CREATE TABLE b (a VARCHAR(10), FULLTEXT (nothing));
CREATE TABLE b (a VARCHAR(10), FULLTEXT (a) WITH PARSER foo);
CREATE TABLE b (a VARCHAR(10), KEY (a) WITH PARSER ngram);
CREATE TABLE b (a VARCHAR(10), UNIQUE FULLTEXT (a));
CREATE TABLE b (a VARCHAR(10), FULLTEXT f (a), FULLTEXT f (a));
ALTER TABLE a MODIFY body INT;

-- The words that are left out, and a view.
SELECT COUNT(*), MIN(value), MAX(value) FROM information_schema.INNODB_FT_DEFAULT_STOPWORD;
SHOW VARIABLES LIKE 'innodb_ft_m%';
SHOW VARIABLES LIKE 'ngram%';
CREATE VIEW v AS SELECT id, MATCH (title, body) AGAINST ('+mysql' IN BOOLEAN MODE) AS r FROM a WHERE MATCH (title, body) AGAINST ('mysql');
SHOW CREATE VIEW v;
SELECT id FROM v WHERE r > 0 ORDER BY id;
DROP VIEW v;
DROP TABLE a, n;
