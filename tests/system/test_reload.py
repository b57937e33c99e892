"""A running node reads its configuration again: refused whole or taken over, and nobody who asks is turned away meanwhile."""

import signal
import threading

import requests

TOKEN = "a-token-that-nobody-guesses"
ROLES = {"worker", "miner", "resolver", "discovery", "relay", "archiver", "scribe", "verifier", "pool"}  # the pool starts last


def reload(net, node):
    """Reads it again; the line that the master then logs."""
    before = len(node.log())
    node.process.send_signal(signal.SIGHUP)

    def judged():
        lines = node.log()[before:].splitlines()
        return [line for line in lines if "the configuration is refused" in line or "configuration read again" in line]

    return net.wait_until("the configuration is judged", judged)[0]


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
    assert "changed: [http] admin_token_file" in reload(net, node)
    net.wait_until("the token opens", lambda: may_mine(node, alice.address, TOKEN))
    assert not may_mine(node, alice.address, TOKEN + "x") and not may_mine(node, alice.address)

    # The token itself may change too, in a file of the same name.
    file.write_text(TOKEN[::-1] + "\n")
    reload(net, node)
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
    for text, word in broken.items():
        if word is None:
            node.config_path.unlink()
            word = "there is no such file"
        else:
            node.write_config(text)
        line = reload(net, node)
        assert "refused, the old one stays in use" in line and word in line
    assert sorted(node.members()) == pids
    node.mine(alice.address)
    node.write_config(good)
    assert "changed: nothing" in reload(net, node)
    assert sorted(node.members()) == pids


def test_what_waits_for_a_restart_is_named_and_stays(net):
    node = net.node().start()
    node.configure("http", listen=f"{net.host(9)}:{net.port}", workers=1)
    node.configure("node", log_level="info")
    reload(net, node)
    assert node.log_has("these keys wait for a restart", "[http] listen", "[http] workers")
    net.wait_until("there are two workers, at the old address", lambda: len(node.roles("worker")) == 2)


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
