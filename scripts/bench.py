#!/usr/bin/env python3
"""Measures TroupeDB against MariaDB with sysbench and writes docs/benchmarks.md.

Two comparisons: one process against one MariaDB, and three processes with a store each against three MariaDB nodes
with Galera. All listen on the loopback and sync every commit. Both sides of a comparison run at the same time, and
each test runs against one and then the other, so that a slow minute of the machine falls on both. What is
written are ratios: ours divided by theirs, the median of the pairs.

    scripts/bench.py [single] [cluster] [--seconds 15] [--pairs 3] [--tests oltp_point_select,...] [--print]
"""

import argparse
import datetime
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from servers import sql, start_cluster, start_galera, start_mariadb, start_troupe

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = {
    "single": {
        "oltp_point_select": 0.8,
        "oltp_read_only": 0.5,
        "oltp_update_non_index": 0.5,
        "oltp_insert": 0.4,
        "oltp_read_write": 0.35,
    },
    "cluster": {"oltp_point_select": 1.0, "oltp_read_write": 0.5},
}
# What is compared: how ours is started, how theirs, and what theirs is called.
SIDES = {
    "single": (start_troupe, start_mariadb, "MariaDB"),
    "cluster": (start_cluster, start_galera, "Galera"),
}
TABLES, SIZE, THREADS = 4, 100_000, 16


def sysbench(port, test, step, seconds=0):
    command = [
        "sysbench", test, "--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
        "--mysql-user=root", "--mysql-db=sbtest", f"--tables={TABLES}", f"--table-size={SIZE}",
        f"--threads={THREADS if step == 'run' else TABLES}", f"--time={seconds}", step,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"sysbench {test} {step} failed:\n{done.stdout}\n{done.stderr}")
    if step != "run":
        return None
    transactions = float(re.search(r"transactions:\s+\d+\s+\(([\d.]+) per sec", done.stdout).group(1))
    latency = float(re.search(r"95th percentile:\s+([\d.]+)", done.stdout).group(1))
    errors = int(re.search(r"ignored errors:\s+(\d+)", done.stdout).group(1))
    return transactions, latency, errors


def row(test, target, ours, theirs):
    ratios = [o[0] / t[0] for o, t in zip(ours, theirs)]
    median = statistics.median(ratios)
    verdict = "reached" if median >= target else "**missed**"
    latency = statistics.median(o[1] for o in ours) / statistics.median(t[1] for t in theirs)
    return (
        f"| {test} | {median:.2f} | {min(ratios):.2f} – {max(ratios):.2f} | {target} | {verdict} "
        f"| {latency:.2f} | {statistics.median(o[0] for o in ours):.0f} | {sum(o[2] for o in ours)} |"
    )


def compare(kind, args):
    """One comparison; the text about it."""
    start_ours, start_theirs, name = SIDES[kind]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="troupedb-bench-"))
    sides = []
    try:
        theirs = start_theirs(directory)
        sides.append(theirs)
        ours = start_ours(directory)
        sides.append(ours)
        idle = ours.resident_mib()
        version = sql(theirs.port, "SELECT VERSION()").strip()
        for side in (ours, theirs):
            sql(side.port, "CREATE DATABASE sbtest")
            sysbench(side.port, "oltp_read_write", "prepare")
            side.settle()
        rows = []
        for test, target in TARGETS[kind].items():
            if args.tests and test not in args.tests.split(","):
                continue
            pairs = []
            for pair in range(args.pairs):
                pairs.append([sysbench(side.port, test, "run", args.seconds) for side in (ours, theirs)])
                print(f"{kind} {test} pair {pair + 1}: {pairs[-1][0][0] / pairs[-1][1][0]:.2f}", flush=True)
            rows.append(row(test, target, *zip(*pairs)))
        loaded, remark = ours.resident_mib(), ours.remark()
    finally:
        for side in sides:
            side.stop()
        shutil.rmtree(directory, ignore_errors=True)
    what = {
        "single": f"{version} and TroupeDB",
        "cluster": f"three nodes of {version} with Galera, and three of TroupeDB that each serve clients and have a store;\n"
        "sysbench asks one node of either",
    }[kind]
    return "\n".join(
        [
            f"Measured {datetime.date.today()} by `make bench`, {os.cpu_count()} cores shared by both sides and sysbench: {what};",
            f"every commit synced; {TABLES} tables × {SIZE:,} rows, {THREADS} threads, {args.pairs} pairs of {args.seconds} s.",
            "",
            f"| test | ours ÷ {name} | of the pairs | to reach | | p95 latency ÷ | ours, tx/s | errors |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Start to the first answer: {ours.started:.2f} s. Memory when idle after the start: {idle:.0f} MiB; "
            f"after these runs: {loaded:.0f} MiB.{remark}",
            "",
        ]
    )


def write(kind, text):
    page = ROOT / "docs/benchmarks.md"
    before, rest = page.read_text().split(f"<!-- {kind} -->\n", 1)
    after = rest.split("<!-- end -->", 1)[1]
    page.write_text(f"{before}<!-- {kind} -->\n{text}<!-- end -->{after}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=list(SIDES), metavar="single|cluster")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--tests", default="")
    parser.add_argument("--print", action="store_true", help="do not write docs/benchmarks.md")
    args = parser.parse_args()
    for kind in args.kinds:
        if kind not in SIDES:
            parser.error(f"no comparison is called {kind}")
    for kind in args.kinds:
        text = compare(kind, args)
        print(text)
        if not args.print:
            write(kind, text)


if __name__ == "__main__":
    main()
