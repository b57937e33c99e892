"""Mining as it is asked for: what a command sets lasts, and what was found is told, however a request ends."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

# About a quarter of a million tries a block: some are found within a short request, a thousand are not.
SLOW = {"difficulty": 18}


def mode(node):
    return node.status()["miner"]["mode"]


def replaced(net, node, role, gone):
    return net.wait_until(f"a new {role} is there", lambda: (r := node.role(role)) and r["pid"] != gone["pid"] and r)


@pytest.mark.parametrize("configured, path, asked", [("continuous", "/mine/stop", "manual"), ("manual", "/mine/start", "interval")])
def test_a_mode_that_was_asked_for_outlives_the_miner_but_not_its_configuration(net, alice, configured, path, asked):
    node = net.node(miner={"mode": configured, "address": alice.address, "interval": "1h"}, network={"difficulty": 12}).start()
    net.wait_until("the configured mode", lambda: mode(node) == configured)
    assert node.post(path) == {"mode": asked}
    for _ in range(2):
        replaced(net, node, "miner", node.kill_role("miner"))
        net.wait_until("the mode is kept", lambda: mode(node) == asked)

    # Read again without a change, it is no other configuration.
    node.process.send_signal(signal.SIGHUP)
    net.wait_until("it is read", lambda: node.log_has("configuration read again: 0 keys changed"))
    assert mode(node) == asked

    before = node.role("miner")
    node.configure("miner", interval="2h")
    node.process.send_signal(signal.SIGHUP)
    replaced(net, node, "miner", before)
    net.wait_until("the configured mode is back", lambda: mode(node) == configured)
    replaced(net, node, "miner", node.kill_role("miner"))
    net.wait_until("and stays", lambda: mode(node) == configured)

    node.post(path)
    node.stop()
    node.start()
    net.wait_until("the configured mode", lambda: mode(node) == configured)


def asked_at_once(node, requests):
    """Sends them in this order, each on a connection of its own, without waiting; returns their futures."""
    pool = ThreadPoolExecutor(len(requests))
    futures = [pool.submit(node.request, method, path, json=body) for method, path, body in requests]
    pool.shutdown(wait=False)
    return futures


def check_partly_mined(node, reply, code, asked):
    told = reply.json()
    assert (reply.status_code, told["error"]["code"]) == (503, code), reply.text
    assert len(told["blocks"]) < asked and f"{len(told['blocks'])} of {asked} blocks" in told["error"]["message"]
    return told["blocks"]


def test_what_was_mined_when_the_time_is_up_is_told(net, alice, bob):
    node = net.node(http={"request_timeout": "2s"}, network=SLOW).start()
    orders = asked_at_once(node, [("POST", "/mine", {"address": who.address, "blocks": 1000}) for who in (alice, bob)])
    told = [check_partly_mined(node, order.result(), "timeout", 1000) for order in orders]
    # Whoever waited for its turn was answered in time as well, and what was told is what there is.
    blocks = sorted(told[0] + told[1], key=lambda block: block["height"])
    assert blocks == [{"height": b["height"], "hash": b["hash"]} for b in node.chain()["chain"][1:]]
    assert blocks


def test_mining_is_stopped_while_it_mines(net, alice):
    node = net.node(miner={"mode": "continuous", "address": alice.address}, network=SLOW).start()
    (order,) = asked_at_once(node, [("POST", "/mine", {"address": alice.address, "blocks": 1000})])
    net.wait_until("it mines", lambda: node.height() > 0)
    assert node.post("/mine/stop") == {"mode": "manual"}
    assert not order.done(), "an order stands, whatever the mode"
    node.stop()
    check_partly_mined(node, order.result(), "stopping", 1000)
