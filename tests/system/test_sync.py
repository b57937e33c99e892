"""A node that comes to a long chain of its peers: from several at once, whatever some of them do; with signatures checked
ahead by several processes, and none twice; and with readers that notice nothing of a deep swap."""

import contextlib
import json
import os
import signal
import socket
import threading

import pytest

from chainmaker import PARAMS, Chain, pack_blocks
from fakepeer import FakePeer, unpack_hashes
from net import recomputed, stat_of
from wallet import Wallet, sign

NETWORK = {"name": "sync", "difficulty": 0, "retarget": "fixed"}
PARAMETERS = PARAMS | NETWORK
ACTOR, FRIEND, MINER = Wallet(), Wallet(), Wallet()
TRANSFERS = 5


def busy_chain(blocks):
    """The actor earns in the first block, and sends in each that follows."""
    chain = Chain(PARAMETERS).mined(ACTOR)
    for n in range(blocks - 1):
        sent = [chain.transfer(ACTOR, FRIEND, 10, sequence=n * TRANSFERS + k) for k in range(TRANSFERS)]
        chain = chain.mined(MINER, 1, sent)
    return chain


BUSY = busy_chain(60)


class Slow(FakePeer):
    """Sends ten bodies at a time, and calls somebody before each."""

    before = staticmethod(lambda: None)

    def blocks(self, body):
        self.before()
        hashes = unpack_hashes(body)[:10]
        return super().blocks(len(hashes).to_bytes(2, "big") + b"".join(hashes))


class Indexed(FakePeer):
    """Finds its blocks in long chains quickly, those of its last chain too."""

    def __init__(self, host, port, chain, claims=None):
        self.known = {}
        self.swap(chain)
        super().__init__(host, port, chain, claims)

    def swap(self, chain):
        self.known.update({block.hash: block.bytes for block in chain.blocks})
        self.heights = {block.hash: height for height, block in enumerate(chain.blocks)}
        self.chain = self.claims = chain

    def headers(self, body):
        common = next((self.heights[h] for h in unpack_hashes(body) if h in self.heights), 0)
        return super().headers((1).to_bytes(2, "big") + self.chain.blocks[common].hash)

    def blocks(self, body):
        return pack_blocks([self.known[h] for h in unpack_hashes(body) if h in self.known])


class Hung(FakePeer):
    """Answers no request for bodies until it is closed."""

    def __init__(self, *args):
        self.is_over = threading.Event()
        super().__init__(*args)

    def blocks(self, body):
        self.is_over.wait(100)
        return super().blocks(body)

    def close(self):
        self.is_over.set()
        super().close()


class Withholding(FakePeer):
    def blocks(self, body):
        return pack_blocks([])


class Confused(FakePeer):
    """Sends the first block whatever it is asked for."""

    def blocks(self, body):
        return pack_blocks([self.chain.blocks[1].bytes] * len(unpack_hashes(body)))


class Spoiling(FakePeer):
    """Changes the last byte of each block, so that it is not what its header promises."""

    def blocks(self, body):
        bodies = [self.chain.blocks[self.chain.find(h)].bytes for h in unpack_hashes(body)]
        return pack_blocks([b[:-1] + bytes([b[-1] ^ 1]) for b in bodies])


class Leaving(FakePeer):
    """Is gone after its first bodies."""

    def blocks(self, body):
        if self.asked["blocks"] > 1:
            self.server.socket.close()
            raise ConnectionResetError
        return super().blocks(body)


@pytest.fixture
def meet_many(net):
    """A node that is not running yet, and its peers, one of each kind."""
    fakes = []

    def made(kinds, chain, **changes):
        for kind in kinds:
            place = 9 + len(fakes)
            fakes.append(kind(net.host(place), net.port + place, chain))
        peers = ", ".join(fake.address for fake in fakes)
        discovery = {"peers": peers, "scan_hosts": None, "scan_ports": None}
        return net.node(network=NETWORK, discovery=discovery, **changes), fakes

    yield made
    for fake in fakes:
        with contextlib.suppress(OSError):
            fake.close()


@pytest.fixture
def meet(meet_many):
    """The same with one peer."""

    def made(kind, chain):
        node, fakes = meet_many([kind], chain)
        return node, fakes[0]

    return made


def is_at(node, chain):
    return node.head() == (chain.height, chain.head.hash.hex())


@pytest.mark.parametrize("place", [1, TRANSFERS])
@pytest.mark.parametrize("how", ["bad-signature", "high-s-signature"])
def test_one_bad_signature_deep_in_a_reply_is_found_and_named(net, meet, how, place):
    before = BUSY.up_to(40)
    first = 39 * TRANSFERS
    sent = [before.transfer(ACTOR, FRIEND, 10, sequence=first + k) for k in range(TRANSFERS)]
    bad = sent[place - 1]
    bad.signature = sign(0xBAD, bad.id) if how == "bad-signature" else sign(bad.secret, bad.id, True)
    chain = before.mined(MINER, 1, sent)
    for n in range(40, 60):
        more = [before.transfer(ACTOR, FRIEND, 10, sequence=n * TRANSFERS + k) for k in range(TRANSFERS)]
        chain = chain.mined(MINER, 1, more)
    node, fake = meet(FakePeer, chain)
    node.start()
    row = net.wait_until("the peer is paused", lambda: (r := node.peers().get(fake.address)) and r["state"] == "paused" and r)
    assert how in row["reason"]
    assert node.log_has("resolver:", fake.address, f"block 41 {chain.blocks[41].hash.hex()[:16]} breaks rule {how} ")
    assert is_at(node, before)
    assert node.mine(MINER.address)


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSTOP])
def test_verifiers_that_die_or_stand_still_hold_up_no_sync(net, meet, sig):
    chain = BUSY.mined(MINER, 240)
    node, fake = meet(Slow, chain)
    hit = set()

    def strike():
        for row in node.roles("verifier"):
            state = stat_of(row["pid"])
            if state and state[1] == node.process.pid:
                os.kill(row["pid"], sig)
                hit.add(row["pid"])

    fake.before = strike
    node.start()
    net.wait_until("it has the chain", lambda: is_at(node, chain))
    assert hit
    recomputed(node)
    assert node.mine(MINER.address)
    node.stop()
    node.start()
    assert node.height() == chain.height + 1


LONG = BUSY.mined(MINER, 540)


class Waiting(FakePeer):
    """Answers no further request for bodies than the first until it may."""

    def __init__(self, *args):
        self.may_go_on = threading.Event()
        super().__init__(*args)

    def blocks(self, body):
        if self.asked["blocks"] > 1:
            self.may_go_on.wait(100)
        return super().blocks(body)

    def close(self):
        self.may_go_on.set()
        super().close()


@pytest.fixture
def meet_in_turn(net, meet_many):
    """A node that fetches from a peer which hangs after its first bodies, and then from others, each of which comes up when the
    one before it was asked. So all are asked, and what the first owes is left for the last."""
    later = []

    def made(kinds, chain):
        node, fakes = meet_many([Waiting], chain)
        places = [(net.host(10 + n), net.port + 10 + n) for n in range(len(kinds))]
        peers = [fakes[0].address, *(f"{host}:{port}" for host, port in places)]
        node.configure("discovery", peers=", ".join(peers), interval="1s")
        node.start()
        net.wait_until("the first hangs", lambda: fakes[0].asked["blocks"] == 2)
        for kind, place in zip(kinds, places):
            later.append(kind(*place, chain))
            net.wait_until("the next one is asked", lambda: later[-1].asked["blocks"])
        return node, fakes + later

    yield made
    for fake in later:
        with contextlib.suppress(OSError):
            fake.close()


def test_blocks_come_from_all_peers_that_are_up(net, meet_in_turn):
    node, fakes = meet_in_turn([Waiting, Waiting, FakePeer], LONG)
    net.wait_until("it has the chain", lambda: is_at(node, LONG))
    assert [fake.asked["headers"] for fake in fakes] == [1, 0, 0, 0]
    assert all(row["state"] == "up" for row in node.peers().values())


@pytest.mark.parametrize("kind", [Hung, Leaving])
def test_who_does_not_deliver_holds_up_nobody(net, meet_in_turn, kind):
    """The peers that hang still do when the node has everything."""
    node, fakes = meet_in_turn([kind, FakePeer], LONG)
    net.wait_until("it has the chain", lambda: is_at(node, LONG))
    assert "paused" not in {row["state"] for row in node.peers().values()}


@pytest.mark.parametrize("kind, word", [(Withholding, "protocol"), (Confused, "protocol"), (Spoiling, "wrong-merkle-root")])
def test_who_delivers_what_is_wrong_is_named_and_the_sync_goes_on(net, meet_in_turn, kind, word):
    node, fakes = meet_in_turn([kind, FakePeer], LONG)
    net.wait_until("it has the chain", lambda: is_at(node, LONG))
    states = [(row["state"], row["reason"]) for row in (node.peers()[fake.address] for fake in fakes)]
    assert states == [("up", ""), ("paused", word), ("up", "")]
    assert node.log_has("resolver:", f"{fakes[1].address} is left alone")


def test_a_sync_tells_how_far_it_is(net, meet):
    node, fake = meet(Waiting, LONG)
    node.start()
    sync = net.wait_until("a sync is shown", lambda: (s := node.status()["sync"])["active"] and s["height"] and s)
    assert (sync["height"], sync["target"], sync["percent"], sync["peers"]) == (64, 600, 10, 1)
    ready = node.get("/readyz")
    assert ready["ready"] and ready["sync"]["active"] and ready["height"] == 64
    net.wait_until("the log tells", lambda: node.log_has("resolver: at height 64 of 600 (10 %)", f"from {fake.address}"))
    fake.may_go_on.set()
    net.wait_until("it has the chain", lambda: is_at(node, LONG))
    net.wait_until("the end is told", lambda: node.log_has("resolver: the sync has ended at height 600 of 600: 600 blocks in"))
    assert node.status()["sync"] == {"active": False, "height": 0, "target": 0}
    assert "sync" not in node.get("/readyz")


def signatures(node, role):
    return node.role(role).get("signatures", 0)


@pytest.mark.parametrize("is_pushed", [False, True])
def test_a_signature_checked_in_the_pool_is_not_checked_again_in_a_block(net, meet, is_pushed):
    start = BUSY.up_to(5)
    node, fake = meet(FakePeer, start)
    node.start()
    net.wait_until("it has the chain", lambda: is_at(node, start))
    sequence = 4 * TRANSFERS
    sent = [start.transfer(ACTOR, FRIEND, 10, sequence=sequence + k) for k in range(8)]
    octets = {"Content-Type": "application/octet-stream"}
    pooled = b"".join(tx.bytes for tx in sent[:6])
    assert node.request("POST", "/peer/transactions", data=pooled, headers=octets).status_code == 202
    # The same transfer, as good by its id, with another signature: nobody has checked that one.
    other = start.transfer(ACTOR, FRIEND, 10, sequence=sequence)
    other.sign(high_s=True)
    before = signatures(node, "resolver")
    bad = start.mined(MINER, 1, [other, *sent[1:]])
    good = start.mined(MINER, 1, sent)
    if is_pushed:
        assert node.request("POST", "/peer/block", data=bad.head.bytes, headers=octets).status_code == 202
        net.wait_until("the bad one is refused", lambda: node.log_has("resolver:", "breaks rule high-s-signature"))
        # It stops at the first bad one, and a push is judged one by one.
        assert signatures(node, "resolver") == before + 1
        before += 1
        assert node.request("POST", "/peer/block", data=good.head.bytes, headers=octets).status_code == 202
    else:
        fake.chain = fake.claims = good
    net.wait_until("it has the block", lambda: is_at(node, good))
    assert signatures(node, "resolver") == before + 2


def test_the_miner_checks_each_signature_itself_and_once(net):
    """A block takes so long that its draft is made anew several times, with what came meanwhile."""
    hard = {"name": "sync", "difficulty": 24, "retarget": "fixed"}
    discovery = {"scan_hosts": None, "scan_ports": None}
    node = net.node(network=hard, discovery=discovery, miner={"mode": "on-demand", "address": MINER.address}).start()
    node.mine(ACTOR.address)
    genesis = node.genesis()
    sent = [ACTOR.transfer(genesis, FRIEND, 10, sequence=k) for k in range(8)]
    for k in range(1, 5):  # these wait for the first one
        node.send(sent[k])
    assert signatures(node, "miner") == 0
    node.send(sent[0])
    net.wait_until("they are in a draft", lambda: signatures(node, "miner") >= 5)
    for k in range(5, 8):
        node.send(sent[k])
        net.wait_until("it is in the next draft", lambda n=k: signatures(node, "miner") > n)
    assert signatures(node, "miner") == 8
    net.wait_until("all are in blocks", lambda: node.pool() == [])
    assert signatures(node, "miner") == 8
    recomputed(node)


def test_a_slow_download_goes_on_with_the_old_chain_across_a_deep_swap(net, meet):
    """The download is larger than all that lies between a node and a reader, who takes a little, waits for the swap, and
    then takes the rest."""
    shared = Chain(PARAMETERS).mined(MINER, 9000)
    old, new = shared.mined(MINER, 2500), shared.mined(FRIEND, 2600)
    node, fake = meet(Indexed, old)
    node.start()
    net.wait_until("it has the old chain", lambda: is_at(node, old))
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((node.host, node.port))
        reader.sendall(b"GET /chain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = reader.recv(1000)
        fake.swap(new)
        net.wait_until("it has the new chain", lambda: is_at(node, new))
        assert node.log_has("in place of 2500, fork at height 9000,")
        while piece := reader.recv(1 << 20):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        pieces = []
        while (line := body.partition(b"\r\n"))[0] != b"0":
            size = int(line[0], 16)
            pieces.append(line[2][:size])
            body = line[2][size + 2 :]
        body = b"".join(pieces)
    told = [block["hash"] for block in json.loads(body)["chain"]]
    assert told == [block.hash.hex() for block in old.blocks]
    assert [block["hash"] for block in node.chain()["chain"]] == [block.hash.hex() for block in new.blocks]
