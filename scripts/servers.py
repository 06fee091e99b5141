"""Starts the servers that the benchmarks compare. Each `start_` function answers a `Side`."""

import collections
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
GALERA = "/usr/lib/galera/libgalera_smm.so"


class Side:
    """Running servers, and the port that takes statements."""

    def __init__(self, port, processes, started=0.0, settle=lambda: None, remark=lambda: ""):
        self.port = port
        self.processes = processes
        # Seconds to the first answer.
        self.started = started
        # Waits until the servers have done what follows from the last statements.
        self.settle = settle
        # What a reader of the figures should know of the state they were measured in.
        self.remark = remark

    def resident_mib(self):
        status = [pathlib.Path(f"/proc/{process.pid}/status").read_text() for process in self.processes]
        return sum(int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) for text in status) / 1024

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


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


def wait_until(condition, what, seconds=120):
    for _ in range(seconds * 5):
        if condition():
            return
        time.sleep(0.2)
    sys.exit(f"waited too long for {what}")


def sql(port, text):
    command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", "-N", "-e", text]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def mariadbd(directory, name, *options):
    """A MariaDB on an empty directory; its port and process."""
    port, data = free_port(), directory / name
    # Not as root: the rsync of Galera's state transfer would give up its rights to the directory.
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    directory.chmod(0o755)
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *user],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    process = subprocess.Popen(
        [
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={data}/mariadb.sock", f"--pid-file={data}/mariadb.pid",
            "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=512M", "--skip-log-bin",
            "--max-connections=200", *options, *user,
        ],
        stdout=subprocess.DEVNULL, stderr=open(directory / f"{name}.log", "w"),
    )
    return port, process


def start_mariadb(directory):
    port, process = mariadbd(directory, "mariadb")
    wait_for(port, process, "mariadbd")
    return Side(port, [process])


def start_galera(directory, nodes=3):
    """MariaDB nodes that replicate synchronously. The first is the one to ask."""
    group = [free_port() for _ in range(nodes)]
    members = ",".join(f"127.0.0.1:{port}" for port in group)
    ports, processes = [], []
    for number, group_port in enumerate(group):
        provider = f"gmcast.listen_addr=tcp://127.0.0.1:{group_port};ist.recv_addr=127.0.0.1:{free_port()}"
        options = [
            "--wsrep-on=ON", f"--wsrep-provider={GALERA}", f"--wsrep-provider-options={provider}",
            f"--wsrep-cluster-address=gcomm://{members}", f"--wsrep-node-name=node{number}",
            f"--wsrep-node-address=127.0.0.1:{group_port}", "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",
            "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
        ]
        if number == 0:
            options.append("--wsrep-new-cluster")
        port, process = mariadbd(directory, f"galera{number}", *options)
        ports.append(port)
        processes.append(process)
        wait_for(port, process, f"Galera's node {number}")
        wait_until(lambda: galera_size(port) == number + 1, f"Galera's node {number} to join")
    return Side(ports[0], processes)


def galera_size(port):
    """How many nodes a synced node sees."""
    try:
        state = sql(port, "SHOW STATUS LIKE 'wsrep_%'")
    except subprocess.CalledProcessError:
        return 0
    values = dict(line.split("\t", 1) for line in state.splitlines() if "\t" in line)
    return int(values["wsrep_cluster_size"]) if values.get("wsrep_local_state_comment") == "Synced" else 0


def troupe(directory, name, *options):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return subprocess.Popen(
        [str(target / "release/troupe"), "start", "--data-dir", str(directory / name), *options],
        stdout=subprocess.DEVNULL, stderr=open(directory / f"{name}.log", "w"),
    )


def local(port):
    return f"127.0.0.1:{port}"


def start_troupe(directory):
    """Everything in one process."""
    port = free_port()
    begun = time.monotonic()
    process = troupe(
        directory, "troupe", "--mysql-addr", local(port), "--admin-addr", local(0), "--addr", local(0)
    )
    wait_for(port, process, "troupe")
    sql(port, "SELECT 1")
    return Side(port, [process], time.monotonic() - begun)


def start_cluster(directory, nodes=3):
    """Nodes that each serve clients and store a replica of everything, as Galera's do. The first, which is the placement
    driver too, is the one to ask."""
    pd, admin, port = free_port(), free_port(), free_port()
    begun = time.monotonic()
    first = ["--role", "pd,store,sql,gateway,ddl", "--mysql-addr", local(port), "--admin-addr", local(admin)]
    processes = [troupe(directory, "node0", *first, "--addr", local(pd))]
    wait_for(port, processes[0], "the first node")
    sql(port, "SELECT 1")
    started = time.monotonic() - begun
    rest = ["--role", "store,sql,gateway", "--pd", local(pd), "--addr", local(0), "--admin-addr", local(0)]
    for number in range(1, nodes):
        other = free_port()
        processes.append(troupe(directory, f"node{number}", *rest, "--mysql-addr", local(other)))
        wait_for(other, processes[-1], f"node {number}")
    settle = lambda: wait_until(lambda: replicated(admin, nodes), "every region to have its replicas")
    return Side(port, processes, started, settle, lambda: leaders(admin))


def regions_of(admin):
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/pd/api/v1/regions", timeout=5) as answer:
        return json.load(answer)["regions"]


def leaders(admin):
    """How many regions each store leads: reads of a region that another node leads cost a hop."""
    led = collections.Counter(region["leader"]["store_id"] for region in regions_of(admin))
    return " Regions led at the end, by store: " + ", ".join(f"{id}: {n}" for id, n in sorted(led.items())) + "."


def replicated(admin, nodes):
    """Whether every region has a replica on each node that has caught up."""
    regions = regions_of(admin)
    whole = (
        len(region["peers"]) == nodes and not region.get("pending_peers") and not region.get("down_peers")
        and all(not peer.get("is_learner") for peer in region["peers"])
        for region in regions
    )
    return bool(regions) and all(whole)
