"""Peers that serve what breaks a rule: the node takes the chain up to there, names the rule, and leaves the peer alone."""

import pathlib
import re
import struct
import time

import pytest

from chainmaker import BREAKS, PARAMS, Chain, broken, pack_blocks
from fakepeer import FakePeer, claim_of
from wallet import Wallet

PARAMETERS = PARAMS | {"name": "hostile", "difficulty": 6, "minimum_fee": 10, "max_block_bytes": 131072}
NETWORK = {
    "name": "hostile",
    "difficulty": 6,
    "retarget": "per-block",
    "minimum_fee": "0.0000001",
    "max_block_bytes": 131072,
}
ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTOR, FRIEND, MINER = Wallet(), Wallet(), Wallet()


def base_chain():
    """Six blocks: the actor earns, and has sent once."""
    chain = Chain(PARAMETERS).mined(ACTOR, 4)
    return chain.mined(MINER, 2, [chain.transfer(ACTOR, FRIEND, 7)])


BASE = base_chain()


@pytest.fixture
def fakes():
    made = []
    yield made
    for fake in made:
        fake.close()


def meet(net, fakes, kind=FakePeer, chain=BASE, place=9, **changes):
    """A running node whose only peer is a fake one."""
    fake = kind(net.host(place), net.port + place, chain)
    fakes.append(fake)
    discovery = {"peers": fake.address, "scan_hosts": None, "scan_ports": None}
    node = net.node(network=NETWORK, discovery=discovery, **changes)
    node.start()
    return node, fake


def paused(node, fake):
    row = node.peers().get(fake.address)
    return row if row and row["state"] == "paused" else None


def is_at(node, chain):
    return node.head() == (chain.height, chain.head.hash.hex())


@pytest.mark.parametrize("row", BREAKS, ids=lambda row: row.name)
def test_a_chain_is_taken_up_to_the_block_that_breaks_a_rule(net, fakes, row):
    bad = broken(BASE, row, MINER, ACTOR, FRIEND)
    if row.how != "not canonical":  # no target follows from that one
        bad = bad.mined(MINER, 2)
    node, fake = meet(net, fakes, chain=bad)
    fake.claims = BASE.mined(MINER, 5)  # reason enough to ask, whatever the broken block is worth
    state = net.wait_until("the peer is paused", lambda: paused(node, fake))
    assert row.rule in state["reason"]
    assert node.log_has("resolver:", fake.address, f"breaks rule {row.rule} ")
    assert is_at(node, BASE)
    assert node.mine(MINER.address)


def test_every_rule_that_a_served_block_can_break_has_a_row():
    elsewhere = {
        # Not of blocks, or of the pool only.
        "ok", "sequence-taken", "sequence-too-far", "pool-full", "known-bad",
        # Tests of their own below.
        "time-too-new", "reorg-too-deep",
        # A block whose transactions do not parse is block-malformed.
        "tx-malformed", "tx-version",
    }  # fmt: skip
    text = (ROOT / "include/chain/rule.h").read_text()
    named = set(re.findall(r'X\(RULE_\w+, "([a-z0-9-]+)"', text))
    assert named - {row.rule for row in BREAKS} == elsewhere


def test_a_block_ahead_of_the_clock_is_no_offence_and_what_stands_before_it_counts(net, fakes):
    ahead = int(time.time() * 1000) + 3_600_000
    future = BASE.plus(BASE.draft(MINER, time=ahead)).mined(MINER)
    node, fake = meet(net, fakes, chain=future)
    net.wait_until("the valid part is taken", lambda: is_at(node, BASE))
    rounds = node.rounds()
    net.wait_until("more rounds", lambda: node.rounds() > rounds + 1)
    assert node.peers()[fake.address]["state"] == "up"
    assert is_at(node, BASE)


def test_a_branch_that_forks_too_deep_is_refused_by_name(net, fakes):
    node, fake = meet(net, fakes, chain=BASE, resolver={"max_reorg_depth": 3})
    net.wait_until("the chain is taken", lambda: is_at(node, BASE))
    other = BASE.up_to(2).mined(FRIEND, 9)
    fake.chain = fake.claims = other
    state = net.wait_until("the peer is paused", lambda: paused(node, fake))
    assert "reorg-too-deep" in state["reason"]
    assert is_at(node, BASE)


def test_a_deep_fork_is_swapped_in_and_its_transfers_return(net, fakes):
    shared = BASE
    losing = shared.mined(MINER, 40, [shared.transfer(ACTOR, FRIEND, 11)])
    lost = losing.blocks[shared.height + 1].txs[1]
    node, fake = meet(net, fakes, chain=losing)
    net.wait_until("the chain is taken", lambda: is_at(node, losing))
    winning = shared.mined(FRIEND, 60)
    fake.chain = fake.claims = winning
    net.wait_until("the longer one is taken", lambda: is_at(node, winning))
    net.wait_until("its transfer is pending", lambda: node.transaction_status(lost.id.hex()) == "pending")


@pytest.mark.parametrize("lower_is_theirs", [True, False])
def test_of_equal_work_the_lower_hash_wins(net, fakes, lower_is_theirs):
    one, two = BASE.mined(MINER), BASE.mined(FRIEND)
    low, high = sorted((one, two), key=lambda chain: chain.head.hash)
    first, second = (high, low) if lower_is_theirs else (low, high)
    node, fake = meet(net, fakes, chain=first)
    net.wait_until("the first is taken", lambda: is_at(node, first))
    fake.chain = fake.claims = second
    if lower_is_theirs:
        net.wait_until("the second is taken", lambda: is_at(node, second))
    else:
        rounds = node.rounds()
        net.wait_until("more rounds", lambda: node.rounds() > rounds + 2)
        assert is_at(node, first)


def test_headers_that_do_not_connect(net, fakes):
    class Unconnected(FakePeer):
        def headers(self, body):
            block = self.chain.blocks[4]
            return b"\0\1" + block.header.bytes

    node, fake = meet(net, fakes, Unconnected)
    net.wait_until("the peer is paused", lambda: paused(node, fake))
    assert node.log_has("resolver:", fake.address, "do not connect")
    assert node.height() == 0


class WithheldBodies(FakePeer):
    def blocks(self, body):
        return pack_blocks([])


class OtherBlock(FakePeer):
    def blocks(self, body):
        return pack_blocks([self.chain.blocks[3].bytes])


class TooManyBodies(FakePeer):
    def blocks(self, body):
        return pack_blocks([b.bytes for b in self.chain.blocks[1:]] * 3)


class CutBodies(FakePeer):
    def blocks(self, body):
        return super().blocks(body)[:-7]


class WrongCount(FakePeer):
    def headers(self, body):
        return struct.pack(">H", 2000) + super().headers(body)[2:]


class WrongType(FakePeer):
    def content_type(self):
        return "text/html"


class Endless(FakePeer):
    def headers(self, body):
        return bytes(2_000_000)


@pytest.mark.parametrize("kind", [WithheldBodies, OtherBlock, TooManyBodies, CutBodies, WrongCount, WrongType, Endless])
def test_a_peer_that_breaks_the_protocol_is_left_alone(net, fakes, kind):
    node, fake = meet(net, fakes, kind)
    state = net.wait_until("the peer is paused", lambda: paused(node, fake))
    assert "protocol" in state["reason"]
    asked = fake.asked["headers"]
    rounds = node.rounds()
    net.wait_until("more rounds", lambda: node.rounds() > rounds + 1)
    assert fake.asked["headers"] == asked
    assert node.height() == 0
    assert node.mine(MINER.address)


def test_whoever_claims_more_work_than_it_has_is_left_alone(net, fakes):
    class Boaster(FakePeer):
        def __init__(self, host, port, chain):
            super().__init__(host, port, chain, claims=claim_of(chain, more=100))

    node, fake = meet(net, fakes, Boaster)
    net.wait_until("what it has is taken", lambda: is_at(node, BASE))
    state = net.wait_until("the peer is paused", lambda: paused(node, fake))
    assert "protocol" in state["reason"]
    assert node.log_has("resolver:", fake.address, "less work than it says")
    rounds, asked = node.rounds(), fake.asked["headers"]
    net.wait_until("more rounds", lambda: node.rounds() > rounds + 1)
    assert fake.asked["headers"] == asked
    assert is_at(node, BASE)
