"""journal_reader.py reads the documented files and those of a node, and refuses them after any single change."""

import json
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import journal_reader as jr  # noqa: E402


def documented():
    page = (HERE.parent.parent / "docs" / "protocol.md").read_text()
    return json.loads(page.rsplit("```json", 1)[1].split("```", 1)[0])


@pytest.fixture
def folder(tmp_path):
    vectors = documented()
    for name, key in (("journal/00000001.log", "journal_file"), ("pool/00000007.log", "pool_file")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(bytes.fromhex(vectors[key]))
    return tmp_path


def test_the_checksum_is_that_of_the_standard():
    assert jr.crc32c(b"123456789") == 0xE3069283


def test_the_documented_files_hold_what_the_page_says(folder):
    vectors = documented()
    genesis, blocks, tip, height, closed = jr.read_journal(folder / "journal")
    assert genesis.hex() == vectors["block_hashes"][0]
    assert (tip.hex(), height, closed) == (vectors["block_hashes"][1], 1, True)
    assert [block.hex() for block in jr.chain_of(genesis, blocks, tip)] == [vectors["blocks"][1]]
    assert jr.read_pool(folder / "pool") == [(1767225660000, True, bytes.fromhex(vectors["transfer"]))]


def test_the_documented_journal_is_refused_after_any_change_before_its_last_frame(folder):
    path = folder / "journal" / "00000001.log"
    good = path.read_bytes()
    for at in range(len(good) - 32):
        if at - 96 - 24 in range(251, 256):  # padding of the first frame
            continue
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        with pytest.raises(jr.Fault):
            jr.read_journal(folder / "journal")


def test_a_torn_end_is_no_fault(folder):
    path = folder / "journal" / "00000001.log"
    good = path.read_bytes()
    for size in range(len(good) - 32, len(good) - 3):
        path.write_bytes(good[:size] + b"\xff" * 40)
        assert jr.read_journal(folder / "journal")[3:] == (1, False)


def test_a_nodes_own_files_are_as_the_page_says(net, alice, bob):
    node = net.node().start()
    genesis = node.genesis()
    node.mine(alice.address, 3)
    node.send(alice.transfer(genesis, bob, 5))
    tip = node.head()[1]

    def is_closed():
        found, blocks, last, height, closed = jr.read_journal(node.data_dir / "journal")
        assert (found.hex(), last.hex(), height) == (genesis, tip, 3)
        assert len(jr.chain_of(found, blocks, last)) == 3
        assert [row[1] for row in jr.read_pool(node.data_dir / "pool")] == [True]
        return closed

    # What the node acknowledged is there while it runs, after it was killed, and after it stopped in order.
    assert not is_closed()
    node.kill()
    node.wait_gone()
    assert not is_closed()
    node.start()
    node.stop()
    assert is_closed()
    command = [sys.executable, str(HERE / "journal_reader.py"), str(node.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"height 3, tip {tip}" in done.stdout, done.stderr
