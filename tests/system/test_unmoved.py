"""A node that has an honest peer stays with it, whatever others do: the honest chain is taken meanwhile, offenders are named
and left alone, and neither memory nor traffic grows with what they send."""

import itertools
import os
import pathlib
import random
import re
import struct
import time

import pytest

import recompute as rc
from chainmaker import PARAMS, Chain, pack_list
from fakepeer import FakePeer, claim_of, unpack_hashes
from net import SANITIZED, recomputed
from rogues import ROGUES, Dripping, Mutant, Rogue
from wallet import Wallet

NETWORK = {"name": "unmoved", "difficulty": 0, "retarget": "fixed"}
PARAMETERS = PARAMS | NETWORK
ACTOR, FRIEND, MINER, ROGUE = Wallet(), Wallet(), Wallet(), Wallet()
MIB = 1 << 20
MUTANTS = 40
# The largest reply and as much again, and what the kernel holds of a connection on either side.
TRAFFIC_MAX = 32 * MIB
# What the replies under way and their judgement may take; far below what any of these peers would send.
GROWTH_MAX = 96 * MIB


@pytest.fixture
def fakes():
    made = []
    yield made
    for fake in made:
        fake.close()


@pytest.fixture
def meet(net, fakes):
    """A node that is not running yet, and its only peers: made of (kind, chain) pairs."""

    def made(*kinds, network=NETWORK, **changes):
        fakes.extend(kind(net.host(10 + k), net.port + 7, chain) for k, (kind, chain) in enumerate(kinds))
        peers = ", ".join(fake.address for fake in fakes)
        discovery = {"peers": peers, "scan_hosts": None, "scan_ports": None}
        return net.node(network=network, discovery=discovery, **changes), *fakes

    return made


def is_at(node, chain):
    return node.head() == (chain.height, chain.head.hash.hex())


def is_paused(node, fake):
    return node.peers()[fake.address]["state"] == "paused"


def memory_of(pid, what):
    """A line of /proc/PID/status, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+) kB$", text, re.MULTILINE)[1]) * 1024


class Frugal:
    """Within it no role takes much more memory, at its peak, than it had before, and none ends badly."""

    ROLES = ("worker", "resolver", "discovery", "pool", "relay")

    def __init__(self, net, node):
        self.net, self.node = net, node

    def rows(self):
        return [row for row in self.node.roles() if row["role"] in self.ROLES]

    def __enter__(self):
        self.net.wait_until("all have started", lambda: {row["role"] for row in self.rows()} == set(self.ROLES))
        self.before = {row["role"]: memory_of(row["pid"], "RssAnon") for row in self.rows()}
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        for row in self.rows():
            # The peak counts pages of the segment and of files too, as far as they were touched.
            shared = memory_of(row["pid"], "RssShmem") + memory_of(row["pid"], "RssFile")
            grown = memory_of(row["pid"], "VmHWM") - shared - self.before[row["role"]]
            assert SANITIZED or grown < GROWTH_MAX, f"{row['role']} took {grown >> 20} MiB"
            assert row["restarts"] == 0, f"{row['role']} had to be replaced"


def more_rounds(net, node, count=2):
    rounds = node.rounds()
    net.wait_until("more rounds", lambda: node.rounds() >= rounds + count)


def test_many_rogues_at_once(net, meet):
    base = Chain(PARAMETERS).mined(MINER, 6)
    rival = base.mined(ROGUE, 5)
    node, honest, *rogues = meet((FakePeer, base), *[(kind, rival) for kind in ROGUES])
    node.start()
    with Frugal(net, node):
        net.wait_until("the honest chain is taken", lambda: is_at(node, base))
        for rogue in rogues:
            name = type(rogue).__name__
            net.wait_until(f"{name} is paused", lambda r=rogue: is_paused(node, r))
            assert node.log_has("level=warn", "resolver: ", f"{rogue.address}: ", type(rogue).WORDS), name
            assert node.peers()[rogue.address]["reason"] == "protocol", name
        asked = [rogue.asked["headers"] for rogue in rogues]
        honest.chain = base.mined(MINER, 3)
        net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
        more_rounds(net, node)
    assert [rogue.asked["headers"] for rogue in rogues] == asked
    for rogue in rogues:
        assert rogue.asked["headers"] + rogue.asked["blocks"] <= 4, type(rogue).__name__
        assert rogue.sent < TRAFFIC_MAX, type(rogue).__name__
    assert node.peers()[honest.address]["state"] == "up"


def test_answers_changed_at_random_end_nobody(net, meet):
    seed = int(os.environ.get("RENSA_MUTANT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"RENSA_MUTANT_SEED={seed} repeats this")
    """All have the same chain; what the others make of it must not stand in the way of who serves it as it is."""
    base = Chain(PARAMETERS).mined(ACTOR, 6)
    chain = base.mined(MINER, 5, [base.transfer(ACTOR, FRIEND, n + 1, sequence=n, memo=b"m" * n) for n in range(20)])
    node, honest, *mutants = meet((FakePeer, chain), *[(Mutant, chain)] * MUTANTS)
    for n, mutant in enumerate(mutants):
        mutant.random = random.Random(seed + n)
        mutant.claims = claim_of(chain, more=1)  # so that they are asked first
    node.start()
    with Frugal(net, node):
        net.wait_until("the honest chain is taken", lambda: is_at(node, chain))
        net.wait_until("many were asked", lambda: sum(mutant.asked["headers"] > 0 for mutant in mutants) > MUTANTS / 2)
        honest.chain = chain.mined(MINER, 3)
        net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
    recomputed(node)


def test_rogues_in_the_handshake_become_no_peers(net, meet):
    base = Chain(PARAMETERS).mined(MINER, 6)
    kinds = [type(f"Greeting{kind.__name__}", (kind,), {"WORD": "hello"}) for kind in ROGUES if issubclass(kind, Rogue)]
    node, honest, *rogues = meet((FakePeer, base), *[(kind, base) for kind in kinds])
    node.start()
    with Frugal(net, node):
        net.wait_until("the honest chain is taken", lambda: is_at(node, base))
        for rogue in rogues:
            name = type(rogue).__name__
            net.wait_until(f"{name} was met", lambda r=rogue: r.asked["hello"] and node.peers()[r.address]["reason"])
            assert node.peers()[rogue.address]["state"] not in ("up", "paused"), name
        honest.chain = base.mined(MINER, 3)
        net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
    assert [row["address"] for row in node.peers_up()] == [honest.address]
    for rogue in rogues:
        assert rogue.sent < TRAFFIC_MAX * rogue.asked["hello"], type(rogue).__name__
        assert rogue.asked["headers"] == 0


@pytest.fixture(scope="module")
def trunk():
    return Chain(PARAMETERS).mined(MINER, 10_000)


def spoiled(chain, more):
    """Longer by a block that pays itself too much, and others on top."""
    block = chain.draft(ROGUE)
    block.txs[0].value += 1
    return chain.plus(block).mined(ROGUE, more)


def test_a_longer_chain_with_one_bad_block_near_and_far(net, meet, trunk):
    near, far = spoiled(trunk.up_to(0), 10_010), spoiled(trunk.up_to(9_999), 20)
    honest_chain = trunk.mined(MINER, 3)
    node, honest, one, two = meet((FakePeer, honest_chain), (FakePeer, near), (FakePeer, far))
    node.start()
    with Frugal(net, node):
        net.wait_until("the honest chain is taken", lambda: is_at(node, honest_chain))
        for fake, height in ((one, 1), (two, 10_000)):
            net.wait_until("it is paused", lambda f=fake: is_paused(node, f))
            assert node.peers()[fake.address]["reason"] == "reward-amount"
            hash = fake.chain.blocks[height].hash.hex()[:16]
            assert node.log_has("resolver:", f"{fake.address}: block {height} {hash} breaks rule reward-amount")
    # It has 10,010 blocks more to show.
    assert one.asked["blocks"] <= 8
    assert is_at(node, honest_chain)


def losing_and_bad(trunk):
    """From genesis, of more headers than the trunk, and broken just before its bodies would win."""
    return spoiled(trunk.up_to(0).mined(ROGUE, trunk.height - 2), 20)


def test_a_branch_that_breaks_just_before_it_wins_is_fetched_once(net, meet, trunk):
    """What was staged of it is dead weight of the segment; its next bearer is refused by its headers."""
    trunk = trunk.up_to(1_000)
    bad = losing_and_bad(trunk)
    node, honest, one, two = meet(*[(FakePeer, trunk)] * 3)
    node.start()
    net.wait_until("the honest chain is taken", lambda: is_at(node, trunk))
    usage = node.status()["segment"]
    with Frugal(net, node):
        one.chain = bad
        net.wait_until("the first is paused", lambda: is_paused(node, one))
        assert node.log_has(f"{one.address}: block 999 ", "breaks rule reward-amount")
        used, bodies = node.status()["segment"]["arena_used"], two.asked["blocks"]
        assert used < 2 * usage["arena_used"]
        two.chain = bad
        net.wait_until("the second is paused", lambda: is_paused(node, two))
        assert node.peers()[two.address]["reason"] == "known-bad"
        honest.chain = trunk.mined(MINER, 3)
        net.wait_until("what is new is taken", lambda: is_at(node, honest.chain))
    assert two.asked["blocks"] == bodies


def test_who_filled_the_segment_with_a_lost_branch_stays_paused_when_that_is_cleared(net, meet, trunk):
    node, honest, one = meet((FakePeer, trunk), (FakePeer, trunk))
    node.start()
    net.wait_until("the honest chain is taken", lambda: is_at(node, trunk))
    resolver = node.role("resolver")["pid"]
    one.chain = losing_and_bad(trunk)
    net.wait_until("it is rebuilt", lambda: (role := node.role("resolver")) and role["pid"] != resolver)
    assert node.log_has("rebuilding it from the journal")
    net.wait_until("the peers are back", lambda: len(node.peers()) == 2)
    asked = dict(one.asked)
    honest.chain = trunk.mined(MINER, 3)
    net.wait_until("what is new is taken", lambda: is_at(node, honest.chain))
    more_rounds(net, node)
    row = node.peers()[one.address]
    assert (row["state"], row["reason"]) == ("paused", "reward-amount")
    assert [one.asked[word] - asked[word] for word in ("headers", "blocks")] == [0, 0]
    assert node.status()["segment"]["arena_dead"] == 0


def test_deep_stale_forks_move_nothing_and_are_not_fetched(net, meet, trunk):
    node, honest, *others = meet(*[(FakePeer, trunk)] * 4)
    node.start()
    net.wait_until("the honest chain is taken", lambda: is_at(node, trunk))
    bodies = [other.asked["blocks"] for other in others]
    with Frugal(net, node):
        for other, depth in zip(others, (0, 5_000, 9_900)):
            other.chain = trunk.up_to(depth).mined(ROGUE, 9_990 - depth)
            other.claims = claim_of(trunk, more=5)
        for other in others:
            net.wait_until("it is paused", lambda o=other: is_paused(node, o))
            assert node.log_has("resolver:", other.address, "less work than it says")
        honest.chain = trunk.mined(MINER, 2)
        net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
        more_rounds(net, node)
    assert [other.asked["blocks"] for other in others] == bodies


class Fickle(FakePeer):
    """Has another chain of more than one reply's headers each time it is asked to go on."""

    chains = ()

    def headers(self, body):
        self.chain = next(self.chains)
        return super().headers(body)


def test_a_peer_that_changes_its_mind_while_it_is_asked_holds_up_nobody(net, meet, trunk):
    honest_chain = trunk.up_to(2_500)
    first, second = (trunk.up_to(0).mined(who, 2_505) for who in (ROGUE, FRIEND))
    node, honest, fickle = meet((FakePeer, honest_chain), (Fickle, first))
    Fickle.chains = itertools.cycle([first, second])
    fickle.claims = claim_of(honest_chain, more=10)
    node.start()
    with Frugal(net, node):
        net.wait_until("it was asked", lambda: fickle.asked["headers"] >= 2)
        net.wait_until("a chain of one of them is taken", lambda: node.height() >= 2_500)
        honest.chain = trunk.up_to(2_600)
        net.wait_until("the honest chain is taken", lambda: is_at(node, honest.chain))


def flood_network():
    """Targets follow the power, so that a chain made in a hurry has more work than any number of easy blocks."""
    return PARAMS | {"name": "flood", "difficulty": 0}


def hurried(chain, blocks):
    """So many blocks a millisecond apart: each is harder than the one before."""
    for _ in range(blocks):
        chain.blocks.append(chain.draft(MINER, time=chain.head.header.time + 1).seal())
    return chain


class HeaderFlood(FakePeer):
    """Once it floods, it goes on with blocks of the least work for as long as it is asked, made on the spot."""

    is_flooding = False

    def headers(self, body):
        if not self.is_flooding:
            return super().headers(body)
        genesis, hash = self.chain.blocks[0].header, unpack_hashes(body)[0]
        known = getattr(self, "made", {}).get(hash)
        height, start = known or (0, genesis.time)
        hash = hash if known else genesis.hash
        out = []
        for _ in range(2000):
            height, start = height + 1, start + self.chain.params["target_interval"]
            head = struct.pack(">I32s32sQIQQ", 1, hash, bytes(32), start, self.chain.easiest, height, 0)
            hash = rc.sha256d(head)
            out.append(head)
        self.made = getattr(self, "made", {}) | {hash: (height, start)}
        return pack_list(out)


def test_headers_of_low_work_without_end_are_cut_off(net, meet):
    honest_chain = hurried(Chain(flood_network()), 720)
    assert honest_chain.work > 250_000
    network = {"name": "flood", "difficulty": 0, "retarget": "per-block"}
    node, honest, rogue = meet((FakePeer, honest_chain), (HeaderFlood, honest_chain), network=network)
    node.start()
    net.wait_until("the honest chain is taken", lambda: is_at(node, honest_chain))
    with Frugal(net, node):
        bodies, rogue.is_flooding = rogue.asked["blocks"], True
        rogue.claims = claim_of(honest_chain, more=1 << 40)
        net.wait_until("the flood is over", lambda: is_paused(node, rogue))
        assert node.log_has("level=warn", f"resolver: {rogue.address}: it has headers without end")
        assert rogue.sent < TRAFFIC_MAX
        honest.chain = hurried(Chain(flood_network(), list(honest_chain.blocks)), 1)
        net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
    assert rogue.asked["blocks"] == bodies


def test_many_that_drip_their_headers_keep_the_honest_one_waiting_for_a_moment_only(net, meet, trunk):
    """As many addresses as one likes may be somebody's: what each costs must be little."""
    base = trunk.up_to(20)
    rival = base.mined(ROGUE, 20)
    node, honest, *slow = meet((FakePeer, base), *[(Dripping, rival)] * 4)
    for fake in slow:
        fake.WORD, fake.is_dripping = "headers", True
    node.start()
    net.wait_until("the honest chain is taken", lambda: is_at(node, base))
    honest.chain = trunk.up_to(30)
    honest.push(node, "block", honest.chain.head.bytes)
    net.wait_until("what is new is taken too", lambda: is_at(node, honest.chain))
    dripped = [fake for fake in slow if fake.begun]
    assert dripped
    for fake in dripped:
        net.wait_until("it was cut", lambda f=fake: f.cut)
        assert node.log_has("level=warn", f"resolver: {fake.address}: it is slow with its headers")


def test_while_a_peer_drips_pushed_blocks_are_taken_and_at_last_it_is_cut(net, meet, trunk):
    base = trunk.up_to(20)
    node, honest, slow = meet((FakePeer, base), (Dripping, base))
    node.start()
    net.wait_until("the chain is taken", lambda: is_at(node, base))
    slow.is_dripping = True
    slow.chain = base.mined(ROGUE, 20)
    net.wait_until("it drips", lambda: slow.begun)
    honest.chain = trunk.up_to(21)
    reply = node.request("POST", "/peer/block", data=honest.chain.head.bytes)
    assert reply.status_code in (200, 202)
    net.wait_until("the pushed block is taken", lambda: is_at(node, honest.chain))
    honest.chain = trunk.up_to(60)  # not to be had without a fetch
    net.wait_until("the honest chain is taken", lambda: is_at(node, honest.chain))
    net.wait_until("it was cut", lambda: slow.cut)
    assert slow.sent < MIB


def told_of_blocks(fake):
    return fake.asked["block"] + fake.asked["announce"]


def test_peers_that_hang_or_flood_when_they_are_told_news_keep_it_from_nobody(net, meet, trunk):
    base = trunk.up_to(5)
    kinds = [type(f"Told{kind.__name__}", (kind,), {"WORD": "announce"}) for kind in (*ROGUES, Dripping) if issubclass(kind, (Rogue, Dripping))]
    node, honest, *rogues = meet((FakePeer, base), *[(kind, base) for kind in kinds])
    for rogue in rogues:
        rogue.is_dripping = True
    node.start()
    net.wait_until("the chain is taken", lambda: is_at(node, base))
    net.wait_until("all are up", lambda: len(node.peers_up()) == 1 + len(rogues))
    with Frugal(net, node):
        for _ in range(5):
            told = told_of_blocks(honest)
            node.mine(MINER.address)
            net.wait_until("the honest one is told", lambda t=told: told_of_blocks(honest) > t)
    for rogue in rogues:
        net.wait_until("it was told something", lambda r=rogue: told_of_blocks(r))
        assert rogue.sent < TRAFFIC_MAX * told_of_blocks(rogue), type(rogue).__name__


def test_heads_nobody_has_announced_in_a_loop(net, meet, trunk):
    base = trunk.up_to(50)
    node, honest, rogue = meet((FakePeer, base), (FakePeer, base))
    node.start()
    net.wait_until("the chain is taken", lambda: is_at(node, base))
    net.wait_until("both are up", lambda: len(node.peers_up()) == 2)
    other = trunk.up_to(0).mined(ROGUE, 40)
    before, rounds, began = dict(rogue.asked), node.rounds(), time.monotonic()
    seen = set()
    with Frugal(net, node):
        for n in range(300):
            block = other.draft(ROGUE)
            block.header.previous = rc.sha256d(struct.pack(">Q", n))
            # They leave from the peer's own address, as a node's pushes do.
            seen.add(rogue.push(node, "block", block.seal().bytes))
        honest.chain = trunk.up_to(55)
        net.wait_until("the honest chain is taken", lambda: is_at(node, honest.chain))
        net.wait_until("it was asked what it has", lambda: rogue.asked["headers"] > before["headers"])
    assert seen <= {200, 202, 503}
    # At most one fetch in 200 ms, and one a round.
    spent, rounds = time.monotonic() - began, node.rounds() - rounds
    assert rogue.asked["headers"] - before["headers"] <= spent * 5 + rounds + 3
    assert rogue.asked["blocks"] == before["blocks"]


def test_a_flood_of_transfers_without_funds_fills_nothing(net, meet):
    base = Chain(PARAMETERS).mined(ACTOR, 3)
    node, honest = meet((FakePeer, base))
    node.start()
    net.wait_until("the chain is taken", lambda: is_at(node, base))
    poor = [Wallet(0xBAD0000 + n) for n in range(200)]
    flood = [base.transfer(wallet, FRIEND, 5, sequence=k).bytes for wallet in poor for k in range(3)]
    before = node.status()
    with Frugal(net, node):
        for n in range(12):
            for at in range(0, len(flood), 100):
                honest.push(node, "transactions", b"".join(flood[at : at + 100]))
            if n == 5:
                sent = node.send(ACTOR.transfer(node.genesis(), FRIEND, 5))
    after = node.status()
    assert node.pool() == [sent["id"]]
    assert node.role("pool")["rejected"] >= 12 * len(flood) / 2
    grown = after["pool_log"]["bytes"] - before["pool_log"]["bytes"]
    assert grown < 4096, "only what was accepted is kept"
    assert after["segment"]["arena_used"] == before["segment"]["arena_used"]
    node.mine(MINER.address)
    assert node.transaction_status(sent["id"]) == "confirmed"
