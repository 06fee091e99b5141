-- LATERAL and JSON_TABLE among tables in parentheses see those before the parentheses; conditions there do not.
CREATE TABLE t (a INT PRIMARY KEY, b INT);
INSERT INTO t VALUES (1, 1), (2, 1), (3, NULL);
CREATE TABLE u (a INT PRIMARY KEY, b INT);
INSERT INTO u VALUES (1, 10), (2, 20);
SELECT t.a, u.a, j FROM t JOIN (u JOIN JSON_TABLE(CONCAT('[', t.a, ']'), '$[*]' COLUMNS (j INT PATH '$')) x) ORDER BY 1, 2;
SELECT t.a, u.a, j FROM t JOIN (u JOIN JSON_TABLE(CONCAT('[', t.a + u.a, ']'), '$[*]' COLUMNS (j INT PATH '$')) x) ORDER BY 1, 2;
SELECT t.a, u.a, s FROM t JOIN (u JOIN LATERAL (SELECT t.a + u.a s) x) ORDER BY 1, 2;
SELECT t.a, u.a, s FROM t LEFT JOIN (u JOIN LATERAL (SELECT t.a + u.a s) x ON u.a < s) ON s > 3 ORDER BY 1, 2;
SELECT t.a, n, m FROM t JOIN (LATERAL (SELECT COUNT(*) n FROM u WHERE u.a <= t.a) x JOIN LATERAL (SELECT MAX(u.b) m FROM u WHERE u.a <= t.a AND u.a <= x.n) y) ORDER BY 1;
SELECT t.a, p.a, q.a, s FROM t JOIN (u p JOIN (u q JOIN LATERAL (SELECT t.a + p.a + q.a s) x)) WHERE t.a = 1 ORDER BY 2, 3;
SELECT t.a, s FROM t, (u JOIN LATERAL (SELECT (SELECT COUNT(*) FROM u v JOIN LATERAL (SELECT v.a + t.a + u.a s) y WHERE y.s > 4) s) x) ORDER BY 1, 2;
SELECT t.a, k.a FROM t JOIN (u k JOIN u l ON l.a = t.a);
SELECT t.a FROM t JOIN (u JOIN (SELECT t.a z) x);
SELECT t.a FROM t JOIN (u JOIN (SELECT t.a z) x JOIN LATERAL (SELECT 1) y);
SELECT t.a, u.a, s FROM t JOIN (u JOIN LATERAL (SELECT t.a + u.a s) x) USING (a) ORDER BY 1;
UPDATE t JOIN (u JOIN LATERAL (SELECT t.a + u.a s) x) ON t.a = u.a SET t.b = x.s;
SELECT * FROM t ORDER BY a;
