"""GET /chain is sent from the transcript: the same bytes as without it, to every reader, whatever happens meanwhile."""

import json
import pathlib
import re
import select
import socket
from concurrent.futures import ThreadPoolExecutor

import requests
from net import SANITIZED, wait_until

QUIET = {"interval": "1s", "scan_hosts": None, "scan_ports": None}
EASY = {"difficulty": 0, "retarget": "fixed"}
YOUNG = 8  # blocks that the scribe leaves out
STALLED = 100
STALLED_MAX = 64 * 1024  # bytes of the node's own memory for each


def cached(node):
    return (node.status()["chain_cache"] or {"blocks": 0})["blocks"]


def wait_cached(node):
    wait_until("the scribe has written the chain", lambda: cached(node) == node.height() + 1 - YOUNG)


def body(node, path="/chain"):
    reply = requests.get(node.base + path, timeout=60)
    assert reply.status_code == 200
    return reply.content


def views(node):
    """Every route that shows blocks."""
    height = node.height()
    return [
        body(node, path)
        for path in [
            "/chain",
            "/chain?from=3&limit=7",
            f"/chain?from={height // 2}",
            f"/chain?limit={height - 3}",
            "/blocks?limit=100",
            f"/blocks?before={height // 2}&limit=60",
            "/blocks/0",
            f"/blocks/{height // 2}",
            f"/blocks/{height}",
        ]
    ]


class SlowReader:
    """Has asked for the chain and takes the first bytes only, until finish()."""

    def __init__(self, node):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect((node.host, node.port))
        self.socket.sendall(b"GET /chain HTTP/1.0\r\n\r\n")
        self.got = self.socket.recv(100)

    def finish(self):
        while piece := self.socket.recv(1 << 20):
            self.got += piece
        self.socket.close()
        return self.got.partition(b"\r\n\r\n")[2]


def test_shows_the_same_bytes_as_a_node_without_it(net, alice, bob):
    with_it = net.node(discovery=QUIET, network=EASY).start()
    without = net.node(discovery={**QUIET, "peers": f"{with_it.host}:{with_it.port}"}, network=EASY, http={"chain_cache": 0}).start()
    with_it.mine(alice.address, 500)
    for sequence in range(60):
        with_it.send(alice.transfer(with_it.genesis(), bob, 1, sequence=sequence, memo="x" * 200))
    with_it.mine(alice.address, 100)
    net.wait_agree([with_it, without], 600)
    wait_cached(with_it)
    assert without.status()["chain_cache"] is None
    assert views(with_it) == views(without)
    # With few blocks that are not written yet, the length is known beforehand.
    assert "Content-Length" in requests.head(with_it.base + "/chain", timeout=60).headers
    assert "Content-Length" not in requests.head(without.base + "/chain", timeout=60).headers


def test_goes_on_without_the_scribe_and_with_its_successor(net, alice):
    node = net.node(discovery=QUIET, network=EASY).start()
    node.mine(alice.address, 300)
    wait_cached(node)
    before = body(node)
    for _ in range(5):
        node.kill_role("scribe")
        assert body(node) == before
    node.mine(alice.address, 50)
    after = body(node)
    assert len(json.loads(after)["chain"]) == 351
    wait_cached(node)
    assert body(node) == after


def test_a_chain_beyond_the_cap_is_shown_whole(net, alice):
    node = net.node(discovery=QUIET, network=EASY, http={"chain_cache": "256K"}).start()
    node.mine(alice.address, 200)
    wait_cached(node)
    node.mine(alice.address, 700)
    wait_until("the scribe has no more room", lambda: node.log_has("scribe: from height", "[http] chain_cache is used up"))
    chain = json.loads(body(node))["chain"]
    assert [block["height"] for block in chain] == list(range(901))
    used = node.status()["chain_cache"]
    assert used["used"] <= used["size_max"] == 256 * 1024
    assert 100 < used["blocks"] < 900


def test_many_read_at_once(net, alice):
    node = net.node(discovery=QUIET, network=EASY, http={"workers": 2}).start()
    node.mine(alice.address, 2000)
    wait_cached(node)
    chain = body(node)
    with ThreadPoolExecutor(32) as pool:
        assert all(read == chain for read in pool.map(lambda _: body(node), range(64)))


def private_bytes(pids):
    texts = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return 1024 * sum(int(n) for text in texts for n in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", text, re.M))


def test_readers_that_stall_cost_little_and_are_cut(net, alice):
    node = net.node(discovery=QUIET, network=EASY, node={"sync": "off"}, http={"workers": 2, "request_timeout": "5s"}).start()
    node.mine(alice.address, 6500)
    wait_cached(node)
    workers = [role["pid"] for role in node.roles("worker")]
    body(node)
    before = private_bytes(workers)
    readers = [SlowReader(node) for _ in range(STALLED)]
    # Sanitizers keep what is freed.
    assert SANITIZED or private_bytes(workers) - before < STALLED * STALLED_MAX
    assert len(node.chain()["chain"]) == 6501

    def is_cut(reader):
        poll = select.poll()
        poll.register(reader.socket, 0)
        return bool(poll.poll(0))  # POLLHUP or POLLERR, which need not be asked for

    wait_until("they are cut", lambda: all(is_cut(reader) for reader in readers))
    for reader in readers:
        reader.socket.close()


def test_a_slow_reader_gets_its_own_chain_over_a_reorganisation(net, alice, bob):
    """And over the end of the scribe; what readers get who come later is the new one."""
    patient = {"request_timeout": "60s"}
    one, two = (net.node(discovery=QUIET, network=EASY, node={"sync": "off"}, http=patient) for _ in range(2))
    two.start()
    two.mine(bob.address, 6100)
    two.stop()
    one.configure("discovery", peers=f"{two.host}:{two.port}")
    one.start()
    one.mine(alice.address, 6000)
    wait_cached(one)
    before = body(one)
    reader = SlowReader(one)
    one.kill_role("scribe")
    two.start()
    net.wait_agree([one, two], 6100)
    after = body(one)
    assert reader.finish() == before
    assert json.loads(after)["chain"][-1]["hash"] == two.head()[1]
    assert body(two) == after
