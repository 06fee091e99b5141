"""PyMySQL: connects, creates, inserts, selects, and sees errors."""

import datetime
import decimal
import sys

import pymysql

port = int(sys.argv[1])
conn = pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=False)
cur = conn.cursor()
cur.execute("CREATE DATABASE py")
cur.execute("USE py")
cur.execute(
    "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL, "
    "price DECIMAL(10,2), day DATE, at DATETIME, data BLOB, UNIQUE KEY by_name (name))"
)
rows = [
    ("Ä", decimal.Decimal("1.50"), datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, 5), b"\x00\xff'\\"),
    ("b'b", None, None, None, None),
]
n = cur.executemany("INSERT INTO t (name, price, day, at, data) VALUES (%s, %s, %s, %s, %s)", rows)
assert n == 2, n
conn.commit()
cur.execute("SELECT name, price, day, at, data FROM t ORDER BY id")
assert list(cur.fetchall()) == rows, cur.fetchall()
assert [d[0] for d in cur.description] == ["name", "price", "day", "at", "data"]

# Rolled back, it was never there.
cur.execute("UPDATE t SET price = 9 WHERE name = %s", ("Ä",))
assert cur.rowcount == 1
conn.rollback()
cur.execute("SELECT price FROM t WHERE name = 'Ä'")
assert cur.fetchone() == (decimal.Decimal("1.50"),)


def fails(number, sql):
    try:
        cur.execute(sql)
    except pymysql.MySQLError as error:
        assert error.args[0] == number, error
        return error.args[1]
    raise AssertionError(f"{sql} went well")


fails(1062, "INSERT INTO t (name) VALUES ('Ä')")
fails(1048, "INSERT INTO t (name) VALUES (NULL)")
fails(1054, "SELECT nothing FROM t")
fails(1146, "SELECT * FROM nothing")
fails(1049, "USE nothing")
assert "line 2" in fails(1064, "SELECT 1\nFORM t")

other = pymysql.connect(host="127.0.0.1", port=port, user="root", database="py", client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
with other.cursor() as both:
    both.execute("SELECT 1; SELECT 2, 3")
    assert both.fetchall() == ((1,),)
    assert both.nextset()
    assert both.fetchall() == ((2, 3),)
    assert not both.nextset()

# Accounts and passwords, with both plugins.
for plugin in ("mysql_native_password", "caching_sha2_password"):
    cur.execute(f"CREATE USER '{plugin[:4]}'@'%' IDENTIFIED WITH {plugin} BY 'se cret'")
    pymysql.connect(host="127.0.0.1", port=port, user=plugin[:4], password="se cret").close()
    try:
        pymysql.connect(host="127.0.0.1", port=port, user=plugin[:4], password="wrong")
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1045, error
    else:
        raise AssertionError("a wrong password went through")

# KILL ends the other connection, and only that.
cur.execute("SHOW PROCESSLIST")
assert len(cur.fetchall()) >= 2
cur.execute("KILL %d" % other.thread_id())
try:
    with other.cursor() as both:
        both.execute("SELECT 1")
except pymysql.MySQLError:
    pass
else:
    raise AssertionError("a killed connection answers")
conn.ping(reconnect=False)
cur.execute("DROP DATABASE py")
print("all well")
