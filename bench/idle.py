#!/usr/bin/env python3
"""What a round costs when there is nothing to do, with a short chain and with a long one.

    idle.py BUILD FOLDER        BUILD has rensad and bench/make_chain; FOLDER is emptied before and removed after

Two pairs of nodes, each knowing the other of its pair, run at the same time: one pair has a chain of 100 blocks, the other of
100,000. Counted is the CPU time, user and system, of all processes of a pair, over a second or more at ten rounds a second.

    idle-round    microseconds of a pair for a round, 100,000 blocks; yardstick: the pair with 100 blocks, in the same seconds

Rows come as JSON.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from sync import Node

SHORT, LONG = 100, 100000
WINDOWS, ROUNDS = 10, 40


def processes(node):
    """The master and its children."""
    master = node.process.pid
    children = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [master, *map(int, children)]


def cpu_us(nodes):
    spent = 0
    for node in nodes:
        for pid in processes(node):
            spent += int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return spent / 1000


def rounds(nodes):
    return sum(role["rounds"] for node in nodes for role in node.status()["roles"] if role["role"] == "resolver")


def pair(build, folder, blocks, ports):
    """Two nodes with the same chain that have met and found nothing to fetch."""
    first = folder / f"{blocks}-0"
    first.mkdir(parents=True)
    subprocess.run([build / "bench/make_chain", first, str(blocks), "0"], check=True)
    shutil.copytree(first, folder / f"{blocks}-1")
    addresses = [f"127.0.0.1:{port}" for port in ports]
    nodes = [
        Node(build, folder / f"{blocks}-{k}", ports[k], addresses[1 - k], interval="100ms", discovery="1s") for k in range(2)
    ]
    for node in nodes:
        while node.status()["peers"]["up"] == 0:
            time.sleep(0.05)
    return nodes


def measure(pairs):
    """Microseconds a round, for each pair, in the same window of time."""
    before = [(cpu_us(nodes), rounds(nodes)) for nodes in pairs]
    while rounds(pairs[0]) < before[0][1] + 2 * ROUNDS:
        time.sleep(1)
    after = [(cpu_us(nodes), rounds(nodes)) for nodes in pairs]
    # A pair's rounds are those of both of its nodes; one round each is what is called a round here.
    return [2 * (cpu - cpu0) / (n - n0) for (cpu0, n0), (cpu, n) in zip(before, after)]


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    pairs = [pair(build, folder, SHORT, (5970, 5971)), pair(build, folder, LONG, (5972, 5973))]
    time.sleep(2)  # snapshots and the like of the start
    windows = [measure(pairs) for _ in range(WINDOWS)]
    for nodes in pairs:
        for node in nodes:
            node.stop()
    shutil.rmtree(folder)
    ratios = sorted(short / long for short, long in windows)
    ratio, spread = statistics.median(ratios), ratios[-1] - ratios[0]
    row = {
        "name": "idle-round",
        "ours": round(statistics.median(long for _, long in windows)),
        "yardstick": round(statistics.median(short for short, _ in windows)),
        "unit": "us CPU",
        "ratio": round(ratio, 3), "spread": round(spread, 3), "mark": round(1 / 1.1, 3), "holds": ratio + spread >= 1 / 1.1,
    }  # fmt: skip
    print(json.dumps([row], indent=1))


if __name__ == "__main__":
    main()
