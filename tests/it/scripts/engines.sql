-- There is one storage engine; it takes the place of MySQL's others.
CREATE DATABASE engines_db;
DROP DATABASE engines_db;
CREATE DATABASE engines_db;
CREATE TABLE engines_db.a (a INT) ENGINE = innodb;
CREATE TABLE engines_db.b (a INT) ENGINE = MyISAM;
SHOW WARNINGS;
CREATE TABLE engines_db.c (a INT) ENGINE = 'memory';
SHOW WARNINGS;
CREATE TABLE engines_db.d (a INT) ENGINE = Nonsense;
SET sql_mode = '';
CREATE TABLE engines_db.d (a INT) ENGINE = Nonsense;
SHOW WARNINGS;
CREATE TABLE engines_db.e (a INT) ENGINE = ARCHIVE;
SHOW WARNINGS;
SHOW CREATE TABLE engines_db.e;
DROP DATABASE engines_db;
