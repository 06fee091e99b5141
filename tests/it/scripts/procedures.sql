-- Stored procedures: made, called, shown, altered and dropped.
CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20));
-- delimiter $$
CREATE PROCEDURE fill(IN n INT, OUT total INT, INOUT twice INT)
  COMMENT 'fills a table'
BEGIN
  DECLARE i INT DEFAULT 0;
  WHILE i < n DO
    SET i = i + 1;
    INSERT INTO t VALUES (i, CONCAT('row ', i));
  END WHILE;
  SELECT COUNT(*) INTO total FROM t;
  SET twice = twice * 2;
END$$
SET @x = 21$$
CALL fill(3, @n, @x)$$
SELECT @n, @x$$
SELECT * FROM t$$
CALL fill(1, @n, @x)$$
SELECT @n, @x$$
CREATE PROCEDURE fill() SELECT 1$$
CREATE PROCEDURE IF NOT EXISTS fill() SELECT 1$$
CALL fill(1)$$
CALL fill(1, 2, 3)$$
CALL nothing()$$
DROP PROCEDURE nothing$$
DROP PROCEDURE IF EXISTS nothing$$
SHOW CREATE PROCEDURE fill$$
ALTER PROCEDURE fill COMMENT 'altered' SQL SECURITY INVOKER$$
SELECT ROUTINE_NAME, ROUTINE_TYPE, SQL_DATA_ACCESS, SECURITY_TYPE, ROUTINE_COMMENT, IS_DETERMINISTIC FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'test'$$
SELECT ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DATA_TYPE, DTD_IDENTIFIER FROM information_schema.PARAMETERS WHERE SPECIFIC_NAME = 'fill'$$
-- Several results, and the variables' names before those of columns.
CREATE PROCEDURE results(a INT)
BEGIN
  SELECT a, b FROM t WHERE t.a = a;
  SELECT a + 1 AS next;
  UPDATE t SET b = 'changed' WHERE t.a > a;
  SELECT ROW_COUNT();
END$$
CALL results(2)$$
SELECT * FROM t$$
-- Branches and loops.
CREATE PROCEDURE branches(x INT)
BEGIN
  DECLARE said VARCHAR(20);
  CASE x WHEN 1 THEN SET said = 'one'; WHEN 2 THEN SET said = 'two'; ELSE SET said = 'many'; END CASE;
  IF x < 0 THEN SELECT 'negative'; ELSEIF x = 0 THEN SELECT 'zero'; ELSE SELECT said; END IF;
  outer_loop: REPEAT
    SET x = x - 1;
    IF x = 3 THEN ITERATE outer_loop; END IF;
    IF x < 2 THEN LEAVE outer_loop; END IF;
  UNTIL x <= 0 END REPEAT outer_loop;
  SELECT x;
END$$
CALL branches(0)$$
CALL branches(1)$$
CALL branches(5)$$
-- One calls another; and itself, as deep as it may.
CREATE PROCEDURE inner_one(IN a INT, OUT b INT) SET b = a * 10$$
CREATE PROCEDURE outer_one(IN a INT)
BEGIN
  DECLARE r INT;
  CALL inner_one(a + 1, r);
  SELECT r;
END$$
CALL outer_one(4)$$
CREATE PROCEDURE factorial(IN n INT, OUT result BIGINT)
BEGIN
  IF n <= 1 THEN SET result = 1;
  ELSE
    BEGIN
      DECLARE below BIGINT;
      CALL factorial(n - 1, below);
      SET result = n * below;
    END;
  END IF;
END$$
CALL factorial(5, @f)$$
SET max_sp_recursion_depth = 10$$
CALL factorial(5, @f)$$
SELECT @f$$
SET max_sp_recursion_depth = 0$$
-- Dynamic SQL.
CREATE PROCEDURE dynamic(name VARCHAR(20))
BEGIN
  SET @s = CONCAT('SELECT COUNT(*) AS n FROM ', name);
  PREPARE stmt FROM @s;
  EXECUTE stmt;
  DEALLOCATE PREPARE stmt;
END$$
CALL dynamic('t')$$
CALL dynamic('nix')$$
-- sql_mode is that of the procedure's making.
SET sql_mode = ''$$
CREATE PROCEDURE lax() BEGIN DECLARE x TINYINT; SET x = 1000; SELECT x, @@sql_mode; END$$
SET sql_mode = DEFAULT$$
CALL lax()$$
CREATE PROCEDURE strict() BEGIN DECLARE x TINYINT; SET x = 1000; SELECT x; END$$
CALL strict()$$
SELECT @@sql_mode$$
-- A failing statement is undone alone.
CREATE PROCEDURE fails() BEGIN INSERT INTO t VALUES (50, 'kept'); INSERT INTO t VALUES (51, 'no'), (50, 'no'); INSERT INTO t VALUES (52, 'no'); END$$
CALL fails()$$
SELECT * FROM t WHERE a >= 50$$
START TRANSACTION$$
CALL fails()$$
ROLLBACK$$
-- Transactions in a procedure.
CREATE PROCEDURE moves() BEGIN START TRANSACTION; INSERT INTO t VALUES (60, 'a'); ROLLBACK; START TRANSACTION; INSERT INTO t VALUES (61, 'b'); COMMIT; END$$
CALL moves()$$
SELECT a FROM t WHERE a >= 60$$
-- What is refused when it is made.
CREATE PROCEDURE bad() BEGIN LEAVE nowhere; END$$
CREATE PROCEDURE bad() BEGIN DECLARE a INT; DECLARE a INT; END$$
CREATE PROCEDURE bad() BEGIN SET nix = 1; END$$
CREATE PROCEDURE bad() RETURN 1$$
CREATE PROCEDURE bad() USE test$$
CREATE PROCEDURE bad() BEGIN SELECT 1 END$$
CREATE PROCEDURE bad(a NOTYPE) SELECT 1$$
CREATE PROCEDURE nodb.p() SELECT 1$$
SELECT a INTO b FROM t$$
-- delimiter ;
CREATE DATABASE other;
CREATE PROCEDURE other.p() SELECT DATABASE();
CALL other.p();
SELECT DATABASE();
DROP DATABASE other;
CALL other.p();
SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'other';
DROP PROCEDURE fill;
CALL fill(1, @a, @b);
SHOW TABLES;
