"""The story that must always work: nodes find each other, A mines, A pays B, and all come to the same chain."""

import json
import pathlib
import subprocess
import sys

from net import COIN, recomputed

RECOMPUTE = pathlib.Path(__file__).with_name("recompute.py")


def test_three_nodes_find_each_other_by_scanning_and_agree_on_who_has_what(net, alice, bob):
    nodes = net.started(3)
    one, two, three = nodes
    assert all(peer["source"] == "scan" for node in nodes for peer in node.peers_up())

    one.mine(alice.address, 2)
    net.wait_agree(nodes, 2)
    sent = two.send(alice.transfer(one.genesis(), bob, 3 * COIN // 2))
    assert sent["status"] == "pending"
    for node in nodes:
        net.wait_until(f"{node.label} knows of the transfer", lambda n=node: n.transaction_status(sent["id"]) == "pending")

    mined = three.mine(alice.address)
    assert net.wait_agree(nodes, 3) == (3, mined[0]["hash"])
    for node in nodes:
        assert node.balance(bob.address) == 3 * COIN // 2
        assert node.balance(alice.address) == 3 * COIN - 3 * COIN // 2
        assert node.transaction(sent["id"])["height"] == 3
        net.wait_until("the pool is empty", lambda n=node: not n.pool())


def test_an_independent_program_comes_to_the_balances_that_a_live_node_shows(net, alice, bob):
    node = net.node().start()
    network = node.genesis()
    node.mine(alice.address, 12)
    for value, fee in [(COIN, 0), (2 * COIN, 7), (1, 1)]:
        node.send(alice.transfer(network, bob, value, fee, memo="for you"))
    node.mine(bob.address, 2)
    node.send(bob.transfer(network, alice, COIN // 3, 5))
    node.mine(alice.address)

    command = [sys.executable, str(RECOMPUTE), "--balances", "--url", node.base + "/chain"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    balances = json.loads(result.stdout)
    assert set(balances) == {alice.address, bob.address}
    assert {who: node.balance(who) for who in balances} == balances

    height, head = node.head()
    assert result.stderr.splitlines()[:2] == [f"height {height}", f"head {head}"]
    chain, status = recomputed(node), node.status()
    assert (chain.supply, f"{chain.work:064x}") == (status["supply"], status["work"])
