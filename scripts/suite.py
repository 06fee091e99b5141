#!/usr/bin/env python3
"""Runs the public test suite of Debian's package `mariadb-test` and counts, statement by statement, what agrees.

A test file is a program for `mysqltest`. It is run once against MariaDB, whose general log says which statements it comes to on which
connection. These are then given, one after the other, to a fresh MariaDB and to TroupeDB, and what both answer is compared: the number of
an error, the rows in any order, how many were affected. So whatever a test includes, loops over or
substitutes is followed, and a statement that fails here does not end its test.

    scripts/suite.py                     every family
    scripts/suite.py func json           some of them
    scripts/suite.py --tests func_math   some files
    scripts/suite.py --out DIRECTORY     where the differences are written, one file a family

What is left out of the count: statements whose answer is another server's business (EXPLAIN, SHOW STATUS, …; `APART`), and those that
only MariaDB has (`THEIRS`). Both lists are patterns below; what they match is counted, and shown.
"""

import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import pymysql
import servers

SUITE = pathlib.Path("/usr/share/mysql/mysql-test")
# Families by the issue they belong to: file names, without `.test`; behind a slash, those of another suite than main.
FAMILIES = {
    "func": ["func_*"],
    "type": ["type_*"],
    "ctype": ["ctype_*"],
    "expressions": ["cast", "case", "null", "null_key", "strings", "bigint", "bool", "compare", "precedence", "parser"],
    "windows": ["win*"],
    "json": ["json*", "func_json*"],
    "group": ["group_*", "having*", "olap", "distinct", "count_distinct*", "sum_distinct*"],
    "alter": ["alter_table*", "rename*", "create*", "drop", "auto_increment*"],
    "constraints": ["foreign_key*", "check_constraint*", "default*", "invisible*", "gcol*", "constraints"],
    "select": ["select*", "order*", "limit", "range*", "derived*", "row", "negation_elimination"],
    "subselect": ["subselect*", "in_subq*"],
    "join": ["join*"],
    "union": ["union*", "except*", "intersect*", "cte*"],
    "changes": ["insert*", "update*", "delete*", "multi_update*", "replace*", "truncate", "loaddata*", "ps*", "multi_statement"],
    "programs": ["sp*", "trigger*", "events*", "signal*", "get_diagnostics*"],
    "views": ["view*", "partition*", "temp_table*", "fulltext*"],
    "fulltext": [
        "innodb_fts/fulltext*", "innodb_fts/innodb_fts_[mp]*", "innodb_fts/misc", "innodb_fts/opt", "innodb_fts/phrase", "innodb_fts/s[au]*",
        "innodb_fts/foreign_key_update",
    ],
    "session": ["lock*", "flush*", "kill*", "variables*", "information_schema*", "grant*", "user_var*"],
}
# Their answer tells of the server, not of the statement.
APART = re.compile(
    rb"\s*(explain|analyze|describe\s+(select|update|delete|insert)|show\s+(global\s+|session\s+|local\s+)?(status|variables|engine|plugins|profile|binary|"
    rb"binlog|master|slave|processlist|full\s+processlist|grants|privileges|authors|contributors|create|table\s+status)|flush|reset|install|uninstall|"
    rb"check\s+table|repair|optimize|cache\s+index|change\s+master|purge|handler|help|do\s+sleep|"
    rb"select\s+(@@|version|connection_id|user\(|current_user|database\(\)$|uuid|now|rand|sysdate|current_timestamp|unix_timestamp\(\)))",
    re.I,
)
# Only MariaDB has them.
THEIRS = re.compile(
    rb"create\s+or\s+replace\s+(table|database|temporary|sequence|index|procedure|function|trigger|event|user|role|server)|"
    rb"\breturning\b|\bsequence\b|system_time|system\s+versioning|without\s+overlaps|\bperiod\s+for\b|engine\s*=\s*'?(aria|merge|mrg_myisam|csv|archive|"
    rb"federated|blackhole|spider|s3|connect|sequence|maria)|set\s+statement\b|\bexecute\s+immediate\b|\bpackage\b|sql_mode\s*=\s*'?\"?\w*oracle|"
    rb"\b(oracle|mssql|db2|maxdb|postgresql|mysql323|mysql40)\b|column_(create|get|add|delete|list|json|check|exists)|dynamic_column|"
    rb"add\s+(column|index|key|unique|foreign\s+key|constraint|partition)?\s*if\s+not\s+exists|drop\s+(column|index|key|foreign\s+key|constraint|primary\s+key|partition)\s+if\s+exists|"
    rb"modify\s+(column\s+)?if\s+exists|change\s+(column\s+)?if\s+exists|rename\s+(column|index|key)\s+if|\blimit\b.*\brows\s+examined\b|\bwait\s+\d+|\bnowait\b.*(alter|drop|truncate)|"
    rb"\bpersistent\b|\bbackup\s+(stage|lock|unlock)|json_(detailed|compact|loose|exists|query|equals|normalize|object_filter|array_intersect|key_value)|"
    rb"\b(percentile_cont|percentile_disc|median)\s*\(|\bdecode_oracle\b|\b(nvl|nvl2|lengthb|chr|to_char|sformat|natural_sort_key|old_password|des_encrypt|"
    rb"des_decrypt|encrypt|crc32c|sys_guid|rownum|trim_oracle|value)\s*\(|\b(encode|decode)\s*\([^()]*,|\binet4\b|\buuid\b\s*(,|\)|not|default|primary|unique|key)|\bignore_db_dirs\b|"
    rb"optimizer_(use_condition_selectivity|switch|trace)|histogram|join_cache|use_stat_tables|aria_|myisam|debug_|"
    rb"\bpassword\s*\(|\bmyrocks|\bgeometry|\bpoint\s*\(|\bst_|polygon|linestring|\bspatial\b|geomfrom|\bmatch\b.*against|procedure\s+analyse|"
    rb"\bcompressed\b|page_checksum|transactional\s*=|row_format\s*=\s*page|\bfor\s+portion\b|current_role|enabled_roles|applicable_roles|\bproxy\b|"
    rb"utf8mb4_(uca1400|nopad|general_nopad|bin_nopad|unicode_nopad)|_nopad_|\binvisible\b\s*(,|\)|not|default)|with\s+(ties)|offset\s+\d+\s+row|fetch\s+(first|next)|"
    rb"\bcharacter\s+set\s+(any|utf8mb3)|@@(session\.|global\.)?(old_mode|sql_mode_oracle|in_transaction|last_gtid)|old_mode|\bidentified\s+(by\s+password|via)",
    re.I | re.S,
)
WIDTH = re.compile(r"(?<=int)\((?!1\))\d+\)")
SYSTEM = {"mysql", "information_schema", "performance_schema", "sys", "INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA"}
ENTRY = re.compile(rb"^(?:\d{6}\s+\d+:\d\d:\d\d|\t)\t\s*(\d+) ([A-Z][A-Za-z ]+?)(?:\t(.*))?$")
OPTIONS = [
    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--innodb-lock-wait-timeout=1", "--lock-wait-timeout=2",
    "--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    "--default-time-zone=+00:00", "--local-infile=1", "--skip-name-resolve",
]


def connect(port, user="root", database=None):
    return pymysql.connect(
        host="127.0.0.1", port=port, user=user, database=database, charset="utf8mb4", collation="utf8mb4_bin", conv={}, autocommit=None,
        read_timeout=15, write_timeout=15, connect_timeout=10, local_infile=True,
    )


class Side:
    """A server that statements are given to, one connection for each of the recorded ones."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.admin = connect(port)
        self.open = {}
        self.globals = self.global_variables()

    def rows(self, statement):
        with self.admin.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def global_variables(self):
        return dict(self.rows("SHOW GLOBAL VARIABLES"))

    def clean(self):
        """As at the beginning: nothing but an empty database `test`."""
        for connection in self.open.values():
            if connection is not None:
                force_close(connection)
        self.open = {}
        try:
            self.rows("SELECT 1")
        except pymysql.MySQLError:
            time.sleep(1)
            self.admin = connect(self.port)
        wanted = ["SET FOREIGN_KEY_CHECKS = 0", "UNLOCK TABLES"]
        for (database,) in self.rows("SHOW DATABASES"):
            if database not in SYSTEM:
                wanted.append(f"DROP DATABASE `{database.replace('`', '``')}`")
        wanted.append("CREATE DATABASE test")
        for user, host in self.rows("SELECT user, host FROM mysql.user"):
            if user not in ("root", "mariadb.sys", "mysql"):
                wanted.append(f"DROP USER '{user}'@'{host}'")
        now = self.global_variables()
        for name, value in self.globals.items():
            if now.get(name) != value:
                number = re.fullmatch(r"-?\d+(\.\d+)?", value or "")
                wanted.append(f"SET GLOBAL {name} = {value if number else self.admin.escape(value or '')}")
        for statement in wanted:
            try:
                self.rows(statement)
            except pymysql.MySQLError:
                pass

    def connection(self, number, user, database):
        if number not in self.open:
            try:
                self.open[number] = connect(self.port, user or "root", database)
            except pymysql.MySQLError:
                self.open[number] = None
        return self.open[number]

    def end(self, number):
        connection = self.open.pop(number, None)
        if connection is not None:
            force_close(connection)

    def run(self, entry):
        """What it answers: a kind, and what is compared of it."""
        connection = self.connection(entry["connection"], entry["user"], entry["database"])
        if connection is None:
            return ("away", None), ""
        try:
            connection._execute_command(3, entry["statement"])
            connection._read_query_result()
            result = connection._result
            if result.description is None:
                answer = ("done", result.affected_rows), ""
            else:
                answer = ("rows", [[text(value) for value in row] for row in result.rows]), ""
            while result.has_next:
                connection._read_query_result()
                result = connection._result
            return answer
        except pymysql.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in (2006, 2013, 0):
                force_close(connection)
                self.open[entry["connection"]] = None
                return ("lost", None), str(error)
            return ("error", code), str(error.args[1]) if len(error.args) > 1 else ""
        except Exception as error:  # what the client cannot read
            force_close(connection)
            self.open[entry["connection"]] = None
            return ("lost", None), repr(error)


def force_close(connection):
    try:
        connection._force_close()
    except Exception:
        pass


def text(value):
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def record(test, port, log, directory):
    """The statements a test comes to."""
    start = log.stat().st_size
    environment = os.environ | {
        "MYSQLTEST_VARDIR": str(directory), "MYSQL_TEST_DIR": str(SUITE), "MYSQL_TMP_DIR": str(directory), "MYSQL_BINDIR": "/usr/bin",
        "MASTER_MYPORT": str(port), "DEFAULT_MASTER_PORT": str(port), "USE_RUNNING_SERVER": "1", "BIG_TEST": "1",
        "MYSQL_SHAREDIR": "/usr/share/mysql", "MYSQL_CLIENT_BIN": "/usr/bin",
    }
    command = [
        "mysqltest", "--no-defaults", "--host=127.0.0.1", f"--port={port}", "--user=root", "--database=test", "--continue-on-error",
        f"--test-file={test}", f"--tmpdir={directory}", f"--logdir={directory}", "--silent",
    ]
    try:
        subprocess.run(command, cwd=SUITE, env=environment, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        pass
    with log.open("rb") as file:
        file.seek(start)
        return list(entries(file.read()))


def entries(log):
    users, current = {}, None
    for line in log.split(b"\n"):
        match = ENTRY.match(line)
        if not match:
            if current is not None:
                current["statement"] += b"\n" + line
            continue
        if current is not None:
            yield current
        current = None
        number, command, argument = int(match[1]), match[2], match[3] or b""
        if command == b"Connect":
            found = re.match(rb"(\S*?)@\S+ (?:as \S+ )?on (\S*)", argument)
            if found:
                users[number] = (found[1].decode() or None, found[2].decode() or None)
        elif command in (b"Query", b"Execute", b"Init DB"):
            statement = b"USE `" + argument + b"`" if command == b"Init DB" else argument
            user, database = users.get(number, (None, "test"))
            current = {"connection": number, "user": user, "database": database, "statement": statement}
        elif command == b"Quit":
            yield {"connection": number, "statement": None}
    if current is not None:
        yield current


def only_theirs(warnings):
    """Whether there are some that MySQL does not have, or words otherwise."""
    own = {b"1003", b"1105", b"1618", b"1906", b"1916", b"1918", b"1931", b"1292", b"1365", b"1301"}
    return warnings[0] == "rows" and any(len(row) > 1 and row[1] in own for row in warnings[1])


def plain(rows):
    """Rows without order, and without the widths of integers, which MySQL 8 does not show."""
    return sorted(WIDTH.sub("", repr(row)) for row in rows)


def compare(theirs, ours):
    """`None` if they agree, else what differs."""
    if theirs == ours:
        return None
    if theirs[0] == ours[0] == "rows":
        # In any order: rows that ORDER BY has equal come as they like.
        return None if plain(theirs[1]) == plain(ours[1]) else "rows"
    if theirs[0] == ours[0] == "error":
        return "error"
    return f"{theirs[0]}-{ours[0]}"


def shape(message):
    """A message without the names in it."""
    message = re.sub(r"near '.*", "near …", message, flags=re.S)
    message = re.sub(r"'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"", "'…'", message) if "doesn't yet support" not in message else message
    return re.sub(r"\d+", "N", message)[:110]


def reason_of(difference, ours, message):
    """What stands behind a difference, as far as our answer tells."""
    if ours[0] == "error":
        return f"{ours[1]} {shape(message)}"
    if ours[0] == "lost":
        return f"lost {shape(message)}"
    return difference


def run_family(name, tests, sides, recorder, log, directory, out):
    theirs, ours = sides
    counts, reasons = collections.Counter(), collections.Counter()
    differences = []
    for test in tests:
        recorder.clean()
        statements = record(test, recorder.port, log, directory)
        theirs.clean()
        ours.clean()
        apart = False
        for entry in statements:
            if entry["statement"] is None:
                for side in sides:
                    side.end(entry["connection"])
                continue
            statement = entry["statement"]
            if not statement.strip() or re.match(rb"\s*(select\s+sleep|shutdown|kill)", statement, re.I):
                continue
            (one, one_message), (other, other_message) = theirs.run(entry), ours.run(entry)
            counts["statements"] += 1
            if one[0] in ("away", "lost"):
                counts["apart"] += 1
                continue
            if one[0] == "error" and (1901 <= one[1] < 3000 or one[1] >= 4000):
                counts["theirs"] += 1
                continue
            # Warnings are those of the statement before.
            warnings = re.match(rb"\s*show\s+(count\(\*\)\s+)?(warnings|errors)", statement, re.I)
            if not warnings and THEIRS.search(statement):
                apart = True
                counts["theirs"] += 1
                continue
            apart = apart if warnings else bool(APART.match(statement))
            if apart or (warnings and only_theirs(one)):
                counts["apart"] += 1
                continue
            difference = compare(one, other)
            if difference is None:
                counts["agree"] += 1
                continue
            reason = reason_of(difference, other, other_message)
            counts["differ"] += 1
            reasons[reason] += 1
            differences.append({
                "test": test.stem, "reason": reason, "statement": statement.decode("utf-8", "replace")[:2000],
                "theirs": repr(one)[:600] + " " + one_message[:300], "ours": repr(other)[:600] + " " + other_message[:300],
            })
    (out / f"{name}.json").write_text(json.dumps(differences, indent=1, ensure_ascii=False))
    return counts, reasons


def files(pattern):
    """The tests of a pattern: of the folder main, or of another suite, whose name stands before a slash."""
    folder, _, stem = pattern.rpartition("/")
    folder = SUITE / "suite" / folder / "t" if folder else SUITE / "main"
    return [path for path in folder.glob("*.test") if fnmatch.fnmatch(path.stem, stem)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("families", nargs="*", help=", ".join(FAMILIES))
    arguments.add_argument("--tests", nargs="*", help="names of files")
    arguments.add_argument("--out", type=pathlib.Path)
    arguments.add_argument("--top", type=int, default=12, help="reasons to show of a family")
    arguments = arguments.parse_args()
    if not SUITE.is_dir():
        sys.exit("the package mariadb-test is not installed")
    families = {name: FAMILIES[name] for name in arguments.families or FAMILIES}
    if arguments.tests:
        families = {"tests": arguments.tests}
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        out = arguments.out or directory
        out.mkdir(parents=True, exist_ok=True)
        log = directory / "general.log"
        log.touch()
        log.chmod(0o666)
        directory.chmod(0o777)
        started = [servers.mariadbd(directory, "recorder", *OPTIONS, "--general-log=1", f"--general-log-file={log}")]
        started.append(servers.mariadbd(directory, "mariadb", *OPTIONS))
        for port, process in started:
            servers.wait_for(port, process, "mariadbd")
        troupe = servers.start_troupe(directory)
        try:
            recorder, theirs, ours = (Side(*side) for side in (("recorder", started[0][0]), ("MariaDB", started[1][0]), ("TroupeDB", troupe.port)))
            ours.rows("SET GLOBAL innodb_lock_wait_timeout = 1")
            ours.globals = ours.global_variables()
            total = collections.Counter()
            print("| family | statements | apart | MariaDB's own | compared | agree | |\n|---|---|---|---|---|---|---|")
            for name, patterns in families.items():
                matching = sorted(set(file for pattern in patterns for file in files(pattern)))
                counts, reasons = run_family(name, matching, (theirs, ours), recorder, log, directory, out)
                total += counts
                print(line(name, counts), flush=True)
                for reason, count in reasons.most_common(arguments.top):
                    print(f"    {count:6} {reason}", flush=True)
            print(line("all", total))
        finally:
            troupe.stop()
            for _, process in started:
                process.terminate()
            for _, process in started:
                process.wait(60)


def line(name, counts):
    compared = counts["agree"] + counts["differ"]
    share = 100 * counts["agree"] / compared if compared else 0.0
    figures = [counts["statements"], counts["apart"], counts["theirs"], compared, counts["agree"]]
    return f"| {name} | " + " | ".join(map(str, figures)) + f" | {share:.1f} % |"


if __name__ == "__main__":
    main()
