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


def test_thirty_nodes_hear_of_everything_and_nobody_tells_everybody(net, alice, bob):
    """A block and transfers reach all of a net long before a round, and what it costs does not grow with its square."""
    count, transfers = 30, 40
    nodes = net.started(count, http={"workers": 1}, node={"shm_max": "64M"}, discovery=net.scanning(count) | {"interval": "5s"})
    quiet(net, nodes)
    nodes[0].mine(alice.address, 3)
    net.wait_agree(nodes, 3)
    before = [node.role("relay") for node in nodes]
    rounds = [(node.rounds("resolver"), node.rounds("discovery")) for node in nodes]

    sent = [nodes[3].send(alice.transfer(nodes[3].genesis(), bob, 5))["id"] for _ in range(transfers)]
    for node in nodes:
        net.wait_until("the transfers are there", lambda n=node: set(sent) <= set(n.pool()))
    nodes[7].mine(bob.address)
    net.wait_agree(nodes, 4)
    assert nodes[11].balance(bob.address) >= 5 * transfers

    after = [node.role("relay") for node in nodes]
    assert [(node.rounds("resolver"), node.rounds("discovery")) for node in nodes] == rounds

    def cost(name):
        return [then.get(name, 0) - now.get(name, 0) for now, then in zip(before, after)]

    # FANOUT is 8 and a burst begins with 4; twice that leaves room for bursts that were news to somebody.
    each = 2 * (8 + 4)
    assert sum(cost("pushes")) <= each * count
    assert sum(cost("relayed")) + sum(cost("offered")) <= each * count * transfers
    # Whole, a transfer goes over a link or two to each node.
    assert sum(cost("relayed")) <= each * count * transfers / 2


def test_a_node_that_alone_knows_the_others_tells_them_all(net, alice, bob):
    """Nobody but the hub can tell the leaves, so it goes on asking as long as what it has is news to them."""
    leaves = 20
    small = {"http": {"workers": 1}, "resolver": {"interval": "3600s"}, "node": {"shm_max": "64M"}}
    hub = net.node(hosts=1 + leaves, **small)
    only_hub = {"peers": f"{hub.host}:{hub.port}", "scan_hosts": None, "scan_ports": None}
    nodes = [hub] + [net.node(discovery=only_hub, **small) for _ in range(leaves)]
    for node in nodes:
        node.spawn()
    for node in nodes:
        node.wait_ready()
    net.wait_until("the hub sees the leaves", lambda: len(hub.peers_up()) == leaves)
    net.wait_until("the leaves see the hub", lambda: all(node.peers_up() for node in nodes[1:]))
    nodes[1].mine(alice.address, 2)
    net.wait_agree(nodes, 2)
    sent = nodes[2].send(alice.transfer(hub.genesis(), bob, 5))["id"]
    for node in nodes:
        net.wait_until("the transfer is there", lambda n=node: sent in n.pool())
    hub.mine(bob.address)
    net.wait_agree(nodes, 3)
