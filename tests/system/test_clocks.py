"""Clocks that differ: blocks ahead of ours wait until they are due, nobody is blamed for them, and what is wrong is told."""

import pathlib
import time

import pytest

from chainmaker import PARAMS, Chain
from fakepeer import FakePeer
from net import SANITIZED
from wallet import Wallet

NETWORK = {"name": "clocks", "difficulty": 0, "retarget": "fixed"}
PARAMETERS = PARAMS | NETWORK
MINER = Wallet()
AHEAD = 120_000  # ms that a block may be ahead
LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def is_at(node, chain):
    return node.head() == (chain.height, chain.head.hash.hex())


@pytest.fixture
def meet(net):
    """A running node whose only peer is a fake one with this chain."""
    fakes = []

    def made(chain):
        fakes.append(FakePeer(net.host(9), net.port + 9, chain))
        discovery = {"peers": fakes[-1].address, "scan_hosts": None, "scan_ports": None}
        node = net.node(network=NETWORK, discovery=discovery).start()
        net.wait_until("the chain is taken", lambda: is_at(node, chain))
        return node, fakes[-1]

    yield made
    for fake in fakes:
        fake.close()


def early(chain):
    """Longer by a block that is due in a few seconds, and by one that may come right after it."""
    due = int(time.time() * 1000) + AHEAD + 3_000
    return chain.plus(chain.draft(MINER, time=due)).mined(MINER, time=due + 1)


def is_due(chain):
    return chain.head.header.time <= int(time.time() * 1000) + AHEAD


def test_a_pushed_block_a_little_ahead_is_held_and_taken_when_it_is_due(net, meet):
    base = Chain(PARAMETERS).mined(MINER, 3)
    node, fake = meet(base)
    ahead, asked = early(base).up_to(4), fake.asked["blocks"]
    reply = node.request("POST", "/peer/block", data=ahead.head.bytes)
    assert reply.status_code == 202
    net.wait_until("it is held", lambda: node.log_has("resolver: block 4 ", "ahead of the clock: held"))
    # Not a moment before: whoever sees it taken sees it due.
    net.wait_until("it is taken", lambda: is_at(node, ahead))
    assert is_due(ahead)
    assert fake.asked["blocks"] == asked, "nobody had to be asked for it"


def test_blocks_of_a_peer_a_little_ahead_are_taken_when_they_are_due(net, meet):
    base = Chain(PARAMETERS).mined(MINER, 3)
    node, fake = meet(base)
    fake.chain = ahead = early(base)
    net.wait_until("it is told", lambda: node.log_has("level=warn", f"resolver: {fake.address} has blocks more than 120 s ahead"))
    net.wait_until("they are taken", lambda: is_at(node, ahead))
    assert is_due(ahead)
    assert node.peers()[fake.address]["state"] == "up"
    said = [line for line in node.log().splitlines() if "ahead of our clock" in line]
    assert len(said) == 1, "told once, however many rounds it lasts"


@pytest.fixture
def off(net):
    """Nodes, of which the last has a clock that is off by so many seconds."""
    if LIBRARY is None or SANITIZED:
        pytest.skip("another time of day needs libfaketime, which does not go with sanitizers")

    def made(seconds):
        nodes = [net.node(network=NETWORK) for _ in range(3)]
        nodes[2].environment = {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1", "FAKETIME_NO_CACHE": "1",
        }  # fmt: skip
        for node in nodes:
            node.spawn()
        net.wait_met(nodes)
        return nodes

    return made


def skew(node, other):
    return node.peers()[f"{other.host}:{other.port}"]["skew_ms"]


def more_rounds(net, node):
    rounds = node.rounds()
    net.wait_until("more rounds", lambda: node.rounds() >= rounds + 2)


def test_a_node_whose_clock_is_fast_is_not_followed_and_follows_the_others(net, off):
    one, two, fast = nodes = off(+600)
    one.mine(MINER.address)
    net.wait_agree(nodes, 1)
    fast.mine(MINER.address, 2)
    more_rounds(net, one)
    assert [node.height() for node in nodes] == [1, 1, 3]
    for node in (one, two):
        assert abs(skew(node, fast) - 600_000) < 60_000
        assert len(node.peers_up()) == 2, "it has broken no rule"
    assert one.log_has("blocks more than 120 s ahead of our clock")
    two.mine(MINER.address, 3)
    net.wait_agree(nodes, 4)
    assert fast.log_has("resolver: adopted", "in place of 2, fork at height 1")


def test_a_node_whose_clock_is_slow_says_so_and_comes_back_when_it_is_right(net, off):
    one, two, slow = nodes = off(-600)
    one.mine(MINER.address, 3)
    net.wait_agree([one, two], 3)
    net.wait_until("it tells", lambda: slow.log_has("level=warn", "blocks more than 120 s ahead of our clock"))
    more_rounds(net, slow)
    assert slow.height() == 0
    assert abs(skew(slow, one) - 600_000) < 60_000
    assert len(slow.peers_up()) == 2
    # What it mines itself is good everywhere, being in the past; only it does not win.
    slow.mine(MINER.address)
    more_rounds(net, one)
    assert one.height() == 3
    slow.stop()
    slow.environment = {}
    slow.start()
    net.wait_agree(nodes, 3)
