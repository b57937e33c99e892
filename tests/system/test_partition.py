"""A net that falls apart, mines on both sides, and comes together again."""

import os

import pytest

from net import COIN, recomputed
from netns import Switch


@pytest.fixture
def switch():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    made = Switch(3)
    yield made
    made.close()


@pytest.fixture
def nodes(net, switch):
    """Three nodes that scan for one another, each on a host of its own. Made after switch, so ended before it goes."""
    discovery = {"scan_hosts": "10.99.0.1-10.99.0.3", "scan_ports": "5000-5002", "probe_timeout": "300ms"}
    made = [
        net.node(host=host.address, port=5000 + k, namespace=host, discovery=discovery,
                 http={"admin_allow": "10.99.0.0/24"})
        for k, host in enumerate(switch.hosts)
    ]
    for node in made:
        node.spawn()
    net.wait_met(made)
    yield made
    net.clean_up()


def test_after_a_partition_all_take_the_heavier_chain_and_the_losers_transfers_are_mined(net, switch, nodes, alice, bob):
    one, two, three = nodes
    network = one.genesis()
    one.mine(alice.address, 2)
    net.wait_agree(nodes, 2)
    three.mine(bob.address, 2)
    net.wait_agree(nodes, 4)

    switch.cut(2)
    net.wait_until("both sides see the cut", lambda: len(one.peers_up()) == 1 and not three.peers_up())
    lost = three.send(bob.transfer(network, alice, COIN // 2))
    three.mine(bob.address)
    assert three.transaction_status(lost["id"]) == "confirmed"
    one.send(alice.transfer(network, bob, COIN // 4))
    # Two of the three: node 1 mines, node 2 follows.
    one.mine(alice.address, 4)
    net.wait_agree([one, two], 8)
    assert three.height() == 5

    switch.join(2)
    height, head = net.wait_agree(nodes, 8)
    assert (height, head) == one.head()
    net.wait_until("the loser's transfer is pending again", lambda: three.transaction_status(lost["id"]) == "pending")
    net.wait_until("others know it too", lambda: one.transaction_status(lost["id"]) == "pending")
    two.mine(alice.address)
    net.wait_agree(nodes, 9)
    for node in nodes:
        chain = node.chain()
        ids = [tx["id"] for block in chain["chain"] for tx in block["transactions"]]
        assert ids.count(lost["id"]) == 1
        # Bob's reward of the losing block is gone; his two before, less what he sent, plus what he got, remain.
        assert node.balance(bob.address) == 2 * COIN - COIN // 2 + COIN // 4
        assert recomputed(node).supply == 9 * COIN
    assert three.log_has("resolver: adopted", "in place of 1, fork at height 4")
