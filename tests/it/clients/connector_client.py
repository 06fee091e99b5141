"""mysql-connector-python: the same, with its own protocol code and server-side prepared statements."""

import datetime
import decimal
import sys

import mysql.connector

port = int(sys.argv[1])
conn = mysql.connector.connect(host="127.0.0.1", port=port, user="root", use_pure=True)
cur = conn.cursor()
cur.execute("CREATE DATABASE con")
cur.execute("USE con")
cur.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, s VARCHAR(20), d DECIMAL(8,3), f DOUBLE, at DATETIME(3), b BLOB)")
prepared = conn.cursor(prepared=True)
insert = "INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s)"
rows = [
    (1, "eins", decimal.Decimal("1.250"), 0.1, datetime.datetime(2024, 5, 6, 7, 8, 9, 123000), b"\x01\x00"),
    (2, None, None, None, None, None),
    (-9223372036854775808, "", decimal.Decimal("-99999.999"), -1e300, datetime.datetime(1000, 1, 1), b""),
]
for row in rows:
    prepared.execute(insert, row)
    assert prepared.rowcount == 1
conn.commit()
prepared.execute("SELECT id, s, d, f, at, b FROM t WHERE id >= %s ORDER BY id", (1,))
assert prepared.fetchall() == rows[:2]
prepared.execute("SELECT id, s, d, f, at, b FROM t WHERE id = %s", (-9223372036854775808,))
assert prepared.fetchall() == rows[2:]
cur.execute("SELECT id, s, d, f, at FROM t WHERE id = 1")
assert cur.fetchall() == [rows[0][:5]]

for number, sql in [(1062, "INSERT INTO t (id) VALUES (1)"), (1146, "SELECT * FROM no"), (1064, "SELEKT 1")]:
    try:
        cur.execute(sql)
    except mysql.connector.Error as error:
        assert error.errno == number, error
    else:
        raise AssertionError(sql)
assert conn.get_server_info().startswith("8.0.36-TroupeDB-v")
conn.cmd_reset_connection()
conn.cmd_change_user("root", "", "con")
conn.ping(reconnect=False)
conn.close()
print("all well")
