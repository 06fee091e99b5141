-- Stored functions in expressions.
CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20));
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, said VARCHAR(20));
-- delimiter $$
CREATE FUNCTION plus_one(x INT) RETURNS INT DETERMINISTIC RETURN x + 1$$
SELECT plus_one(1), plus_one(plus_one(1)), plus_one(NULL)$$
SELECT a, plus_one(a) FROM t WHERE plus_one(a) > 2 ORDER BY plus_one(a) DESC$$
SELECT SUM(plus_one(a)), plus_one(SUM(a)) FROM t$$
SELECT test.plus_one(5) AS six$$
SELECT plus_one()$$
SELECT plus_one(1, 2)$$
SELECT missing_one(1)$$
SELECT nodb.missing_one(1)$$
SELECT plus_one('x')$$
CREATE FUNCTION fib(n INT) RETURNS BIGINT DETERMINISTIC
BEGIN
  DECLARE x, y BIGINT DEFAULT 1;
  DECLARE i INT DEFAULT 2;
  WHILE i < n DO
    SET y = x + y, x = y - x;
    SET i = i + 1;
  END WHILE;
  RETURN y;
END$$
SELECT fib(10), fib(50)$$
SET @f = fib(20)$$
SELECT @f$$
DO fib(3)$$
SELECT fib(5) INTO @g$$
SELECT @g$$
-- One that reads tables.
CREATE FUNCTION name_of(x INT) RETURNS VARCHAR(20) READS SQL DATA
BEGIN
  DECLARE found VARCHAR(20) DEFAULT 'nobody';
  SELECT b INTO found FROM t WHERE a = x;
  RETURN found;
END$$
SELECT name_of(2), name_of(9)$$
SELECT a, name_of(a + 1) FROM t ORDER BY a$$
UPDATE t SET b = name_of(4 - a) WHERE a = 1$$
SELECT * FROM t$$
-- One that writes.
CREATE FUNCTION logged(x VARCHAR(20)) RETURNS INT MODIFIES SQL DATA
BEGIN
  INSERT INTO log (said) VALUES (x);
  RETURN (SELECT COUNT(*) FROM log);
END$$
SELECT logged('first'), logged('second')$$
SELECT a, logged(b) FROM t ORDER BY a$$
INSERT INTO t VALUES (10, CONCAT('n', logged('from insert')))$$
SET @n = logged('from set')$$
DO logged('from do')$$
SELECT said FROM log ORDER BY id$$
SELECT * FROM t WHERE a = 10$$
START TRANSACTION$$
SELECT logged('undone')$$
ROLLBACK$$
SELECT COUNT(*) FROM log$$
INSERT INTO log (said) VALUES (logged('itself'))$$
-- In a procedure, and with handlers.
CREATE PROCEDURE uses() BEGIN DECLARE x INT; SET x = plus_one(41); IF name_of(2) = 'two' THEN SELECT x, fib(6); END IF; END$$
CALL uses()$$
CREATE FUNCTION careful(x INT) RETURNS VARCHAR(20)
BEGIN
  DECLARE EXIT HANDLER FOR 1062 RETURN 'is there';
  INSERT INTO t VALUES (x, 'by function');
  RETURN 'is new';
END$$
SELECT careful(1), careful(20)$$
-- Errors.
CREATE FUNCTION no_return(x INT) RETURNS INT BEGIN IF x THEN RETURN 1; END IF; END$$
SELECT no_return(1)$$
SELECT no_return(0)$$
CREATE FUNCTION itself(x INT) RETURNS INT RETURN IF(x < 1, 0, itself(x - 1))$$
SELECT itself(3)$$
CREATE FUNCTION raises() RETURNS INT BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'raised'; RETURN 1; END$$
SELECT raises()$$
CREATE FUNCTION too_long() RETURNS VARCHAR(3) RETURN 'four'$$
SELECT too_long()$$
CREATE FUNCTION bad() RETURNS INT SELECT 1$$
CREATE FUNCTION bad() RETURNS INT BEGIN COMMIT; RETURN 1; END$$
CREATE FUNCTION bad() RETURNS INT BEGIN SELECT 1; RETURN 1; END$$
CREATE FUNCTION bad() RETURNS INT BEGIN PREPARE s FROM 'SELECT 1'; RETURN 1; END$$
SHOW CREATE FUNCTION plus_one$$
SELECT ROUTINE_NAME, DATA_TYPE, DTD_IDENTIFIER, IS_DETERMINISTIC, SQL_DATA_ACCESS FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' ORDER BY 1$$
DROP FUNCTION plus_one$$
SELECT plus_one(1)$$
-- delimiter ;
