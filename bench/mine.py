#!/usr/bin/env python3
"""What a header costs the node's miner, beside the bare search; and what it costs by each way to search.

    mine.py BUILD FOLDER        BUILD has rensad and bench/mine; FOLDER is emptied before and removed after

    kernel     million headers a second of CPU time: the miner of a node in continuous mode, whose target is never met, with all
               that it does between two slices (its loop, the tip, the pool, a fresh draft twice a second); yardstick: the search
               alone, in a process that does nothing else. Both run at the same time, on the same core, and give way to
               all others, as the thread does that searches for the node, so that the kernel alternates them and
               whatever else slows the core slows both.
    openssl    the way that was chosen; yardstick: libcrypto through its public interface, from the state after 64 bytes
    way-NAME   each way that this processor has, beside the same yardstick

Rows come as JSON.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from kit import ROUNDS, Node, cpu_ns, row, threads

PORT = 6120
SECONDS = 4
ADDRESS = "RKxTdfmtxtfLDKZBgx6SvNkBtNu9jRYnLh"


def so_far(node, miner):
    """Headers that the miner has tried, and its CPU time in ns."""
    return node.status()["miner"]["hashes"], cpu_ns([miner])


def alternate(build, node):
    """Rounds of (miner's, bare) rates."""
    while node.status()["miner"]["hashes"] == 0:
        time.sleep(0.1)
    (miner,) = node.pids("miner")
    core = max(os.sched_getaffinity(0))
    for thread in threads(miner):
        os.sched_setaffinity(thread, {core})

    def join():
        os.sched_setaffinity(0, {core})
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    for _ in range(ROUNDS):
        before = so_far(node, miner)
        said = subprocess.run([build / "bench/mine", "bare", str(SECONDS)], preexec_fn=join, capture_output=True, check=True)
        headers, spent = (b - a for a, b in zip(before, so_far(node, miner)))
        bare_headers, bare_spent = map(int, said.stdout.split())
        yield headers * 1e3 / spent, bare_headers * 1e3 / bare_spent


def kernel(build, folder):
    miner = f"mode = continuous\naddress = {ADDRESS}\ncpu_percent = 100"
    node = Node(build, folder / "node", PORT, network="difficulty = 64", miner=miner)
    try:
        ours, bare = zip(*alternate(build, node))
    finally:
        node.stop()
    return row("kernel", ours, bare, "MH/s", 0.97, digits=2)


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    rows = [kernel(build, folder)]
    said = subprocess.run([build / "bench/mine", "ways"], capture_output=True, check=True, text=True).stdout
    rows += [json.loads(line) for line in said.splitlines()]
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
