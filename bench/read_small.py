#!/usr/bin/env python3
"""What a small read costs beside nginx, which serves a file of the very same bytes.

    read_small.py BUILD FOLDER        BUILD has rensad and bench/make_chain; FOLDER is emptied before and removed after

wrk keeps 64 connections open and asks each again as soon as it is answered, first the node, then nginx, a second each, seven
times in turn. Both have two workers. Counted is the CPU time, user and system, of the whole family: the master of either, and
all roles of the node. wrk shares the cores with them, so requests a second say as much of it as of them, and are told beside
the rows without a mark.

    cpu           microseconds a GET /chain/head; yardstick: nginx
    cpu-amount    the same for GET /amount?blockchain_address=A, of an address with coins
    cpu-block     the same for GET /blocks/{height}, of a block with two transfers

Rows come as JSON; "rate" holds the medians of requests a second, ours and nginx's.

What limits a read: three fifths of a head's cost are the kernel's, four calls of ours (readv, writev, and libevent's ioctl and
epoll_ctl; nginx, which opens the file each time as it does unless told otherwise, has eight). Of the rest most is libevent's
reading and printing of headers; writing the JSON of a head is a tenth of it. A block has its transfers' ids, addresses and
checksums to hash as well, a third of all instructions, unless its text is at hand.
"""

import json
import pathlib
import shutil
import statistics
import sys
import urllib.request

from kit import ROUNDS, Nginx, Node, cpu_ns, make_chain, row, wrk

NODE_PORT, NGINX_PORT = 6000, 6001
CONNECTIONS, SECONDS = 64, 1
BLOCKS, TRANSFERS = 200, 2
MARK = 1 / 1.1


def body(url):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.read()


def round_of(server, path):
    """Microseconds of CPU a request, and requests a second."""
    pids = server.pids()
    before = cpu_ns(pids)
    said = wrk(server.base + path, CONNECTIONS, SECONDS)
    spent = cpu_ns(pids) - before
    assert said["refused"] == 0, said
    return spent / 1000 / said["requests"], said["rate"]


def measure(name, node, nginx, path):
    file = nginx.files / path.split("?")[0].lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body(node.base + path))
    assert body(nginx.base + path) == body(node.base + path)
    rounds = [(round_of(node, path), round_of(nginx, path)) for _ in range(ROUNDS)]
    result = row(name, *([us for us, _ in side] for side in zip(*rounds)), "us CPU", MARK, is_cost=True)
    result["rate"] = [round(statistics.median(rate for _, rate in side)) for side in zip(*rounds)]
    return result


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    shutil.rmtree(folder, ignore_errors=True)
    make_chain(build, folder / "node", BLOCKS, TRANSFERS)
    node = Node(build, folder / "node", NODE_PORT, http="workers = 2")
    nginx = Nginx(folder / "nginx", NGINX_PORT)
    rich = node.get(f"/blocks/{BLOCKS}")["transactions"][0]["recipient_blockchain_address"]
    rows = [
        measure("cpu", node, nginx, "/chain/head"),
        measure("cpu-amount", node, nginx, f"/amount?blockchain_address={rich}"),
        measure("cpu-block", node, nginx, f"/blocks/{BLOCKS // 2 + 10}"),
    ]
    nginx.stop()
    node.stop()
    shutil.rmtree(folder)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
