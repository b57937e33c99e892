"""A thousand transfers while three nodes mine against one another: each is on the chain once, everywhere."""

import itertools

from net import COIN, recomputed
from wallet import Wallet

TRANSFERS = 1000
SENDERS = 5


def test_a_thousand_transfers_while_all_mine_are_each_mined_once(net, bob):
    miner = Wallet()
    nodes = net.started(3, network={"difficulty": 10, "retarget": "per-block", "target_interval": "1s"},
                        miner={"address": miner.address, "interval": "1s"})
    network = nodes[0].genesis()
    senders = [Wallet() for _ in range(SENDERS)]
    for sender in senders:
        nodes[0].mine(sender.address)
    net.wait_agree(nodes, SENDERS)

    each = TRANSFERS // SENDERS
    batches = [[s.transfer(network, bob, 100, n % 3) for n in range(k, k + 50)] for k in range(0, each, 50) for s in senders]
    sent = [tx["id"] for batch in batches for tx in batch]
    for node in nodes:
        node.post("/mine/start")
    # A sender's batches follow one another, each to the next node: what has not arrived there yet is waited for.
    for node, batch in zip(itertools.cycle(nodes), batches):
        left = batch
        while left:
            results = node.post("/transactions", left, expect=202)["results"]
            refused = [(tx, r["error"]["code"]) for tx, r in zip(left, results) if "error" in r]
            assert all(code in ("sequence-too-far", "busy", "outcome-unknown", "already-confirmed") for _, code in refused)
            left = [tx for tx, code in refused if code != "already-confirmed"]

    def all_mined():
        status = [nodes[2].transaction_status(i) for i in sent[-SENDERS:]]
        return all(s == "confirmed" for s in status) and not any(node.pool() for node in nodes)

    net.wait_until("all are mined", all_mined)
    for node in nodes:
        node.post("/mine/stop")
    net.wait_agree(nodes)
    net.wait_until("pools are empty", lambda: not any(node.pool() for node in nodes))
    height, head = net.wait_agree(nodes)
    for node in nodes:
        ids = [tx["id"] for block in node.chain()["chain"] for tx in block["transactions"] if tx["version"] == 1]
        assert sorted(ids) == sorted(sent)
        assert node.balance(bob.address) == TRANSFERS * 100
    chain = recomputed(nodes[0])
    assert chain.supply == height * COIN
    assert sum(nodes[1].balance(w.address) for w in [miner, bob, *senders]) == chain.supply
