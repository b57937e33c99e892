"""While a node loads its chain: what it answers, how it is stopped, what becomes of a loader that dies, and what a supervisor
hears. The loader is held at a point between reading the journal and building the chain, by RENSA_FAILPOINTS.
"""

import contextlib
import os
import signal
import socket
import subprocess

import pytest
import requests

from net import COIN, stat_of, wait_until

HELD = "loader.checked=stop"


@pytest.fixture
def with_failpoints():
    """Only a program that was built with them can be held."""
    from net import rensad

    if b"loader.checked" not in open(rensad(), "rb").read():
        pytest.skip("built without --enable-failpoints")


def loader_of(node):
    """The pid of the loader once it is stopped."""

    def stopped():
        for pid in node.members():
            with contextlib.suppress(OSError):
                if open(f"/proc/{pid}/comm").read().strip() == "loader" and stat_of(pid)[0] == "T":
                    return pid
        return None

    return wait_until("the loader is held", stopped)


def made(net, alice, bob, blocks=3, **changes):
    """A node with a chain and a pending transfer, stopped."""
    node = net.node(**changes).start()
    node.mine(alice.address, blocks)
    node.pending = node.send(alice.transfer(node.genesis(), bob, COIN // 2))["id"]
    node.stop()
    return node


def held(node):
    node.environment["RENSA_FAILPOINTS"] = HELD
    node.spawn()
    return loader_of(node)


def answers(node):
    with contextlib.suppress(requests.RequestException):
        return node.request("GET", "/livez").status_code == 200


def test_while_the_chain_is_loaded_a_node_says_so_and_nothing_else(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    loader = held(node)
    wait_until("workers answer", lambda: answers(node))
    ready = node.request("GET", "/readyz")
    assert ready.status_code == 503
    body = ready.json()
    assert body["ready"] is False and "loaded" in body["reason"] and body["blocks_loaded"] == 0
    for method, path in [
        ("GET", "/chain"),
        ("GET", "/chain/head"),
        ("GET", "/status"),
        ("GET", "/transactions"),
        ("GET", "/events"),
        ("GET", f"/amount?blockchain_address={alice.address}"),
        ("POST", "/transactions"),
        ("POST", "/mine"),
        ("PUT", "/consensus"),
        ("POST", "/peer/hello"),
        ("GET", "/peer/tip"),
    ]:
        reply = node.request(method, path)
        assert reply.status_code in (503, 404, 405), f"{method} {path}: {reply.status_code} {reply.text}"
        if reply.status_code == 503:
            assert reply.json()["error"]["code"] == "loading", path
    os.kill(loader, signal.SIGCONT)
    node.wait_ready()
    assert node.height() == 3 and node.pool() == [node.pending]
    node.mine(alice.address)
    assert node.transaction_status(node.pending) == "confirmed"


def test_a_stop_while_loading_is_in_order(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    loader = held(node)
    wait_until("workers answer", lambda: answers(node))
    node.process.send_signal(signal.SIGTERM)
    wait_until("it stops", lambda: node.log_has("master: stopping"))
    os.kill(loader, signal.SIGCONT)
    assert node.wait_exit() == 0
    node.wait_gone()
    assert node.shm_objects() == []
    del node.environment["RENSA_FAILPOINTS"]
    node.start()
    assert node.height() == 3 and node.pool() == [node.pending]


def test_a_reload_while_loading_is_taken_over(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    loader = held(node)
    wait_until("workers answer", lambda: answers(node))
    node.configure("http", request_timeout="20s")
    node.process.send_signal(signal.SIGHUP)
    wait_until("it was read", lambda: node.log_has("master: http.request_timeout: "))
    os.kill(loader, signal.SIGCONT)
    node.wait_ready()
    assert node.height() == 3 and node.pool() == [node.pending]
    assert not node.log_has("could not be loaded")


def test_a_loader_that_is_killed_gets_a_successor(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    for _ in range(2):
        loader = held(node) if node.process.poll() is not None else loader_of(node)
        os.kill(loader, signal.SIGKILL)
        wait_until("that one is gone", lambda pid=loader: stat_of(pid) is None)
    os.kill(loader_of(node), signal.SIGCONT)
    node.wait_ready()
    assert node.height() == 3 and node.pool() == [node.pending]


def test_three_loaders_that_die_end_the_node_with_1(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    node.environment["RENSA_FAILPOINTS"] = "loader.checked=kill"
    node.spawn()
    assert node.wait_exit() == 1
    node.wait_gone()
    assert node.shm_objects() == []
    assert sum("the chain could not be loaded; trying again" in line for line in node.log().splitlines()) == 2
    del node.environment["RENSA_FAILPOINTS"]
    node.start()
    assert node.height() == 3 and node.pool() == [node.pending]


def test_a_loader_goes_with_its_master(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    held(node)
    node.kill()
    node.wait_gone()
    del node.environment["RENSA_FAILPOINTS"]
    node.start()
    assert node.height() == 3 and node.pool() == [node.pending]


@pytest.mark.parametrize("folder", ["journal", "pool"])
def test_damage_ends_the_node_with_2(net, alice, bob, folder):
    node = made(net, alice, bob)
    node.allow_errors("is damaged")
    path = sorted((node.data_dir / folder).glob("*.log"))[0]
    sound = path.read_bytes()
    path.write_bytes(sound[:40] + bytes([sound[40] ^ 1]) + sound[41:])
    node.spawn()
    assert node.wait_exit() == 2
    node.wait_gone()
    assert node.log_has("level=error", f"{folder}/00000001.log is damaged in its header")
    path.write_bytes(sound)
    node.start()
    assert node.height() == 3 and node.pool() == [node.pending]


def test_a_journal_that_is_no_folder_ends_the_node_with_1(net, alice, bob):
    node = made(net, alice, bob)
    node.allow_errors("cannot read the folder")
    folder = node.data_dir / "journal"
    folder.rename(node.data_dir / "elsewhere")
    folder.write_text("")
    node.spawn()
    assert node.wait_exit() == 1
    assert node.log_has("level=error", "cannot read the folder", "journal")
    folder.unlink()
    (node.data_dir / "elsewhere").rename(folder)
    node.start()
    assert node.height() == 3


def test_a_read_only_journal_is_served_and_nothing_new_is_taken(net, alice, bob):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    node = made(net, alice, bob)
    node.allow_errors("cannot be kept|cannot be written")
    folder = node.data_dir / "journal"
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode:
        pytest.skip("no mounts here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        node.start()
        assert node.height() == 3
        reply = node.request("POST", "/mine", json={"address": alice.address})
        assert reply.status_code in (503, 507), reply.text
        assert node.height() == 3
        assert node.request("GET", "/readyz").status_code == 503
        subprocess.run(["mount", "-o", "remount,rw,bind", folder], check=True)
        node.mine(alice.address)
        wait_until("it is ready again", lambda: node.request("GET", "/readyz").status_code == 200)
        node.stop()
    finally:
        wait_until("the mount can go", lambda: subprocess.run(["umount", folder], check=False, capture_output=True).returncode == 0)
    node.start()
    assert node.height() == 4


def test_without_syncs_a_node_keeps_what_only_its_processes_lose(net, alice, bob):
    node = net.node(node={"sync": "off"}).start()
    node.mine(alice.address, 3)
    sent = node.send(alice.transfer(node.genesis(), bob, 1))["id"]
    node.is_expected_up = False
    os.killpg(node.process.pid, signal.SIGKILL)
    node.process.wait()
    node.wait_gone()
    node.start()
    assert node.height() == 3 and node.pool() == [sent]


def test_a_chain_larger_than_shm_max_is_refused_with_a_sentence(net, alice):
    node = net.node(node={"sync": "off", "pool_max": 64}, http={"workers": 1}).start()
    node.allow_errors("does not fit into shm_max")
    usage = node.status()["segment"]
    floor = usage["size_max"] // 2**20
    assert floor > 64
    while node.status()["segment"]["arena_used"] < 15 * 2**20:
        node.mine(alice.address, 2000)
    height = node.height()
    node.stop()
    (node.data_dir / "snapshot").unlink(missing_ok=True)
    tables = (usage["granted"] - usage["arena_used"]) // 2**20
    node.configure("node", shm_max=f"{max(16, tables + 8)}M")
    node.spawn()
    assert node.wait_exit() == 2
    assert node.log_has("level=error", "does not fit into shm_max", "raise [node] shm_max")
    node.configure("node", shm_max=None)
    node.start()
    assert node.height() == height


@contextlib.contextmanager
def supervisor_of(node):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("")  # an abstract name that the kernel chooses
        supervisor.settimeout(30)
        node.environment["NOTIFY_SOCKET"] = "@" + supervisor.getsockname()[1:].decode()
        yield supervisor


def until(supervisor, word):
    """Everything that is said until a datagram begins with that word, it included."""
    said = []
    while not said or not said[-1].startswith(word):
        said.append(supervisor.recv(256).decode())
    return said


def test_a_supervisor_hears_how_far_the_loading_is(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    with supervisor_of(node) as supervisor:
        loader = held(node)
        # However long nothing moves, it is said again.
        for _ in range(2):
            said = supervisor.recv(256).decode()
            assert said.startswith("STATUS=loading the chain") and said.endswith("\nEXTEND_TIMEOUT_USEC=60000000")
        os.kill(loader, signal.SIGCONT)
        assert until(supervisor, "READY=1")[-1] == "READY=1\nSTATUS=height 3, 0 peers"
        node.stop()
        assert until(supervisor, "STOPPING=1")


def test_a_supervisor_that_is_slow_hears_of_readiness_all_the_same(with_failpoints, net, alice, bob):
    node = made(net, alice, bob)
    with supervisor_of(node) as supervisor:
        loader = held(node)
        # Nothing more gets through until somebody listens.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as chatter:
            chatter.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    chatter.sendto(b"x", supervisor.getsockname())
        os.kill(loader, signal.SIGCONT)
        node.wait_ready()
        wait_until("a word was lost", lambda: node.log_has("level=warn", "does not get READY=1"))
        assert until(supervisor, "READY=1")
        node.stop()


def test_a_longer_chain_that_has_no_room_beside_ours_is_no_reason_to_rebuild_for_ever(net, alice, bob):
    quiet = {"interval": "1s", "scan_hosts": None, "scan_ports": None}
    small = {"sync": "off", "pool_max": 64, "shm_max": "24M"}
    one = net.node(discovery=quiet, node=small, http={"workers": 1}).start()
    two = net.node(discovery=quiet, node={"sync": "off"}).start()
    one.allow_errors("cannot be kept")

    def segment():
        return one.status()["segment"]

    room = segment()["size_max"] - (segment()["granted"] - segment()["arena_used"])
    while segment()["arena_used"] < room * 0.6:
        one.mine(alice.address, 1000)
    height = one.height()
    two.mine(bob.address, height + 100)

    one.configure("discovery", peers=f"{two.host}:{two.port}")
    one.process.send_signal(signal.SIGHUP)

    def rebuilds():
        return sum("rebuilding it from the journal" in line for line in one.log().splitlines())

    def refusals():
        return sum("cannot be kept" in line for line in one.log().splitlines())

    net.wait_until("it rebuilds", lambda: rebuilds() == 1)
    net.wait_until("and there is no room again", lambda: refusals() == 2)
    rounds = one.rounds()
    net.wait_until("and again", lambda: one.rounds() >= rounds + 3)
    assert rebuilds() == 1
    assert one.height() == height
    one.stop()
    one.configure("node", shm_max=None)
    one.start()
    net.wait_agree([one, two], height + 100)
