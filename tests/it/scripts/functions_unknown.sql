-- A function nobody knows is 1305; one of MySQL's that is not there yet is 1235.
SELECT no_such(1);
SELECT test.no_such(1);
SELECT test.abs(1);
SELECT MD5('a');
SELECT INET_ATON('127.0.0.1');
SELECT JSON_EXTRACT('{}', '$');
SELECT ABS();
SELECT ABS(1, 2);
SELECT ?;
SELECT 1, ?;
SELECT x.* FROM (SELECT 1) y;
