#!/usr/bin/env python3
"""What it costs to let a signed transfer in over HTTP, beside what its signature costs libsecp256k1 alone.

    admit.py BUILD FOLDER        BUILD has rensad, bench/make_chain and bench/post; FOLDER is emptied before and removed after

    arrays       arrays of 100 transfers over 8 connections
    single-64    one transfer a request, 64 connections with a request at a time each
    single-1     the same over 1 connection: nothing is shared with others then, neither wake-ups nor syncs

CPU time of all processes of the node for each transfer accepted; yardstick: CPU time that libsecp256k1 needs to read a key
and a signature and to verify it, on all cores at once, in the same round. Transfers are signed before. Each is accepted,
exactly once, by a fresh node on the real disk, and is durable before its answer: syncs are on. The senders are a hundred,
so a worker has met the key of each before; where all are strangers, reading it costs the tenth of a signature more.

    NAME-rate    transfers accepted a second; yardstick: what libsecp256k1 verifies a second on the cores that the client
                 leaves. These are told, not judged: the client is one thread, and alone it may not keep all cores busy
    single-1-time   from request to answer; yardstick: a signature and a sync, one after the other

Rows come as JSON.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from kit import ROUNDS, Node, cpu_ns, make_chain, row, verify

COUNT = 16000  # fits a pool of the default size
PORT = 6080
MODES = {"arrays": (COUNT, 100, 8, 0.75), "single-64": (COUNT, 1, 64, 0.6), "single-1": (COUNT // 4, 1, 1, 0.0)}


def sync_ns(folder):
    """One write of a transfer's frame over space written before, and its fdatasync."""
    path, times = folder / "yardstick", []
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, bytes(1 << 20), 0)
    os.fsync(fd)
    for i in range(101):
        since = time.monotonic_ns()
        os.pwrite(fd, bytes(250), i * 250)
        os.fdatasync(fd)
        times.append(time.monotonic_ns() - since)
    os.close(fd)
    path.unlink()
    return statistics.median(times)


def post(build, *arguments):
    return subprocess.check_output([build / "bench/post", *map(str, arguments)], text=True)


def admit(build, folder, bodies, count, connections):
    """A fresh node takes these bodies. What the client says, and CPU time of the node."""
    data = folder / "node"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(folder / "source", data)
    node = Node(build, data, PORT)
    while not node.pids("pool"):  # the last to be started
        time.sleep(0.01)
    pids = node.pids()
    before = cpu_ns(pids)
    said = json.loads(post(build, "send", PORT, bodies, connections))
    time.sleep(0.1)  # what is done after the answers counts, too
    said["node_ns"] = cpu_ns(pids) - before
    assert said["accepted"] == count and node.get("/transactions?limit=1")["length"] == count, said
    node.stop()
    return said


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    make_chain(build, folder / "source", 200)
    for name, (count, each, _, _) in MODES.items():
        post(build, "make", folder / name, count, each)
    ours, yard = ({name: [] for name in [*MODES, *(f"{name}-rate" for name in MODES), "single-1-time"]} for _ in range(2))
    for _ in range(ROUNDS):
        verified = verify(build, 1)
        signature_ns = verified["cpu_ns"] / verified["signatures"]
        for name, (count, _, connections, _) in MODES.items():
            said = admit(build, folder, folder / name, count, connections)
            ours[name].append(said["node_ns"] / count / 1e3)
            yard[name].append(signature_ns / 1e3)
            ours[f"{name}-rate"].append(count / said["seconds"])
            yard[f"{name}-rate"].append((verified["cores"] - said["cpu_ns"] / 1e9 / said["seconds"]) / signature_ns * 1e9)
        ours["single-1-time"].append(said["seconds"] / count * 1e6)
        yard["single-1-time"].append((signature_ns + sync_ns(folder)) / 1e3)
    shutil.rmtree(folder)
    rows = [row(name, ours[name], yard[name], "us", mark, is_cost=True) for name, (*_, mark) in MODES.items()]
    rows += [row(f"{name}-rate", ours[f"{name}-rate"], yard[f"{name}-rate"], "transfers/s", 0.0, digits=0) for name in MODES]
    rows.append(row("single-1-time", ours["single-1-time"], yard["single-1-time"], "us", 0.0, is_cost=True))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
