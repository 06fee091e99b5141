CREATE TABLE j (id INT PRIMARY KEY, doc JSON, n JSON NOT NULL);
SHOW CREATE TABLE j;
DESCRIBE j;
INSERT INTO j VALUES (1, '{"name": "ann", "tags": ["x", "y"], "age": 31}', '1'), (2, '{"age": 7, "name": "bob"}', '[1, 2.0]'), (3, NULL, 'null'), (4, CAST('"text"' AS JSON), JSON_OBJECT('k', TRUE)), (5, '[3, 4]', JSON_ARRAY(1 = 1, NULL, 1.50, 'a', CURDATE() IS NULL));
SELECT * FROM j ORDER BY id;
-- What is no text of a document.
INSERT INTO j VALUES (6, '{"a": 1', '1');
INSERT INTO j VALUES (6, 'abc', '1');
INSERT INTO j VALUES (6, 1, '1');
INSERT INTO j VALUES (6, NULL, NULL);
-- Parts of documents.
SELECT id, doc->'$.name', doc->>'$.name', doc->'$.tags[0]', doc->>'$.age' FROM j ORDER BY id;
SELECT id FROM j WHERE doc->>'$.name' = 'ann';
SELECT id FROM j WHERE doc->'$.name' = 'ann';
SELECT id FROM j WHERE doc->'$.age' > 10;
SELECT id FROM j WHERE doc->'$.age' = '31';
SELECT id FROM j WHERE n->'$.k' = TRUE;
SELECT id, JSON_TYPE(doc), JSON_LENGTH(doc), JSON_DEPTH(doc), JSON_TYPE(n) FROM j ORDER BY id;
SELECT id FROM j WHERE 'y' MEMBER OF(doc->'$.tags');
SELECT 17 MEMBER OF('[23, 17]'), '17' MEMBER OF('[23, 17]'), NULL MEMBER OF('[1]'), CAST('[4,5]' AS JSON) MEMBER OF('[[4,5]]');
-- Changes.
UPDATE j SET doc = JSON_SET(doc, '$.age', 32, '$.new', JSON_ARRAY()) WHERE id = 1;
UPDATE j SET doc = JSON_REMOVE(doc, '$.tags') WHERE id = 1;
SELECT doc FROM j WHERE id = 1;
-- Order, groups, the least and the greatest.
CREATE TABLE o (id INT PRIMARY KEY, v JSON);
INSERT INTO o VALUES (1, '10'), (2, '9'), (3, '"a"'), (4, '"B"'), (5, 'true'), (6, 'null'), (7, NULL), (8, '[1]'), (9, '{"a": 1}'), (10, '1e1'), (11, '[1, 2]'), (12, '10.0');
SELECT id, v FROM o ORDER BY v, id;
SELECT id, v FROM o ORDER BY v DESC, id;
SELECT COUNT(*), MIN(id) FROM o GROUP BY v ORDER BY 2;
SELECT COUNT(DISTINCT v) FROM o;
SELECT MIN(v), MAX(v) FROM o;
SELECT a.id, b.id FROM o a JOIN o b ON a.v = b.v AND a.id < b.id ORDER BY 1, 2;
SELECT id FROM o WHERE v = 10 ORDER BY id;
SELECT id FROM o WHERE v IN (9, 'a', 'B') ORDER BY id;
SELECT id FROM o WHERE v BETWEEN 9 AND 10 ORDER BY id;
SELECT id FROM o WHERE v = CAST('[1]' AS JSON);
SELECT v FROM o WHERE id = 1 UNION SELECT v FROM o WHERE id = 10;
SELECT IF(id = 1, v, NULL), IFNULL(v, 'none') FROM o WHERE id IN (1, 7) ORDER BY id;
SELECT JSON_ARRAYAGG(v) FROM o WHERE id < 4;
SELECT JSON_OBJECTAGG(id, v) FROM o WHERE id < 4;
SELECT JSON_ARRAYAGG(id) FROM o WHERE id > 100;
SELECT JSON_OBJECTAGG(v, id) FROM o WHERE id = 7;
-- Casts.
SELECT CAST('{"b": 1, "a": 2}' AS JSON), CAST(1 AS JSON), CAST(1.50 AS JSON), CAST(TRUE AS JSON), CAST(NULL AS JSON), CAST(DATE'2014-11-25' AS JSON), CAST(TIMESTAMP'2014-11-25 18:00:00' AS JSON), CAST(x'15' AS JSON), CAST(1e0 AS JSON);
SELECT CAST('abc' AS JSON);
SELECT CAST(CAST('"12"' AS JSON) AS SIGNED), CAST(CAST('1.6' AS JSON) AS SIGNED), CAST(CAST('true' AS JSON) AS UNSIGNED), CAST(CAST('"a"' AS JSON) AS CHAR), CAST(CAST('"2014-11-25"' AS JSON) AS DATE), CAST(CAST('1.25' AS JSON) AS DECIMAL(5, 1)), CAST(CAST('1.25' AS JSON) AS DOUBLE);
SELECT CAST(CAST('[1]' AS JSON) AS SIGNED);
SHOW WARNINGS;
SELECT CAST('1' AS JSON) + 1, CONCAT(CAST('[1]' AS JSON), '!'), LENGTH(CAST('[1, 2]' AS JSON)), UPPER(CAST('"a"' AS JSON));
-- Prepared.
PREPARE p FROM 'SELECT id FROM o WHERE v = ? ORDER BY id';
SET @a = 10, @b = 'a';
EXECUTE p USING @a;
EXECUTE p USING @b;
PREPARE q FROM 'SELECT JSON_EXTRACT(?, ?)';
SET @d = '{"a": [5]}', @p = '$.a[0]';
EXECUTE q USING @d, @p;
SET @j = CAST('[1]' AS JSON);
SELECT @j, JSON_LENGTH(@j);
-- Errors.
CREATE TABLE k (a JSON, KEY (a));
CREATE TABLE k (a JSON PRIMARY KEY);
CREATE TABLE k (a JSON DEFAULT '{}');
SELECT JSON_EXTRACT('{"a": 1}', '$.a[');
SELECT JSON_SET('[1]', '$[*]', 1);
SELECT JSON_TYPE(1);
SELECT JSON_REMOVE('[1]', '$');
SELECT JSON_VALID(CONCAT(REPEAT('[', 101), REPEAT(']', 101)));
SELECT JSON_VALUE('{"a": [1, 2]}', '$.a[*]'), JSON_VALUE('{"a": 1}', '$.a');
SELECT JSON_VALUE('{"a": "12"}', '$.a' RETURNING SIGNED) + 1, JSON_VALUE('{"a": 1.255}', '$.a' RETURNING DECIMAL(4, 2)), JSON_VALUE('{"a": "2024-02-30"}', '$.a' RETURNING DATE), JSON_VALUE('{"a": [1]}', '$.a' RETURNING JSON), JSON_VALUE('{"a": true}', '$.a' RETURNING CHAR(4));
SELECT JSON_VALUE('{}', '$.a' RETURNING SIGNED DEFAULT 7 ON EMPTY), JSON_VALUE('{"a": "x"}', '$.a' RETURNING SIGNED DEFAULT 8 ON ERROR), JSON_VALUE('{"a": "abcdef"}', '$.a' RETURNING CHAR(3)), JSON_VALUE('{', '$' DEFAULT 'bad' ON ERROR);
SELECT JSON_VALUE('{}', '$.a' ERROR ON EMPTY);
SELECT JSON_VALUE('[1, 2]', '$[*]' ERROR ON ERROR);
SELECT JSON_VALUE('{"a": "x"}', '$.a' RETURNING SIGNED ERROR ON ERROR);
SELECT JSON_VALUE('{}', '$.a' RETURNING SIGNED DEFAULT 'x' ON EMPTY);
SELECT JSON_VALUE('{}', '$.');
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH FROM information_schema.columns WHERE table_name = 'j';
DROP TABLE j, o;
-- TRUE beside documents.
CREATE TABLE b (id INT PRIMARY KEY, d JSON);
INSERT INTO b VALUES (1, '{"t": true}'), (2, '{"t": 1}'), (3, '{"t": false}'), (4, '{}');
SELECT id, CASE d->'$.t' WHEN 'null' THEN NULL WHEN TRUE THEN 'yes' ELSE 'no' END FROM b ORDER BY id;
SELECT id FROM b WHERE d->'$.t' IN (TRUE, 7) ORDER BY id;
SELECT id FROM b WHERE d->'$.t' IN (1) ORDER BY id;
INSERT INTO b VALUES (5, x'7b7d');
UPDATE b SET d = 'x' WHERE id = 4;
SELECT CAST(CAST('"a"' AS JSON) AS SIGNED), CAST(JSON_EXTRACT('[1]', '$[0]') AS DATE), CAST(JSON_ARRAY() AS DOUBLE);
DROP TABLE b;
-- Documents beside joins, which are computed by columns.
CREATE TABLE owners (id INT PRIMARY KEY, j JSON);
CREATE TABLE owned (id INT PRIMARY KEY, owner INT);
INSERT INTO owners VALUES (1, '{"x": 1}'), (2, NULL), (3, '[1, "a"]');
INSERT INTO owned VALUES (1, 1), (2, 3);
SELECT owners.id, owners.j FROM owners LEFT JOIN owned ON owners.id = owned.owner ORDER BY owners.id;
SELECT owned.id, owners.j, owners.j->'$.x', JSON_TYPE(owners.j) FROM owned JOIN owners ON owners.id = owned.owner ORDER BY owners.j;
SELECT a.j, b.j FROM owners a JOIN owners b ON a.j = b.j;
SELECT DISTINCT owners.j FROM owners, owned;
