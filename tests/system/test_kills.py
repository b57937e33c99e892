"""Any process may die at any time; the net goes on, and nothing that was accepted is forgotten."""

import os
import signal

import pytest

from net import COIN, recomputed

ROLES = ["worker", "pool", "resolver", "miner", "discovery", "relay"]


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_role_comes_back_under_load_and_nothing_breaks(net, alice, bob, role):
    one, two = nodes = net.started(2)
    network = one.genesis()
    one.mine(alice.address, 3)
    net.wait_agree(nodes, 3)
    accepted = []
    for n in range(20):
        if n % 7 == 3:
            gone = one.kill_role(role)
            # A worker's death may cut the connection that the next request would use: its transfer is sent again.
            net.wait_until(
                f"a new {role} is there",
                lambda g=gone: any(r["pid"] != g["pid"] and r["restarts"] > g["restarts"] for r in one.roles(role)),
            )
        tx = alice.transfer(network, bob, COIN // 100)
        reply = net.wait_until(
            "a transfer is accepted",
            lambda t=tx: (r := one.request("POST", "/transactions", json=t)).status_code == 202 and r.json(),
        )
        accepted.append(reply["id"])
        if n % 5 == 4:
            one.mine(bob.address)
    one.mine(bob.address)
    height, _ = net.wait_agree(nodes, 8)
    for node in nodes:
        ids = [tx["id"] for block in node.chain()["chain"] for tx in block["transactions"]]
        assert [ids.count(i) for i in accepted] == [1] * len(accepted)
        assert node.balance(bob.address) == (height - 3) * COIN + 20 * COIN // 100
        assert recomputed(node).supply == height * COIN


def test_a_stuck_role_is_replaced(net, alice):
    node = net.node(node={"watchdog": "5s"}).start()
    stuck = node.kill_role("miner", signal.SIGSTOP)
    net.wait_until("a new miner is there", lambda: (r := node.role("miner")) and r["pid"] != stuck["pid"])
    assert node.log_has("master: miner", "has not moved for", "replacing it")
    node.mine(alice.address)


def test_two_nodes_of_one_name_live_on_one_host(net, alice):
    one = net.node(name="twin", hosts=2, place=1)
    two = net.node(name="twin", hosts=2, place=2)
    one.spawn()
    two.spawn()
    net.wait_met([one, two])
    one.mine(alice.address, 2)
    net.wait_agree([one, two], 2)
    assert len(one.shm_objects()) == 4
    one.stop()
    assert len(two.shm_objects()) == 2
    two.stop()


def test_one_data_folder_has_one_node(net):
    one = net.node(place=1).start()
    two = net.node(place=2, data_dir=one.data_dir)
    two.allow_errors("another node")
    two.spawn()
    assert two.wait_exit() == 1
    assert two.log_has("another node (process", str(one.process.pid), "uses the data folder")
    assert one.request("GET", "/livez").status_code == 200


def test_children_leave_a_dead_master_and_the_next_start_cleans_up(net, alice):
    node = net.node().start()
    node.mine(alice.address)
    before = node.shm_objects()
    assert len(before) == 2
    node.kill()
    node.wait_gone()
    assert node.shm_objects() == before
    node.start()
    assert node.height() == 1
    assert node.shm_objects() == before
    node.stop()
    assert node.shm_objects() == []


def test_a_second_term_ends_at_once_and_leaves_nothing(net):
    node = net.node().start()
    node.kill_role("worker", signal.SIGSTOP)
    node.is_expected_up = False
    node.process.terminate()
    net.wait_until("it is stopping", lambda: node.log_has("master: stopping"))
    node.process.terminate()
    assert node.wait_exit() == 0
    node.wait_gone()
    assert node.shm_objects() == []


def test_a_bad_configuration_is_refused_whole_and_a_good_one_taken_over(net, alice):
    node = net.node().start()
    node.allow_errors("configuration is refused")
    node.write_config("[http]\nlisten = nowhere\nworkers = many\n[minre]\n")
    os.kill(node.process.pid, signal.SIGHUP)
    net.wait_until("it is refused", lambda: node.log_has("the configuration is refused, the old one stays in use"))
    for wrong in ":2: [http] listen", ":3: [http] workers", ":4: [minre]":
        assert node.log_has("is refused", wrong)
    assert not node.log_has("is refused", "\\n")
    miner = node.role("miner")
    assert node.mine(alice.address)
    node.configure("miner", mode="continuous", address=alice.address)
    node.write_config()
    os.kill(node.process.pid, signal.SIGHUP)
    net.wait_until("it mines by itself", lambda: node.height() > 10)
    assert node.role("miner")["pid"] != miner["pid"]
