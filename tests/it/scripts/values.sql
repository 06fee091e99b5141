-- User variables keep numbers and texts: a date is the text it shows.
SELECT @e := DATE'2024-01-02', @t := TIME'10:20:30', @f := 1.50, @y := CAST(5 AS UNSIGNED);
SELECT @e + 1, @t + 1, @f + 1, @e, LENGTH(@t);
SET @d = TIMESTAMP'2024-01-02 03:04:05.6';
SELECT @d, @d + 1;
-- Fractions of a second stay.
SELECT TIMEDIFF('10:00:00.5', '09:00:00'), TIMEDIFF(TIME'10:00:00.25', '09:00:00'), ADDTIME(TIME'10:00:00', '0:0:0.5');
SELECT SUBTIME(TIMESTAMP'2024-01-01 00:00:00', '0:0:0.000001'), ADDTIME(DATE'2024-01-01', '1:0:0.5'), ADDTIME('10:00:00', '0:0:0.5');
SELECT CONVERT_TZ('2024-01-01 00:00:00.5', '+00:00', '+01:00'), TIMESTAMP('2024-01-01 00:00:00.5', '1:0:0.25');
SELECT TIME'10:00:00' + INTERVAL 1.1 SECOND, TIMESTAMP'2024-01-01 00:00:00' + INTERVAL 1.1 SECOND, DATE'2024-01-01' + INTERVAL 1.5 SECOND;
SELECT TIME'10:00:00' + INTERVAL 1 DAY, TIME'10:00:00' + INTERVAL 1 MONTH;
-- A TIME is one of the day it is.
SET timestamp = 1709210096;
SELECT CAST(TIME'10:00:00' AS DATETIME), TIMESTAMP(TIME'25:00:00'), DATE(TIME'10:00:00'), TIME'10:00:00' = TIMESTAMP'2024-02-29 10:00:00';
CREATE TABLE moments (id INT PRIMARY KEY, d DATETIME, e DATE, t TIMESTAMP NULL);
INSERT INTO moments VALUES (1, TIME'10:00:00', TIME'10:00:00', TIME'10:00:00');
SELECT * FROM moments WHERE d = TIME'10:00:00';
SET timestamp = DEFAULT;
-- SYSDATE() goes on, NOW() stands still.
SELECT NOW(6) = NOW(6), SYSDATE(6) <= SYSDATE(6), SYSDATE(6) >= NOW(6), SYSDATE() > NOW() - INTERVAL 1 MINUTE;
-- Hexadecimal literals are numbers where numbers are wanted.
SELECT SUM(0x31), AVG(0x31), BIT_OR(0x31), MAX(0x31), ROUND(0xff), ABS(0x31), FLOOR(0x31), SQRT(0x31), MOD(0x31, 10);
SELECT IF(0x00, 1, 2), 49 IN (0x31), 0x31 BETWEEN 48 AND 50, LEFT('abc', 0x02), CHAR(0x41), -0x31, ~0x01, 0x31 = 49, 0x31 = '1';
SELECT COALESCE(0x31, 1) + 0, CONCAT(0x41, 0x42), HEX(0x41), REPEAT('a', 0x03), NOT 0x41, 0x41 AND 1, CAST(0x41 AS DECIMAL(5, 2));
CREATE TABLE hexes (a INT DEFAULT 0x41, b VARCHAR(5) DEFAULT 0x41, c BIGINT UNSIGNED DEFAULT b'101');
INSERT INTO hexes VALUES ();
SELECT * FROM hexes;
-- Casts pad bytes, and no letters.
SELECT LENGTH(CAST('a' AS BINARY(3))), HEX(CAST('a' AS BINARY(3))), HEX(CAST('abcd' AS BINARY(3))), LENGTH(CAST('a' AS CHAR(3))), HEX(CAST(1 AS BINARY(2)));
-- The shorter text is padded: a tab is less than the space.
SELECT 'a\t' < 'a', 'a\t' = 'a', 'a ' = 'a', 'a \t' < 'a', 'a\n' > 'a ', 'a' < 'a!';
CREATE TABLE pads (a VARCHAR(10) PRIMARY KEY, b VARCHAR(10), KEY (b));
INSERT INTO pads VALUES ('a', 'a'), ('a\t', 'a\t'), ('a \t', 'a \t'), ('a!', 'a!'), ('a b', 'a b'), ('b', 'b');
SELECT HEX(a) FROM pads ORDER BY a;
SELECT HEX(a) FROM pads WHERE a < 'a' ORDER BY a;
SELECT HEX(b) FROM pads WHERE b >= 'a' ORDER BY b;
SELECT HEX(b) FROM pads WHERE CONCAT(b, '') >= 'a' ORDER BY CONCAT(b, '');
INSERT INTO pads VALUES ('a   ', 'x');
-- Literals of dates are dates.
SELECT DATE'xxxx';
SELECT TIME'xx';
SELECT TIMESTAMP'2024-13-01 00:00:00';
SELECT TIMESTAMP'2024-01-01';
SELECT DATE'2024-01-01 10:00:00';
SELECT DATE'2024-02-30';
SELECT TIME'2024-01-01 10:00:00';
SELECT TIME'838:59:60';
SELECT DATE'2024-1-2', DATE'20240102', TIME'10', TIME'-10:00:00.5', TIMESTAMP'2024-01-01 10:00:00.25';
SELECT {d '2024-01-02'}, {t '10:11:12'}, {ts '2024-01-02 03:04:05'}, {fn LENGTH({fn CONCAT('a', 'b')})};
SELECT COUNT(*) FROM {oj pads p LEFT JOIN moments m ON m.id = LENGTH(p.a)};
SELECT {d 2};
-- Numbers beyond what there is.
SELECT 1e1000;
CREATE TABLE ranges (d DOUBLE, f FLOAT, y YEAR DEFAULT 0, z YEAR DEFAULT '0', w YEAR DEFAULT 5);
INSERT INTO ranges (d) VALUES ('1e1000');
INSERT INTO ranges (f) VALUES ('-1e1000');
INSERT INTO ranges (d) VALUES ('x');
SET sql_mode = '';
INSERT INTO ranges (d, f) VALUES ('1e1000', '-1e1000');
SHOW WARNINGS;
SET sql_mode = DEFAULT;
SELECT * FROM ranges;
SELECT CAST('1e1000' AS DOUBLE), CAST('1e1000' AS DOUBLE) = 1.7976931348623157e308;
CREATE TABLE scales (a DECIMAL(0, 10));
CREATE TABLE scales (a DECIMAL(0), b DECIMAL(0, 0), c DECIMAL);
SHOW COLUMNS FROM scales;
-- Strings side by side are one.
SELECT N'x' 'y', n'a' 'b' "c", 'a' 'b', _utf8mb4'a' 'b';
-- Numbers as locales write them.
SELECT FORMAT(-1234567.891, 2), FORMAT(1234567.891, 2, 'de_DE'), FORMAT(1234567.891, 2, 'de_CH'), FORMAT(1234567.891, 2, 'fr_FR'), FORMAT(12345678.9, 1, 'en_IN');
SELECT FORMAT(1234.5, 1, 'xx_YY');
SHOW WARNINGS;
-- Bytes that are no text go where bytes go.
CREATE TABLE serials (id SERIAL, b BLOB, n BIGINT);
INSERT INTO serials (b) VALUES ('a'), ('b');
SELECT id, b FROM serials;
SHOW CREATE TABLE serials;
CREATE TABLE serial_values (id INT SERIAL DEFAULT VALUE, a INT);
SHOW COLUMNS FROM serial_values;
SELECT 'foobar' REGEXP 'foo(?=bar)';
CREATE TABLE texts (a VARCHAR(10));
SET @q = CONCAT('INSERT INTO serials (b) VALUES (''', X'FFFE', ''')');
PREPARE raw FROM @q;
EXECUTE raw;
SELECT id, HEX(b) FROM serials ORDER BY id;
SET @q = CONCAT('INSERT INTO texts VALUES (''', X'FFFE', ''')');
PREPARE raw FROM @q;
EXECUTE raw;
SET @q = CONCAT('SELECT HEX(''', X'FFFE', '''), LENGTH(''', X'FF', ''')');
PREPARE raw FROM @q;
EXECUTE raw;
-- A zero byte at the end of the text is the client's.
SET @q = CONCAT('SELECT 1', X'00');
PREPARE raw FROM @q;
EXECUTE raw;
-- What MySQL makes of what does not fit.
SELECT FIND_IN_SET('a', 'b,a '), NULLIF(49, 0x31), NULLIF(0x41, 'B');
SET sql_mode = '';
CREATE TABLE unfit (id INT PRIMARY KEY, y YEAR, t TIME);
INSERT INTO unfit VALUES (1, 2156, 1e300), (2, 'abc', -1e300), (3, '0', '0'), (4, 101, 20240102);
SELECT * FROM unfit ORDER BY id;
