#!/usr/bin/env python3
"""How fast a fresh node takes over a chain from one peer over loopback, beside what the cores could check at best.

    sync.py BUILD FOLDER        BUILD has rensad and bench/make_chain; FOLDER is emptied before and removed after

    transfers     signed transfers a second, 2,000 blocks of 100; yardstick: libsecp256k1 on all cores, in the same run
    empty-blocks  blocks a second, 100,000 without transfers; yardstick: 100,000 blocks/s

Rows come as JSON. The time runs from the fresh node's first answer to its last block.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

ROUNDS = 7


class Node:
    def __init__(self, build, data, port, peers="", interval="1s", discovery="1s"):
        data.mkdir(parents=True, exist_ok=True)
        config = data.with_suffix(".conf")
        config.write_text(
            f"[node]\ndata_dir = {data}\nname = {data.name}\nlog_file = {data.with_suffix('.log')}\nshm_max = 4G\n"
            f"[http]\nlisten = 127.0.0.1:{port}\nworkers = 1\n[network]\ndifficulty = 0\nretarget = fixed\n"
            f"[discovery]\ninterval = {discovery}\npeers = {peers}\n[resolver]\ninterval = {interval}\n"
        )
        self.base = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([build / "rensad", "-c", config])
        while self.height() is None:
            time.sleep(0.01)

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=30) as reply:
            return json.load(reply)

    def status(self):
        return self.get("/status")

    def height(self):
        try:
            return self.get("/chain/head")["height"]
        except OSError:
            assert self.process.poll() is None, "a node ended"
            return None

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def seconds_to_sync(build, folder, source, blocks):
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    node = Node(build, fresh, 5971, source.base.removeprefix("http://"))
    since = time.monotonic()
    while (node.height() or 0) < blocks:
        assert time.monotonic() - since < 300, "it does not come to its end"
        time.sleep(0.005)
    seconds = time.monotonic() - since
    node.stop()
    return seconds


def verify_rate(build):
    return float(subprocess.check_output([build / "bench/make_chain", "--verify-rate", "2"]))


def measure(build, folder, blocks, transfers):
    """Rounds of (seconds, signatures that could be checked a second)."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "source"
    data.mkdir(parents=True)
    subprocess.run([build / "bench/make_chain", data, str(blocks), str(transfers)], check=True)
    source = Node(build, data, 5970)
    rounds = [(seconds_to_sync(build, folder, source, blocks), verify_rate(build)) for _ in range(ROUNDS)]
    source.stop()
    return rounds


def row(name, ours, yardstick, unit, mark):
    ratios = sorted(o / y for o, y in zip(ours, yardstick))
    middle, spread = statistics.median(ratios), ratios[-1] - ratios[0]
    return {
        "name": name, "ours": round(statistics.median(ours)), "yardstick": round(statistics.median(yardstick)), "unit": unit,
        "ratio": round(middle, 3), "spread": round(spread, 3), "mark": mark, "holds": middle + spread >= mark,
    }  # fmt: skip


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    busy = measure(build, folder, 2000, 100)
    count = (2000 - 100) * 100
    rows = [row("transfers", [count / s for s, _ in busy], [y for _, y in busy], "transfers/s", 0.8)]
    empty = measure(build, folder, 100000, 0)
    rows.append(row("empty-blocks", [100000 / s for s, _ in empty], [100000] * len(empty), "blocks/s", 1.0))
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
