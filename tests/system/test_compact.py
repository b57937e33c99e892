"""rensa compact, and a node at its start, make a journal as small as its chain; at no point is less there than the chain."""

import os
import subprocess

import pytest
from tools import DONE, LOCAL, REFUSED, USAGE, filled, rensa, tree


@pytest.fixture
def branched(net, alice, bob, tmp_path):
    """A stopped node whose journal has a lost branch of 6 blocks beside its chain of 30."""
    lonely = {"scan_hosts": None, "scan_ports": None}
    winner = net.node(hosts=1, discovery=lonely)
    filled(winner, alice, bob, blocks=30)
    file = tmp_path / "winner.rensa"
    assert rensa("export", file, "--node", winner.base).code == DONE
    winner.stop()
    node = net.node(hosts=1, discovery=lonely)
    node.start()
    node.mine(bob.address, 6)
    node.stop()
    assert rensa("import", file, "--data", node.data_dir).code == DONE
    assert rensa("--json", "verify", "--data", node.data_dir).json()["lost_blocks"] == 6
    node.last = (30, rensa("--json", "verify", "--data", node.data_dir).json()["head"])
    return node


def files(node):
    return sorted(p.name for p in (node.data_dir / "journal").iterdir())


def check(node):
    seen = rensa("--json", "verify", "--data", node.data_dir).json()
    assert (seen["height"], seen["head"]) == node.last
    return seen["lost_blocks"]


def test_lost_branches_are_dropped_and_said_so(branched, alice):
    done = rensa("--json", "compact", "--data", branched.data_dir).json()
    assert (done["kept_blocks"], done["dropped_blocks"]) == (30, 6) and done["dropped_bytes"] > 600
    assert done["bytes_after"] < done["bytes_before"]
    assert files(branched) == ["00000002.log"] and check(branched) == 0
    before = tree(branched.data_dir)
    again = rensa("compact", "--data", branched.data_dir)
    assert again.code == DONE and "nothing to drop" in again.out and tree(branched.data_dir) == before
    branched.start()
    assert branched.head() == branched.last and not branched.log_has("was not stopped in order")
    branched.mine(alice.address, 2)
    branched.stop()
    branched.start()
    assert branched.height() == 32


def test_it_says_so_to_people_too(branched):
    done = rensa("compact", "--data", branched.data_dir)
    assert done.code == DONE and "dropped 6 blocks of lost branches" in done.out and "kept the chain of 30 blocks" in done.out


def test_a_node_that_runs_is_left_alone(branched):
    branched.start()
    done = rensa("compact", "--data", branched.data_dir)
    assert done.code == REFUSED and "stop it first" in done.err and str(branched.process.pid) in done.err
    assert rensa("compact").code == USAGE


def test_a_damaged_journal_is_left_alone(branched):
    path = branched.data_dir / "journal" / "00000001.log"
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    before = tree(branched.data_dir)
    done = rensa("compact", "--data", branched.data_dir)
    assert done.code == REFUSED and "damaged" in done.err
    assert tree(branched.data_dir) == before


def test_a_disk_that_fails_at_any_step_costs_nothing(branched):
    whole = tree(branched.data_dir)
    for kind in ("disk.write", "disk.sync", "disk.allocate", "disk.rename", "disk.dirsync", "disk.open", "disk.read"):
        for n in range(1, 50):
            done = rensa("compact", "--data", branched.data_dir, env={"RENSA_FAILPOINTS": f"{kind}=fail:{n}"})
            if done.code == DONE:
                break
            assert done.code == LOCAL and done.err.startswith("rensa: "), (kind, n, done)
            assert check(branched) == 6, (kind, n)
        assert n > 1 or kind == "disk.read", kind
        for path in (branched.data_dir / "journal").iterdir():
            path.unlink()
        for name, data in whole.items():
            (branched.data_dir / name).write_bytes(data)
    assert check(branched) == 6


@pytest.mark.parametrize("point", ["framelog.written", "framelog.before-sync", "framelog.before-rename", "framelog.replaced"])
def test_it_may_be_killed_at_any_point(branched, point):
    done = subprocess.run(
        [os.environ["RENSA"], "compact", "--data", branched.data_dir],
        env=os.environ | {"RENSA_HOME": "/nonexistent", "RENSA_FAILPOINTS": f"{point}=kill:1"},
        capture_output=True,
    )
    assert done.returncode == -9
    check(branched)
    assert rensa("compact", "--data", branched.data_dir).code == DONE
    assert check(branched) == 0 and files(branched) in (["00000002.log"], ["00000003.log"])
    branched.start()
    assert branched.head() == branched.last


def test_after_a_crash_it_waits_for_an_orderly_stop(branched, alice):
    """Blocks of lost branches may hold transfers that are promised and stand nowhere else."""
    branched.start()
    branched.mine(alice.address, 1)
    last = branched.head()
    branched.kill()
    branched.wait_gone()
    done = rensa("compact", "--data", branched.data_dir)
    assert done.code == REFUSED and "start it once and stop it" in done.err
    branched.start()
    branched.stop()
    assert rensa("compact", "--data", branched.data_dir).code == DONE
    branched.start()
    assert branched.head() == last


def test_a_node_does_it_by_itself_and_says_so(branched):
    branched.environment = {"RENSA_FAILPOINTS": "compact.worth=fail"}
    branched.start()
    assert branched.head() == branched.last
    assert branched.log_has("loader: 6 blocks of lost branches", "were dropped from the journal")
    branched.stop()
    assert check(branched) == 0


def test_a_node_that_cannot_do_it_starts_all_the_same(branched):
    branched.environment = {"RENSA_FAILPOINTS": "compact.worth=fail,disk.allocate=fail"}
    branched.start()
    assert branched.head() == branched.last
    assert branched.log_has("loader: the journal stays as large as it is", "no room")
    branched.stop()
    assert check(branched) == 6
