-- JSON_TABLE: the rows of documents.
SELECT * FROM JSON_TABLE('[{"x": 2, "y": "8"}, {"x": "3", "y": "7"}, {"x": "4", "y": 6}]', '$[*]' COLUMNS (xval VARCHAR(100) PATH '$.x', yval INT PATH '$.y')) AS jt1;
SELECT * FROM JSON_TABLE('[{"a": 3}, {"a": 2}, {"b": 1}, {"a": 0}, {"a": [1, 2]}, {"a": {}}]', '$[*]' COLUMNS (rowid FOR ORDINALITY, ac VARCHAR(100) PATH '$.a' DEFAULT '111' ON EMPTY DEFAULT '999' ON ERROR, aj JSON PATH '$.a' DEFAULT '{"x": 333}' ON EMPTY, bx INT EXISTS PATH '$.b')) AS tt;
SELECT * FROM JSON_TABLE('[{"a": "a_val", "b": [{"c": "c_val", "l": [1, 2]}]}, {"a": "a_val", "b": [{"c": "c_val", "l": [11]}, {"c": "c_val", "l": [22]}]}]', '$[*]' COLUMNS (top_ord FOR ORDINALITY, apath VARCHAR(10) PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (bpath VARCHAR(10) PATH '$.c', ord FOR ORDINALITY, NESTED PATH '$.l[*]' COLUMNS (lpath VARCHAR(10) PATH '$')))) AS jt;
SELECT * FROM JSON_TABLE('{"a": [1, 2], "b": [3]}', '$' COLUMNS (NESTED PATH '$.a[*]' COLUMNS (a INT PATH '$'), NESTED '$.b[*]' COLUMNS (b INT PATH '$'))) t;
SELECT * FROM JSON_TABLE('[1, 2, 3]', '$[*]' COLUMNS (n INT UNSIGNED PATH '$')) t WHERE n > 1 ORDER BY n DESC LIMIT 1;
SELECT COUNT(*), SUM(n) FROM JSON_TABLE('[1, 2, 3]', '$[*]' COLUMNS (n INT PATH '$')) t;
SELECT * FROM JSON_TABLE(NULL, '$[*]' COLUMNS (n INT PATH '$')) t;
SELECT * FROM JSON_TABLE('[1.5, "2024-01-02", true, null, "x"]', '$[*]' COLUMNS (i INT PATH '$', d DECIMAL(4, 1) PATH '$', t DATE PATH '$', s VARCHAR(4) PATH '$', e ENUM('x', 'y') PATH '$', j JSON PATH '$')) t;
-- Of the columns on the left.
CREATE TABLE orders (id INT PRIMARY KEY, items JSON);
INSERT INTO orders VALUES (1, '[{"sku": "a", "n": 2}, {"sku": "b", "n": 1}]'), (2, '[]'), (3, NULL), (4, '[{"sku": "a", "n": 5}]');
SELECT o.id, i.* FROM orders o, JSON_TABLE(o.items, '$[*]' COLUMNS (pos FOR ORDINALITY, sku VARCHAR(10) PATH '$.sku', n INT PATH '$.n')) i ORDER BY o.id, pos;
SELECT o.id, i.sku FROM orders o LEFT JOIN JSON_TABLE(o.items, '$[*]' COLUMNS (sku VARCHAR(10) PATH '$.sku', n INT PATH '$.n')) i ON i.n > 1 ORDER BY o.id, i.sku;
SELECT i.sku, SUM(i.n) FROM orders o JOIN JSON_TABLE(o.items, '$[*]' COLUMNS (sku VARCHAR(10) PATH '$.sku', n INT PATH '$.n')) i ON i.n > 0 WHERE o.id < 5 GROUP BY i.sku ORDER BY i.sku;
SELECT o.id, a.k, b.v FROM orders o, JSON_TABLE(o.items, '$[*]' COLUMNS (k JSON PATH '$')) a, JSON_TABLE(a.k, '$.*' COLUMNS (v VARCHAR(5) PATH '$')) b ORDER BY o.id, b.v;
SELECT (SELECT COUNT(*) FROM JSON_TABLE('[1, 2]', '$[*]' COLUMNS (n INT PATH '$')) t) AS c;
CREATE TABLE parts (sku VARCHAR(10), n INT);
INSERT INTO parts SELECT i.sku, i.n FROM orders o, JSON_TABLE(o.items, '$[*]' COLUMNS (sku VARCHAR(10) PATH '$.sku', n INT PATH '$.n')) i;
SELECT * FROM parts ORDER BY sku, n;
PREPARE p FROM 'SELECT * FROM JSON_TABLE(?, ''$[*]'' COLUMNS (n INT PATH ''$'')) t';
SET @d = '[7, 8]';
EXECUTE p USING @d;
EXPLAIN SELECT o.id, i.n FROM orders o, JSON_TABLE(o.items, '$[*]' COLUMNS (n INT PATH '$.n')) i WHERE o.id = 1 AND i.n > 2;
-- Errors.
SELECT * FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS (b INT PATH '$.b' ERROR ON EMPTY)) t;
SELECT * FROM JSON_TABLE('[[1]]', '$[*]' COLUMNS (b INT PATH '$' ERROR ON ERROR)) t;
SELECT * FROM JSON_TABLE('["x"]', '$[*]' COLUMNS (b INT PATH '$' ERROR ON ERROR)) t;
SELECT * FROM JSON_TABLE('[300]', '$[*]' COLUMNS (b TINYINT PATH '$' ERROR ON ERROR)) t;
SELECT * FROM JSON_TABLE('[1', '$[*]' COLUMNS (b INT PATH '$')) t;
SELECT * FROM JSON_TABLE('[1]', '$[' COLUMNS (b INT PATH '$')) t;
SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (b INT PATH '$'));
SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (b INT PATH '$', b INT PATH '$')) t;
SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (b INT PATH '$' DEFAULT 'x' ON EMPTY)) t;
SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (b INT PATH '$' DEFAULT '"x"' ON EMPTY)) t;
SELECT * FROM orders o RIGHT JOIN JSON_TABLE(o.items, '$[*]' COLUMNS (n INT PATH '$.n')) i ON TRUE;
SELECT * FROM JSON_TABLE(o.items, '$[*]' COLUMNS (n INT PATH '$.n')) i, orders o;
DROP TABLE orders, parts;
