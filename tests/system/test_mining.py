"""Mining as it is asked for: what a command sets lasts, and what was found is told, however a request ends."""

import signal

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
    net.wait_until("it is read", lambda: node.log_has("configuration read again", "nothing"))
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
