-- There is one storage engine.
CREATE DATABASE engines_db;
DROP DATABASE engines_db;
CREATE DATABASE engines_db;
CREATE TABLE engines_db.a (a INT) ENGINE = innodb;
CREATE TABLE engines_db.b (a INT) ENGINE = MyISAM;
CREATE TABLE engines_db.b (a INT) ENGINE = Nonsense;
SET sql_mode = '';
CREATE TABLE engines_db.b (a INT) ENGINE = MyISAM;
DROP DATABASE engines_db;
