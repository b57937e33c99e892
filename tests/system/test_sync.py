"""Long replies of bodies, whose signatures are checked ahead by several processes: what is bad in the middle is found, and
whoever dies among the verifiers changes nothing."""

import os
import signal

import pytest

from chainmaker import PARAMS, Chain
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


@pytest.fixture
def meet(net):
    """A node that is not running yet, and its only peer."""
    fakes = []

    def made(kind, chain):
        fakes.append(kind(net.host(9), net.port + 9, chain))
        discovery = {"peers": fakes[-1].address, "scan_hosts": None, "scan_ports": None}
        return net.node(network=NETWORK, discovery=discovery), fakes[-1]

    yield made
    for fake in fakes:
        fake.close()


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
