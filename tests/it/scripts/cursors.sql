-- Cursors of stored programs.
CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10));
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
-- delimiter $$
CREATE PROCEDURE walks()
BEGIN
  DECLARE done INT DEFAULT FALSE;
  DECLARE x INT;
  DECLARE s VARCHAR(10);
  DECLARE all_of_it VARCHAR(100) DEFAULT '';
  DECLARE c CURSOR FOR SELECT a, b FROM t ORDER BY a DESC;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
  OPEN c;
  walk: LOOP
    FETCH c INTO x, s;
    IF done THEN LEAVE walk; END IF;
    SET all_of_it = CONCAT(all_of_it, x, '=', s, ';');
  END LOOP;
  CLOSE c;
  SELECT all_of_it;
END$$
CALL walks()$$
-- It reads its variables when it is opened, and keeps what it has read.
CREATE PROCEDURE opens(lowest INT)
BEGIN
  DECLARE x INT;
  DECLARE c CURSOR FOR SELECT a FROM t WHERE a >= lowest ORDER BY a;
  SET lowest = lowest + 1;
  OPEN c;
  DELETE FROM t WHERE a = 3;
  FETCH c INTO x;
  SELECT x;
  FETCH FROM c INTO x;
  SELECT x;
  FETCH NEXT FROM c INTO x;
  SELECT 'not reached';
END$$
CALL opens(1)$$
CREATE PROCEDURE twice() BEGIN DECLARE c CURSOR FOR SELECT 1; OPEN c; OPEN c; END$$
CALL twice()$$
CREATE PROCEDURE closed() BEGIN DECLARE x INT; DECLARE c CURSOR FOR SELECT 1; FETCH c INTO x; END$$
CALL closed()$$
CREATE PROCEDURE closes() BEGIN DECLARE c CURSOR FOR SELECT 1; CLOSE c; END$$
CALL closes()$$
CREATE PROCEDURE too_few() BEGIN DECLARE x INT; DECLARE c CURSOR FOR SELECT 1, 2; OPEN c; FETCH c INTO x; END$$
CALL too_few()$$
CREATE PROCEDURE missing() BEGIN DECLARE c CURSOR FOR SELECT 1 FROM nix; SELECT 'before'; OPEN c; END$$
CALL missing()$$
-- Blocks close theirs: a loop may open one each time.
CREATE PROCEDURE nested()
BEGIN
  DECLARE i, n, total INT DEFAULT 0;
  WHILE i < 3 DO
    BEGIN
      DECLARE c CURSOR FOR SELECT a + i FROM t ORDER BY a;
      OPEN c;
      FETCH c INTO n;
      SET total = total + n;
    END;
    SET i = i + 1;
  END WHILE;
  SELECT total;
END$$
CALL nested()$$
CREATE PROCEDURE bad() BEGIN OPEN nix; END$$
CREATE PROCEDURE bad() BEGIN DECLARE c CURSOR FOR DELETE FROM t; END$$
CREATE PROCEDURE bad() BEGIN DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 2; END$$
CREATE PROCEDURE bad() BEGIN DECLARE c CURSOR FOR SELECT 1; DECLARE x INT; END$$
-- delimiter ;
