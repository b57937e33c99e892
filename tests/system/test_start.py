"""Starting together, and neighbours that are not what they seem."""

import http.server
import os
import socket
import threading

import pytest


def test_nodes_started_in_the_same_instant_meet_and_agree(net, alice):
    nodes = [net.node(hosts=3, discovery={"interval": "3600s"}) for _ in range(3)]
    for node in nodes:
        node.spawn()
    net.wait_met(nodes)
    nodes[0].mine(alice.address)
    net.wait_agree(nodes, 1)


def test_a_peer_that_accepts_and_never_answers_holds_up_nobody(net, alice):
    with socket.create_server((net.host(3), net.port + 3)):
        one, two = net.node(), net.node()
        one.spawn()
        two.spawn()
        for node in (one, two):
            node.wait_ready()
            net.wait_until("the other is found", lambda n=node: len(n.peers_up()) == 1)
        one.mine(alice.address, 2)
        net.wait_agree([one, two], 2)
        address = f"{net.host(3)}:{net.port + 3}"
        row = net.wait_until(
            "it is called silent",
            lambda: (r := one.peers().get(address)) and r["state"] == "silent" and r,
        )
        assert "did not answer" in row["reason"]


class Stranger(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


def test_another_server_is_shown_as_no_node(net):
    with http.server.ThreadingHTTPServer((net.host(2), net.port + 2), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        node = net.node().start()
        address = f"{net.host(2)}:{net.port + 2}"
        row = net.wait_until(
            "it is no node", lambda: (r := node.peers().get(address)) and r["state"] == "no-node" and r
        )
        assert "404" in row["reason"]
        assert node.log_has("discovery:", address, "is no peer of ours")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "key, value, state",
    [
        ("name", "elsewhere", "other-network"),
        ("difficulty", "9", "other-genesis"),
        ("reward", "2", "other-genesis"),
        ("retarget", "per-block", "other-genesis"),
        ("target_interval", "19s", "other-genesis"),
        ("maturity", "3", "other-genesis"),
        ("minimum_fee", "0.1", "other-genesis"),
        ("max_block_bytes", "65536", "other-genesis"),
    ],
)
def test_nodes_of_different_parameters_refuse_one_another_by_name(net, key, value, state):
    one, two = net.node(hosts=2), net.node(hosts=2, network={key: value})
    one.spawn()
    two.spawn()
    for node, other in ((one, two), (two, one)):
        node.wait_ready()
        address = f"{other.host}:{other.port}"
        row = net.wait_until(
            "the difference is seen", lambda n=node, a=address: (r := n.peers().get(a)) and r["state"] == state and r
        )
        assert (key if state == "other-genesis" else "elsewhere") in row["reason"]
        assert node.log_has("discovery:", address, row["reason"].split(" (")[0].replace('"', '\\"'))
        assert not node.peers_up()


def test_a_node_knows_itself(net):
    node = net.node().start()
    net.wait_until("self is seen", lambda: node.peers().get(f"{node.host}:{node.port}", {}).get("state") == "self")


def test_who_computes_gives_way_to_who_is_waited_for(net):
    node = net.node().start()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for role, nice, policy in (
        ("worker", 0, os.SCHED_OTHER),
        ("pool", 0, os.SCHED_OTHER),
        ("resolver", 5, os.SCHED_BATCH),
        ("verifier", 15, os.SCHED_BATCH),
        ("miner", 10, os.SCHED_BATCH),
        ("scribe", 19, os.SCHED_BATCH),
    ):
        # One core leaves no verifier: the resolver checks alone.
        for row in node.roles(role):
            assert os.getpriority(os.PRIO_PROCESS, row["pid"]) == own + nice
            assert os.sched_getscheduler(row["pid"]) == policy
