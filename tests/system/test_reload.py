"""A running node reads its configuration again: refused whole or taken over, and nobody who asks is turned away meanwhile."""

import re
import signal
import socket
import threading

import pytest
import requests

from net import rensad
from tools import rensa

TOKEN = "a-token-that-nobody-guesses"
ROLES = {"worker", "miner", "resolver", "discovery", "relay", "archiver", "scribe", "verifier", "pool"}  # the pool starts last


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
    shown = rensa("--node", node.base, "reload")
    assert shown.code == 1
    for word in "max_connections", "sometimes", "colour":
        assert word in shown.out
    assert "3 things are wrong in it" in shown.err and "configuration-refused" in shown.err
    assert node.height() == 0
    shown = rensa("--node", node.base, "status").out
    assert re.search(r"reload +refused \d+ s ago: .*max_connections", shown), shown
    assert re.search(r"needs restart +node.pool_max\n", shown), shown


def test_a_reload_comes_though_its_worker_dies_before_it_can_ring(net):
    if b"command.put" not in open(rensad(), "rb").read():
        pytest.skip("built without --enable-failpoints")
    node = net.node()
    node.environment["RENSA_FAILPOINTS"] = "command.put=kill"
    node.start()
    with pytest.raises(requests.RequestException):
        node.request("POST", "/reload")
    net.wait_until("the master has looked by itself", lambda: (node.status()["reload"] or {}).get("count") == 1)


class Askers:
    """Clients that ask all the while, each request on a connection of its own; what goes wrong is kept."""

    def __init__(self, node, count=3):
        self.node, self.stop, self.failures, self.answers = node, threading.Event(), [], 0
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)]

    def ask(self):
        while not self.stop.is_set():
            try:
                self.node.get("/chain/head")
                self.answers += 1
            except (requests.RequestException, AssertionError) as error:
                self.failures.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def pids(node, role="worker"):
    return {row["pid"] for row in node.roles(role)}


def test_a_reload_turns_no_request_away(net):
    node = net.node().start()
    with Askers(node) as askers:
        for interval in "2s", "3s", "4s", "5s":
            before = pids(node)
            node.configure("resolver", interval=interval)
            reload(net, node)
            net.wait_until("all workers are new", lambda b=before: b.isdisjoint(pids(node)))
    assert not askers.failures


def test_workers_come_and_go_and_no_request_is_turned_away(net, alice):
    node = net.node().start()
    with Askers(node) as askers:
        for now, then in (2, 5), (5, 1), (1, 3):
            node.configure("http", workers=then)
            assert f"master: http.workers: {now} -> {then}" in reload(net, node)
            net.wait_until(f"there are {then} workers", lambda t=then: len(pids(node)) == t)
            # Each of them has a ring, by which it hands over what clients want.
            done = [node.mine(alice.address) for _ in range(2 * then)]
            before = askers.answers
            net.wait_until("clients are answered", lambda b=before: askers.answers > b + 20)
            assert len(done) == 2 * then
    assert not askers.failures
    # The same number after all are replaced once more, and after a restart.
    node.kill_role("worker")
    net.wait_until("there are three workers", lambda: len(pids(node)) == 3)
    height = node.height()
    node.stop()
    node.start()
    assert node.height() == height and len(pids(node)) == 3


def test_the_address_can_be_changed_while_the_node_runs(net, alice):
    node = net.node().start()
    old, new = node.base, f"{net.host(1)}:{net.port + 15}"
    node.mine(alice.address)
    node.configure("http", listen=new)
    said = reload(net, node)
    assert f"master: http.listen: {old[len('http://'):]} -> {new}" in said
    node.base = f"http://{new}"
    net.wait_until("it answers there", lambda: node.height() == 1)
    assert node.mine(alice.address)

    def is_closed():
        try:
            requests.get(old + "/livez", timeout=5)
        except requests.ConnectionError:
            return True
        return False

    net.wait_until("it is left at the old address", is_closed)

    # Peers get an address of their own, another one, and none again.
    for listen in f"{net.host(1)}:{net.port + 16}", f"{net.host(1)}:{net.port + 17}", None:
        node.configure("peers", listen=listen)
        reload(net, node)
        port = int((listen or new).rpartition(":")[2])
        net.wait_until("peers are served there", lambda p=port: node.status()["peers"]["port"] == p)
        reply = requests.get(f"http://{listen or new}/peer/hello", timeout=30)
        assert reply.status_code == 405
        assert node.request("GET", "/peer/hello").status_code == (404 if listen else 405)


def test_an_address_that_cannot_be_had_refuses_the_reload(net, alice):
    node = net.node().start()
    node.allow_errors("the configuration is refused")
    net.wait_until("all roles are there", lambda: ROLES <= {role["role"] for role in node.roles()})
    before = sorted(node.members())
    with socket.create_server((net.host(1), 0)) as other:
        taken = f"{net.host(1)}:{other.getsockname()[1]}"
        node.configure("http", listen=taken, workers=4)
        assert "[http] listen: the address is in use by another program" in reload(net, node)
        node.configure("http", listen=f"{node.host}:{node.port}")
        node.configure("peers", listen=taken)
        assert "[peers] listen: the address is in use by another program" in reload(net, node)
    assert "in use" in node.status()["reload"]["error"]
    node.configure("peers", listen=None)
    assert node.status()["reload"]["count"] == 2
    # Nothing was begun: the same processes, and every connection is served.
    assert sorted(node.members()) == before
    for _ in range(40):
        assert node.height() == 0
    node.mine(alice.address)


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
