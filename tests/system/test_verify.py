"""rensa verify finds whatever is wrong in a data folder, says where, and changes nothing."""

import os
import pty
import random
import subprocess

import pytest
import recompute as rc
from tools import DONE, LOCAL, REFUSED, crc32c, end_of, filled, frames, reframe, rensa, rewritten, tree


@pytest.fixture
def stopped(net, alice, bob):
    """A node with 12 blocks and two pending transfers, stopped in order."""
    node = net.node(hosts=1)
    node.waiting = filled(node, alice, bob)
    node.supply = node.status()["supply"]
    node.last = node.head()
    node.stop()
    return node


def first_log(node, kind="journal"):
    return node.data_dir / kind / "00000001.log"


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x20
    path.write_bytes(data)


def test_a_good_folder_is_good_and_stays_as_it_was(stopped):
    before = tree(stopped.data_dir)
    seen = rensa("--json", "verify", "--data", stopped.data_dir).json()
    assert (seen["height"], seen["head"]) == stopped.last
    assert seen["supply"] == stopped.supply and seen["network"] == "test" and seen["pool_entries"] >= 2
    assert seen["lost_blocks"] == 0 and seen["torn_bytes"] == 0 and not seen["in_use"]
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == DONE and "keeps the rules" in said.out and said.err == ""
    assert tree(stopped.data_dir) == before


def test_how_far_it_is_is_shown_on_a_terminal_alone(stopped):
    ours, theirs = pty.openpty()
    command = [os.environ["RENSA"], "verify", "--data", stopped.data_dir]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"RENSA_HOME": "/nonexistent"}, timeout=110)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == DONE and b"keeps the rules" in done.stdout
    assert "checking the chain [..............................] 0 of 12 blocks" in shown and shown.endswith("\r\x1b[K")


def test_a_node_may_run_meanwhile(net, alice, bob):
    node = net.node(hosts=1, miner={"mode": "continuous", "address": alice.address})
    node.start()
    net.wait_until("it mines", lambda: node.height() > 5)
    for _ in range(20):
        said = rensa("verify", "--data", node.data_dir)
        assert said.code == DONE, said
        assert f"a node (process {node.process.pid}) runs on" in said.out
    assert rensa("--json", "verify", "--data", node.data_dir).json()["in_use"]


def test_a_last_write_that_was_never_finished_is_no_damage(stopped):
    path = first_log(stopped)
    end = end_of(path)
    at, payload = frames(path)[-1]
    data = path.read_bytes()
    path.write_bytes(data[:end] + data[at : at + 20] + bytes(500))
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == DONE and "never finished" in said.out
    assert rensa("--json", "verify", "--data", stopped.data_dir).json()["torn_bytes"] > 0


def test_a_flipped_byte_is_found_wherever_it_is(stopped):
    journal, end = first_log(stopped), end_of(first_log(stopped))
    last = frames(journal)[-1][0]
    whole = journal.read_bytes()
    places = [*range(0, 96, 7), 96, 100, 104, 112, 116, *random.Random(7).sample(range(120, last), 40)]
    # Padding behind a payload means nothing.
    covered = [at for at in places if at < 96 or any(f <= at < f + 24 + len(p) for f, p in frames(journal))]
    covered = [at for at in covered if not (80 <= at < 92)]
    for at in covered:
        flip(journal, at)
        said = rensa("--json", "verify", "--data", stopped.data_dir)
        assert said.code in (REFUSED, LOCAL), (at, said)
        error = said.error()
        assert "00000001.log" in error["error"]["message"], (at, said)
        if said.code == REFUSED:
            place = error["damage"][0]
            frame = max((f for f, _ in frames_of(whole) if f <= at), default=0)
            assert place["file"] == "journal/00000001.log" and place["byte"] == (frame if at >= 96 else 0), (at, said)
        journal.write_bytes(whole)
    assert len(covered) > 40 and rensa("verify", "--data", stopped.data_dir).code == DONE and end > last


def frames_of(data):
    at, found = 96, []
    while data[at : at + 4] == b"RFRM":
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        found.append((at, size))
        at += 24 + (size + 7) // 8 * 8
    return found


def test_damage_says_how_far_the_chain_is_sound(stopped):
    journal = first_log(stopped)
    at, payload = frames(journal)[6]
    flip(journal, at + 24 + len(payload) // 2)
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == REFUSED
    assert f"damaged: journal/00000001.log, byte {at}" in said.out
    assert "The chain is sound up to block" in said.err and "backup" in said.err
    # The node refuses the same folder with one sentence.
    stopped.allow_errors("is damaged at byte")
    stopped.spawn()
    assert stopped.wait_exit() == 2
    assert stopped.log_has("loader", f"is damaged at byte {at}", "rensa verify tells more")


def blocks_of(node):
    """The bytes of the journal's blocks, by what the client exports of them being the same in every frame."""
    found = []
    for _, payload in frames(first_log(node)):
        at = 0
        while at < len(payload):
            kind, size = payload[at], int.from_bytes(payload[at + 1 : at + 5], "big")
            if kind == 1:
                found.append(payload[at + 5 : at + 5 + size])
            at += 5 + size
    return found


def corrupt_hash(entry):
    return entry[:32], bytes([entry[0] ^ 1]) + entry[1:32]


def corrupt_merkle(entry):
    body = entry[32:]
    return body[36:68], bytes([body[36] ^ 1]) + body[37:68]


def corrupt_reward(entry):
    # version 1, network 32, recipient 20, value 8: the first transaction stands behind header and count.
    reward = entry[32 + 100 : 32 + 100 + 69]
    return reward, reward[:60] + bytes([reward[60] ^ 1]) + reward[61:]


def corrupt_signature(entry):
    tail = entry[-64:]
    return tail, tail[:40] + bytes([tail[40] ^ 1]) + tail[41:]


@pytest.mark.parametrize(
    "corrupt, block, words",
    [
        (corrupt_hash, 4, "hash that is stored"),
        (corrupt_merkle, 4, "insufficient-work"),
        (corrupt_reward, 5, "wrong-merkle-root"),
        (corrupt_signature, 4, "wrong-merkle-root"),
    ],
)
def test_what_no_checksum_shows_is_found_by_the_rules(stopped, corrupt, block, words):
    entry = blocks_of(stopped)[block - 1]
    old, new = corrupt(entry)
    rewritten(first_log(stopped), old, new)
    error = rensa("--json", "verify", "--data", stopped.data_dir).error()
    assert error["error"]["code"] == "damaged"
    assert any(words in place["problem"] and place["height"] == block for place in error["damage"]), error
    for place in error["damage"]:
        assert place["file"] == "journal/00000001.log" and place["byte"] > 96


def forged(entries, bad):
    """The same blocks with a wrong signature at some heights, and all else as it has to be: roots, work, links, stored hashes."""
    previous, made = entries[0][32 + 4 : 32 + 36], []
    for height, entry in enumerate(entries, 1):
        body = bytearray(entry[32:])
        body[4:36] = previous
        if height in bad:
            body[-24] ^= 1
            body[36:68] = rc.merkle_root([bytes(body[100:169]), bytes(body[169:])])
        limit, nonce = rc.target_expand(int.from_bytes(body[76:80], "big")), 0
        while int.from_bytes(rc.sha256d(bytes(body[:96])), "big") > limit:
            body[88:96] = nonce.to_bytes(8, "big")
            nonce += 1
        previous = rc.sha256d(bytes(body[:96]))
        made.append(previous + bytes(body))
    return made


@pytest.mark.parametrize("bad", [[4], [12], [7, 9], list(range(3, 21))], ids=str)
def test_the_first_of_bad_signatures_is_named_whoever_has_looked_at_it(net, alice, bob, bad):
    node = net.node(hosts=1)
    node.start()
    network = node.genesis()
    node.mine(alice.address, 2)
    for n in range(18):
        node.send(alice.transfer(network, bob, 1000 + n))
        node.mine(bob.address, 1)
    node.stop()
    old = blocks_of(node)
    new = forged(old, bad)

    def change(payload):
        for a, b in zip(old, new):
            payload = payload.replace(a, b)
        for a, b in zip(old, new):
            payload = payload.replace(a[:32], b[:32])
        return payload

    reframe(first_log(node), change)
    for _ in range(5):
        error = rensa("--json", "verify", "--data", node.data_dir).error()
        assert [place["height"] for place in error["damage"]] == bad
        assert all("transaction 1 breaks bad-signature" in place["problem"] for place in error["damage"]), error
        assert f"The chain is sound up to block {bad[0] - 1}." in error["error"]["message"]


def test_a_bad_signature_in_the_pool_is_found(stopped):
    pool = sorted((stopped.data_dir / "pool").iterdir())[-1]
    payload = frames(pool)[-1][1]
    rewritten(pool, payload[-64:], payload[-64:-20] + bytes([payload[-20] ^ 1]) + payload[-19:])
    error = rensa("--json", "verify", "--data", stopped.data_dir).error()
    assert error["damage"][0]["file"].startswith("pool/") and "bad-signature" in error["damage"][0]["problem"]


def test_a_lost_file_and_a_folder_that_is_none_are_named(stopped, tmp_path):
    said = rensa("verify", "--data", tmp_path / "none")
    assert said.code == LOCAL and "cannot look into the data folder" in said.err and "--data" in said.err
    (tmp_path / "empty").mkdir()
    said = rensa("verify", "--data", tmp_path / "empty")
    assert said.code == LOCAL and "start the node once" in said.err
    journal = first_log(stopped)
    journal.rename(journal.with_name("00000002.log"))
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == REFUSED and "lacks its first file" in said.err


def test_a_later_format_is_told_from_damage(stopped):
    network = stopped.data_dir / "network"
    whole = network.read_bytes()
    network.write_bytes(whole[:8] + (2).to_bytes(4, "big") + whole[12:])
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == LOCAL and "later version" in said.err
    network.write_bytes(whole)
    journal = first_log(stopped)
    data = journal.read_bytes()
    head = data[:8] + (9).to_bytes(4, "big") + data[12:92]
    journal.write_bytes(head + crc32c(head).to_bytes(4, "big") + data[96:])
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code == LOCAL and "has format 9" in said.err


# DATA/network ---------------------------------------------------------------------------------------------------------


def test_a_folder_of_another_network_is_refused_and_the_parameter_named(stopped):
    stopped.configure("network", difficulty=9)
    stopped.allow_errors("belongs to another network")
    stopped.spawn()
    assert stopped.wait_exit() == 2
    assert stopped.log_has("belongs to another network (test): its difficulty is another", "set difficulty under [network]")
    # Without the file the journal itself still says so, and no wrong file is left behind.
    (stopped.data_dir / "network").unlink()
    stopped.spawn()
    assert stopped.wait_exit() == 2
    assert not (stopped.data_dir / "network").exists()
    stopped.configure("network", difficulty=8)
    stopped.start()
    assert stopped.head() == stopped.last and (stopped.data_dir / "network").exists()


@pytest.mark.parametrize("at", [0, 9, 14, 20, 40, -1])
def test_a_damaged_network_file_is_refused(stopped, at):
    network = stopped.data_dir / "network"
    data = bytearray(network.read_bytes())
    data[at] ^= 1
    network.write_bytes(data)
    said = rensa("verify", "--data", stopped.data_dir)
    assert said.code in (REFUSED, LOCAL) and str(network) in said.err
    stopped.allow_errors("is damaged|later version")
    stopped.spawn()
    assert stopped.wait_exit() == 2
    network.unlink()
    stopped.start()
    assert stopped.head() == stopped.last
