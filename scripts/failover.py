#!/usr/bin/env python3
"""Kills the store that leads the written region, again and again, and measures how long writes stand still.

Starts a placement driver, three stores and a SQL node as processes of their own on the loopback. One client writes rows, one
after the other; the time counted is from the SIGKILL to the acknowledgement of the first row after it.

    scripts/failover.py [--kills 20] [--binary target/release/troupe] [--keep]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET_SECONDS = 3.0
PATIENCE = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """A process of the cluster, which comes back where it was."""

    def __init__(self, binary, directory, name, role, pd=None):
        self.name, self.address = name, f"127.0.0.1:{free_port()}"
        self.mysql, self.admin = free_port(), free_port()
        self.log = directory / f"{name}.log"
        self.command = [
            binary, "start", "--role", role, "--name", name, "--addr", self.address, "--data-dir", str(directory / name),
            "--mysql-addr", f"127.0.0.1:{self.mysql}", "--admin-addr", f"127.0.0.1:{self.admin}",
        ]
        if pd:
            self.command += ["--pd", pd.address]
        self.process = None

    def start(self):
        environment = {**os.environ, "TROUPE_STORE_HEARTBEAT_INTERVAL": "1s"}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
            return json.load(answer)


def until(what, attempt):
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        try:
            answer = attempt()
            if answer:
                return answer
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    sys.exit(f"{what}: not within {PATIENCE} s")


def is_whole(region):
    voters = [peer for peer in region["peers"] if peer["role_name"] == "Voter"]
    return len(voters) == 3 and not region["pending_peers"] and not region["down_peers"]


class Writer:
    """One connection, which writes a row at a time."""

    def __init__(self, port):
        self.client = subprocess.Popen(
            ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", "-N", "-n", "--force", "failover"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        )
        self.rows, self.errors = 0, []

    def write(self):
        self.client.stdin.write(f"INSERT INTO t VALUES ({self.rows}); SELECT 'row {self.rows}';\n")
        self.rows += 1
        while True:
            line = self.client.stdout.readline()
            if not line:
                sys.exit("the client has ended")
            if line.startswith("row "):
                return
            self.errors.append(line.strip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--binary", default=str(target / "release/troupe"))
    parser.add_argument("--keep", action="store_true", help="keep the directory with data and logs")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="troupedb-failover-"))
    pd = Node(args.binary, directory, "pd-1", "pd")
    stores = [Node(args.binary, directory, f"store-{number}", "store", pd) for number in (1, 2, 3)]
    front = Node(args.binary, directory, "sql-1", "sql,gateway,ddl", pd)
    nodes = [pd, *stores, front]
    try:
        for node in nodes:
            node.start()
        sql = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{front.mysql}", "-uroot", "-e"]
        schema = "CREATE DATABASE failover; CREATE TABLE failover.t (a BIGINT PRIMARY KEY)"
        ran = lambda text: subprocess.run([*sql, text], capture_output=True).returncode == 0
        until("the SQL node", lambda: ran("SELECT 1"))
        if not ran(schema):
            sys.exit("the table could not be made")
        writer = Writer(front.mysql)
        pauses = []
        for number in range(args.kills):
            regions = until(
                "three replicas",
                lambda: (found := pd.get("/pd/api/v1/regions")["regions"]) and all(map(is_whole, found)) and found,
            )
            writer.write()
            # The table is in the last region.
            leader = max(regions, key=lambda region: region["start_key"])["leader"]["store_id"]
            known = pd.get("/pd/api/v1/stores")["stores"]
            address = next(s["store"]["address"] for s in known if s["store"]["id"] == leader)
            store = next(store for store in stores if store.address == address)
            store.kill()
            killed = time.monotonic()
            writer.write()
            pauses.append(time.monotonic() - killed)
            print(f"{number + 1:3}: {store.name} killed, writes went on after {pauses[-1]:.2f} s", flush=True)
            for _ in range(20):
                writer.write()
            store.start()
            until("the store's return", lambda: store.get("/status"))
            time.sleep(1)
        count = subprocess.run([*sql[:-1], "-N", "-e", "SELECT COUNT(*) FROM failover.t"], capture_output=True, text=True)
        there, errors = int(count.stdout), writer.errors
        pauses.sort()
        p99 = pauses[min(len(pauses) - 1, int(len(pauses) * 0.99))]
        print(f"median {pauses[len(pauses) // 2]:.2f} s, p99 {p99:.2f} s (aim: {TARGET_SECONDS} s), longest {pauses[-1]:.2f} s")
        print(f"{writer.rows} rows written, {there} there, errors: {errors or 'none'}")
        sys.exit(0 if p99 <= TARGET_SECONDS and there == writer.rows and not errors else 1)
    finally:
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.kill()
        if args.keep:
            print(f"data and logs: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
