"""rensad --reset deletes the chain of a stopped node and nothing else, and never without being told so."""

import os
import pty
import subprocess

import pytest
from net import rensad
from tools import filled, tree

DONE, FAILED, REFUSED = range(3)


@pytest.fixture
def stopped(net, alice, bob):
    node = net.node(hosts=1)
    filled(node, alice, bob)
    node.stop()
    (node.data_dir / "journal" / "notes.txt").write_text("mine")
    (node.data_dir / "wallets").mkdir()
    (node.data_dir / "wallets" / "alice.wallet").write_text("mine too")
    return node


def reset(node, *options):
    return subprocess.run(
        [rensad(), "-c", node.config_path, "--reset", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def on_terminal(node, typed):
    """The same with a person at a terminal. Returns (exit code, all that was shown)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([rensad(), "-c", node.config_path, "--reset"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(60), shown.decode()


OURS = ["journal/00000001.log", "network", "pool/00000001.log"]


def test_without_a_terminal_it_names_the_files_and_deletes_nothing(stopped):
    before = tree(stopped.data_dir)
    done = reset(stopped)
    assert done.returncode == REFUSED and "say --yes too" in done.stderr
    for name in OURS:
        assert f"{(stopped.data_dir / name).stat().st_size} bytes  {name}\n" in done.stdout
    assert "notes.txt" not in done.stdout and "wallet" not in done.stdout.replace("wallets are elsewhere", "")
    assert "a chain of network test up to block 12" in done.stdout
    assert tree(stopped.data_dir) == before


def test_with_yes_it_deletes_those_files_and_no_other(stopped):
    assert reset(stopped, "--yes").returncode == DONE
    assert sorted(tree(stopped.data_dir)) == ["journal/notes.txt", "wallets/alice.wallet"]
    again = reset(stopped, "--yes")
    assert again.returncode == DONE and "holds nothing to delete" in again.stdout
    stopped.start()
    assert stopped.height() == 0


@pytest.mark.parametrize("typed", [b"no\n", b"y\n", b"\n", b"yes please\n", b"\x04"])
def test_anything_but_yes_on_a_terminal_deletes_nothing(stopped, typed):
    before = tree(stopped.data_dir)
    code, shown = on_terminal(stopped, typed)
    assert code == FAILED and "nothing was deleted" in shown
    assert tree(stopped.data_dir) == before


def test_yes_on_a_terminal_deletes(stopped):
    code, shown = on_terminal(stopped, b"yes\n")
    assert code == DONE and "Deleted." in shown
    assert not (stopped.data_dir / "network").exists()


def test_a_running_node_keeps_its_data(net, alice):
    node = net.node(hosts=1).start()
    node.mine(alice.address, 2)
    done = reset(node, "--yes")
    assert done.returncode == FAILED and str(node.process.pid) in done.stderr and "nothing was deleted" in done.stderr
    assert node.mine(alice.address) and node.height() == 3


def test_a_damaged_journal_can_be_reset(stopped):
    journal = stopped.data_dir / "journal" / "00000001.log"
    data = bytearray(journal.read_bytes())
    data[150] ^= 1
    journal.write_bytes(data)
    done = reset(stopped, "--yes")
    assert done.returncode == DONE and "cannot be told" in done.stdout and "byte 96" in done.stdout
    stopped.start()


def test_a_reset_that_was_cut_short_leaves_a_folder_that_is_no_puzzle(stopped):
    """At whichever file it stops, the rest is a chain, and a second reset deletes it."""
    for failing in range(1, 4):
        env = os.environ | {"RENSA_FAILPOINTS": f"disk.unlink=fail:{failing}"}
        done = subprocess.run([rensad(), "-c", stopped.config_path, "--reset", "--yes"], env=env, capture_output=True, text=True, timeout=60)
        if done.returncode == DONE:
            break
        assert done.returncode == FAILED and "cannot delete" in done.stderr and "run it again" in done.stderr
        stopped.start()
        stopped.stop()
    assert reset(stopped, "--yes").returncode == DONE


def test_reset_stands_alone(stopped):
    for options in (["-t"], ["-T"], ["--sample"]):
        done = reset(stopped, *options, "--yes")
        assert done.returncode == REFUSED and "stands alone" in done.stderr
    done = subprocess.run([rensad(), "-c", stopped.config_path, "--yes"], capture_output=True, text=True, timeout=60)
    assert done.returncode == REFUSED and "--reset" in done.stderr
    assert set(OURS) <= set(tree(stopped.data_dir))
