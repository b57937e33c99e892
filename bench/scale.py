#!/usr/bin/env python3
"""Whether anything gets dearer as the chain grows: the same measures at 1,000, 10,000, 100,000 and 1,000,000 blocks.

    scale.py BUILD FOLDER       BUILD has rensad, bench/make_chain, bench/scale and bench/start; FOLDER is emptied before and
                                removed after. It needs wrk, 3 GB of disk and as much memory.

A row NAME-BLOCKS is a cost at that size; its yardstick is the same cost at 1,000 blocks, in the same round. Rounds take the
sizes in turn.

    head, block, amount     microseconds of CPU of the workers for GET /chain/head, /blocks/H (any height) and /amount
    idle-round              of all processes of two nodes that know one another, for a round that finds nothing (idle.py)
    commit, admission, template, segment     see scale.c
    start                   microseconds a block from nothing to a loaded chain (start.c)

What is looked up in a chain that no cache holds costs its misses: a few steps down a trie (commit, admission), or to an ancestor
(block), each to another page. That is one to three microseconds at a million blocks, and rows that count little else show it.

Rows come as JSON.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import time

from idle import measure as idle_rounds
from idle import pair
from kit import ROUNDS, cpu_ns, row, wrk

SIZES = 1000, 10000, 100000, 1000000
PORT = 6170
SECONDS = 2
MARK = 0.8
UNITS = {"segment": "bytes", "start": "us"}

# wrk asks for paths of these forms, each time another one.
PATHS = """
local addresses = {%s}
local last = %d
math.randomseed(%d)
request = function()
    local path = %s
    return wrk.format("GET", path)
end
"""
HEAD = '"/chain/head"'
BLOCK = '"/blocks/" .. math.random(1, last)'
AMOUNT = '"/amount?blockchain_address=" .. addresses[math.random(#addresses)]'


def addresses(node):
    blocks = node.get("/chain?from=1&limit=100")["chain"]
    return sorted({block["transactions"][0]["recipient_blockchain_address"] for block in blocks})


def request_us(node, folder, blocks, people, path, seed):
    """Microseconds of CPU of a node's workers for a request."""
    script = folder / "paths.lua"
    script.write_text(PATHS % (",".join(f'"{who}"' for who in people), blocks, seed, path))
    workers = node.pids("worker")
    before = cpu_ns(workers)
    said = wrk(node.base, 16, SECONDS, script=script)
    assert said["refused"] == 0 and said["requests"] > 0, said
    return (cpu_ns(workers) - before) / 1000 / said["requests"]


def measure_nodes(build, folder, costs):
    pairs = [pair(build, folder, blocks, (PORT + 2 * i, PORT + 2 * i + 1)) for i, blocks in enumerate(SIZES)]
    people = addresses(pairs[0][0])
    time.sleep(5)  # snapshots and the like of the start
    for k in range(ROUNDS):
        for name, path in ("head", HEAD), ("block", BLOCK), ("amount", AMOUNT):
            for blocks, nodes in zip(SIZES, pairs):
                costs.setdefault((name, blocks), []).append(request_us(nodes[0], folder, blocks, people, path, k))
        for blocks, cost in zip(SIZES, idle_rounds(pairs)):
            costs.setdefault(("idle-round", blocks), []).append(cost)
    for nodes in pairs:
        for node in nodes:
            node.stop()


def rows_of(program, *arguments):
    said = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def measure_store(build, folder, costs):
    for said in rows_of(build / "bench/scale", folder / "store", *SIZES):
        costs.setdefault((said["name"], said["blocks"]), []).append(said["value"])
    starts = {said["name"]: said["ours"] for said in rows_of(build / "bench/start", folder / "start", *SIZES)}
    for blocks in SIZES:
        costs["start", blocks] = [starts[f"start-{blocks}"] / blocks * 1e6]


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    costs = {}
    measure_store(build, folder, costs)
    measure_nodes(build, folder, costs)
    shutil.rmtree(folder)
    names = dict.fromkeys(name for name, _ in costs)
    rows = [
        row(f"{name}-{blocks}", costs[name, blocks], costs[name, SIZES[0]], UNITS.get(name, "us CPU"), MARK, is_cost=True, digits=3)
        for name in names for blocks in SIZES[1:]
    ]  # fmt: skip
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
