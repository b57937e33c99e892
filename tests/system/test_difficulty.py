"""The targets of real nodes follow the power of real miners, at short intervals; tests/chain/retarget_sim.c shows by simulation
what that comes to over months.

A machine under load mines slowly, and the rule makes up for that too: so what must hold is told by outcomes and with room,
never by a clock of ours. That each single target is the one that its block's time gives, recompute.py says to the bit.
"""

import signal
import statistics

import pytest

import recompute as rc
from net import recomputed
from wallet import Wallet

INTERVAL = 100  # ms; a target doubles or halves in sixty of them at most
NETWORK = {"difficulty": 14, "retarget": "per-block", "target_interval": f"{INTERVAL}ms"}
MINER = Wallet()


def newest(node, count):
    return node.get(f"/blocks?limit={count}")["blocks"]


def work(node):
    """Tries that the last block was worth."""
    return rc.target_work(int(newest(node, 1)[0]["target"], 16))


def gaps(node, count):
    """Times between the last so many blocks, none of them genesis; fewer while there are not so many."""
    times = [block["timestamp"] for block in newest(node, count + 1) if block["height"] > 0]
    return [after - before for after, before in zip(times, times[1:])]


def outlook(node):
    return node.status()["mining"]


def miners(net, percent):
    """A node that mines with such a part of a core, and one that follows."""
    one = net.node(hosts=2, network=NETWORK, miner={"mode": "continuous", "address": MINER.address, "cpu_percent": percent})
    two = net.node(hosts=2, network=NETWORK)
    for node in (one, two):
        node.spawn()
    net.wait_met([one, two])
    return one, two


def wait_settled(net, node):
    """From targets that are too easy for any machine to those of this one."""
    net.wait_until("blocks come when they are due", lambda: len(g := gaps(node, 20)) == 20 and statistics.mean(g) > 0.7 * INTERVAL)


def set_power(net, node, percent):
    miner = node.role("miner")
    node.configure("miner", cpu_percent=percent)
    node.process.send_signal(signal.SIGHUP)
    net.wait_until("a new miner is there", lambda: (role := node.role("miner")) and role["pid"] != miner["pid"])


@pytest.mark.slow
def test_targets_stay_with_steady_power_and_follow_when_it_jumps(net):
    one, two = miners(net, 60)
    wait_settled(net, one)
    net.wait_until("sixty blocks come at their pace", lambda: INTERVAL / 2 < statistics.mean(gaps(one, 60)) < 2 * INTERVAL)
    net.wait_until("the speed is known", lambda: outlook(one)["hash_rate"] > 0)
    net.wait_until("so much is expected", lambda: INTERVAL / 4 < outlook(one)["expected_ms"] < 4 * INTERVAL)
    assert outlook(one)["blocks_measured"] == 20

    steady = work(one)
    set_power(net, one, 3)
    net.wait_until("blocks are half as hard", lambda: work(one) < steady / 2)
    weak = work(one)
    set_power(net, one, 60)
    net.wait_until("they are harder again", lambda: work(one) > 1.5 * weak)
    one.post("/mine/stop")
    net.wait_agree([one, two])
    assert recomputed(two).height == two.height()


@pytest.mark.slow
def test_a_chain_whose_miners_went_away_recovers_without_help(net):
    one, two = miners(net, 60)
    wait_settled(net, one)
    one.post("/mine/stop")
    height, _ = net.wait_agree([one, two])
    before, hard = outlook(two), work(two)
    # Nobody mines, and the next block gets easier by the time alone, on whichever node one looks.
    net.wait_until("the next block is half as hard", lambda: outlook(two)["hashes_needed"] < hard / 2)
    after = outlook(two)
    assert after["network_hash_rate"] < before["network_hash_rate"] / 2
    assert after["hash_rate"] == 0 and after["since_ms"] > before["since_ms"]
    assert two.height() == height

    two.mine(MINER.address)
    assert work(two) < hard / 2
    net.wait_agree([one, two], height + 1)
    # The few who are left bring it back to its pace: what they can do in an interval is what a block takes.
    set_power(net, one, 2)
    net.wait_until("it goes on", lambda: one.height() > height + 5)
    one.post("/mine/stop")
    net.wait_agree([one, two])
    assert work(two) < hard
    assert recomputed(two).height == two.height()
