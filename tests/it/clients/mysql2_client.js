// Node's mysql2: text and binary protocol, a pool, transactions, errors.
const assert = require('assert');
const mysql = require('mysql2/promise');

async function main() {
  const port = Number(process.argv[2]);
  const conn = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
  await conn.query('CREATE DATABASE js');
  await conn.changeUser({ user: 'root', database: 'js' });
  await conn.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(30), n BIGINT UNSIGNED, at TIMESTAMP NULL, KEY by_name (name))');
  const [inserted] = await conn.execute('INSERT INTO t (name, n) VALUES (?, ?)', ['Zoë', '18446744073709551615']);
  assert.strictEqual(inserted.insertId, 1);
  assert.strictEqual(inserted.affectedRows, 1);
  await conn.query('INSERT INTO t (name) VALUES ?', [[['b'], ['c'], ['d']]]);
  const [rows] = await conn.execute('SELECT id, name FROM t WHERE name IN (?, ?) ORDER BY id DESC', ['Zoë', 'd']);
  assert.deepStrictEqual(rows.map((r) => [r.id, r.name]), [[4, 'd'], [1, 'Zoë']]);
  const [[big]] = await conn.query({ sql: 'SELECT n FROM t WHERE id = 1', supportBigNumbers: true, bigNumberStrings: true });
  assert.strictEqual(big.n, '18446744073709551615');
  const [counted] = await conn.query('SELECT COUNT(*) AS c, MAX(name) AS m, SUM(id) AS s FROM t');
  assert.deepStrictEqual({ ...counted[0] }, { c: 4, m: 'd', s: '10' });

  await assert.rejects(conn.query('SELECT * FROM missing'), { errno: 1146, code: 'ER_NO_SUCH_TABLE', sqlState: '42S02' });
  await assert.rejects(conn.execute('INSERT INTO t (id) VALUES (?)', [1]), { errno: 1062, code: 'ER_DUP_ENTRY' });
  await assert.rejects(conn.query('SELECT FROM'), { errno: 1064 });

  const pool = mysql.createPool({ host: '127.0.0.1', port, user: 'root', database: 'js', connectionLimit: 4 });
  await Promise.all(Array.from({ length: 40 }, (_, i) => pool.execute('INSERT INTO t (name, n) VALUES (?, ?)', [`p${i}`, i])));
  const one = await pool.getConnection();
  await one.beginTransaction();
  await one.query('DELETE FROM t');
  await one.rollback();
  one.release();
  const [[{ c }]] = await pool.query('SELECT COUNT(*) AS c FROM t');
  assert.strictEqual(c, 44);
  await pool.end();
  await conn.query('DROP DATABASE js');
  await conn.end();
  console.log('all well');
}

main().catch((error) => { console.error(error); process.exit(1); });
