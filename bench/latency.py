#!/usr/bin/env python3
"""How long clients wait while the node has other work than theirs.

    latency.py BUILD FOLDER        BUILD has rensad and bench/{make_chain,open_loop,append}; FOLDER is removed after

A client asks at fixed times (bench/open_loop): nine requests of ten read, one hands in a signed transfer. It asks at a quarter
of the rate that it was found to reach at best in the same run, first while the node is idle and then while it

    sync    takes over a chain of 2,400 blocks with 50 transfers each from a peer
    swap    swaps 200 blocks with 10,000 transfers, which go back to the pool, for a longer branch
    mine    searches proofs of work without end

    reads-p99, admissions-p99    ms that all but one in a hundred keep, in whichever of these is the slowest;
                                 yardstick: the same while idle, and 10 ms more
    admissions-memory            the same of admissions to a node whose data folder is in memory

Rows come as JSON; "idle", "sync", "swap" and "mine" are the medians of p50, p99 and p999 in each. Beside them stand, for
admissions, "disk-idle" and "disk-mine": what a bare loop gets that appends and syncs at the same rate (bench/append), right
after the client, with the node idle and while it mines. A transfer is answered when it is on the disk, so no node can be
faster than that; what the node itself adds is seen in memory, where a sync costs nothing.

Before anything is measured the nodes have come to rest.
"""

import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from kit import ROUNDS, Node, come_to_rest, cpu_ns, make_chain, row

PORT, PEER_PORT, NOBODY = 6200, 6201, 6202
FUNDED = 100  # blocks after which everybody has coins
LONG = 2400  # blocks on top of these that a peer has to give
COMMON, FULL, EMPTY = 1000, 200, 300  # blocks before the fork, of the branch that is left, and of the one that is taken
TRANSFERS = 50  # in a block
SECONDS = 1.5  # of a measurement: about what a sync or a swap takes here
LASTING_SECONDS = 4  # of one while the node searches
DISK_SECONDS = 2  # of the bare loop
ALLOWED_MS = 10
HARD = 22  # bits of the network on which there is something to search: a block comes ten times a second at most
SIGNED, RATE_MAX = 60000, 30000  # transfers, and requests a second: enough for the client of the largest machine
TRIES = 12


class Client:
    def __init__(self, build, bodies):
        self.process = subprocess.Popen(
            [build / "bench/open_loop", "run", str(PORT), bodies], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self):
        said = json.loads(self.process.stdout.readline())
        assert said["refused"] == 0, f"{said['refused']} requests were refused"
        return said

    def ask(self, *words):
        self.tell(*words)
        return self.hear()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


class Bench:
    """The chains, made once."""

    def __init__(self, build, folder):
        self.build, self.folder, self.place = build, folder, folder
        self.make("base", FUNDED)
        self.make("long", FUNDED + LONG, TRANSFERS)
        self.make("full", COMMON + FULL, TRANSFERS)
        self.make("empty", COMMON, TRANSFERS, empty=EMPTY)
        self.make("hard", FUNDED, difficulty=HARD)
        for name, difficulty in (("easy", 0), ("hard", HARD)):
            subprocess.run([build / "bench/open_loop", "make", folder / f"{name}.tx", str(SIGNED), str(difficulty)], check=True)

    def make(self, name, blocks, transfers=0, **more):
        make_chain(self.build, self.folder / name, blocks, transfers, **more)

    def node(self, chain, port, **sections):
        """On a copy of this chain, with room for what clients hand in."""
        data = self.place / f"node-{port}"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.folder / chain, data)
        # Neither a peer that stands still nor connections that nobody uses for a while are trouble here.
        patient = {"node": "pool_max = 65536\nwatchdog = 60s", "http": "header_timeout = 60s"}
        return Node(self.build, data, port, **patient, **sections)

    def at_the_disk(self, rate):
        """A bare loop at the rate at which a client of so many requests hands in transfers."""
        arguments = [self.folder / "append", str(round(rate / 10)), str(DISK_SECONDS)]
        return json.loads(subprocess.run([self.build / "bench/append", *arguments], check=True, stdout=subprocess.PIPE).stdout)

    def measure(self, chain, bodies, disturb, progress, others=(), is_lasting=False, **sections):
        """
        What a client sees idle, and what it sees from `disturb` on, in the first while in which there is progress. What the disk
        has to offer is looked at after either, if what disturbs is lasting.
        """
        seconds = LASTING_SECONDS if is_lasting else SECONDS
        node = self.node(chain, PORT, **sections)
        come_to_rest([node, *others])
        client = Client(self.build, self.folder / f"{bodies}.tx")
        rate = min(client.ask("closed", 0.5)["rate"] / 4, RATE_MAX)
        idle = client.ask("open", rate, seconds)
        if is_lasting:
            idle["disk"] = self.at_the_disk(rate)
        before = progress(node)
        disturb(node)
        for _ in range(TRIES):
            busy = client.ask("open", rate, seconds)
            if progress(node) != before:
                break
        else:
            sys.exit("nothing has disturbed the node")
        if is_lasting:
            busy["disk"] = self.at_the_disk(rate)
        client.close()
        node.stop()
        return idle, busy

    def meeting(self, chain, peer_chain):
        """
        With a peer that calls in the midst of a measurement. The peer stands for another machine, whose work, like checking
        the thousands of transfers that a swap gives back, would not be ours to wait for: it gives way to everybody here.
        """
        peer = self.node(peer_chain, PEER_PORT)
        for pid in peer.pids():
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        call = lambda _: peer.reload(discovery=f"interval = 1s\npeers = 127.0.0.1:{PORT}")
        # Nobody is where it scans; but a caller from there is called back.
        often = f"interval = 1s\nscan_hosts = 127.0.0.1\nscan_ports = {NOBODY}-{NOBODY}"
        pair = self.measure(chain, "easy", call, Node.height, others=[peer], discovery=often)
        peer.stop()
        return pair

    def sync(self):
        return self.meeting("base", "long")

    def swap(self):
        return self.meeting("full", "empty")

    def all(self):
        return {"sync": self.sync(), "swap": self.swap(), "mine": self.mine()}

    def all_in_memory(self):
        with tempfile.TemporaryDirectory(prefix="bench-latency-", dir="/dev/shm") as place:
            self.place = pathlib.Path(place)
            said = self.all()
        self.place = self.folder
        return said

    def mine(self):
        return self.measure("hard", "hard", order_blocks, searched, is_lasting=True, network=f"difficulty = {HARD}")


def order_blocks(node):
    """More than can be found meanwhile. The order lasts as long as its connection."""
    node.order = http.client.HTTPConnection("127.0.0.1", PORT)
    node.order.request("POST", "/mine", json.dumps({"address": "RKxTdfmtxtfLDKZBgx6SvNkBtNu9jRYnLh", "blocks": 1000}))


def searched(node):
    """Not every while has a block, but the search takes whatever of the cores it is given."""
    return cpu_ns(node.pids("miner"))


def medians(said, kind):
    return {p: round(statistics.median(s[kind][p] for s in said), 3) for p in ("p50", "p99", "p999")}


def row_of(name, kind, rounds):
    """
    Each disturbance against the idle time just before it. What disturbs most, by the median of the rounds, is the row: the
    slowest of each round would be whatever a guest on this machine met then.
    """
    rows = []
    for what in rounds[0]:
        pairs = [all_pairs[what] for all_pairs in rounds]
        ours = [busy[kind]["p99"] for _, busy in pairs]
        yardstick = [idle[kind]["p99"] + ALLOWED_MS for idle, _ in pairs]
        rows.append(row(name, ours, yardstick, "ms", 1.0, is_cost=True, digits=3))
    made = min(rows, key=lambda r: r["ratio"])
    made["idle"] = medians([idle for all_pairs in rounds for idle, _ in all_pairs.values()], kind)
    for what in rounds[0]:
        made[what] = medians([all_pairs[what][1] for all_pairs in rounds], kind)
    return made


def with_disk(made, rounds):
    made["disk-idle"] = medians([all_pairs["mine"][0] for all_pairs in rounds], "disk")
    made["disk-mine"] = medians([all_pairs["mine"][1] for all_pairs in rounds], "disk")
    return made


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else ROUNDS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bench = Bench(build, folder)
    on_disk, in_memory = zip(*((bench.all(), bench.all_in_memory()) for _ in range(rounds)))
    shutil.rmtree(folder)
    admissions = with_disk(row_of("admissions-p99", "admissions", on_disk), on_disk)
    memory = row_of("admissions-memory", "admissions", in_memory)
    print(json.dumps([row_of("reads-p99", "reads", on_disk), admissions, memory], indent=1))


if __name__ == "__main__":
    main()
