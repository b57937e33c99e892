#!/usr/bin/env python3
"""How fast a fresh node takes over a chain from one peer over loopback, beside what the cores could check at best.

    sync.py BUILD FOLDER        BUILD has rensad, bench/make_chain and bench/post; FOLDER is emptied before and removed after

    transfers     signed transfers a second, 2,000 blocks of 100; yardstick: what libsecp256k1 alone reads and verifies on all
                  cores, in the same run
    empty-blocks  blocks a second, 100,000 without transfers; yardstick: 100,000 blocks/s

Rows come as JSON. The time runs from the fresh node's first answer to its last block; the peer has come to rest before.
"""

import json
import pathlib
import shutil
import sys
import time

from kit import ROUNDS, Node, come_to_rest, make_chain, row, verify_rate


def quick(build, data, port, peers=""):
    """A node that looks after its peers every second."""
    return Node(
        build, data, port, http="workers = 1", discovery=f"interval = 1s\npeers = {peers}", resolver="interval = 1s"
    )


def seconds_to_sync(build, folder, source, blocks):
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    node = quick(build, fresh, 5971, source.base.removeprefix("http://"))
    since = time.monotonic()
    while (node.height() or 0) < blocks:
        assert time.monotonic() - since < 300, "it does not come to its end"
        time.sleep(0.005)
    seconds = time.monotonic() - since
    node.stop()
    return seconds


def measure(build, folder, blocks, transfers):
    """Rounds of (seconds, signatures that could be checked a second)."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "source"
    make_chain(build, data, blocks, transfers)
    source = quick(build, data, 5970)
    come_to_rest([source])
    rounds = [(seconds_to_sync(build, folder, source, blocks), verify_rate(build, 2)) for _ in range(ROUNDS)]
    source.stop()
    return rounds


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    busy = measure(build, folder, 2000, 100)
    count = (2000 - 100) * 100
    rows = [row("transfers", [count / s for s, _ in busy], [y for _, y in busy], "transfers/s", 0.8, digits=0)]
    empty = measure(build, folder, 100000, 0)
    rows.append(row("empty-blocks", [100000 / s for s, _ in empty], [100000] * len(empty), "blocks/s", 1.0, digits=0))
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
