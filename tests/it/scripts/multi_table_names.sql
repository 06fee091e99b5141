-- One table under several names in one change, LATERAL and JSON_TABLE beside the tables that change.
CREATE TABLE t (id INT PRIMARY KEY, p INT, v INT, w INT, KEY (v), UNIQUE KEY (w));
INSERT INTO t VALUES (1, NULL, 10, 100), (2, 1, 20, 200), (3, 1, 30, 300), (4, 2, 40, 400);
UPDATE t a JOIN t b ON b.id = a.p SET a.v = a.v + 1, b.v = b.v + 100;
SELECT * FROM t ORDER BY id;
SELECT id FROM t WHERE v > 0 ORDER BY v;
-- Both names mean each row: what both assign is the last one's, what one assigns stays.
UPDATE t a JOIN t b ON a.id = b.id SET a.v = 1, b.w = b.w + 1;
SELECT * FROM t ORDER BY id;
UPDATE t a JOIN t b ON a.id = b.id SET a.v = a.v + 5, b.v = b.v + 7;
SELECT * FROM t ORDER BY id;
SELECT id FROM t FORCE INDEX (v) WHERE v = 8 ORDER BY id;
UPDATE t a JOIN t b ON b.id = a.p SET a.id = a.id + 10, b.v = 0;
UPDATE t a JOIN t b ON b.id = a.p SET a.w = a.w + 1, b.w = b.w + 1;
SELECT * FROM t ORDER BY id;
DELETE a, b FROM t a JOIN t b ON b.id = a.p WHERE a.id = 4;
SELECT * FROM t ORDER BY id;
DELETE a, b FROM t a JOIN t b ON a.id = b.id;
SELECT COUNT(*) FROM t;
-- A table without a key of its own.
CREATE TABLE h (p INT, v INT);
INSERT INTO h VALUES (1, 1), (2, 2), (2, 3);
UPDATE h a JOIN h b ON a.p = b.p SET a.v = a.v + 10, b.p = b.p + 1;
SELECT * FROM h ORDER BY p, v;
CREATE TABLE u (a INT PRIMARY KEY, b INT);
INSERT INTO u VALUES (1, 10), (2, 20), (5, 50);
UPDATE u, LATERAL (SELECT MAX(h.v) m FROM h WHERE h.p = u.a) x SET u.b = x.m WHERE u.a < 3;
SELECT * FROM u ORDER BY a;
UPDATE h JOIN u ON h.p = u.a, LATERAL (SELECT h.v + u.b s) x SET h.v = x.s, u.b = u.b + 1;
SELECT * FROM h ORDER BY p, v;
UPDATE h, JSON_TABLE(CONCAT('[', h.p, ']'), '$[*]' COLUMNS (j INT PATH '$')) x SET h.v = x.j;
SELECT * FROM h ORDER BY p, v;
DELETE u FROM u, LATERAL (SELECT COUNT(*) c FROM h WHERE h.p = u.a) x WHERE x.c = 0;
SELECT * FROM u ORDER BY a;
UPDATE u, LATERAL (SELECT 1 one) x SET x.one = 2;
-- PRIMARY is the name of an index.
SELECT * FROM u USE INDEX (PRIMARY) WHERE a = 2;
SELECT a FROM u FORCE INDEX FOR ORDER BY (`PRIMARY`) IGNORE INDEX FOR JOIN (primary) ORDER BY a;
SELECT GROUP_CONCAT(a) OVER () FROM u;
SELECT ANY_VALUE(a) OVER () FROM u;
