"""A running node reads its configuration again: refused whole or taken over, and nobody who asks is turned away meanwhile."""

import re
import signal
import threading

import requests

from tools import rensa

TOKEN = "a-token-that-nobody-guesses"
ROLES = {"worker", "miner", "resolver", "discovery", "relay", "archiver", "verifier", "pool"}  # the pool starts last


def reload(net, node):
    """Reads it again; what the master then logs."""
    before = len(node.log())
    node.process.send_signal(signal.SIGHUP)

    def judged():
        lines = [line for line in node.log()[before:].splitlines() if "role=master" in line]
        ends = [line for line in lines if "the old one stays in use" in line or "configuration read again" in line]
        return ends and "\n".join(lines)

    return net.wait_until("the configuration is judged", judged)


def may_mine(node, address, token=None):
    headers = {"X-Forwarded-For": "10.0.0.1"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return node.request("POST", "/mine", json={"address": address}, headers=headers).status_code == 200


def test_what_a_reload_changes_counts_at_once(net, alice):
    node = net.node().start()
    assert not may_mine(node, alice.address, TOKEN)
    file = net.folder / "token"
    file.touch(mode=0o600)
    file.write_text(TOKEN + "\n")
    node.configure("http", admin_token_file=file)
    assert f"master: http.admin_token_file: nothing -> {file}" in reload(net, node)
    net.wait_until("the token opens", lambda: may_mine(node, alice.address, TOKEN))
    assert not may_mine(node, alice.address, TOKEN + "x") and not may_mine(node, alice.address)

    # The token itself may change too, in a file of the same name.
    file.write_text(TOKEN[::-1] + "\n")
    said = reload(net, node)
    assert "the same file with another token" in said and TOKEN[::-1] not in said
    net.wait_until("the new token opens", lambda: may_mine(node, alice.address, TOKEN[::-1]))
    net.wait_until("the old one does not", lambda: not may_mine(node, alice.address, TOKEN))


def test_a_configuration_with_anything_wrong_in_it_changes_nothing(net, alice):
    node = net.node().start()
    node.allow_errors("the configuration is refused")
    net.wait_until("all roles are there", lambda: ROLES <= {role["role"] for role in node.roles()})
    pids = sorted(node.members())
    good = node.config_path.read_text()
    broken = {
        good + "[miner]\ncpu_percent = 0\n": "cpu_percent",
        good.replace("[http]", "[htpp]"): "there is no such section",
        "": None,
    }
    for count, (text, word) in enumerate(broken.items(), 1):
        if word is None:
            node.config_path.unlink()
            word = "there is no such file"
        else:
            node.write_config(text)
        line = reload(net, node)
        assert "refused, the old one stays in use" in line and word in line
        told = node.status()["reload"]
        assert told["result"] == "refused" and told["count"] == count and word in told["error"]
    assert sorted(node.members()) == pids
    node.mine(alice.address)
    node.write_config(good)
    assert "0 keys changed, 0 wait for a restart" in reload(net, node)
    assert sorted(node.members()) == pids


def test_what_waits_for_a_restart_is_named_and_stays(net):
    node = net.node().start()
    capacity = node.status()["pool"]["capacity"]
    node.configure("node", pool_max=capacity + 1, log_level="info")
    node.configure("network", reward=7)
    said = reload(net, node)
    assert f"master: node.pool_max: {capacity} -> {capacity + 1} waits for a restart" in said
    assert "master: network.reward: 1 -> 7 waits for a restart" in said and "master: node.log_level: debug -> info" in said
    told = node.status()
    assert told["pool"]["capacity"] == capacity and told["network"]["reward"] == 100_000_000
    assert told["reload"]["restart"] == ["node.pool_max", "network.reward"]
    # They go on waiting when a later reload is refused, and no longer when they are as they were.
    node.allow_errors("the configuration is refused")
    node.configure("miner", cpu_percent=0)
    reload(net, node)
    told = node.status()["reload"]
    assert told["result"] == "refused" and told["restart"] == ["node.pool_max", "network.reward"]
    node.configure("miner", cpu_percent=None)
    node.configure("network", reward=None)
    node.configure("node", pool_max=None)
    reload(net, node)
    assert node.status()["reload"]["restart"] == []


def test_a_reload_by_command_tells_what_came_of_it(net):
    node = net.node().start()
    node.allow_errors("the configuration is refused")
    assert "nothing has changed" in rensa("--node", node.base, "reload").out
    node.configure("http", max_connections=99)
    node.configure("node", pool_max=100)
    shown = rensa("--node", node.base, "reload")
    assert shown.code == 0
    assert "http.max_connections: 4096 -> 99\n" in shown.out
    assert "node.pool_max: 16384 -> 100 waits for a restart\n" in shown.out
    node.configure("http", max_connections=0)
    node.configure("miner", mode="sometimes", colour="blue")
    pids = sorted(node.members())
    shown = rensa("--node", node.base, "reload")
    assert shown.code == 1
    for word in "max_connections", "sometimes", "colour":
        assert word in shown.out
    assert "3 things are wrong in it" in shown.err and "configuration-refused" in shown.err
    assert sorted(node.members()) == pids and node.height() == 0
    shown = rensa("--node", node.base, "status").out
    assert re.search(r"reload +refused \d+ s ago: .*max_connections", shown), shown
    assert re.search(r"needs restart +node.pool_max\n", shown), shown


def test_a_reload_turns_no_request_away(net):
    node = net.node().start()
    stop, failures = threading.Event(), []

    def ask():
        while not stop.is_set():
            try:
                node.get("/chain/head")
            except (requests.RequestException, AssertionError) as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for interval in "2s", "3s", "4s", "5s":
        before = {role["pid"] for role in node.roles("worker")}
        node.configure("resolver", interval=interval)
        reload(net, node)
        net.wait_until("all workers are new", lambda b=before: b.isdisjoint(role["pid"] for role in node.roles("worker")))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_log_that_was_rotated_is_written_anew(net):
    log, old = net.folder / "rensad.log", net.folder / "rensad.log.1"
    node = net.node(node={"log_file": log}).start()
    log.rename(old)
    node.process.send_signal(signal.SIGUSR1)
    net.wait_until("there is a new log", log.exists)
    node.kill_role("discovery")
    net.wait_until("it is written", lambda: "discovery" in log.read_text())
    node.stop()
    assert "master: stopped" in log.read_text() and "master: stopped" not in old.read_text()
