"""PyMySQL and mysql-connector-python over TLS, with an authority of their own; and without TLS."""

import sys

import mysql.connector
import pymysql

port, authority = int(sys.argv[1]), sys.argv[2]
verified = dict(host="127.0.0.1", port=port, ssl_ca=authority, ssl_verify_cert=True, ssl_verify_identity=True)


def cipher(conn):
    cur = conn.cursor()
    cur.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    return cur.fetchall()[0][1]


conn = pymysql.connect(user="root", **verified)
assert cipher(conn) == conn._sock.cipher()[0], cipher(conn)
for plugin in ("mysql_native_password", "caching_sha2_password"):
    user = plugin[:5]
    conn.cursor().execute(f"CREATE USER '{user}'@'%' IDENTIFIED WITH {plugin} BY 'se cret'")
    # The first connection of an account, with TLS and without.
    assert cipher(mysql.connector.connect(user=user, password="se cret", use_pure=True, **verified))
    assert cipher(pymysql.connect(user=user, password="se cret", **verified))
    plain = mysql.connector.connect(
        host="127.0.0.1", port=port, user=user, password="se cret", use_pure=True, ssl_disabled=True
    )
    assert cipher(plain) == ""
    assert cipher(pymysql.connect(host="127.0.0.1", port=port, user=user, password="se cret", ssl_disabled=True)) == ""
print("all well")
