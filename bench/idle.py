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
import sys
import time

from kit import Node, cpu_ns, make_chain, row

SHORT, LONG = 100, 100000
WINDOWS, ROUNDS = 10, 40


def cpu_us(nodes):
    return sum(cpu_ns(node.pids()) for node in nodes) / 1000


def rounds(nodes):
    return sum(role["rounds"] for node in nodes for role in node.status()["roles"] if role["role"] == "resolver")


def pair(build, folder, blocks, ports):
    """Two nodes with the same chain that have met and found nothing to fetch."""
    first = folder / f"{blocks}-0"
    make_chain(build, first, blocks)
    shutil.copytree(first, folder / f"{blocks}-1")
    addresses = [f"127.0.0.1:{port}" for port in ports]
    nodes = [
        Node(
            build,
            folder / f"{blocks}-{k}",
            ports[k],
            http="workers = 1",
            discovery=f"interval = 1s\npeers = {addresses[1 - k]}",
            resolver="interval = 100ms",
        )
        for k in range(2)
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
    short, long = zip(*windows)
    idle = row("idle-round", long, short, "us CPU", 1 / 1.1, is_cost=True, digits=0)
    print(json.dumps([idle], indent=1))


if __name__ == "__main__":
    main()
