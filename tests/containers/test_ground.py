"""The ground itself: what the other tests here lean on."""

import pathlib
import signal
import subprocess
import sys

import ground as the_ground
from ground import Box, members, wait_until

HERE = pathlib.Path(__file__).resolve().parent


def test_sources_of_packages_are_read_in_both_formats(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://no.example/debian bookworm main\ndeb [arch=amd64 signed-by=/k] http://a.example/debian bookworm main\n"
    )
    (tmp_path / "sources.list.d/b.list").write_text("deb-src http://no.example/debian bookworm main\ndeb\thttp://b.example/x stable main\n")
    (tmp_path / "sources.list.d/c.sources").write_text(
        "Types: deb deb-src\n# URIs: http://no.example\nURIs: http://c.example/debian\n http://d.example/debian\n"
        "Suites: bookworm bookworm-updates\n"
        "\nTypes: deb\nEnabled: no\nURIs: http://no.example\nSuites: bookworm\n"
        "\n\nTypes: deb-src\nURIs: http://no.example\nSuites: bookworm\n"
    )
    assert the_ground.apt_entries(tmp_path) == [
        ("http://a.example/debian", "bookworm"),
        ("http://b.example/x", "stable"),
        ("http://c.example/debian", "bookworm"),
        ("http://c.example/debian", "bookworm-updates"),
        ("http://d.example/debian", "bookworm"),
        ("http://d.example/debian", "bookworm-updates"),
    ]


def test_a_copy_of_a_base_is_a_debian_that_may_be_changed(ground):
    base = ground.base()
    root = ground.fresh(base, "changed")
    box = ground.box("changed", root)
    assert box.sh(". /etc/os-release; echo $ID $VERSION_CODENAME").out == f"debian {the_ground.SUITE}\n"
    box.sh("echo new >/etc/new")
    assert (root / "etc/new").exists() and not (base / "etc/new").exists()
    assert ground.base() == base, "made once"


def test_a_box_sees_neither_processes_nor_network_nor_shared_memory_of_the_host(ground):
    box = ground.box("alone")
    assert box.sh("echo here >/dev/shm/mine; ls /dev/shm").out == "mine\n"
    assert not pathlib.Path("/dev/shm/mine").exists()
    assert box.sh("ls /proc | grep -x 1; cat /proc/1/comm").out == "1\ntini\n"
    assert box.sh("ip -o link | wc -l; ip route").out == "1\n", "nothing but lo"


def test_a_box_that_is_online_reaches_the_mirror(ground):
    box = ground.box("online", is_online=True)
    mirror, suite = the_ground.mirrors()[0]
    the_ground.check_reachable(mirror)
    assert "Codename: bookworm" in box.run(["curl", "-fsSL", "--max-time", "60", f"{mirror}/dists/{suite}/InRelease"]).out
    assert pathlib.Path("/etc/resolv.conf").read_text() != "nameserver 10.0.2.3\n"


def test_what_runs_in_a_box_goes_with_it(ground):
    box = Box(ground.work, "leaving")
    box.sh("setsid sleep 1000 >/dev/null 2>&1 </dev/null & setsid sh -c 'trap : TERM; sleep 1000' >/dev/null 2>&1 </dev/null &")
    wait_until("all of them", lambda: len(members(box.space)) >= 5)
    box.close()
    assert members(box.space) == []


def test_a_run_that_is_killed_leaves_no_process_and_the_next_one_removes_its_folder(ground):
    script = """import sys; sys.path.insert(0, sys.argv[1]); import ground, time
g = ground.Ground(); box = g.box('orphan', is_online=True); box.start(['sleep', '1000'], g.work / 'log')
print(box.space, box.slirp.pid, g.work, flush=True); time.sleep(1000)"""
    killed = subprocess.Popen([sys.executable, "-c", script, str(HERE)], stdout=subprocess.PIPE, text=True)
    try:
        space, slirp, work = killed.stdout.readline().split()
        assert members(space) and pathlib.Path(work).exists()
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
    wait_until("nobody is left", lambda: not members(space) and not pathlib.Path(f"/proc/{slirp}").exists())
    the_ground.sweep()
    assert not pathlib.Path(work).exists()
    assert ground.work.exists(), "of a run that goes on nothing is removed"
