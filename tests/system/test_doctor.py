"""rensa doctor: what it finds on real hosts, what it advises, and that it changes nothing. What it makes of situations that no
test machine is in is tested in tests/node/suite_doctor.c."""

import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import threading

import pytest

from chainmaker import PARAMS, Chain
from fakepeer import FakePeer
from net import SHM, rensad, wait_until
from tools import DONE, REFUSED, USAGE, rensa

HOST_CHECKS = [
    "config", "node", "data_dir", "secrets", "disk", "journal", "shm", "segments",
    "memory", "files", "file_size", "clock", "libevent", "ports", "peers",
]  # fmt: skip
NODE_CHECKS = ["ready", "roles", "usage", "logs", "reload", "neighbours"]
# A folder that these tests use is in memory on some machines, and their clocks and others' segments are what they are.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting and changing users needs root")


class Report:
    """What rensa doctor --json has printed."""

    def __init__(self, run):
        self.code, self.document = run.code, json.loads(run.out)
        assert run.err == "", run
        self.checks = self.document["checks"]
        states = [one["state"] for one in self.checks]
        counts = [states.count(state) for state in ("ok", "note", "warning", "problem")]
        assert counts == [self.document[key] for key in ("ok", "notes", "warnings", "problems")]
        assert all(set(one) == {"name", "state", "message", "fix"} for one in self.checks)
        assert self.code == (REFUSED if counts[3] else DONE), self.checks

    def problems(self):
        return [one for one in self.checks if one["state"] == "problem"]

    def of(self, name):
        found = [one for one in self.checks if one["name"] == name]
        assert found, f"no {name} in {self.checks}"
        return found

    def one(self, name, *parts):
        """The finding of that check whose message has all the parts."""
        found = [one for one in self.of(name) if all(part in one["message"] for part in parts)]
        assert len(found) == 1, (parts, self.of(name))
        return found[0]

    def names(self):
        return list(dict.fromkeys(one["name"] for one in self.checks))


def doctor(node, *args, **options):
    """Of the host, with the configuration of a node that may run or not."""
    node.write_config()
    return Report(rensa("--json", "doctor", "-c", node.config_path, *args, **options))


def lonely(net, **changes):
    quiet = {"interval": "1s", "scan_hosts": None, "scan_ports": None}
    return net.node(**({"discovery": quiet} | changes))


def snapshot(folder):
    """Names, modes, owners, sizes, times and bytes of all below it."""
    seen = {}
    for path in [folder, *sorted(pathlib.Path(folder).rglob("*"))]:
        s = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(s.st_mode) else b""
        seen[str(path)] = (s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns, s.st_ctime_ns, data)
    return seen


# Sound hosts


def test_a_healthy_node_has_no_problem(net, alice):
    nodes = net.started(2)
    nodes[0].mine(alice.address, 2)
    nodes[0].configure("discovery", peers=f"{nodes[1].host}:{nodes[1].port}")
    net.wait_agree(nodes)
    report = doctor(nodes[0])
    assert report.code == DONE, report.problems()
    assert report.names() == [*HOST_CHECKS, *NODE_CHECKS, "wallets"]
    for name in ["config", "node", "data_dir", "secrets", "journal", "files", "ports", "peers", *NODE_CHECKS]:
        assert {one["state"] for one in report.of(name)} == {"ok"}, report.of(name)
    report.one("node", f"process {nodes[0].process.pid}")
    report.one("peers", f"{nodes[1].host}:{nodes[1].port} is node {nodes[1].name} of our chain, at height 2")
    report.one("peers", "clock of this host agrees with those of 1 peer")
    report.one("ready", "at height 2")
    report.one("neighbours", "1 peer is up")
    report.one("segments", f"rensa.{nodes[0].name}.", "in use by process")


def test_text_has_a_line_for_each_finding_advice_below_and_a_total(net):
    node = lonely(net)
    node.write_config()
    run = rensa("doctor", "-c", node.config_path, "--only", "config,node,ports")
    lines = run.out.splitlines()
    assert run.code == DONE and run.err == "" and "\x1b" not in run.out
    assert lines[0] == f"ok       config     {node.config_path} is good"
    assert lines[1].startswith(f'note     node       no node "{node.name}" is seen to run on ')
    assert lines[2].startswith(" " * 20 + "Start it when ")
    assert lines[3] == f"ok       ports      [http] listen: {node.host}:{node.port} is free"
    assert lines[4:] == ["in all: 2 ok, 1 note, 0 warnings, 0 problems"]


def test_a_terminal_gets_colours_unless_it_is_asked_for_none(net):
    script = shutil.which("script")
    if script is None:
        pytest.skip("a terminal is made by script(1)")
    node = lonely(net)
    node.write_config()
    command = f"{os.environ['RENSA']} doctor -c {node.config_path} --only config"

    def seen(**environment):
        done = subprocess.run([script, "-qec", command, "/dev/null"], capture_output=True, timeout=60,
                              env=os.environ | {"TERM": "xterm"} | environment)  # fmt: skip
        return done.stdout.decode()

    assert "\x1b[32mok" in seen()
    assert "\x1b" not in seen(NO_COLOR="1") and "\x1b" not in seen(TERM="dumb")


def test_nothing_is_changed_anywhere(net, alice):
    node = lonely(net, discovery={"peers": f"{net.host(9)}:{net.port + 9}", "scan_hosts": None, "scan_ports": None})
    node.start()
    node.mine(alice.address, 3)
    before = snapshot(node.data_dir), node.status()["segment"]
    assert doctor(node).problems() == []
    assert (snapshot(node.data_dir), node.status()["segment"]) == before
    node.stop()
    before = snapshot(net.folder), node.shm_objects()
    assert doctor(node).problems() == []
    # The configuration is written again by the test itself.
    after = snapshot(net.folder)
    for key in (str(net.folder), str(node.config_path)):
        before[0].pop(key), after.pop(key)
    assert (after, node.shm_objects()) == before and before[1] == []
    fresh = lonely(net)
    assert doctor(fresh).problems() == []
    assert not fresh.data_dir.exists()
    assert fresh.shm_objects() == []


def test_only_some_checks_and_names_that_there_are_none_of(net):
    node = lonely(net).start()
    assert doctor(node, "--only", "shm,ready,wallets").names() == ["shm", "ready", "wallets"]
    assert doctor(node, "--only=ready").names() == ["ready"]
    run = rensa("--json", "doctor", "-c", node.config_path, "--only", "shm,shn")
    assert run.code == USAGE and 'no check \\"shn\\"; there are config, node' in run.err
    done = subprocess.run([rensad(), "--only", "shm"], capture_output=True, text=True)
    assert done.returncode == 2 and "--only goes with --doctor" in done.stderr


def test_the_document_of_rensad_itself(net):
    node = lonely(net).start()
    done = subprocess.run([rensad(), "--doctor", "-c", node.config_path], capture_output=True, text=True, timeout=60)
    document = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    assert document["http"] == node.base and document["node"] == node.process.pid
    assert list(dict.fromkeys(one["name"] for one in document["checks"])) == HOST_CHECKS


# A node that is named is asked over HTTP alone


def test_a_node_elsewhere_is_asked_over_http_alone(net):
    node = lonely(net).start()
    report = Report(rensa("--json", "--node", node.base, "doctor"))
    assert report.code == DONE and report.names() == [*NODE_CHECKS, "wallets"]
    gone = Report(rensa("--json", "--node", f"http://{net.host(8)}:{net.port}", "doctor"))
    assert gone.code == REFUSED and "no node answers at" in gone.one("ready")["message"]
    run = rensa("--node", node.base, "doctor", "--only", "shm")
    assert run.code == USAGE and "shm is no check of a node" in run.err


# What stands in the way


def test_a_configuration_with_errors_is_named_with_file_and_line(net):
    node = lonely(net)
    node.write_config("[node]\nnmae = x\n[http]\nworkers = many\n")
    report = Report(rensa("--json", "doctor", "-c", node.config_path))
    assert report.code == REFUSED and report.names() == ["config", "wallets"]
    report.one("config", f"{node.config_path}:2: ", 'did you mean "name"?')
    assert "rensad --sample" in report.one("config", f"{node.config_path}:4: [http] workers: ")["fix"]
    none = Report(rensa("--json", "doctor", "-c", net.folder / "none"))
    assert none.one("config")["message"].startswith(f"{net.folder}/none: there is no such file")
    # It is told even where it was not asked for: the answer hangs on it.
    assert Report(rensa("--json", "doctor", "-c", net.folder / "none", "--only", "ready")).code == REFUSED


def test_without_rensad_that_is_said(net, tmp_path):
    run = rensa("--json", "doctor", "--rensad", tmp_path / "none")
    found = Report(run).one("rensad")
    assert found["state"] == "problem" and "--rensad PATH" in found["fix"]
    # A program that is none of ours, and one that says nothing.
    for script, message in [("echo 'no such option' >&2; exit 9", ": no such option"), ("exit 0", "did not examine this host"),
                            ("kill -9 $$", "was ended by signal 9 before")]:  # fmt: skip
        program = tmp_path / "rensad"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        assert message in Report(rensa("--json", "doctor", "--rensad", program)).one("rensad")["message"]


def test_rensad_is_found_beside_in_sbin_and_in_the_path(net, tmp_path):
    node = lonely(net)
    node.write_config()
    prefix = tmp_path / "usr"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "sbin").mkdir()
    client = shutil.copy(os.environ["RENSA"], prefix / "bin" / "rensa")

    def is_examined(path):
        run = subprocess.run([client, "--json", "doctor", "-c", node.config_path, "--only", "config"], capture_output=True,
                             text=True, timeout=60, env={"PATH": path, "HOME": "/nonexistent"})  # fmt: skip
        return [one["name"] for one in json.loads(run.stdout)["checks"]] == ["config"]

    for place in prefix / "bin", prefix / "sbin", tmp_path:
        program = place / "rensad"
        program.symlink_to(pathlib.Path(rensad()).resolve())
        assert is_examined(f"/nonexistent:{tmp_path}:/usr/bin")
        program.unlink()


def test_a_port_of_another_program_is_named_with_the_program(net):
    node = lonely(net)
    with socket.create_server((node.host, node.port)):
        found = doctor(node, "--only", "ports").one("ports")
    assert found["state"] == "problem" and f"is taken by process {os.getpid()} (" in found["message"]
    assert doctor(node, "--only", "ports").one("ports")["state"] == "ok"
    # At every address of the host it is in the way too.
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        node.configure("http", listen=f"{node.host}:{everywhere.getsockname()[1]}")
        assert f"taken by process {os.getpid()}" in doctor(node, "--only", "ports").one("ports")["message"]


def test_an_address_that_is_not_this_hosts_is_named(net):
    node = lonely(net, http={"listen": f"192.0.2.1:{net.port}"}, peers={"listen": f"{net.host(7)}:{net.port}"})
    report = doctor(node, "--only", "ports")
    assert "ip address" in report.one("ports", f"[http] listen: this host has no address 192.0.2.1:{net.port}")["fix"]
    assert report.one("ports", "[peers] listen")["state"] == "ok"


@needs_root
def test_a_data_folder_that_others_may_change_is_a_problem(net):
    node = lonely(net).start()
    node.data_dir.chmod(0o777)
    report = doctor(node)
    assert report.code == REFUSED and "chmod go-w" in report.one("data_dir", "mode 0777")["fix"]
    node.data_dir.chmod(0o700)
    os.chown(node.data_dir, 4242, -1)
    assert "chown -R root" in doctor(node).one("data_dir", "belongs to user 4242, who can replace the chain")["fix"]
    os.chown(node.data_dir, 0, -1)
    assert doctor(node).one("data_dir")["state"] == "ok"


def test_a_secret_that_others_may_read_is_a_problem(net):
    token = net.folder / "token"
    token.write_text("a token of 24 characters".replace(" ", "-") + "\n")
    node = lonely(net, http={"admin_token_file": token})
    token.chmod(0o604)
    report = doctor(node)
    report.one("config", "[http] admin_token_file", "others may read or change this file")
    token.chmod(0o660)
    assert "chmod 0640" in doctor(node, "--only", "secrets").one("secrets", "others may change")["fix"]
    token.chmod(0o600)
    assert doctor(node, "--only", "secrets").one("secrets")["state"] == "ok"


def test_wallets_that_others_may_read_are_a_problem(net, tmp_path):
    node, home = lonely(net), tmp_path / "home"
    for name in "alice", "bob":
        assert rensa("wallet", "create", name, env={"RENSA_HOME": home}).code == DONE

    def found():
        return doctor(node, "--only", "wallets", env={"RENSA_HOME": home}).of("wallets")

    assert [one["state"] for one in found()] == ["ok"] and "2 wallets" in found()[0]["message"]
    (home / "wallets" / "bob.wallet").chmod(0o644)
    assert [one["state"] for one in found()] == ["problem"] and "bob.wallet (mode 0644)" in found()[0]["message"]
    (home / "wallets" / "bob.wallet").chmod(0o600)
    (home / "wallets").chmod(0o777)
    assert [one["state"] for one in found()] == ["problem"] and "close it with  chmod 700" in found()[0]["message"]


def test_a_peer_of_another_chain_is_named_with_the_parameter(net):
    chain = Chain(PARAMS | {"name": "test", "difficulty": 8, "retarget": "fixed", "reward": 7})
    fake = FakePeer(net.host(9), net.port + 9, chain)
    node = lonely(net, discovery={"peers": fake.address, "scan_hosts": None, "scan_ports": None})
    found = doctor(node, "--only", "peers").one("peers")
    fake.close()
    assert found["state"] == "problem" and f"{fake.address} has another chain: [network] reward differs" in found["message"]
    assert fake.asked["hello"] == 1 and sum(fake.asked.values()) == 1, "one handshake, and nothing else"


def test_peers_that_are_silent_away_unknown_or_ourselves(net):
    silent = socket.create_server((net.host(9), net.port + 9))
    taken, is_over = [], threading.Event()

    def keep():
        silent.settimeout(0.1)
        while not is_over.is_set():
            try:
                taken.append(silent.accept()[0])
            except TimeoutError:
                continue

    thread = threading.Thread(target=keep)
    thread.start()
    node = lonely(net)
    names = [f"{net.host(9)}:{net.port + 9}", f"{net.host(9)}:{net.port + 8}", f"nowhere.invalid:{net.port}", f"{node.host}:{node.port}"]
    node.configure("discovery", peers=", ".join(names))
    report = doctor(node, "--only", "peers")
    is_over.set()
    thread.join()
    for one in [silent, *taken]:
        one.close()
    assert [one["message"].split(" ")[0].rstrip(":") for one in report.of("peers")] == names, "in the order of the configuration"
    assert [one["state"] for one in report.of("peers")] == ["warning", "warning", "warning", "ok"]
    report.one("peers", names[0], "did not answer in time")
    report.one("peers", names[1], "refused")
    report.one("peers", names[2], "not found")
    report.one("peers", names[3], "is this node itself")


def test_what_a_killed_node_has_left_is_found_until_it_is_gone(net):
    node, other = lonely(net).start(), lonely(net)
    name = next(name for name in node.shm_objects() if not name.startswith("sem."))
    assert doctor(other, "--only", "segments").one("segments", name)["state"] == "ok"
    members = node.members()
    node.is_expected_up = False
    for pid in members:
        os.kill(pid, signal.SIGKILL)
    node.process.wait()
    node.wait_gone()
    assert doctor(node, "--only", "segments").one("segments", name, "left by this node")["state"] == "note"
    found = doctor(other, "--only", "segments").one("segments", name, "used by nobody")
    assert found["state"] == "warning" and f"rm -f /dev/shm/{name} /dev/shm/sem.{name}" in found["fix"]
    assert (SHM / name).exists(), "it was looked at and not touched"
    # The advice works.
    subprocess.run(["sh", "-c", found["fix"][found["fix"].index("rm -f") :]], check=True)
    assert node.shm_objects() == []


def test_a_name_that_no_node_gives_gets_into_no_command(net):
    node = lonely(net)
    trap = SHM / f"rensa.{node.name};touch trap"
    trap.touch()
    try:
        assert "trap" not in json.dumps(doctor(node, "--only", "segments").document)
    finally:
        trap.unlink()


def in_namespace(mount, *args):
    """Runs a program where something is mounted that nobody else sees."""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{mount} && exec "$@"', "sh", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    return Report(type("Run", (), {"code": done.returncode, "out": done.stdout, "err": done.stderr}))


@needs_root
@pytest.mark.parametrize("size, state, message", [
    ("9m", "problem", "9 MiB free of 9 MiB, and a start needs"),
    ("20m", "warning", "20 MiB free of 20 MiB, and [node] shm_max allows the node 1 GiB"),
    ("64m", "warning", "64 MiB, which is what a container gets by default"),
    ("200m", "warning", "200 MiB free of 200 MiB, and [node] shm_max allows the node 1 GiB"),
])  # fmt: skip
def test_a_small_dev_shm_is_told_before_the_node_fails(net, size, state, message):
    node = lonely(net)
    node.write_config()
    mount = f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    report = in_namespace(mount, os.environ["RENSA"], "--json", "doctor", "-c", node.config_path, "--only", "shm")
    found = report.one("shm", message)
    assert found["state"] == state and "shm_size" in found["fix"]


@needs_root
def test_a_start_fails_where_the_doctor_says_so_and_only_there(net):
    """The figure that a start needs is the start's own."""
    node = lonely(net)
    node.write_config()
    mount = "mount -t tmpfs -o size={} tmpfs /dev/shm"
    said = in_namespace(mount.format("9m"), os.environ["RENSA"], "--json", "doctor", "-c", node.config_path, "--only", "shm")
    needed = int(said.one("shm")["message"].partition("a start needs ")[2].split(" ")[0])
    node.own_shm = f"{needed + 2}m"
    node.start().stop()
    node.own_shm = f"{needed - 2}m"
    node.allow_errors("no room in /dev/shm")
    node.spawn()
    assert node.wait_exit() == 1 and node.log_has("no room in /dev/shm")


@needs_root
def test_a_full_disk_and_one_that_is_memory_are_told(net):
    node = lonely(net)
    node.write_config()
    node.data_dir.mkdir()
    mount = f"mount -t tmpfs -o size=8m tmpfs {node.data_dir}"
    report = in_namespace(mount, os.environ["RENSA"], "--json", "doctor", "-c", node.config_path, "--only", "disk")
    assert report.one("disk", "is full: 8 MiB free of 8 MiB")["state"] == "problem"
    assert report.one("disk", "tmpfs, which is memory")["state"] == "warning"
    mount = f"mount -t tmpfs -o ro,size=2g tmpfs {node.data_dir}"
    report = in_namespace(mount, os.environ["RENSA"], "--json", "doctor", "-c", node.config_path, "--only", "disk")
    assert report.one("disk", "mounted read-only")["state"] == "problem"


def test_a_folder_of_another_network_is_named_with_the_parameter(net, alice):
    node = lonely(net).start()
    node.mine(alice.address)
    node.stop()
    assert "of this network, last written 0 min ago" in doctor(node, "--only", "journal").one("journal")["message"]
    node.configure("network", difficulty=9)
    found = doctor(node, "--only", "journal").one("journal")
    assert found["state"] == "problem" and "[network] difficulty differs" in found["message"]


@pytest.mark.parametrize("limit, check, state, message", [
    ("--nofile=256", "files", "warning", "may have 256 files open"),
    ("--nofile=1024", "files", "note", "each worker takes about 992 connections"),
    (f"--fsize={1 << 20}", "file_size", "problem", "no file of more than 1 MiB"),
])  # fmt: skip
def test_limits_are_those_of_the_node_that_runs_or_of_the_shell(net, limit, check, state, message):
    node = lonely(net)
    node.write_config()
    command = ["prlimit", limit, os.environ["RENSA"], "--json", "doctor", "-c", str(node.config_path), "--only", check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = json.loads(done.stdout)["checks"][0]
    assert found["state"] == state and message in found["message"] and "this shell" in found["message"]
    node.start()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "this shell" not in json.loads(done.stdout)["checks"][0]["message"]


@needs_root
def test_an_ordinary_user_is_told_what_it_may_not_see(net, alice):
    node = lonely(net).start()
    node.mine(alice.address)
    node.data_dir.chmod(0o700)
    # pytest's own folder is for root alone.
    bound = pathlib.Path("/tmp") / f"rensa-doctor-{net.tag}.conf"
    shutil.copy(node.config_path, bound)
    bound.chmod(0o644)
    programs = [pathlib.Path("/tmp") / f"rensa-doctor-{net.tag}.{name}" for name in ("rensa", "rensad")]
    try:
        for program, source in zip(programs, (os.environ["RENSA"], rensad())):
            shutil.copy(source, program)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", programs[0], "--json", "doctor",
                   "-c", bound, "--rensad", programs[1]]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin", "HOME": "/nonexistent"})
    finally:
        for path in [bound, *programs]:
            path.unlink(missing_ok=True)
    report = Report(type("Run", (), {"code": done.returncode, "out": done.stdout, "err": done.stderr}))
    assert report.code == DONE, report.problems()
    for check in "data_dir", "journal":
        assert "sudo -u" in report.one(check)["fix"] and report.one(check)["state"] == "note"
    report.one("node", f"process {node.process.pid}")
    assert report.one("ports")["state"] == "ok", "its own node holds it"
    assert report.one("segments", f"rensa.{node.name}.")["state"] == "note"
    report.one("ready", "at height 1")


# What a running node says


def test_what_a_running_node_says_of_itself_is_taken_in(net):
    node = lonely(net).start()
    row = node.kill_role("miner")
    net.wait_until("there is a new miner", lambda: (node.role("miner") or row)["pid"] != row["pid"])
    node.configure("node", pool_max=77)
    node.configure("http", header_timeout="11s")
    node.process.send_signal(signal.SIGHUP)
    net.wait_until("it is read again", lambda: node.status()["reload"])
    report = doctor(node)
    assert report.one("roles", "the miner died and was started again 1 time ")["state"] == "note"
    assert report.one("reload", "1 changed key waits for a restart: node.pool_max")["state"] == "note"
    node.configure("http", workers="many")
    node.process.send_signal(signal.SIGHUP)
    node.allow_errors("")
    wait_until("it is refused", lambda: "error" in node.status()["reload"])
    refused = Report(rensa("--json", "--node", node.base, "doctor")).one("reload", "the last reload was refused")
    assert refused["state"] == "warning"


def test_other_nodes_that_a_running_node_cannot_take_are_named(net):
    chain = Chain(PARAMS | {"name": "test", "difficulty": 8, "retarget": "fixed", "reward": 7})
    fake = FakePeer(net.host(9), net.port + 9, chain)
    node = lonely(net, discovery={"interval": "1s", "peers": fake.address, "scan_hosts": None, "scan_ports": None}).start()
    net.wait_until("it is judged", lambda: node.peers().get(fake.address, {}).get("state") == "other-genesis")
    report = Report(rensa("--json", "--node", node.base, "doctor", "--only", "neighbours"))
    fake.close()
    report.one("neighbours", fake.address, "[network] reward differs")
    report.one("neighbours", "none of them is a peer")
