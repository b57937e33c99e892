"""rensa backup: a folder from a running node that another node starts from, whatever the first one does meanwhile."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tools import DONE, LOCAL, UNREACHABLE, USAGE, filled, rensa, tree
from wallet import Wallet


def alone(net, **changes):
    return net.node(hosts=1, discovery={"scan_hosts": None, "scan_ports": None}, **changes)


def restored(net, folder, **changes):
    """A node on a folder that was backed up."""
    return net.node(hosts=1, discovery={"scan_hosts": None, "scan_ports": None}, data_dir=folder, **changes)


def test_a_node_starts_from_the_folder_with_all_that_was_there(net, alice, bob, tmp_path):
    node = alone(net)
    waiting = filled(node, alice, bob, blocks=25)
    folder = tmp_path / "backup"
    done = rensa("--json", "backup", f"{folder}/", "--node", node.base).json()
    assert (done["height"], done["head"]) == node.head() and done["transactions"] == 2 and done["folder"] == str(folder)
    assert sorted(tree(folder)) == ["journal/00000001.log", "network", "pool/00000001.log"]
    seen = rensa("--json", "verify", "--data", folder).json()
    assert (seen["height"], seen["head"]) == node.head() and seen["pool_entries"] == 2 and seen["lost_blocks"] == 0
    other = restored(net, folder).start()
    assert other.head() == node.head() and sorted(other.pool()) == sorted(waiting)
    assert not other.log_has("was not stopped in order")
    other.mine(bob.address)
    assert all(other.transaction_status(i) == "confirmed" for i in waiting)


def test_nodes_are_served_at_one_address_alone_that_the_client_was_not_given(net, alice, bob, tmp_path):
    node = net.node(hosts=2, discovery={"scan_hosts": None, "scan_ports": None}, peers={"listen": f"{net.host(2)}:{net.port + 10}"})
    filled(node, alice, bob)
    assert node.status()["peers"]["host"] == net.host(2) != node.host
    done = rensa("--json", "backup", tmp_path / "backup", "--node", node.base).json()
    assert (done["height"], done["head"]) == node.head()


class Misled(BaseHTTPRequestHandler):
    """Has the status of a node that serves others where nobody listens."""

    def log_message(self, *args):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, self.server.status)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(404, {"error": {"code": "unknown-path", "message": "no such path"}})


@pytest.mark.parametrize("names_host", [True, False])
def test_what_does_not_answer_is_what_is_blamed(net, tmp_path, names_host):
    node = alone(net).start()
    peers = {"port": net.port + 11} | ({"host": net.host(3)} if names_host else {})
    server = ThreadingHTTPServer((net.host(2), 0), Misled)
    server.status = node.status() | {"peers": peers}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        failed = rensa("backup", tmp_path / "backup", "--node", f"http://{net.host(2)}:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    blamed = f"{net.host(3 if names_host else 2)}:{net.port + 11}"
    assert failed.code == UNREACHABLE and f"not at {blamed} (connection refused" in failed.err
    assert f"answers at http://{net.host(2)}:" in failed.err and "[peers] listen" in failed.err


def test_an_empty_node_can_be_backed_up(net, tmp_path):
    node = alone(net).start()
    (tmp_path / "empty").mkdir()
    assert rensa("backup", tmp_path / "empty", "--node", node.base).code == DONE
    assert rensa("--json", "verify", "--data", tmp_path / "empty").json()["height"] == 0
    assert restored(net, tmp_path / "empty").start().head() == node.head()


def test_it_is_consistent_while_the_node_mines_and_takes_transfers(net, alice, bob, tmp_path):
    node = alone(net, miner={"mode": "continuous", "address": alice.address})
    node.start()
    network = node.genesis()
    net.wait_until("there are coins", lambda: node.height() > 20)
    accepted, stop = [], threading.Event()

    def send():
        while not stop.is_set():
            accepted.append(node.send(alice.transfer(network, bob, 1000, fee=len(accepted) + 1))["id"])

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for n in range(4):
            told, folder = len(accepted), tmp_path / f"hot-{n}"
            done = rensa("--json", "backup", folder, "--node", node.base).json()
            assert rensa("--json", "verify", "--data", folder).json()["head"] == done["head"]
            other = restored(net, folder).start()
            assert other.head() == (done["height"], done["head"])
            # Whatever was accepted before the backup began is in it: mined or waiting.
            lost = [i for i in accepted[:told] if other.transaction_status(i) not in ("confirmed", "pending", "waiting")]
            assert not lost
            other.stop()
    finally:
        stop.set()
        sender.join()


def test_nothing_that_is_there_is_touched(net, alice, tmp_path):
    node = alone(net).start()
    node.mine(alice.address, 2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        done = rensa("backup", tmp_path / name, "--node", node.base)
        assert done.code == LOCAL and "is not an empty folder" in done.err
    (tmp_path / "new.part").mkdir()
    done = rensa("backup", tmp_path / "new", "--node", node.base)
    assert done.code == LOCAL and "cut short: remove it" in done.err
    done = rensa("backup", "/proc/backup", "--node", node.base)
    assert done.code == LOCAL and "cannot make the folder /proc/backup.part" in done.err
    assert rensa("backup").code == USAGE
    done = rensa("backup", tmp_path / "none", "--node", "http://127.0.0.1:1")
    assert done.code == UNREACHABLE
    assert sorted(p.name for p in tmp_path.iterdir() if p.name in ("none", "none.part")) == []
    assert tree(tmp_path / "full") == {"letter.txt": b"mine"}


def test_a_disk_that_fails_at_any_step_leaves_nothing(net, alice, bob, tmp_path):
    node = alone(net)
    filled(node, alice, bob)
    for kind in ("disk.write", "disk.sync", "disk.allocate", "disk.rename", "disk.open", "disk.dirsync", "file.write"):
        for n in range(1, 40):
            folder = tmp_path / f"{kind}-{n}"
            done = rensa("backup", folder, "--node", node.base, env={"RENSA_FAILPOINTS": f"{kind}=fail:{n}"})
            if done.code == DONE and (kind != "disk.dirsync" or n > 15):
                break
            # A new folder whose parent cannot be synced is no reason to fail: what counts is synced later.
            assert (done.code == LOCAL and "cannot" in done.err) or (done.code, kind) == (DONE, "disk.dirsync"), (kind, n, done)
            assert not folder.with_name(folder.name + ".part").exists(), (kind, n)
            if folder.exists():
                # It had its name before the last sync failed: whole, and not promised.
                assert kind == "disk.dirsync"
        assert 1 < n < 39, kind
        assert rensa("verify", "--data", folder).code == DONE


def test_one_that_was_killed_never_has_the_name(net, alice, bob, tmp_path):
    node = alone(net)
    filled(node, alice, bob)
    for n in range(1, 4):
        folder = tmp_path / f"killed-{n}"
        done = subprocess.run(
            [os.environ["RENSA"], "backup", folder, "--node", node.base],
            env=os.environ | {"RENSA_HOME": "/nonexistent", "RENSA_FAILPOINTS": f"framelog.written=kill:{n}"},
            capture_output=True,
        )
        assert done.returncode == -9 and not folder.exists()


def test_blocks_of_other_branches_do_not_mix_in(net, tmp_path):
    """A backup of a node that has just taken another branch holds that branch alone."""
    one, two = alone(net).start(), alone(net).start()
    one.mine(Wallet().address, 5)
    two.mine(Wallet().address, 9)
    file = tmp_path / "two.rensa"
    assert rensa("export", file, "--node", two.base).code == DONE
    one.stop()
    assert rensa("import", file, "--data", one.data_dir).code == DONE
    one.start()
    assert rensa("backup", tmp_path / "copy", "--node", one.base).code == DONE
    seen = rensa("--json", "verify", "--data", tmp_path / "copy").json()
    assert (seen["height"], seen["head"]) == two.head() and seen["lost_blocks"] == 0
