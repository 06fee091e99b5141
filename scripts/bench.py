#!/usr/bin/env python3
"""Measures TroupeDB against MariaDB with sysbench and writes docs/benchmarks.md.

Both servers listen on the loopback and sync every commit. They run at the same time, and each test runs
against one and then the other, so that a slow minute of the machine falls on both. What is written are
ratios: ours divided by MariaDB's, the median of the pairs.

    scripts/bench.py [--seconds 15] [--pairs 3] [--tests oltp_point_select,...] [--print]
"""

import argparse
import datetime
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = {
    "oltp_point_select": 0.8,
    "oltp_read_only": 0.5,
    "oltp_update_non_index": 0.5,
    "oltp_insert": 0.4,
    "oltp_read_write": 0.35,
}
TABLES, SIZE, THREADS = 4, 100_000, 16


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process, what):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{what} ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{what} does not listen")


def start_mariadb(directory):
    port, data = free_port(), directory / "mariadb"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *user],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    process = subprocess.Popen(
        [
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={directory}/mariadb.sock", f"--pid-file={directory}/mariadb.pid",
            "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=512M", "--skip-log-bin",
            "--max-connections=200", *user,
        ],
        stdout=subprocess.DEVNULL, stderr=open(directory / "mariadb.log", "w"),
    )
    wait_for(port, process, "mariadbd")
    return port, process


def start_troupe(directory):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    port = free_port()
    begun = time.monotonic()
    process = subprocess.Popen(
        [
            str(target / "release/troupe"), "start", "--data-dir", str(directory / "troupe"),
            "--mysql-addr", f"127.0.0.1:{port}", "--admin-addr", "127.0.0.1:0", "--addr", "127.0.0.1:0",
        ],
        stdout=subprocess.DEVNULL, stderr=open(directory / "troupe.log", "w"),
    )
    wait_for(port, process, "troupe")
    sql(port, "SELECT 1")
    return port, process, time.monotonic() - begun


def sql(port, text):
    command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", "-N", "-e", text]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def resident_mib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) / 1024


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


def row(test, ours, theirs):
    ratios = [o[0] / t[0] for o, t in zip(ours, theirs)]
    median = statistics.median(ratios)
    verdict = "reached" if median >= TARGETS[test] else "**missed**"
    latency = statistics.median(o[1] for o in ours) / statistics.median(t[1] for t in theirs)
    return (
        f"| {test} | {median:.2f} | {min(ratios):.2f} – {max(ratios):.2f} | {TARGETS[test]} | {verdict} "
        f"| {latency:.2f} | {statistics.median(o[0] for o in ours):.0f} | {sum(o[2] for o in ours)} |"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--tests", default=",".join(TARGETS))
    parser.add_argument("--print", action="store_true", help="do not write docs/benchmarks.md")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="troupedb-bench-"))
    processes = []
    try:
        their_port, mariadb = start_mariadb(directory)
        processes.append(mariadb)
        our_port, troupe, started = start_troupe(directory)
        processes.append(troupe)
        idle = resident_mib(troupe)
        version = sql(their_port, "SELECT VERSION()").strip()
        for port in (our_port, their_port):
            sql(port, "CREATE DATABASE sbtest")
            sysbench(port, "oltp_read_write", "prepare")
        rows = []
        for test in args.tests.split(","):
            ours, theirs = [], []
            for pair in range(args.pairs):
                ours.append(sysbench(our_port, test, "run", args.seconds))
                theirs.append(sysbench(their_port, test, "run", args.seconds))
                print(f"{test} pair {pair + 1}: {ours[-1][0] / theirs[-1][0]:.2f}", flush=True)
            rows.append(row(test, ours, theirs))
        loaded = resident_mib(troupe)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)
    report(args, version, rows, started, idle, loaded)


def report(args, version, rows, started, idle, loaded):
    table = "\n".join(
        [
            "| test | ours ÷ MariaDB | of the pairs | to reach | | p95 latency ÷ | ours, tx/s | errors |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
        ]
    )
    text = f"""\
Measured {datetime.date.today()} by `make bench`, {os.cpu_count()} cores shared by both servers and sysbench: {version} and TroupeDB,
both syncing every commit; {TABLES} tables × {SIZE:,} rows, {THREADS} threads, {args.pairs} pairs of {args.seconds} s.

{table}

Start to the first answer: {started:.2f} s. Memory when idle after the start: {idle:.0f} MiB; after these runs: {loaded:.0f} MiB.
"""
    print(text)
    if not args.print:
        page = ROOT / "docs/benchmarks.md"
        old = page.read_text() if page.exists() else "# Benchmarks\n\n<!-- sysbench -->\n<!-- end -->\n"
        begin, end = "<!-- sysbench -->\n", "<!-- end -->"
        before, rest = old.split(begin, 1)
        after = rest.split(end, 1)[1]
        page.write_text(before + begin + text + end + after)


if __name__ == "__main__":
    main()
