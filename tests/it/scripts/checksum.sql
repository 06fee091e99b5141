-- CHECKSUM TABLE: equal tables have equal checksums, whatever the order of their rows.
CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20), at TIMESTAMP NULL, n DECIMAL(8,2));
CREATE TABLE b (id INT, v VARCHAR(20), at TIMESTAMP NULL, n DECIMAL(8,2));
CREATE TABLE empty (id INT);
INSERT INTO a VALUES (1, 'one', '2020-01-01 12:00:00', 1.5), (2, NULL, NULL, NULL), (3, '', '2020-01-01 13:00:00', -7);
INSERT INTO b SELECT * FROM a ORDER BY id DESC;
CHECKSUM TABLE a, b, empty;
SET time_zone = '+05:00';
CHECKSUM TABLE a;
SET time_zone = DEFAULT;
-- A value, NULL or not, makes a difference.
UPDATE b SET v = '' WHERE id = 2;
CHECKSUM TABLE b EXTENDED;
UPDATE b SET v = NULL WHERE id = 2;
CHECKSUM TABLES b;
-- None is kept.
CHECKSUM TABLE a QUICK;
-- It sees what the transaction has written.
BEGIN;
DELETE FROM b;
CHECKSUM TABLE b;
ROLLBACK;
CHECKSUM TABLE b;
-- What cannot be read is NULL, and says why.
CHECKSUM TABLE a, missing, nowhere.t, information_schema.TABLES;
SHOW WARNINGS;
CHECKSUM TABLE;
CHECKSUM TABLE a b;
