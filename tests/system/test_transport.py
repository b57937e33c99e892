"""rensa export and import carry a chain in one file, and a file that is not right brings in nothing that is not."""

import os
import pathlib
import random
import subprocess
import tempfile

import pytest
import recompute as rc
from net import COIN
from tools import DONE, LOCAL, REFUSED, UNREACHABLE, USAGE, crc32c, filled, rensa, tree, written


@pytest.fixture
def stopped(net, alice, bob):
    node = net.node(hosts=1)
    node.waiting = filled(node, alice, bob, blocks=40)
    node.last = node.head()
    node.stop()
    return node


@pytest.fixture
def exported(stopped, tmp_path):
    file = tmp_path / "chain.rensa"
    done = rensa("--json", "export", file, "--data", stopped.data_dir).json()
    assert (done["height"], done["head"]) == stopped.last and done["file"] == str(file)
    return file


def beside(net, node, **changes):
    """Another node of the same network that is not started, with no peers."""
    return net.node(hosts=1, discovery={"scan_hosts": None, "scan_ports": None}, **changes)


# A second reading of the format, from docs/protocol.md alone


def parse(data):
    """(parameters, claimed tip, blocks) of an export file whose every checksum and field is checked."""
    number = lambda at, size: int.from_bytes(data[at : at + size], "big")  # noqa: E731
    assert data[:8] == b"RENSACHN" and number(8, 4) == 1
    length = number(12, 4)
    params, at = data[16 : 16 + length], 16 + length
    height, tip, work, at = number(at, 8), data[at + 8 : at + 40], number(at + 40, 32), at + 72
    link = crc32c(data[:at])
    assert link == number(at, 4)
    at += 4
    blocks = []
    while data[at : at + 4] == b"RGRP":
        start, count, first, size = at, number(at + 4, 4), number(at + 8, 8), number(at + 16, 4)
        assert 1 <= count <= 500 and first == len(blocks) + 1
        at += 20
        for _ in range(count):
            blocks.append(data[at + 4 : at + 4 + number(at, 4)])
            at += 4 + len(blocks[-1])
        assert at == start + 20 + size
        link = crc32c(data[start:at], link)
        assert link == number(at, 4)
        at += 4
    assert data[at : at + 4] == b"REND" and number(at + 4, 8) == len(blocks) == height
    assert data[at + 12 : at + 44] == tip == rc.sha256d(blocks[-1][:96])
    assert crc32c(data[at : at + 44], link) == number(at + 44, 4) and at + 48 == len(data)
    return params, (height, tip, work), blocks


def test_the_file_is_as_documented_and_the_same_from_node_and_folder(stopped, exported, tmp_path):
    params, (height, tip, work), blocks = parse(exported.read_bytes())
    assert params[:6] == b"\1\4test" and (height, tip.hex()) == stopped.last
    assert written(params, (height, tip, work), blocks) == exported.read_bytes()
    stopped.start()
    assert int(stopped.status()["work"], 16) == work
    other = tmp_path / "from-node.rensa"
    assert rensa("export", other, "--node", stopped.base).code == DONE
    assert other.read_bytes() == exported.read_bytes()
    # A folder may be read while its node runs, and - is standard output.
    piped = rensa("export", "-", "--data", stopped.data_dir)
    assert piped.code == DONE and piped.raw == exported.read_bytes() and piped.err == ""
    assert not list(tmp_path.glob("*.part"))


def test_a_node_that_serves_peers_elsewhere_is_found_there(net, stopped, exported, tmp_path):
    stopped.configure("peers", listen=f"{stopped.host}:{stopped.port + 10}")
    stopped.start()
    file = tmp_path / "apart.rensa"
    assert rensa("export", file, "--node", stopped.base).code == DONE
    assert file.read_bytes() == exported.read_bytes()


def test_a_new_folder_gets_the_chain_and_a_node_goes_on_from_there(net, stopped, exported, alice):
    node = beside(net, stopped)
    done = rensa("--json", "import", exported, "--data", node.data_dir).json()
    assert (done["height"], done["head"]) == stopped.last and done["imported"] == 40 and done["known"] == 0
    assert rensa("verify", "--data", node.data_dir).code == DONE
    node.start()
    assert node.head() == stopped.last and not node.log_has("was not stopped in order")
    assert node.mine(alice.address)
    again = rensa("import", exported, "--data", node.data_dir)
    assert again.code == REFUSED and str(node.process.pid) in again.err and "stop it first" in again.err
    node.stop()
    before = tree(node.data_dir)
    again = rensa("import", exported, "--data", node.data_dir)
    assert again.code == DONE and "nothing to do" in again.out
    assert tree(node.data_dir) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become somebody else")
def test_the_superuser_leaves_files_that_the_node_can_use(exported):
    # Not below TMPDIR, which may be a folder of the superuser alone.
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        folder = pathlib.Path(parent) / "data"
        folder.mkdir()
        os.chmod(parent, 0o755)
        os.chown(folder, 4711, 4712)
        # A process that became somebody else cannot be looked into, and the search for leaks does that.
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        assert rensa("import", exported, "--data", folder, env={"ASAN_OPTIONS": options}).code == DONE
        made = [p for p in folder.rglob("*")]
        assert len(made) >= 4 and {(p.stat().st_uid, p.stat().st_gid) for p in made} == {(4711, 4712)}


def test_standard_input_will_do(net, stopped, exported):
    node = beside(net, stopped)
    done = rensa("--json", "import", "-", "--data", node.data_dir, stdin=exported.read_bytes()).json()
    assert done["height"] == 40


def test_what_is_there_is_passed_over(net, stopped, exported):
    params, (_, _, work), blocks = parse(exported.read_bytes())
    some = blocks[:25]
    exported.write_bytes(written(params, (25, rc.sha256d(some[-1][:96]), work * 25 // 40), some, group=7))
    node = beside(net, stopped)
    assert rensa("--json", "import", exported, "--data", node.data_dir).json()["imported"] == 25
    exported.write_bytes(written(params, (40, rc.sha256d(blocks[-1][:96]), work), blocks, group=7))
    done = rensa("--json", "import", exported, "--data", node.data_dir).json()
    assert (done["known"], done["imported"], done["height_before"]) == (25, 15, 25)
    assert rensa("--json", "verify", "--data", node.data_dir).json()["head"] == stopped.last[1]


def test_the_chain_with_more_work_wins_and_lost_transfers_wait_again(net, stopped, exported, alice, bob):
    node = beside(net, stopped)
    node.start()
    node.mine(bob.address, 3)
    lost = node.send(bob.transfer(node.genesis(), alice, COIN, fee=7))["id"]
    node.mine(alice.address, 2)
    assert node.transaction_status(lost) == "confirmed"
    node.stop()
    done = rensa("import", exported, "--data", node.data_dir)
    assert done.code == DONE and "5 blocks of the chain that was there lost their place" in done.out
    seen = rensa("--json", "verify", "--data", node.data_dir).json()
    assert (seen["height"], seen["head"], seen["lost_blocks"]) == (*stopped.last, 5)
    assert seen["pool_entries"] >= 2
    # The other way round nothing changes.
    small = exported.with_name("small.rensa")
    node.start()
    assert node.head() == stopped.last and node.transaction_status(lost) == "pending"
    node.stop()
    shorter = beside(net, stopped).start()
    shorter.mine(alice.address, 4)
    assert rensa("export", small, "--node", shorter.base).code == DONE
    before = tree(node.data_dir)
    refused = rensa("import", small, "--data", node.data_dir)
    assert refused.code == REFUSED and "less work" in refused.err and "nothing was imported" in refused.err
    assert tree(node.data_dir) == before


def test_a_file_that_was_cut_short_is_good_up_to_there(net, stopped, exported):
    params, tip, blocks = parse(exported.read_bytes())
    whole = written(params, tip, blocks, group=5)
    group = whole.index(b"RGRP", whole.index(b"RGRP", len(whole) // 2) + 4)
    kept = int.from_bytes(whole[group + 8 : group + 16], "big") - 1
    for cut in (group, group + 1, group + 19, group + 20, group + 200):
        exported.write_bytes(whole[:cut])
        node = beside(net, stopped)
        done = rensa("import", exported, "--data", node.data_dir)
        assert done.code == REFUSED and "it was cut short" in done.err and f"ends at byte {cut}," in done.err
        assert f"height 0 -> {kept}" in done.out
        assert rensa("--json", "verify", "--data", node.data_dir).json()["height"] == kept
    for cut in (0, 5, 15):
        exported.write_bytes(whole[:cut])
        done = rensa("import", exported, "--data", node.data_dir)
        assert done.code == REFUSED and "is no export file" in done.err
    exported.write_bytes(whole[:-1])
    done = rensa("import", exported, "--data", node.data_dir)
    assert done.code == REFUSED and "cut short" in done.err and f"height {kept} -> 40" in done.out
    exported.write_bytes(whole + b"x")
    done = rensa("import", exported, "--data", beside(net, stopped).data_dir)
    assert done.code == REFUSED and "follows behind its end" in done.err


def test_a_flipped_byte_brings_nothing_bad_in(net, stopped, exported):
    params, tip, blocks = parse(exported.read_bytes())
    whole = written(params, tip, blocks, group=4)
    places = [*range(0, 16), *range(16, 120, 9), *range(len(whole) - 48, len(whole), 5)]
    places += random.Random(3).sample(range(120, len(whole) - 48), 40)
    for n, at in enumerate(places):
        folder = exported.with_name(f"folder-{n}")
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        exported.write_bytes(data)
        done = rensa("import", exported, "--data", folder)
        assert done.code in (REFUSED, LOCAL), (at, done)
        assert str(exported) in done.err and done.err.count("\n") == 1, (at, done)
        if folder.exists():
            seen = rensa("--json", "verify", "--data", folder).json()
            assert seen["height"] <= 40 and seen["lost_blocks"] == 0


def reframed_block(blocks, at, change):
    """The blocks with one changed and its work done again, so that no checksum shows it."""
    changed = change(bytearray(blocks[at]))
    head, nonce = bytes(changed[:88]), 0
    while int.from_bytes(rc.sha256d(head + nonce.to_bytes(8, "big")), "big") >> 248:
        nonce += 1
    return [*blocks[:at], head + nonce.to_bytes(8, "big") + bytes(changed[96:]), *blocks[at + 1 :]]


def later(block):
    block[68:76] = (int.from_bytes(block[68:76], "big") + 10_000_000_000).to_bytes(8, "big")
    return block


def richer(block):
    block[100 + 53 : 100 + 61] = (2 * COIN).to_bytes(8, "big")
    block[36:68] = rc.sha256(b"\0" + bytes(block[100:169]))
    return block


@pytest.mark.parametrize("change, rule", [(later, "time-too-new"), (richer, "reward-amount")])
def test_a_block_that_breaks_a_rule_is_named(net, stopped, exported, change, rule):
    params, tip, blocks = parse(exported.read_bytes())
    exported.write_bytes(written(params, tip, reframed_block(blocks, 29, change), group=6))
    node = beside(net, stopped)
    done = rensa("import", exported, "--data", node.data_dir)
    assert done.code == REFUSED and f"block 30 of {exported} is refused: " in done.err and f"breaks {rule}: " in done.err
    assert rensa("--json", "verify", "--data", node.data_dir).json()["height"] == 29


def test_another_network_is_refused_and_the_parameter_named(net, stopped, exported):
    node = net.node(hosts=1, network={"reward": 5})
    node.start()
    by_node = rensa("import", exported, "--node", node.base)
    assert by_node.code == REFUSED and "they differ in reward" in by_node.err
    node.stop()
    before = tree(node.data_dir)
    by_data = rensa("import", exported, "--data", node.data_dir)
    assert by_data.code == REFUSED and "they differ in reward" in by_data.err
    assert tree(node.data_dir) == before


def test_a_later_version_is_told(stopped, exported, tmp_path):
    data = exported.read_bytes()
    exported.write_bytes(data[:8] + (2).to_bytes(4, "big") + data[12:])
    done = rensa("import", exported, "--data", tmp_path / "new")
    assert done.code == LOCAL and "has format 2" in done.err and not (tmp_path / "new").exists()


def test_a_running_node_takes_the_blocks_one_by_one(net, stopped, exported):
    node = beside(net, stopped).start()
    done = rensa("--json", "import", exported, "--node", node.base).json()
    assert done["imported"] == 40 and (done["height"], done["head"]) == stopped.last == node.head()
    again = rensa("import", exported, "--node", node.base)
    assert again.code == DONE and "nothing to do" in again.out


def test_a_running_node_goes_on_from_where_it_is_and_says_if_it_is_elsewhere(net, stopped, exported, alice):
    params, (_, _, work), blocks = parse(exported.read_bytes())
    whole = exported.read_bytes()
    exported.write_bytes(written(params, (9, rc.sha256d(blocks[8][:96]), 9 * work // 40), blocks[:9]))
    node = beside(net, stopped).start()
    assert rensa("import", exported, "--node", node.base).code == DONE
    exported.write_bytes(whole)
    done = rensa("--json", "import", exported, "--node", node.base).json()
    assert (done["known"], done["imported"]) == (9, 31) and node.head() == stopped.last
    other = beside(net, stopped).start()
    other.mine(alice.address, 2)
    refused = rensa("import", exported, "--node", other.base)
    assert refused.code == REFUSED and "another branch" in refused.err and "--data" in refused.err
    assert other.height() == 2


def test_blocks_that_cannot_be_pushed_are_said_so(net, tmp_path, alice, bob):
    node = beside(net, None).start()
    network = node.genesis()
    node.mine(alice.address, 1)
    for _ in range(3):
        batch = [alice.transfer(network, bob, 1, memo="x" * 250) for _ in range(60)]
        assert node.post("/transactions", batch, expect=202)
    net.wait_until("all are pooled", lambda: len(node.pool()) >= 60)
    node.mine(alice.address, 1)
    file = tmp_path / "big.rensa"
    assert rensa("export", file, "--node", node.base).code == DONE
    assert max(map(len, parse(file.read_bytes())[2])) > 65536
    other = beside(net, None).start()
    refused = rensa("import", file, "--node", other.base)
    assert refused.code == REFUSED and "cannot be pushed" in refused.err and "--data" in refused.err
    other.stop()
    assert rensa("import", file, "--data", other.data_dir).code == DONE
    other.start()
    assert other.head() == node.head()


def test_bad_files_and_places_are_named(net, stopped, exported, tmp_path):
    assert rensa("export", exported, "--data", stopped.data_dir).code == LOCAL  # never overwritten
    assert "already" in rensa("export", exported, "--data", stopped.data_dir).err
    for place in ("/nonexistent/chain", "/proc/chain"):
        done = rensa("export", place, "--data", stopped.data_dir)
        assert done.code == LOCAL and place in done.err
    done = rensa("import", tmp_path / "none", "--data", stopped.data_dir)
    assert done.code == LOCAL and "cannot open" in done.err
    for command in ("import", "export"):
        done = rensa(command, tmp_path / "x", "--data", "d", "--node", "http://127.0.0.1:1")
        assert done.code == USAGE and "exclude one another" in done.err
        assert rensa(command).code == USAGE
    assert rensa("--json", "export", "-", "--data", stopped.data_dir).code == USAGE
    done = rensa("export", tmp_path / "y", "--node", "http://127.0.0.1:1")
    assert done.code == UNREACHABLE and not (tmp_path / "y").exists() and not (tmp_path / "y.part").exists()
    done = rensa("import", exported, "--node", "http://127.0.0.1:1")
    assert done.code == UNREACHABLE
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["RENSA"], "export", "-", "--data", stopped.data_dir], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == LOCAL and b"No space left" in done.stderr


def test_a_disk_that_fails_at_any_step_leaves_no_half_truth(net, stopped, exported, tmp_path):
    for kind in ("disk.write", "disk.sync", "disk.rename", "disk.open", "disk.read"):
        file = tmp_path / f"{kind}.rensa"
        for n in range(1, 120):
            env = {"RENSA_FAILPOINTS": f"{kind}=fail:{n}"}
            done = rensa("export", file, "--data", stopped.data_dir, env=env)
            if done.code == DONE:
                break
            assert done.code == LOCAL and done.err.startswith("rensa: cannot"), (kind, n, done)
            assert not file.exists()
        assert file.read_bytes() == exported.read_bytes()
    params, tip, blocks = parse(exported.read_bytes())
    exported.write_bytes(written(params, tip, blocks, group=3))
    for kind in ("disk.write", "disk.sync", "disk.rename", "disk.allocate", "disk.read"):
        for n in range(1, 120):
            folder = tmp_path / f"{kind}-{n}"
            done = rensa("import", exported, "--data", folder, env={"RENSA_FAILPOINTS": f"{kind}=fail:{n}"})
            if done.code == DONE:
                break
            assert done.code == LOCAL and done.err.startswith("rensa: cannot"), (kind, n, done)
            assert rensa("import", exported, "--data", folder).code == DONE, (kind, n)
            assert rensa("--json", "verify", "--data", folder).json()["head"] == stopped.last[1]
        assert n < 119


def test_a_killed_import_leaves_a_folder_to_go_on_with(net, stopped, exported, tmp_path):
    params, tip, blocks = parse(exported.read_bytes())
    folder = tmp_path / "killed"
    for point in ("framelog.written", "framelog.before-sync", "framelog.before-rename"):
        for n in range(1, 4):
            done = subprocess.run(
                [os.environ["RENSA"], "import", exported, "--data", folder],
                env=os.environ | {"RENSA_HOME": "/nonexistent", "RENSA_FAILPOINTS": f"{point}=kill:{n}"},
                capture_output=True,
            )
            if done.returncode == 0:
                break
            assert done.returncode == -9
            assert rensa("verify", "--data", folder).code == DONE
    assert rensa("import", exported, "--data", folder).code == DONE
    assert rensa("--json", "verify", "--data", folder).json()["head"] == stopped.last[1]
