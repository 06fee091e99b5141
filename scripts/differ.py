#!/usr/bin/env python3
"""Random statements, to TroupeDB and to MariaDB: subqueries in every place, set operations, tables of WITH RECURSIVE, and changes by
subqueries. What both answer is compared, and after a change what the table holds.

    scripts/differ.py --seed 1 --count 1000          starts both
    scripts/differ.py --ours 4000 --theirs 3306      two that run, by their ports

What differs rightly: MariaDB asks for different names of the columns of a set operation in parentheses (1060), and what depends on rows
around may not stand in a derived table there.
"""

import argparse
import collections
import decimal
import pathlib
import random
import tempfile

import pymysql
import servers

TABLES = {
    "t1": ["id", "a", "b", "s"],
    "t2": ["id", "a", "c", "s"],
    "t3": ["id", "b", "c", "d"],
}
DDL = [
    "CREATE TABLE t1 (id INT PRIMARY KEY, a INT, b INT NOT NULL, s VARCHAR(10) COLLATE utf8mb4_bin, KEY (a))",
    "CREATE TABLE t2 (id INT PRIMARY KEY, a INT, c INT, s VARCHAR(10) COLLATE utf8mb4_bin, KEY k (a, c))",
    "CREATE TABLE t3 (id INT PRIMARY KEY, b INT NOT NULL, c INT, d DECIMAL(8,2))",
]
NUMBERS = {"id", "a", "b", "c"}


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.aliases = 0

    def pick(self, items):
        return self.rng.choice(items)

    def chance(self, part):
        return self.rng.random() < part

    def alias(self):
        self.aliases += 1
        return f"q{self.aliases}"

    def literal(self):
        return str(self.rng.randint(0, 6)) if self.chance(0.95) else "NULL"

    def column(self, scope, outer):
        pool = outer if outer and self.chance(0.4) else scope
        alias, columns = self.pick(pool)
        return f"{alias}.{self.pick([c for c in columns if c in NUMBERS or c.startswith('n')])}"

    def value(self, scope, outer, depth):
        kind = self.rng.random()
        if kind < 0.55:
            return self.column(scope, outer)
        if kind < 0.75:
            return self.literal()
        if kind < 0.85:
            return f"({self.column(scope, outer)} {self.pick('+-*')} {self.value(scope, outer, 0)})"
        if depth > 0:
            return self.scalar(scope, outer, depth - 1)
        return f"COALESCE({self.column(scope, outer)}, {self.literal()})"

    def scalar(self, scope, outer, depth):
        inner, from_clause = self.tables(1 if self.chance(0.8) else 2)
        around = scope + outer
        what = self.pick(["COUNT(*)", "SUM({})", "MAX({})", "MIN({})", "COUNT({})", "COUNT(DISTINCT {})", "MAX({}) + 1"])
        what = what.format(self.column(inner, []))
        where = self.where(inner, around, depth, 0.95)
        having = f" HAVING COUNT(*) > {self.literal()}" if self.chance(0.1) else ""
        if self.chance(0.15):
            first = self.pick(inner)[0]
            column = self.column(inner, [])
            return f"(SELECT {column} FROM {from_clause}{where} ORDER BY {column}, {first}.id LIMIT 1)"
        return f"(SELECT {what} FROM {from_clause}{where}{having})"

    def rows(self, scope, outer, depth):
        inner, from_clause = self.tables(1 if self.chance(0.8) else 2)
        around = scope + outer if self.chance(0.7) else []
        where = self.where(inner, around, depth, 0.9)
        group = ""
        column = self.column(inner, [])
        if self.chance(0.15):
            group = f" GROUP BY {column}" + (f" HAVING COUNT(*) > {self.rng.randint(0, 2)}" if self.chance(0.6) else "")
        distinct = "DISTINCT " if self.chance(0.1) else ""
        return f"(SELECT {distinct}{column} FROM {from_clause}{where}{group})"

    def condition(self, scope, outer, depth):
        kind = self.rng.random()
        if depth > 0 and kind < 0.6:
            which = self.rng.random()
            negation = "NOT " if self.chance(0.4) else ""
            if which < 0.35:
                inner, from_clause = self.tables(1 if self.chance(0.8) else 2)
                where = self.where(inner, scope + outer, depth - 1, 0.95)
                return f"{negation}EXISTS (SELECT 1 FROM {from_clause}{where})"
            if which < 0.7:
                return f"{self.value(scope, outer, 0)} {negation}IN {self.rows(scope, outer, depth - 1)}"
            if which < 0.85:
                op = self.pick(["=", "<>", "<", "<=", ">", ">="])
                return f"{self.value(scope, outer, 0)} {op} {self.pick(['ANY', 'ALL'])} {self.rows(scope, outer, depth - 1)}"
            return f"{self.value(scope, outer, 0)} {self.pick(['=', '<', '>', '<>'])} {self.scalar(scope, outer, depth - 1)}"
        if kind < 0.7:
            return f"{self.column(scope, outer)} IS {self.pick(['', 'NOT '])}NULL"
        op = self.pick(["=", "=", "=", "<", ">", "<>", "<=>"])
        return f"{self.column(scope, outer)} {op} {self.value(scope, outer, 0)}"

    def predicate(self, scope, outer, depth):
        kind = self.rng.random()
        if kind < 0.65:
            return self.condition(scope, outer, depth)
        if kind < 0.85:
            return f"{self.condition(scope, outer, depth)} AND {self.predicate(scope, outer, depth)}"
        if kind < 0.95:
            return f"({self.condition(scope, outer, depth)} OR {self.condition(scope, outer, depth)})"
        return f"NOT ({self.condition(scope, outer, depth)})"

    def where(self, scope, outer, depth, part):
        return f" WHERE {self.predicate(scope, outer, depth)}" if self.chance(part) else ""

    def relation(self, depth):
        if depth > 0 and self.chance(0.2):
            inner, from_clause = self.tables(1)
            alias = self.alias()
            where = self.where(inner, [], depth - 1, 0.7)
            column, other = self.column(inner, []), self.column(inner, [])
            if self.chance(0.5):
                return (alias, ["n1", "n2"]), f"(SELECT {column} AS n1, COUNT(*) AS n2 FROM {from_clause}{where} GROUP BY {column}) AS {alias}"
            return (alias, ["n1", "n2"]), f"(SELECT {column} AS n1, {other} AS n2 FROM {from_clause}{where}) AS {alias}"
        table = self.pick(list(TABLES))
        alias = self.alias()
        return (alias, TABLES[table]), f"{table} {alias}"

    def tables(self, count, depth=0):
        scope, text = [], ""
        for number in range(count):
            relation, shown = self.relation(depth)
            if number == 0:
                scope, text = [relation], shown
                continue
            kind = self.pick(["JOIN", "LEFT JOIN", "JOIN"])
            both = scope + [relation]
            on = f"{self.column([relation], [])} = {self.column(scope, [])}"
            if depth > 0 and self.chance(0.3):
                on += f" AND {self.condition(both, [], depth - 1)}"
            text += f" {kind} {shown} ON {on}"
            scope = both
        return scope, text

    def select(self, width, depth):
        scope, from_clause = self.tables(self.pick([1, 1, 2]), depth)
        where = self.where(scope, [], depth, 0.8)
        if self.chance(0.2):
            key = self.column(scope, [])
            items = [key] + [self.pick(["COUNT(*)", "SUM({})", "MAX({})", "MIN({})"]).format(self.column(scope, [])) for _ in range(width - 1)]
            having = ""
            if self.chance(0.4):
                having = f" HAVING COUNT(*) {self.pick(['>', '<='])} {self.pick([self.literal(), self.scalar([], [], 0)])}"
            return f"SELECT {', '.join(items)} FROM {from_clause}{where} GROUP BY {key}{having}"
        items = []
        for _ in range(width):
            items.append(self.condition(scope, [], depth) if self.chance(0.2) else self.value(scope, [], depth))
        distinct = "DISTINCT " if self.chance(0.1) else ""
        return f"SELECT {distinct}{', '.join(items)} FROM {from_clause}{where}"

    def query(self):
        kind = self.rng.random()
        width = self.rng.randint(1, 3)
        if kind < 0.65:
            return self.select(width, 2)
        if kind < 0.85:
            ops = ["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"]
            left, right = self.select(width, 1), self.select(width, 1)
            combined = f"({left}) {self.pick(ops)} ({right})"
            if self.chance(0.3):
                combined = f"({combined}) {self.pick(ops)} ({self.select(width, 1)})"
            return combined
        table, alias = self.pick(list(TABLES)), "w"
        column = self.pick([c for c in TABLES[table] if c in NUMBERS])
        common = f"SELECT id AS n1, {column} AS n2 FROM {table}"
        if self.chance(0.5):
            step = self.rng.randint(1, 2)
            common = f"SELECT id AS n1, {column} AS n2 FROM {table} WHERE id < 4 UNION {self.pick(['ALL', ''])} SELECT n1 + {step}, n2 FROM w WHERE n1 < {self.rng.randint(4, 9)}"
        scope, from_clause = [("w", ["n1", "n2"])], "w"
        if self.chance(0.5):
            scope.append(("w2", ["n1", "n2"]))
            from_clause = "w JOIN w AS w2 ON w.n1 = w2.n2"
        items = ", ".join(self.value(scope, [], 1) for _ in range(width))
        return f"WITH RECURSIVE w AS ({common}) SELECT {items} FROM {from_clause}{self.where(scope, [], 1, 0.7)}"

    def change(self):
        table = self.pick(list(TABLES))
        scope = [(table, TABLES[table])]
        others = [t for t in TABLES if t != table]
        columns = [c for c in TABLES[table] if c in NUMBERS and c not in ("id", "b")]
        keep = dict(TABLES)
        for name in list(TABLES):
            if name == table:
                del TABLES[name]
        try:
            if self.chance(0.6):
                target = self.pick(columns)
                return f"UPDATE {table} SET {target} = {self.scalar(scope, [], 1)}{self.where(scope, [], 1, 0.8)}", table
            return f"DELETE FROM {table}{self.where(scope, [], 2, 1.0)}", table
        finally:
            TABLES.clear()
            TABLES.update(keep)


def shown(value):
    if isinstance(value, (int, float, decimal.Decimal)):
        return f"{decimal.Decimal(str(value)).normalize() + 0:f}"
    return repr(value)


def ask(connection, sql):
    try:
        with connection.cursor() as cursor:
            count = cursor.execute(sql)
            if cursor.description is None:
                return ("done", count)
            return ("rows", sorted(tuple(map(shown, row)) for row in cursor.fetchall()))
    except pymysql.MySQLError as error:
        return ("error", error.args[0], str(error.args[1:]))


def fill(rng, connections):
    statements = []
    for table in TABLES:
        statements += [f"DROP TABLE IF EXISTS {table}"]
    statements += DDL
    number = lambda: rng.choice(["NULL"] + [str(n) for n in range(6)])
    for ident in range(1, rng.randint(4, 16)):
        statements.append(f"INSERT INTO t1 VALUES ({ident}, {number()}, {rng.randint(0, 5)}, {rng.choice(['NULL', repr('x'), repr('y')])})")
        statements.append(f"INSERT INTO t2 VALUES ({ident}, {number()}, {number()}, {rng.choice(['NULL', repr('x'), repr('z')])})")
        statements.append(f"INSERT INTO t3 VALUES ({ident}, {rng.randint(0, 5)}, {number()}, {rng.randint(0, 9)}.50)")
    for connection in connections:
        for sql in statements:
            with connection.cursor() as cursor:
                cursor.execute(sql)


def compare(ours, theirs, first, count):
    """Asks both the statements of these seeds, and tells where they differ."""
    for connection in (ours, theirs):
        for sql in ("CREATE DATABASE IF NOT EXISTS differ", "USE differ", "SET sql_mode = 'STRICT_TRANS_TABLES'"):
            with connection.cursor() as cursor:
                cursor.execute(sql)
    counts = collections.Counter()
    for seed in range(first, first + count):
        rng = random.Random(seed)
        if (seed - first) % 50 == 0:
            fill(random.Random(seed // 50), (ours, theirs))
        maker = Maker(rng)
        checks = []
        if rng.random() < 0.12:
            sql, table = maker.change()
            checks = [f"SELECT * FROM {table} ORDER BY id"]
        else:
            sql = maker.query()
        mine, other = ask(ours, sql), ask(theirs, sql)
        same = mine[:2] == other[:2]
        for check in checks:
            same &= ask(ours, check) == ask(theirs, check)
        counts["same" if same else "different"] += 1
        if not same:
            print(f"-- seed {seed}\n{sql};\n   ours: {str(mine)[:300]}\n theirs: {str(other)[:300]}", flush=True)
            if checks:
                fill(random.Random(seed), (ours, theirs))
    print(dict(counts))


def connect(port):
    return pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=int, help="the port of a TroupeDB that runs")
    parser.add_argument("--theirs", type=int, help="the port of a MariaDB that runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        started = []
        try:
            ports = []
            for port, start in ((args.ours, servers.start_troupe), (args.theirs, servers.start_mariadb)):
                if port is None:
                    started.append(start(pathlib.Path(made)))
                    port = started[-1].port
                ports.append(port)
            compare(connect(ports[0]), connect(ports[1]), args.seed, args.count)
        finally:
            for side in started:
                side.stop()


if __name__ == "__main__":
    main()
