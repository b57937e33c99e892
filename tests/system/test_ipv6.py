"""Nodes that live on IPv6 alone find each other, mine, and agree."""

import contextlib
import json
import os
import random
import socket
import subprocess

import pytest

from net import COIN, recomputed

HOST = "[::1]"


def three_ports():
    """In a row, and free a moment ago. ::1 is one address for everybody on this machine, so they are drawn by lot."""
    for _ in range(100):
        first = random.randrange(10000, 32000)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + 3):
                stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
            return range(first, first + 3)
    pytest.skip("this machine has no IPv6, or no free ports on ::1")


def by_peers(ports, own):
    return {"interval": "1s", "peers": ", ".join(f"{HOST}:{port}" for port in ports if port != own)}


def by_scan(ports, own):
    return {"interval": "1s", "scan_hosts": "::1", "scan_ports": f"{ports[0]}-{ports[-1]}"}


def by_scan_of_a_range(ports, own):
    return by_scan(ports, own) | {"scan_hosts": "::/126"}


@pytest.mark.parametrize("how, source", [(by_peers, "static"), (by_scan, "scan"), (by_scan_of_a_range, "scan")])
def test_nodes_on_ipv6_find_each_other_mine_and_agree(net, alice, bob, how, source):
    ports = three_ports()
    nodes = []
    for port in ports:
        found = {"scan_hosts": None, "scan_ports": None} | how(ports, port)
        nodes.append(net.node(host=HOST, port=port, network={"name": f"v6-{net.tag}"}, discovery=found))
        nodes[-1].spawn()
    net.wait_met(nodes)
    one, two, three = nodes
    addresses = {f"{HOST}:{port}" for port in ports}
    for node in nodes:
        up = {peer["address"]: peer["source"] for peer in node.peers_up()}
        assert up == dict.fromkeys(addresses - {f"{HOST}:{node.port}"}, source)

    one.mine(alice.address, 2)
    net.wait_agree(nodes, 2)
    sent = two.send(alice.transfer(one.genesis(), bob, COIN))
    net.wait_until("the transfer came round", lambda: three.transaction_status(sent["id"]) == "pending")
    three.mine(bob.address)
    net.wait_agree(nodes, 3)
    assert [node.balance(bob.address) for node in nodes] == [2 * COIN] * 3
    assert recomputed(two).supply == 3 * COIN
    assert two.request("PUT", "/consensus").status_code == 200

    # The client takes the address as an URL has it.
    shown = subprocess.run(
        [os.environ["RENSA"], "--node", one.base, "--json", "status"], capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["head"] == one.head()[1]
