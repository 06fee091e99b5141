-- Words of tables that mean nothing here are recorded and shown again.
CREATE TABLE t (
  a INT COLUMN_FORMAT FIXED STORAGE DISK DEFAULT 1,
  b INT STORAGE MEMORY COLUMN_FORMAT DEFAULT COMMENT 'b',
  id INT,
  PRIMARY KEY (id) USING BTREE COMMENT 'by it rows are found',
  KEY a USING BTREE (a) KEY_BLOCK_SIZE = 4 COMMENT 'a''s',
  UNIQUE KEY b (b) USING HASH,
  KEY ab (a, b) KEY_BLOCK_SIZE 8 INVISIBLE
);
SHOW CREATE TABLE t;
SELECT index_name, index_type, index_comment FROM information_schema.statistics WHERE table_name = 't' ORDER BY 1, seq_in_index;
CREATE INDEX i USING BTREE ON t (b, a);
ALTER TABLE t ADD KEY j (a, id) USING BTREE, MODIFY b INT STORAGE DISK;
CREATE TABLE u LIKE t;
SHOW CREATE TABLE u;
-- A key that is not the rows' own any more keeps what is said of it; one that goes does not.
ALTER TABLE t MODIFY id VARCHAR(20) NOT NULL;
SHOW CREATE TABLE t;
ALTER TABLE u DROP PRIMARY KEY;
ALTER TABLE u ADD PRIMARY KEY (id) COMMENT 'again';
SHOW CREATE TABLE u;
CREATE TABLE v (a INT STORAGE TAPE);
CREATE TABLE v (a INT COLUMN_FORMAT WIDE);
