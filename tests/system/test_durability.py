"""What a client or a peer has been told is on the disk: after the end of every process at any moment, a full disk, a full
/dev/shm, a torn last write; and damage is named, never a shorter chain.

RENSA_KILL_ROUNDS sets how often everything is killed, RENSA_STORM_SECONDS how long the storm lasts.
"""

import contextlib
import os
import random
import re
import signal
import subprocess
import threading
import time

import pytest
import requests

import recompute as rc
from net import COIN, SANITIZED, recomputed, wait_until
from wallet import Wallet

ROUNDS = int(os.environ.get("RENSA_KILL_ROUNDS", "10" if SANITIZED else "50"))
STORM_SECONDS = float(os.environ.get("RENSA_STORM_SECONDS", "6"))
ACCEPTED = ("pending", "waiting", "confirmed")


def kill_all(node):
    """SIGKILL to every process of the node in one call: they are one process group."""
    node.is_expected_up = False
    os.killpg(node.process.pid, signal.SIGKILL)
    node.process.wait()
    node.wait_gone()


class Driver:
    """Clients that mine and pay without pause, and remember what they were told."""

    def __init__(self, node, payer, payee):
        self.node, self.payer, self.payee = node, payer, payee
        self.genesis = None
        self.blocks, self.transfers = {}, {}
        self.unanswered = None  # a transfer that may have been taken or not
        self.stop = threading.Event()
        self.threads = []

    def note_head(self):
        height, block = self.node.head()
        self.blocks[height] = block

    def mine(self):
        with contextlib.suppress(requests.RequestException):
            while not self.stop.is_set():
                reply = self.node.request("POST", "/mine", json={"address": self.payer.address, "blocks": random.randint(1, 3)})
                if reply.status_code == 200:
                    for block in reply.json()["blocks"]:
                        self.blocks[block["height"]] = block["hash"]
                self.note_head()

    def pay(self):
        with contextlib.suppress(requests.RequestException):
            while not self.stop.is_set():
                # One that was not answered is sent again: its sequence must not be skipped.
                self.unanswered = self.unanswered or self.payer.transfer(self.genesis, self.payee, 1)
                reply = self.node.request("POST", "/transactions", json=self.unanswered)
                if reply.status_code == 202 or "already-confirmed" in reply.text:
                    self.transfers[self.unanswered["id"]] = self.unanswered
                    self.unanswered = None

    def begin(self):
        self.genesis = self.genesis or self.node.genesis()
        self.stop.clear()
        self.threads = [threading.Thread(target=work) for work in (self.mine, self.pay)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def check(self):
        """Everything that was acknowledged is there."""
        for height in sorted(self.blocks)[-20:]:
            assert self.node.get(f"/blocks/{height}")["hash"] == self.blocks[height], f"block {height} is another one"
        for txid in list(self.transfers)[-60:]:
            assert self.node.transaction_status(txid) in ACCEPTED, f"transfer {txid} is lost"

    def check_all(self):
        chain = {block["height"]: block["hash"] for block in self.node.chain()["chain"]}
        for height, block in self.blocks.items():
            assert chain.get(height) == block, f"block {height} is another one"
        for txid in self.transfers:
            assert self.node.transaction_status(txid) in ACCEPTED, f"transfer {txid} is lost"
        assert recomputed(self.node).height == max(chain)


def test_nothing_acknowledged_is_lost_when_everything_is_killed_at_any_moment(net):
    payer, payee = Wallet(), Wallet()
    node = net.node().start()
    node.mine(payer.address, 2)
    driver = Driver(node, payer, payee)
    for round_number in range(ROUNDS):
        driver.begin()
        time.sleep(random.uniform(0, 0.25))
        kill_all(node)
        driver.end()
        node.start()
        driver.check()
    driver.check_all()
    balances = recomputed(node).balances
    for wallet in (payer, payee):
        assert node.balance(wallet.address) == balances.get(rc.hash160(wallet.public_key), 0)
    assert len(driver.transfers) >= 5 and max(driver.blocks) >= 5


def test_a_storm_of_kills_loses_nothing_and_readers_see_whole_chains(net):
    payer, payee = Wallet(), Wallet()
    node = net.node().start()
    node.allow_errors(".")
    node.mine(payer.address, 2)
    driver = Driver(node, payer, payee)
    driver.genesis = node.genesis()
    wrong, over = [], threading.Event()

    def again(work):
        while not over.is_set():
            driver.stop.clear()
            work()

    def read():
        while not over.is_set():
            with contextlib.suppress(requests.RequestException, ValueError):
                blocks = node.request("GET", "/chain").json().get("chain", [])
                for parent, block in zip(blocks, blocks[1:]):
                    if block["previous_hash"] != parent["hash"] or block["height"] != parent["height"] + 1:
                        wrong.append(f"{parent['hash']} is not what {block['hash']} builds on")

    threads = [threading.Thread(target=again, args=[work]) for work in (driver.mine, driver.pay)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + STORM_SECONDS
    while time.monotonic() < ends:
        children = [pid for pid in node.members() if pid != node.process.pid]
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(children), signal.SIGKILL)
        time.sleep(random.uniform(0.02, 0.2))
    over.set()
    driver.stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    # Delays before a role comes back have grown; the last round starts from the disk.
    kill_all(node)
    node.start()
    driver.check_all()


def test_a_restart_in_order_keeps_chain_and_pool(net, alice, bob):
    node = net.node().start()
    node.mine(alice.address, 3)
    sent = [node.send(alice.transfer(node.genesis(), bob, COIN // 4))["id"] for _ in range(3)]
    ahead = node.send(alice.transfer(node.genesis(), bob, 1, sequence=9))
    assert ahead["status"] == "waiting"
    head = node.head()
    node.stop()
    node.start()
    assert node.head() == head
    assert node.pool() == [*sent, ahead["id"]]
    assert node.transaction_status(ahead["id"]) == "waiting"
    assert not node.log_has("was not stopped in order")
    node.mine(alice.address)
    assert node.balance(bob.address) == 3 * (COIN // 4)


def journal_files(node):
    return sorted((node.data_dir / "journal").glob("*.log"))


def test_a_torn_last_write_is_cut_off_and_said_so(net, alice):
    node = net.node().start()
    node.mine(alice.address, 3)
    kill_all(node)
    data = journal_files(node)[-1].read_bytes()
    used = len(data.rstrip(b"\0"))
    journal_files(node)[-1].write_bytes(data[: used - 5] + bytes(len(data) - used + 5))
    node.start()
    assert node.height() == 2
    assert node.log_has("level=warn", "were cut off")
    node.mine(alice.address)
    node.stop()
    node.start()
    assert node.height() == 3


@pytest.mark.parametrize("where", ["header", "frame", "block"])
def test_damage_is_refused_with_file_and_byte(net, alice, where):
    node = net.node().start()
    node.allow_errors("is damaged")
    node.mine(alice.address, 3)
    node.stop()
    path = journal_files(node)[0]
    data = bytearray(path.read_bytes())
    at = {"header": 20, "frame": 96 + 9, "block": 96 + 120}[where]
    data[at] ^= 0x10
    path.write_bytes(data)
    node.spawn()
    assert node.wait_exit() == 2
    line = next(line for line in node.log().splitlines() if "level=error" in line)
    assert "journal/00000001.log is damaged" in line and re.search(r"byte \d+|bytes 0 to 95", line)
    data[at] ^= 0x10
    path.write_bytes(data)
    node.start()
    assert node.height() == 3


def test_another_network_is_refused(net, alice):
    node = net.node().start()
    node.allow_errors("another network|differs|network")
    node.mine(alice.address)
    node.stop()
    node.configure("network", difficulty=9)
    node.spawn()
    assert node.wait_exit() == 2
    node.configure("network", difficulty=8)
    node.start()
    assert node.height() == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB that is gone with the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting needs root")
    yield folder
    wait_until("the small disk can go", lambda: subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0)


def fill(path):
    """Takes all that is left of a file system."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_refuses_new_work_and_goes_on_when_there_is_room(small_disk, net, alice, bob):
    node = net.node(data_dir=small_disk / "data").start()
    node.allow_errors("disk|log of pending transfers|cannot be kept")
    node.mine(alice.address, 2)
    node.send(alice.transfer(node.genesis(), bob, 1))
    node.stop()
    # The disk space that the logs have taken ahead is theirs: a start on a full disk still has that.
    for path in [*journal_files(node), *(node.data_dir / "pool").glob("*.log")]:
        os.truncate(path, len(path.read_bytes().rstrip(b"\0")) + 8)
    fill(small_disk / "filler")
    node.start()
    assert node.height() == 2 and len(node.pool()) == 1

    refused = alice.transfer(node.genesis(), bob, 2)
    reply = node.request("POST", "/transactions", json=refused)
    assert reply.status_code == 507 and reply.json()["error"]["code"] == "no-space"
    reply = node.request("POST", "/mine", json={"address": alice.address})
    assert reply.status_code == 507 and reply.json()["error"]["code"] == "no-space"
    ready = node.request("GET", "/readyz")
    assert ready.status_code == 503 and "full" in ready.json()["reason"]
    assert node.height() == 2 and len(node.pool()) == 1 and node.transaction(refused["id"]) is None

    (small_disk / "filler").unlink()
    wait_until("it is ready again", lambda: node.request("GET", "/readyz").status_code == 200)
    node.send(refused)
    node.mine(alice.address)
    kill_all(node)
    node.start()
    assert node.height() == 3 and node.transaction_status(refused["id"]) == "confirmed"
    node.stop()


def test_a_full_dev_shm_refuses_new_blocks_and_goes_on_when_there_is_room(net, alice):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    node = net.node(node={"pool_max": 64, "sync": "off"}, http={"workers": 1})
    node.own_shm = "24m"
    node.start()
    node.allow_errors("cannot be kept")
    filler = f"/proc/{node.process.pid}/root/dev/shm/filler"
    fill(filler)

    def is_full():
        reply = node.request("POST", "/mine", json={"address": alice.address, "blocks": 500})
        return reply.status_code == 507 and reply.json()["error"]["code"] == "no-space"

    wait_until("new blocks are refused", is_full)
    height = node.height()
    assert len(node.chain()["chain"]) == height + 1
    os.unlink(filler)
    node.mine(alice.address, 20)
    kill_all(node)
    node.start()
    assert node.height() >= height + 20
    node.stop()


def test_a_segment_full_of_lost_branches_is_rebuilt_from_the_journal(net, alice, bob):
    quiet = {"interval": "1s", "scan_hosts": None, "scan_ports": None}
    one, two = (net.node(discovery=quiet, node={"sync": "off"}).start() for _ in range(2))
    one.mine(alice.address, 3600)
    two.mine(bob.address, 3700)
    # A snapshot of the branch that will be lost must not bring it back.
    one.stop()
    assert (one.data_dir / "snapshot").exists()
    one.start()
    one.send(alice.transfer(one.genesis(), bob, 1, sequence=0))
    one.configure("discovery", peers=f"{two.host}:{two.port}")
    one.process.send_signal(signal.SIGHUP)
    net.wait_until("the shorter chain's node rebuilds", lambda: one.log_has("rebuilding it from the journal"))

    def is_clean():
        reply = one.request("GET", "/status")
        return reply.status_code == 200 and reply.json()["segment"]["arena_dead"] == 0

    net.wait_until("nothing is dead any more", is_clean)
    assert one.head() == two.head()
    assert recomputed(one).height == 3700
    two.mine(bob.address)
    net.wait_agree([one, two], 3701)


def started_with(node, word):
    """The loader's lines of the last start have this word."""
    lines = node.log().rsplit("listens on", 1)[1].splitlines()
    return any("role=loader" in line and word in line for line in lines)


def test_a_snapshot_saves_building_and_is_never_trusted(net, alice, bob):
    node = net.node(node={"sync": "off"}).start()
    node.mine(alice.address, 2100)
    node.send(alice.transfer(node.genesis(), bob, 5 * COIN))
    node.mine(bob.address)
    head, snapshot = node.head(), node.data_dir / "snapshot"
    node.stop()
    assert snapshot.exists()
    whole = snapshot.read_bytes()

    def check(is_used):
        node.start()
        assert started_with(node, "holds the chain up to") == is_used
        assert started_with(node, "is not used") != is_used
        assert node.head() == head and node.balance(bob.address) == 6 * COIN
        assert node.get("/blocks/1000")["transactions"][0]["recipient_blockchain_address"] == alice.address
        kill_all(node)

    check(is_used=True)
    for at in (3, 20, 100, 4096 + 8, len(whole) // 2, len(whole) - 5):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        snapshot.write_bytes(damaged)
        check(is_used=False)
    snapshot.write_bytes(whole[: len(whole) // 2])
    check(is_used=False)
    # One that knows of blocks that the journal has not.
    snapshot.write_bytes(whole)
    path = journal_files(node)[-1]
    data = path.read_bytes()
    os.truncate(path, len(data.rstrip(b"\0")) - 200)
    node.start()
    assert started_with(node, "is not used") and node.height() < head[0]


def test_the_archiver_writes_a_snapshot_while_the_node_runs(net, alice):
    node = net.node(node={"sync": "off"}).start()
    node.mine(alice.address, 2100)
    head = node.head()
    kill_all(node)
    node.start()
    net.wait_until("a snapshot is written", lambda: node.log_has("archiver: wrote a snapshot of the chain at height 2100"))
    kill_all(node)
    node.start()
    assert started_with(node, "holds the chain up to") and node.head() == head
