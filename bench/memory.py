#!/usr/bin/env python3
"""What a chain takes in the shared segment, and what a node takes in memory when it does nothing.

    memory.py BUILD FOLDER      BUILD has rensad and bench/memory; FOLDER is emptied before and removed after

    block, transfer, account, pooled    see memory.c
    idle-rss    MiB of a fresh node with the settings that it has by default, everything counted once; yardstick: the 76 MB
                that a node of the original takes

Memory of a node is what its processes have each for itself (USS: private pages) and the shared pages once: those of programs
and libraries by their shares (PSS), and the shared segment by what the kernel has set aside for it, which is more than anybody
has touched: rings and the pool are granted when the segment is made. What each role takes is told beside the row: RSS counts
everything shared in full, PSS by its share, private what would be free if that process alone ended.

Rows come as JSON.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

from kit import ROUNDS, Node, comm, row

PORT = 6160
ORIGINAL_MIB = 76e6 / 2**20


def rollup(pid):
    """KiB of a process by kind: Rss, Pss, Pss_Shmem, Private_Clean, …"""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB", "\n".join(lines[1:]), re.M)}


def segment_kib(node):
    """What the kernel has set aside for the objects that the node's processes map."""
    shm = pathlib.Path("/dev/shm")
    objects = {line.split("/dev/shm/")[1] for pid in node.pids() for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines() if "/dev/shm/rensa." in line}  # fmt: skip
    return sum((shm / name).stat().st_blocks // 2 for name in objects)


def measure(node):
    """MiB of the whole node, and of each role (of the mean process of a role: RSS, PSS, private; and how many there are)."""
    roles, total = {}, segment_kib(node)
    for pid in node.pids():
        kib = rollup(pid)
        total += kib["Pss"] - kib["Pss_Shmem"]
        name = "master" if pid == node.process.pid else comm(pid)
        roles.setdefault(name, []).append((kib["Rss"], kib["Pss"], kib["Private_Clean"] + kib["Private_Dirty"]))
    return total / 1024, roles


def idle(build, folder):
    totals = []
    for k in range(ROUNDS):
        node = Node(build, folder / f"idle-{k}", PORT)
        time.sleep(1)  # what a start takes for itself is given back
        total, roles = measure(node)
        segment = segment_kib(node) / 1024
        totals.append(total)
        node.stop()
    for name, processes in sorted(roles.items()):
        rss, pss, private = (sum(kinds) / len(processes) / 1024 for kinds in zip(*processes))
        print(f"memory: {len(processes)} {name}: RSS {rss:.1f}, PSS {pss:.1f}, private {private:.1f} MiB", file=sys.stderr)
    print(f"memory: segment: {segment:.1f} MiB granted", file=sys.stderr)
    return row("idle-rss", totals, [ORIGINAL_MIB] * ROUNDS, "MiB", 1.0, is_cost=True)


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    said = subprocess.run([build / "bench/memory", folder], capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in said.splitlines()]
    rows.append(idle(build, folder))
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
