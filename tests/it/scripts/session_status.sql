-- SHOW STATUS counts what the session did, SHOW GLOBAL STATUS what all did.
CREATE TABLE t (id INT PRIMARY KEY, v INT);
INSERT INTO t VALUES (1, 1), (2, 2);
INSERT INTO t VALUES (3, 3);
INSERT INTO t VALUES (3, 3);
UPDATE t SET v = 0 WHERE id > 1;
SHOW STATUS LIKE 'Com_insert';
SHOW SESSION STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', 'Statement_errors');
SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = 'Com_update';
-- session b
SHOW SESSION STATUS LIKE 'Com_insert';
SHOW STATUS LIKE 'Handler_write';
SHOW STATUS LIKE 'Com_show_status';
SELECT a.VARIABLE_NAME FROM performance_schema.global_status a
JOIN performance_schema.session_status b ON a.VARIABLE_NAME = b.VARIABLE_NAME
WHERE a.VARIABLE_NAME IN ('Com_insert', 'Questions', 'Bytes_received') AND a.VARIABLE_VALUE + 0 > b.VARIABLE_VALUE + 0
ORDER BY 1;
-- What the engine counts of rows is for all sessions, whoever asks.
SELECT SUM(VARIABLE_VALUE >= 0) FROM performance_schema.global_status
WHERE VARIABLE_NAME IN ('Innodb_rows_read', 'Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted', 'Prepared_stmt_count');
SELECT a.VARIABLE_VALUE + 0 >= 2 AND a.VARIABLE_VALUE = b.VARIABLE_VALUE FROM performance_schema.global_status a
JOIN performance_schema.session_status b ON a.VARIABLE_NAME = b.VARIABLE_NAME WHERE a.VARIABLE_NAME = 'Innodb_rows_inserted';
