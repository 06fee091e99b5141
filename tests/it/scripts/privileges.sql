-- What accounts may do, and what they are told.
CREATE DATABASE app;
CREATE DATABASE secret;
CREATE TABLE app.t (a INT PRIMARY KEY, b INT, c INT);
CREATE TABLE app.u (a INT PRIMARY KEY);
CREATE TABLE secret.s (a INT);
INSERT INTO app.t VALUES (1, 10, 100), (2, 20, 200);
CREATE USER ann, bob, eve;
SHOW GRANTS FOR ann;
GRANT SELECT ON app.* TO nobody;
GRANT SELECT, RELOAD ON app.* TO ann;
GRANT RELOAD ON app.t TO ann;
GRANT SELECT (a) ON app.* TO ann;
GRANT DELETE (a) ON app.t TO ann;
GRANT SELECT (x) ON app.t TO ann;
GRANT SELECT ON app.missing TO ann;
GRANT ROLE_ADMIN ON app.* TO ann;
GRANT NOTHING_ADMIN ON *.* TO ann;
GRANT SELECT ON app.* TO ann IDENTIFIED BY 'x';
GRANT ALL ON app.* TO ann WITH GRANT OPTION;
GRANT SELECT (a), UPDATE (b) ON app.t TO bob;
GRANT SELECT ON app.u TO bob;
SHOW GRANTS FOR ann;
SHOW GRANTS FOR bob;
REVOKE INSERT ON app.u FROM eve;
REVOKE INSERT ON secret.* FROM eve;
REVOKE IF EXISTS INSERT ON secret.* FROM eve;
REVOKE SELECT ON *.* FROM nobody;
REVOKE SELECT ON *.* FROM nobody IGNORE UNKNOWN USER;
REVOKE ALL PRIVILEGES, GRANT OPTION FROM nobody;
-- session ann as ann
SELECT CURRENT_USER(), USER();
SHOW DATABASES;
USE secret;
USE app;
SHOW TABLES;
SELECT * FROM t ORDER BY a;
SELECT * FROM secret.s;
INSERT INTO secret.s VALUES (1);
CREATE TEMPORARY TABLE secret.own (a INT);
CREATE TEMPORARY TABLE app.own (a INT);
DROP TEMPORARY TABLE app.own;
SHOW OPEN TABLES;
CREATE TABLE made (a INT);
DROP TABLE made;
CREATE DATABASE other;
CREATE USER joe;
SET GLOBAL max_connections = 10;
FLUSH PRIVILEGES;
GRANT SELECT ON u TO eve;
GRANT SELECT ON secret.s TO eve;
GRANT SELECT ON *.* TO eve;
SHOW GRANTS;
SHOW GRANTS FOR eve;
SELECT COUNT(*) FROM mysql.user;
SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'performance_schema');
-- session bob as bob
SELECT a FROM app.t ORDER BY a;
SELECT b FROM app.t;
SELECT * FROM app.t;
SELECT a FROM app.t WHERE c = 1;
SELECT a FROM app.t ORDER BY c;
SELECT (SELECT MAX(b) FROM app.t) FROM app.u;
SELECT COUNT(*) FROM app.t x JOIN app.u y ON x.c = y.a;
UPDATE app.t SET b = 11 WHERE a = 1;
UPDATE app.t SET c = 1;
UPDATE app.t SET b = c;
DELETE FROM app.t;
INSERT INTO app.t VALUES (3, 3, 3);
SELECT column_name, privileges FROM information_schema.columns WHERE table_schema = 'app' AND table_name = 't';
SHOW COLUMNS FROM app.t;
SHOW CREATE TABLE secret.s;
SHOW COLUMNS FROM secret.s;
PREPARE p FROM 'SELECT a FROM app.u';
EXECUTE p;
-- session a
REVOKE SELECT ON app.u FROM bob;
-- session bob
EXECUTE p;
SELECT * FROM app.u;
-- session a
-- Views, programs and triggers.
CREATE VIEW app.v AS SELECT b, c FROM app.t;
CREATE SQL SECURITY INVOKER VIEW app.w AS SELECT b, c FROM app.t;
GRANT SELECT ON app.v TO bob;
GRANT SELECT ON app.w TO bob;
CREATE PROCEDURE app.p() SELECT MAX(c) FROM app.t;
CREATE PROCEDURE app.q() SQL SECURITY INVOKER SELECT MAX(c) FROM app.t;
CREATE FUNCTION app.f() RETURNS INT READS SQL DATA RETURN (SELECT MAX(c) FROM app.t);
-- session bob
SELECT * FROM app.v ORDER BY b;
SELECT * FROM app.w;
SHOW CREATE VIEW app.v;
CALL app.p();
SELECT app.f();
SHOW CREATE PROCEDURE app.p;
-- session a
GRANT EXECUTE ON PROCEDURE app.p TO bob;
GRANT EXECUTE ON PROCEDURE app.q TO bob;
GRANT EXECUTE ON FUNCTION app.f TO bob;
SHOW GRANTS FOR bob;
-- session bob
CALL app.p();
CALL app.q();
SELECT app.f();
SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = 'app' ORDER BY routine_name;
-- session a
-- Roles.
CREATE ROLE reader, writer;
CREATE ROLE reader;
GRANT SELECT ON secret.* TO reader;
GRANT INSERT ON secret.* TO writer;
GRANT reader TO writer;
GRANT writer TO reader;
GRANT reader, writer TO eve;
GRANT missing TO eve;
SHOW GRANTS FOR eve;
SHOW GRANTS FOR eve USING reader;
-- session eve as eve
SELECT * FROM secret.s;
SET ROLE missing;
SET ROLE reader;
SELECT * FROM secret.s;
INSERT INTO secret.s VALUES (1);
SET ROLE ALL;
INSERT INTO secret.s VALUES (1);
SHOW GRANTS;
SET ROLE NONE;
SELECT * FROM secret.s;
SET DEFAULT ROLE writer TO eve;
-- session eve2 as eve
SELECT * FROM secret.s;
-- session r as reader
-- session a
REVOKE writer FROM eve;
-- session eve2
SELECT * FROM secret.s;
-- session a
RENAME USER eve TO mary;
SHOW GRANTS FOR mary;
RENAME USER eve TO mary;
DROP ROLE reader;
SHOW GRANTS FOR mary;
ALTER USER mary ACCOUNT LOCK;
-- session m as mary
-- session a
REVOKE ALL PRIVILEGES, GRANT OPTION FROM bob;
SHOW GRANTS FOR bob;
DROP ROLE writer;
DROP USER ann, bob, mary;
DROP DATABASE app;
DROP DATABASE secret;
