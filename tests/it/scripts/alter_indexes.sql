-- Several index actions of one ALTER TABLE: one change, and what goes makes room for what comes.
CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY k (a), UNIQUE KEY u (b));
INSERT INTO t VALUES (1, 10, 100), (2, 20, 200), (3, 10, 300);
ALTER TABLE t DROP INDEX k, ADD INDEX k (b);
SELECT index_name, column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't' ORDER BY 1, 2;
ALTER TABLE t ADD INDEX (a), ADD INDEX (a), DROP KEY k;
SHOW CREATE TABLE t;
ALTER TABLE t ADD INDEX k (a), ADD INDEX k (b);
ALTER TABLE t ADD INDEX u (a);
ALTER TABLE t ADD INDEX u (a), DROP INDEX u;
ALTER TABLE t DROP INDEX a, DROP INDEX a;
ALTER TABLE t DROP INDEX nope, ADD INDEX k (a);
-- One that cannot be undoes all.
ALTER TABLE t DROP INDEX a_2, ADD UNIQUE KEY one (a), ADD INDEX two (b);
SHOW CREATE TABLE t;
ALTER TABLE t DROP INDEX a, DROP INDEX a_2, DROP INDEX u;
SHOW CREATE TABLE t;
SELECT * FROM t ORDER BY id;
-- What is there already, or is gone already, is a note.
CREATE TABLE IF NOT EXISTS t (x INT);
SHOW WARNINGS;
CREATE DATABASE IF NOT EXISTS alter_indexes_d;
SHOW WARNINGS;
CREATE DATABASE IF NOT EXISTS alter_indexes_d;
SHOW WARNINGS;
DROP TABLE IF EXISTS nope, alter_indexes_d.nope;
SHOW WARNINGS;
DROP DATABASE IF EXISTS alter_indexes_d;
SHOW WARNINGS;
DROP DATABASE IF EXISTS alter_indexes_d;
SHOW WARNINGS;
DROP TABLE t;
