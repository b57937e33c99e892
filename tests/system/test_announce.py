"""Blocks announced by their names: built from the pool, asked for by parts, whole before anybody is blamed; and announcers that
do not give what they have announced."""

import struct
import threading

import pytest

import recompute as rc
from chainmaker import PARAMS, Chain, pack_compact, pack_hashes
from fakepeer import FakePeer
from wallet import Wallet, whole

NETWORK = {"name": "announce", "difficulty": 6, "retarget": "fixed"}
PARAMETERS = PARAMS | NETWORK | {"max_block_bytes": 131072}
ACTOR, FRIEND, MINER = Wallet(), Wallet(), Wallet()
# A block of so many transfers is too large to go whole.
MANY = 30


def base_chain():
    return Chain(PARAMETERS).mined(ACTOR, 3)


BASE = base_chain()
TRANSFERS = [BASE.transfer(ACTOR, FRIEND, 1 + k, sequence=k) for k in range(MANY)]
NEXT = BASE.mined(MINER, 1, TRANSFERS)


@pytest.fixture
def fakes():
    made = []
    yield made
    for fake in made:
        fake.close()


def meet(net, fakes, *kinds):
    """A node at the base chain whose rounds are over, and the fake peers that it knows."""
    made = [kind(net.host(9 + i), net.port + 9 + i, BASE) for i, kind in enumerate(kinds)]
    fakes += made
    peers = ", ".join(fake.address for fake in made)
    node = net.node(
        network=NETWORK | {"max_block_bytes": 131072},
        discovery={"peers": peers, "scan_hosts": None, "scan_ports": None, "interval": "1s"},
        resolver={"interval": "3600s"},
    )
    node.start()
    net.wait_until("the peers are up", lambda: len(node.peers_up()) == len(made))
    net.wait_until("the chain is taken", lambda: is_at(node, BASE))
    for fake in made:
        fake.chain = NEXT
        fake.asked.update(dict.fromkeys(fake.asked, 0))
    return node, *made


def is_at(node, chain):
    return node.head() == (chain.height, chain.head.hash.hex())


def pool(net, node, transfers):
    body = b"".join(tx.bytes for tx in transfers)
    assert node.request("POST", "/peer/transactions", data=body).status_code == 202
    net.wait_until("they are in the pool", lambda: len(node.pool()) == len(transfers))


@pytest.mark.parametrize("pooled", [0, 1, MANY // 2, MANY], ids=lambda n: f"{n} of {MANY} in the pool")
def test_a_block_is_built_from_the_pool_and_what_is_missing_is_asked_for(net, fakes, pooled):
    node, fake = meet(net, fakes, FakePeer)
    pool(net, node, TRANSFERS[:pooled])
    assert fake.push(node, "announce", pack_compact(NEXT.head)) == 202
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))
    assert fake.asked["parts"] == (pooled < MANY)
    assert fake.asked["blocks"] == fake.asked["headers"] == 0


def test_of_a_header_alone_the_names_are_asked_for(net, fakes):
    node, fake = meet(net, fakes, FakePeer)
    assert fake.push(node, "announce", NEXT.head.header.bytes) == 202
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))
    assert fake.asked["compact"] == fake.asked["parts"] == 1
    assert fake.asked["blocks"] == fake.asked["headers"] == 0


def test_a_block_beyond_what_a_push_can_hold_is_built_all_the_same(net, fakes):
    node, fake = meet(net, fakes, FakePeer)
    memo = bytes(250)
    transfers = [BASE.transfer(ACTOR, FRIEND, 1, sequence=k, memo=memo) for k in range(250)]
    fake.chain = large = BASE.mined(MINER, 1, transfers)
    assert len(large.head.bytes) > 65536
    assert fake.push(node, "block", large.head.bytes) == 202
    net.wait_until("the block is adopted", lambda: is_at(node, large))
    assert fake.asked["headers"] == 0


def test_whoever_cannot_be_asked_back_may_announce_what_the_pool_has(net, fakes):
    node, _ = meet(net, fakes, FakePeer)
    pool(net, node, TRANSFERS)
    assert node.request("POST", "/peer/announce", data=pack_compact(NEXT.head)).status_code == 202
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))


def test_another_signature_of_a_pooled_transfer_is_asked_for(net, fakes):
    node, fake = meet(net, fakes, FakePeer)
    wallet = Wallet(ACTOR.secret)
    twin = wallet.transfer(BASE.network.hex(), FRIEND, 1, sequence=0)
    digest = bytes.fromhex(twin["id"])
    assert digest == TRANSFERS[0].id
    # Another nonce, another signature, the same id.
    k = 12345
    r = rc.point_affine(rc.point_sum([(k, rc.G, 8)]))[0] % rc.N
    s = pow(k, -1, rc.N) * (int.from_bytes(digest, "big") + r * ACTOR.secret) % rc.N
    s = min(s, rc.N - s)
    twin["signature"] = (r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()
    assert whole(twin) != TRANSFERS[0].bytes
    node.send(twin)
    pool_rest = b"".join(tx.bytes for tx in TRANSFERS[1:])
    assert node.request("POST", "/peer/transactions", data=pool_rest).status_code == 202
    net.wait_until("they are in the pool", lambda: len(node.pool()) == MANY)
    assert fake.push(node, "announce", pack_compact(NEXT.head)) == 202
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))
    assert fake.asked["parts"] == 1 and fake.asked["blocks"] == 0


class OtherParts(FakePeer):
    def parts(self, _):
        return b"".join(tx.bytes for tx in reversed(TRANSFERS))


class NoParts(FakePeer):
    def parts(self, _):
        return b""


class Garbage(FakePeer):
    def parts(self, _):
        return b"\1" * 1000


@pytest.mark.parametrize("kind", [OtherParts, NoParts, Garbage])
def test_the_block_is_asked_for_whole_before_anybody_is_blamed(net, fakes, kind):
    node, fake = meet(net, fakes, kind)
    assert fake.push(node, "announce", pack_compact(NEXT.head)) == 202
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))
    assert fake.asked["parts"] == fake.asked["blocks"] == 1
    assert not node.log_has("resolver:", "level=warn")


class Nothing(FakePeer):
    """Announces and gives nothing, once the node has the base chain."""

    def compact(self, _):
        return b""

    def parts(self, _):
        return b""

    def blocks(self, body):
        return super().blocks(body) if self.chain is BASE else b"\0\0"


def questions(fake):
    return fake.asked["compact"] + fake.asked["parts"] + fake.asked["blocks"]


def announced(count):
    """So many different blocks on the base."""
    return [BASE.draft(MINER, TRANSFERS[: 1 + k]).seal() for k in range(count)]


def test_an_announcer_that_gives_nothing_is_passed_over_and_nobody_else(net, fakes):
    node, bad, good = meet(net, fakes, Nothing, FakePeer)
    for block in announced(12):
        asked = questions(bad)
        assert bad.push(node, "announce", pack_compact(block)) == 202
        net.wait_until(
            "it was asked, or is passed over",
            lambda a=asked: questions(bad) > a or node.log_has("resolver:", bad.address, "passed over"),
        )
    assert node.log_has("resolver:", bad.address, "announced block 4 and does not have it")
    net.wait_until("it is passed over", lambda: node.log_has("resolver:", bad.address, "passed over"))
    assert questions(bad) < 12
    # The same host as far as loopback goes, but another peer.
    assert good.push(node, "announce", pack_compact(NEXT.head)) in (202, 200)  # a round may have brought it
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))


class Silent(FakePeer):
    """Takes a question for its parts and never answers while the test runs."""

    def parts(self, _):
        self.is_asked.set()
        self.may_end.wait(60)
        return b""


def test_parts_that_never_come_cost_a_moment_if_somebody_else_has_the_block(net, fakes):
    Silent.is_asked, Silent.may_end = threading.Event(), threading.Event()
    try:
        node, slow, good = meet(net, fakes, Silent, FakePeer)
        assert slow.push(node, "announce", pack_compact(NEXT.head)) == 202
        assert Silent.is_asked.wait(60)
        assert good.push(node, "announce", pack_compact(NEXT.head)) in (202, 200)  # a round may have brought it
        net.wait_until("the block is adopted", lambda: is_at(node, NEXT))
        assert good.asked["parts"] == 1
    finally:
        Silent.may_end.set()


def test_unknown_heads_in_a_loop_cost_a_bounded_number_of_questions(net, fakes):
    node, bad, good = meet(net, fakes, FakePeer, FakePeer)
    bad.chain = BASE
    far = NEXT.mined(MINER, 2)
    for k in range(200):
        block = far.draft(MINER, time=far.head.header.time + 1 + k).seal()
        assert bad.push(node, "announce", block.header.bytes) in (202, 200, 503)
    assert bad.asked["headers"] < 60
    assert good.push(node, "announce", pack_compact(NEXT.head)) in (202, 200)  # a round may have brought it
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))


def test_blocks_that_break_rules_count_against_who_pushed_them(net, fakes):
    node, bad, good = meet(net, fakes, FakePeer, FakePeer)
    for k in range(12):
        draft = BASE.draft(MINER, time=BASE.head.header.time + 20000 + k)
        draft.txs[0].value += 1 + k
        assert bad.push(node, "block", draft.seal().bytes) in (202, 200)
    net.wait_until("it is named", lambda: node.log_has("resolver:", bad.address, "breaks rule reward-amount"))
    net.wait_until("it is passed over", lambda: node.log_has("resolver:", bad.address, "passed over"))
    assert good.push(node, "announce", pack_compact(NEXT.head)) in (202, 200)  # a round may have brought it
    net.wait_until("the block is adopted", lambda: is_at(node, NEXT))


def test_parts_and_names_of_blocks_that_are_not_there(net, fakes):
    node, fake = meet(net, fakes, FakePeer)
    nobody = bytes(31) + b"\1"
    known = BASE.head.hash
    assert fake.push(node, "compact", nobody) == 404
    assert fake.push(node, "parts", nobody + struct.pack(">HH", 1, 0)) == 404
    assert fake.push(node, "parts", known + struct.pack(">HH", 1, 0)) == 200
    for body in (b"", nobody[:31], known + b"\0", known + struct.pack(">HH", 1, 1), known + struct.pack(">HHH", 2, 1, 0)):
        assert fake.push(node, "parts", body) == 400
    assert fake.push(node, "compact", known[:31]) == 400
    assert fake.push(node, "inventory", pack_hashes([nobody] * 1025)) == 400
    for cut in range(1, len(pack_compact(NEXT.head)), 97):
        if cut != 96:
            assert fake.push(node, "announce", pack_compact(NEXT.head)[:cut]) == 400
    net.wait_until("it is named", lambda: node.log_has("peers:", fake.host, "pushes what no node would: bad-message"))
