#!/usr/bin/env python3
"""The whole chain, read by many.

    read_chain.py BUILD FOLDER        BUILD has rensad and bench/make_chain; FOLDER is emptied before and removed after

A node with a chain of 10,000 blocks (5 MB of JSON), and nginx that serves the same bytes as a file, with two workers each, on
the cores that wrk reads with as well. So rates would say as much of wrk as of the servers; compared is the CPU time, user and
system, of all processes of a server for one request, in windows that alternate.

    cpu             16 connections; yardstick: nginx, sendfile on
    cpu-1, cpu-64   the same with 1 and with 64 connections
    stalled-reader  KiB of memory that is the node's own (Private_Dirty and Private_Clean of all its processes) for each of 100
                    more clients that ask for the chain and read nothing of it; yardstick: 64 KiB. What the kernel accounts to
                    their sockets is told beside it, in "kernel" (KiB each, both ends, /proc/net/sockstat): on loopback, whose
                    packets have 64 KiB, a socket may fill with megabytes at once. They are references to pages of the
                    transcript, which are there once, whoever reads
    small-beside    p99, in microseconds, of GET /chain/head one after the other while two clients read the chain at a steady
                    30 a second each; yardstick: twice the same with that load on nginx instead. So the cores are as busy
                    either way, clients and kernel included, and what is left is what the streams of a worker cost the others
                    it serves

Rows come as JSON.
"""

import http.client
import json
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

from kit import ROUNDS, Nginx, Node, cpu_ns, make_chain, row, wrk

BLOCKS = 10000
PORT = 6040
STALLED = 100
READERS, READS_PER_SECOND = 2, 30
SMALL_CONNECTIONS, SMALL_READS = 12, 200  # chance says which worker serves a connection, and which streams beside it
LARGE_PAGE = 2 << 20
PATIENCE_S = 60


def per_request(server, connections, seconds):
    """Microseconds of CPU for a request."""
    before = cpu_ns(server.pids())
    said = wrk(server.base + "/chain", connections, seconds)
    assert said["refused"] == 0
    return (cpu_ns(server.pids()) - before) / said["requests"] / 1000


def cpu_row(name, node, nginx, connections, seconds):
    rounds = [(per_request(node, connections, seconds), per_request(nginx, connections, seconds)) for _ in range(ROUNDS)]
    ours, yardstick = zip(*rounds)
    return row(name, ours, yardstick, "us CPU", 1 / 1.5, is_cost=True)


def private_kib(pids):
    texts = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(n) for text in texts for n in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", text, re.M))


def socket_kib():
    pages = re.search(r"^TCP: .* mem (\d+)", pathlib.Path("/proc/net/sockstat").read_text(), re.M)
    return int(pages[1]) * 4


def ask(base):
    """A client that has asked for the chain, and its first bytes are there: so the answer has begun."""
    at = urllib.parse.urlsplit(base)
    client = socket.create_connection((at.hostname, at.port))
    client.sendall(f"GET /chain HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    client.recv(1, socket.MSG_PEEK)
    return client


def stalled_row(node):
    """Each round adds as many readers to those who stall already, so memory that one has given back serves no other."""
    pids, clients = node.pids(), []
    costs, kernel = [], []
    for _ in range(ROUNDS):
        before, sockets = private_kib(pids), socket_kib()
        clients += [ask(node.base) for _ in range(STALLED)]
        time.sleep(0.5)  # the sockets fill
        costs.append((private_kib(pids) - before) / STALLED)
        kernel.append((socket_kib() - sockets) / STALLED)
    for client in clients:
        client.close()
    return row("stalled-reader", costs, [64] * ROUNDS, "KiB", 1, is_cost=True) | {"kernel": round(statistics.median(kernel))}


def read_steadily(base, stop):
    """Reads the chain again and again, not faster than told."""
    at = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(at.hostname, at.port)
    room = bytearray(1 << 20)
    due = time.monotonic()
    while not stop.is_set():
        connection.request("GET", "/chain")
        reply = connection.getresponse()
        while reply.readinto(room):
            pass
        due += 1 / READS_PER_SECOND
        time.sleep(max(due - time.monotonic(), 0))
    connection.close()


def p99_us(node):
    spent = []
    for _ in range(SMALL_CONNECTIONS):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(node.base).netloc)
        for _ in range(SMALL_READS):
            begun = time.perf_counter()
            connection.request("GET", "/chain/head")
            connection.getresponse().read()
            spent.append((time.perf_counter() - begun) * 1e6)
        connection.close()
    return statistics.quantiles(spent, n=100)[-1]


def p99_beside(node, server):
    """While others read the chain from server, in a process of their own."""
    load = subprocess.Popen([sys.executable, __file__, "--read", server.base])
    time.sleep(0.3)
    p99 = p99_us(node)
    assert load.poll() is None, "who reads the chain has given up"
    load.terminate()
    load.wait()
    return p99


def beside_row(node, nginx):
    rounds = [(p99_beside(node, node), 2 * p99_beside(node, nginx)) for _ in range(ROUNDS)]
    ours, yardstick = zip(*rounds)
    return row("small-beside", ours, yardstick, "us", 1, is_cost=True)


def large_bytes():
    """Of shared memory that lies in large pages, on the whole machine."""
    found = re.search(r"^ShmemHugePages: *(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.M)
    return int(found[1]) << 10 if found else 0


def wait_written(node, before):
    """Until what the scribe has written lies in large pages, with which it takes its time, or this machine has none."""
    while node.status()["chain_cache"]["blocks"] < BLOCKS - 10:
        time.sleep(0.1)
    wanted = before + node.status()["chain_cache"]["used"] // LARGE_PAGE * LARGE_PAGE
    until = time.monotonic() + PATIENCE_S
    while large_bytes() < wanted and time.monotonic() < until:
        time.sleep(0.1)


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make_chain(build, folder / "node", BLOCKS)
    before = large_bytes()
    node = Node(build, folder / "node", PORT, http="workers = 2\nrequest_timeout = 300s")
    nginx = Nginx(folder / "nginx", PORT + 1)
    wait_written(node, before)
    chain = urllib.request.urlopen(node.base + "/chain").read()
    (nginx.files / "chain").write_bytes(chain)
    rows = [
        cpu_row("cpu", node, nginx, 16, 2),
        cpu_row("cpu-1", node, nginx, 1, 1),
        cpu_row("cpu-64", node, nginx, 64, 2),
        stalled_row(node),
        beside_row(node, nginx),
    ]
    node.stop()
    nginx.stop()
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


def read_chain(base):
    stop = threading.Event()
    readers = [threading.Thread(target=read_steadily, args=(base, stop), daemon=True) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


if sys.argv[1] == "--read":
    read_chain(sys.argv[2])
else:
    main()
