"""News travels at once, not with the next round; whoever missed it catches up."""


def quiet(net, nodes):
    """Gives nodes that have met rounds of an hour: a reload replaces the roles, and peers are known to the table."""
    new = []
    for node in nodes:
        old = {role: node.role(role)["pid"] for role in ("resolver", "discovery")}
        node.configure("discovery", interval="3600s")
        node.configure("resolver", interval="3600s")
        node.process.send_signal(1)
        for role, pid in old.items():
            net.wait_until(f"there is a new {role}", lambda n=node, r=role, p=pid: (n.role(r) or {"pid": p})["pid"] != p)
        new.append(node.role("discovery")["pid"])
    # The count of rounds goes on where the old process was; the new one's first round ends with a line of its own.
    for node, pid in zip(nodes, new):
        net.wait_until("the first round is over", lambda n=node, p=pid: n.log_has(f"pid={p} ", "discovery: neighbours"))
    net.wait_met(nodes)


def test_a_block_and_a_transfer_reach_the_others_long_before_their_next_round(net, alice, bob):
    nodes = net.started(3)
    quiet(net, nodes)
    one, two, three = nodes
    rounds = [node.rounds("discovery") for node in nodes]
    one.mine(alice.address, 3)
    net.wait_agree(nodes, 3)
    sent = two.send(alice.transfer(one.genesis(), bob, 5))
    for node in nodes:
        net.wait_until("the transfer is there", lambda n=node: n.transaction_status(sent["id"]) == "pending")
    three.mine(bob.address)
    net.wait_agree(nodes, 4)
    assert [node.rounds("discovery") for node in nodes] == rounds


def test_a_node_that_was_away_catches_up(net, alice):
    one, two, three = nodes = net.started(3)
    one.mine(alice.address, 2)
    net.wait_agree(nodes, 2)
    three.stop()
    one.mine(alice.address, 300)
    three.start()
    net.wait_agree(nodes, 302)


def test_consensus_on_request_answers_what_it_did(net, alice):
    one, two = nodes = net.started(2)
    quiet(net, nodes)
    one.mine(alice.address)
    net.wait_agree(nodes, 1)
    reply = two.request("PUT", "/consensus")
    assert reply.status_code == 200
    height, head = two.head()
    assert reply.json() == {"replaced": False, "height": height, "hash": head}
