// Node's mysql2 over TLS, with an authority of its own.
const assert = require('assert');
const fs = require('fs');
const mysql = require('mysql2/promise');

async function main() {
  const at = { host: '127.0.0.1', port: Number(process.argv[2]) };
  const ssl = { ca: fs.readFileSync(process.argv[3]) };
  const root = await mysql.createConnection({ ...at, user: 'root', ssl });
  const [[status]] = await root.query("SHOW STATUS LIKE 'Ssl_cipher'");
  assert.notStrictEqual(status.Value, '');
  await root.query("CREATE USER node@'%' IDENTIFIED WITH caching_sha2_password BY 'se cret'");
  for (const how of [{ ssl }, {}]) {
    const conn = await mysql.createConnection({ ...at, user: 'node', password: 'se cret', ...how });
    const [[row]] = await conn.execute('SELECT CURRENT_USER() AS u');
    assert.strictEqual(row.u, 'node@%');
    await conn.end();
  }
  await assert.rejects(mysql.createConnection({ ...at, user: 'node', password: 'wrong', ssl }), { errno: 1045 });
  await root.end();
  console.log('all well');
}

main().catch((error) => { console.error(error); process.exit(1); });
