-- The tables that the server computes of itself.
SELECT COUNT(*) > 0 FROM information_schema.ACTORS WHERE STATE = 'running' AND KIND = 'session';
SELECT COUNT(*) > 0, SUM(HANDLED) > 0, MAX(DEPTH) <= MAX(CAPACITY) FROM information_schema.MAILBOXES;
SELECT a.KIND FROM information_schema.ACTORS a JOIN information_schema.MAILBOXES m ON a.PATH = m.PATH WHERE a.KIND = 'connection' LIMIT 1;
SELECT COUNT(*) FROM information_schema.MAILBOXES WHERE KIND = 'session' AND MESSAGES LIKE '%Execute:%';
-- What tools ask of InnoDB.
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10) COMMENT 'some', UNIQUE KEY by_a (a), KEY both_of_them (a, id));
SELECT NAME, N_COLS, ROW_FORMAT FROM information_schema.INNODB_TABLES WHERE NAME = 'test/t';
SELECT i.NAME, i.TYPE, i.N_FIELDS FROM information_schema.INNODB_INDEXES i JOIN information_schema.INNODB_TABLES t USING (TABLE_ID) WHERE t.NAME = 'test/t' ORDER BY 1;
SELECT COUNT(*) FROM information_schema.INNODB_METRICS;
SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS_EXTENSIONS WHERE TABLE_SCHEMA = 'test' ORDER BY 1, 2;
SELECT CONSTRAINT_NAME, CONSTRAINT_TYPE, ENFORCED FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = 'test' ORDER BY 1;
SELECT USER, HOST, ATTRIBUTE FROM information_schema.USER_ATTRIBUTES;
-- What monitors ask.
SELECT PROCESSLIST_COMMAND, PROCESSLIST_DB, TYPE FROM performance_schema.threads WHERE PROCESSLIST_ID = CONNECTION_ID();
SELECT NAME, ENABLED FROM performance_schema.setup_consumers WHERE ENABLED = 'YES' ORDER BY NAME;
SELECT COUNT(*) FROM performance_schema.replication_group_members;
SELECT COUNT(*) FROM performance_schema.persisted_variables;
SELECT WORD, RESERVED FROM information_schema.KEYWORDS WHERE WORD IN ('SELECT', 'STATUS') ORDER BY WORD;
-- SHOW picks columns of the same tables.
SHOW FULL COLUMNS FROM t;
SHOW COLUMNS FROM information_schema.MAILBOXES WHERE `Null` = 'NO' AND Field LIKE 'WAIT%';
SHOW INDEX FROM t;
SHOW FULL TABLES LIKE 't%';
SHOW TABLES FROM information_schema LIKE 'A%';
SHOW PLUGINS;
SHOW ENGINES;
SHOW CHARACTER SET;
SHOW TRIGGERS FROM nowhere;
SHOW EVENTS FROM nowhere;
DROP TABLE t;
