#!/usr/bin/env python3
"""How long news takes from a node that has it to the others, in rows of nodes that each know their neighbours alone.

    propagation.py BUILD FOLDER        BUILD has rensad, bench/watch, bench/make_chain and bench/post; FOLDER is removed after

    block-empty         a block with nothing but its reward; yardstick: 1 ms and one fdatasync, measured beside
    transaction         one transfer; yardstick: 5 ms
    block-1000-seen     1,000 transfers that all pools have; yardstick: their signatures checked on all cores
    block-1000-unseen   1,000 transfers that nobody has seen; yardstick: the same

Each is a median per hop; a number behind the name is that of nodes in the row, where it is not 2. Rows come as JSON, with
what all but one in a hundred keep (of twenty, all) as p99. A time begins when the first node has the news (its tip, or its pool, has changed), and ends
when the last has. A hop of unseen transfers may take 40 ms where their signatures take 25.
"""

import contextlib
import glob
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

from kit import Node, make_chain, row, verify_rate

ROWS = (2, 3, 10)
FIRST = 100  # blocks that fund the senders of transfers
TRANSFERS = 1000
PAUSE_US = 50  # between two looks of bench/watch
TRANSFER, REWARD, HEADER = 176, 69, 96
HOST, PORT = "127.0.0.{}", 5980
SOURCE = "127.0.0.200"


def sha(data):
    return hashlib.sha256(data).digest()


class Block:
    """A premade block, taken apart."""

    def __init__(self, path):
        self.bytes = path.read_bytes()
        self.header = self.bytes[:HEADER]
        self.hash = sha(sha(self.header))
        rest = self.bytes[HEADER + 4 :]
        self.txs = [rest[:REWARD]] + [rest[at : at + TRANSFER] for at in range(REWARD, len(rest), TRANSFER)]
        names = [sha(sha(tx[:-64])) + sha(b"\0" + tx)[:4] for tx in self.txs[1:]]
        self.compact = self.bytes[: HEADER + 4] + self.txs[0] + b"".join(names)

    def part(self, positions):
        return b"".join(self.txs[at] for at in positions)


class Member(Node):
    """A node of a row, on a copy of the chain that its transfers are funded by."""

    def __init__(self, build, folder, number, peers, blocks):
        data = folder / f"bench-{os.getpid()}-{number}"
        if blocks:
            shutil.copytree(blocks, data, ignore=shutil.ignore_patterns("block-*"))
        self.host, self.name, self.connection = HOST.format(number), data.name, None
        super().__init__(
            build,
            data,
            PORT,
            self.host,
            node="shm_max = 256M",
            http="workers = 1",
            discovery=f"interval = 2s\npeers = {', '.join(peers)}",
            resolver="interval = 3600s",
        )

    def request(self, method, path, body=None, source=None):
        """Over a kept connection, from its own address or another."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, PORT, timeout=60, source_address=source)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.request(method, path, body, {"Rensa-Port": str(PORT)} if source else {})
        reply = self.connection.getresponse()
        return reply.status, reply.read()


class Source:
    """A peer that has a block which nobody has seen, and gives it to the first node when told to."""

    def __init__(self, hello):
        self.block, source = None, self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = source.answer(self.path, body, hello)
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((SOURCE, PORT), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body, hello):
        if path == "/peer/hello":
            return json.dumps(json.loads(body) | hello).encode()
        if path == "/peer/parts":
            return self.block.part(struct.unpack(f">{len(body[34:]) // 2}H", body[34:]))
        return b"{}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Row:
    """So many nodes, of which each knows its neighbours, and the program that watches them."""

    def __init__(self, build, folder, count, blocks=None, from_source=False):
        shutil.rmtree(folder / "row", ignore_errors=True)
        (folder / "row").mkdir()
        self.source, self.nodes, self.watch = None, [], None
        try:
            self.begin(build, folder, count, blocks, from_source)
        except BaseException:
            self.close()
            raise

    def begin(self, build, folder, count, blocks, from_source):
        if from_source:
            self.source = Source({"nonce": "0123456789abcdef", "node": "source", "port": PORT, "advertise": ""})
        for i in range(1, count + 1):
            peers = [f"{HOST.format(k)}:{PORT}" for k in (i - 1, i + 1) if 1 <= k <= count]
            if from_source and i == 1:
                peers.append(f"{SOURCE}:{PORT}")
            self.nodes.append(Member(build, folder / "row", i, peers, blocks))
        until = time.monotonic() + 60
        for i, node in enumerate(self.nodes):
            neighbours = (i > 0) + (i + 1 < count) + (from_source and i == 0)
            while node.status()["peers"]["up"] != neighbours:
                assert time.monotonic() < until, f"{node.name} does not see {neighbours} neighbours"
                time.sleep(0.05)
        objects = [glob.glob(f"/dev/shm/rensa.{node.name}.*")[0].rpartition("/")[2] for node in self.nodes]
        self.watch = subprocess.Popen([build / "bench/watch", *objects], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(1)  # relays follow discovery within a second

    def seconds(self, what, event):
        """From the first node to the last, per hop."""
        self.watch.stdin.write(what + "\n")
        self.watch.stdin.flush()
        assert self.watch.stdout.readline() == "ready\n"
        event()
        line = self.watch.stdout.readline()
        assert line, "the watch ended"
        times = [int(word) for word in line.split()]
        # A watch that had to wait for a core may see two in one look.
        return max(max(times) - times[0], PAUSE_US) / 1e6 / (len(times) - 1)

    def close(self):
        if self.watch:
            self.watch.stdin.close()
            self.watch.wait()
        for node in self.nodes:
            node.stop()
        if self.source:
            self.source.close()


def sync_seconds(folder):
    """One write of a small frame into space taken before, and its fdatasync."""
    path = folder / "yardstick"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(fd, 0, 1 << 20)
    os.fsync(fd)
    times = []
    for i in range(5):
        since = time.monotonic()
        os.pwrite(fd, bytes(300), i * 300)
        os.fdatasync(fd)
        times.append(time.monotonic() - since)
    os.close(fd)
    path.unlink()
    return statistics.median(times)


def signature_seconds(build):
    """Of the transfers of a block, on all cores."""
    return TRANSFERS / verify_rate(build, 1)


def expect(reply, *statuses):
    assert reply[0] in statuses, reply


def measure_empty(build, folder, count, samples):
    ours, yard = [], []
    address = json.dumps({"address": "RKxTdfmtxtfLDKZBgx6SvNkBtNu9jRYnLh", "blocks": 1})
    with contextlib.closing(Row(build, folder, count)) as nodes:
        for _ in range(samples):
            yard.append(0.001 + sync_seconds(folder))
            ours.append(nodes.seconds("tip", lambda: expect(nodes.nodes[0].request("POST", "/mine", address), 200)))
    return ours, yard


def measure_seen(build, folder, count, blocks, samples):
    """Transfers one by one, out of the first block; then that block and those after it, their transfers sent ahead."""
    single, whole, yard = [], [], []
    with contextlib.closing(Row(build, folder, count, folder / "source")) as nodes:
        first = nodes.nodes[0]

        def push(txs):
            return lambda: expect(first.request("POST", "/peer/transactions", b"".join(txs)), 202)

        def announce(block):
            return lambda: expect(first.request("POST", "/peer/announce", block.compact), 202)

        for tx in blocks[0].txs[1 : 1 + samples]:
            single.append(nodes.seconds("pool 1", push([tx])))
        for i, block in enumerate(blocks):
            if i % 5 == 0:
                checked = signature_seconds(build)
            yard.append(checked)
            rest = block.txs[1 + (samples if i == 0 else 0) :]
            nodes.seconds(f"pool {len(rest)}", push(rest))
            whole.append(nodes.seconds("tip", announce(block)))
    return single, whole, yard


def measure_unseen(build, folder, count, blocks):
    ours, yard = [], []
    with contextlib.closing(Row(build, folder, count, folder / "source", from_source=True)) as nodes:

        def announce(block):
            nodes.source.block = block
            expect(nodes.nodes[0].request("POST", "/peer/announce", block.compact, source=(SOURCE, 0)), 202)

        for i, block in enumerate(blocks):
            if i % 5 == 0:
                checked = signature_seconds(build)
            yard.append(checked)
            ours.append(nodes.seconds("tip", lambda b=block: announce(b)))
    return ours, yard


def row_of(name, count, ours, yardstick, mark):
    ours, yardstick = ([seconds * 1e3 for seconds in side] for side in (ours, yardstick))
    slow = sorted(ours)[min(len(ours) - 1, len(ours) * 99 // 100)]
    made = row(name if count == 2 else f"{name}-{count}", ours, yardstick, "ms", mark, is_cost=True, digits=3)
    return made | {"p99": round(slow, 3)}


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    samples, some = 100, 20
    shutil.rmtree(folder, ignore_errors=True)
    make_chain(build, folder / "source", FIRST, TRANSFERS, more=some)
    blocks = [Block(folder / "source" / f"block-{i}") for i in range(1, some + 1)]
    rows = []
    for count in ROWS:
        rows.append(row_of("block-empty", count, *measure_empty(build, folder, count, samples), 1.0))
        single, seen, yard = measure_seen(build, folder, count, blocks, samples)
        rows.append(row_of("transaction", count, single, [0.005] * len(single), 1.0))
        rows.append(row_of("block-1000-seen", count, seen, yard, 1.0))
        rows.append(row_of("block-1000-unseen", count, *measure_unseen(build, folder, count, blocks), 0.625))
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
