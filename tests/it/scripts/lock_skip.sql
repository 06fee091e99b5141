-- SKIP LOCKED goes on without rows that others have locked; OF says whose rows are locked.
SET innodb_lock_wait_timeout = 1;
CREATE TABLE job (id INT PRIMARY KEY, state VARCHAR(10), code VARCHAR(5), UNIQUE KEY (code), KEY (state));
INSERT INTO job VALUES (1, 'ready', 'a'), (2, 'ready', 'b'), (3, 'done', 'c'), (4, 'ready', 'd'), (5, 'ready', 'e');
CREATE TABLE part (id INT PRIMARY KEY, job_id INT, v INT, KEY (job_id));
INSERT INTO part VALUES (10, 1, 0), (11, 2, 0), (12, 4, 0), (13, 5, 0);
EXPLAIN SELECT * FROM job ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
BEGIN;
SELECT id FROM job WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
-- session b
SET innodb_lock_wait_timeout = 1;
BEGIN;
SELECT id FROM job WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
-- session c
SET innodb_lock_wait_timeout = 1;
BEGIN;
SELECT id FROM job WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE NOWAIT;
SELECT id FROM job WHERE state = 'ready' ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED;
-- What is skipped may be named by its key, or by a unique one.
SELECT * FROM job WHERE id = 1 FOR UPDATE SKIP LOCKED;
SELECT * FROM job WHERE id IN (1, 2, 3, 4) FOR UPDATE SKIP LOCKED;
SELECT * FROM job WHERE code = 'b' FOR UPDATE SKIP LOCKED;
SELECT COUNT(*) FROM (SELECT * FROM job FOR UPDATE SKIP LOCKED) free;
-- A plain read takes no notice.
SELECT COUNT(*) FROM job;
ROLLBACK;
-- session b
UPDATE job SET state = 'done' WHERE id = 2;
COMMIT;
-- session a
DELETE FROM job WHERE id = 1;
COMMIT;
SELECT id FROM job WHERE state = 'ready' ORDER BY id FOR UPDATE SKIP LOCKED;
-- OF: the other tables of a join are read and not locked.
BEGIN;
SELECT job.id, p.id FROM job JOIN part p ON p.job_id = job.id WHERE job.id = 4 FOR UPDATE OF p;
-- session b
UPDATE job SET state = 'later' WHERE id = 4;
UPDATE part SET v = 1 WHERE id = 12;
SELECT job.id, p.id FROM job JOIN part p ON p.job_id = job.id WHERE job.id >= 4 ORDER BY 1 FOR UPDATE OF job, p SKIP LOCKED;
SELECT job.id, p.id FROM job JOIN part p ON p.job_id = job.id WHERE job.id >= 4 ORDER BY 1 FOR SHARE OF job FOR UPDATE OF p NOWAIT;
SELECT job.id, p.id FROM job LEFT JOIN part p ON p.job_id = job.id WHERE job.id = 4 FOR UPDATE OF p SKIP LOCKED;
SELECT id FROM part WHERE job_id IN (SELECT id FROM job) ORDER BY id FOR UPDATE OF part SKIP LOCKED;
-- session a
COMMIT;
SELECT * FROM job FOR UPDATE OF part;
SELECT * FROM job j FOR UPDATE OF job;
SELECT * FROM job FOR UPDATE OF job FOR SHARE OF job;
SELECT * FROM job FOR UPDATE FOR SHARE;
SELECT id FROM job UNION SELECT id FROM part FOR UPDATE OF job;
SELECT 1 FOR UPDATE OF job;
