"""SIGUSR2 puts another program in the place of the running one: nobody is refused, nothing is lost, and one that cannot take
over changes nothing.

The other program is the version before this one, if PREVIOUS_RENSAD names it, which is then upgraded to the one under test;
otherwise it is a copy of the one under test whose version reads otherwise.
"""

import contextlib
import fcntl
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import net as nets
from listener import Listener
from net import COIN, recomputed, rensad, stat_of
from wallet import Wallet

TAKEN = re.compile(r'msg="upgrade: rensad (\S+)(?: \(build \S+\))? -> (\S+)(?: \(build \S+\))? in \d+ ms, (\d+) blocks, ([^"]*)"')
REFUSED = r"upgrade: refused|upgrade: /"


def version_of(program):
    return subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]


def another_version(data, version):
    """The same program under another version. Only its first digit changes: linkers keep short texts as the ends of others."""
    other = ("8" if version[0] == "9" else "9") + version[1:]
    assert data.count(version.encode()) > 0
    return data.replace(version.encode(), other.encode())


def put(path, data, mode=0o755):
    """As packages do: what runs from the old file goes on with it."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.chmod(mode)
    fresh.rename(path)


class Programs:
    """The program before an upgrade, and the one after it."""

    def __init__(self, folder):
        ours, previous = pathlib.Path(rensad()).read_bytes(), os.environ.get("PREVIOUS_RENSAD")
        self.folder = folder / "bin"
        self.folder.mkdir()
        if previous:
            self.before, self.after = pathlib.Path(previous).read_bytes(), ours
        else:
            self.before, self.after = ours, another_version(ours, version_of(rensad()))

    def install(self, *nodes):
        """Each node gets a file of its own, of which it shall be started."""
        for node in nodes:
            node.program = self.folder / f"rensad-{node.name}"
            put(node.program, self.before)

    def replace(self, node):
        put(node.program, self.after)


@pytest.fixture
def programs(net):
    return Programs(net.folder)


def taken(node):
    """What the log has about upgrades that were made: (from, to, blocks, what was refused), each."""
    return TAKEN.findall(node.log())


def upgraded(net, node, sends=1):
    """Signals, and waits until another program has taken over."""
    before = len(taken(node))
    for _ in range(sends):
        node.process.send_signal(signal.SIGUSR2)
    return net.wait_until("another program has taken over", lambda: taken(node)[before:])[0]


def descriptors(node):
    """What the master has open, by kind."""
    folder = pathlib.Path(f"/proc/{node.process.pid}/fd")
    return sorted(re.sub(r"\d+", "N", os.readlink(entry)) for entry in folder.iterdir())


def roles_are_up(net, node):
    net.wait_until("the pool is there", lambda: node.role("pool") and node.role("archiver"))


def raw(node, request=b"GET /chain/head HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
    """A connection on which this was sent; nothing was read yet."""
    connection = socket.create_connection((node.host, node.port), timeout=nets.DEADLINE)
    connection.sendall(request)
    return connection


def answer(connection):
    with connection:
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    return data.decode(errors="replace")


@contextlib.contextmanager
def unfinished_request(node):
    """A client in the middle of a request, whose worker does not stop before it; the request ends with the block."""
    connection = raw(node, b"POST /transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    # The worker has read the head, and waits for the rest.
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    try:
        yield
    finally:
        connection.sendall(b"[]")
        reply = answer(connection)
    assert reply.startswith("HTTP/1.1 202 ") and "Connection: close" in reply, reply


def test_another_program_goes_on_in_the_same_process(net, programs, alice):
    node = net.node()
    programs.install(node)
    node.environment["RENSAD_HTTP_WORKERS"] = "3"
    node.start()
    node.mine(alice.address, 3)
    waiting = node.send(alice.transfer(node.genesis(), alice, 5))["id"]
    roles_are_up(net, node)
    head, open_before, pid, roles = node.head(), descriptors(node), node.process.pid, set(node.members())
    programs.replace(node)
    was, now, blocks, refused = upgraded(net, node)
    assert was != now and blocks == "3" and refused == "nothing refused"
    node.wait_ready()
    roles_are_up(net, node)
    assert node.process.poll() is None and node.members()[0] == pid
    assert set(node.members()) & roles == {pid}
    assert node.head() == head and node.transaction_status(waiting) == "pending"
    # The node tells its peers, and its log, who it is now.
    assert node.log_has(f"master: rensa {now}: node {node.name}")
    # As it was started, with the same descriptors and not one more.
    assert descriptors(node) == open_before
    assert os.readlink(f"/proc/{pid}/exe") == str(node.program)
    assert len(node.roles("worker")) == 3
    assert pathlib.Path(f"/proc/{pid}/comm").read_text() == f"{node.program.name[:15]}\n"
    assert (node.data_dir / "lock").read_text() == f"{pid}\n"
    node.mine(alice.address)
    assert node.transaction_status(waiting) == "confirmed"
    node.stop()


def test_it_may_be_done_again_and_again(net, programs):
    node = net.node()
    programs.install(node)
    node.start()
    roles_are_up(net, node)
    before = descriptors(node)
    for _ in range(5):
        upgraded(net, node)
        node.wait_ready()
    roles_are_up(net, node)
    assert descriptors(node) == before
    # Two in a row may come to one or to two, and one that comes in the middle of another is of no use.
    upgraded(net, node, sends=2)
    node.wait_ready()
    before = len(taken(node))
    with unfinished_request(node):
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("the roles are stopping", lambda: node.log().count("can take over, stopping") > before)
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("it is told of", lambda: node.log_has("upgrade: one is on its way already"))
    net.wait_until("another program has taken over", lambda: len(taken(node)) > before)
    node.wait_ready()
    node.stop()


def test_the_file_is_looked_for_where_the_node_was_started(net, programs):
    """Through a link that points elsewhere by then, and by a name that was found in PATH."""
    node = net.node()
    old, new, link = (net.folder / name for name in ("old", "new", "link"))
    for folder, data in (old, programs.before), (new, programs.after):
        folder.mkdir()
        put(folder / "rensad", data)
    link.symlink_to(old)
    node.program = "rensad"
    node.environment["PATH"] = f"/nowhere:{link}:{os.environ['PATH']}"
    # Popen looks for it in the environment that it gives.
    node.start()
    fresh = net.folder / "fresh"
    fresh.symlink_to(new)
    fresh.rename(link)
    was, now, _, _ = upgraded(net, node)
    assert was != now
    node.wait_ready()
    assert os.readlink(f"/proc/{node.process.pid}/exe") == str(new / "rensad")
    node.stop()


def no_program(node, data):
    put(node.program, b"This is a text.\n")


def not_executable(node, data):
    put(node.program, data, mode=0o644)


def a_script(node, data):
    put(node.program, b"#!/bin/sh\necho rensad 9 can take over\n")


def absent(node, data):
    node.program.unlink()


def something_else(node, data):
    put(node.program, pathlib.Path(shutil.which("true")).resolve().read_bytes())


def refuses_the_configuration(node, data):
    put(node.program, data)
    node.configure("miner", cpu_percent=0)


def refuses_the_folder(node, data):
    put(node.program, data)
    node.configure("network", reward=7)


def is_for_a_later_journal(node, data):
    """The last file of the journal has a format that the program does not know."""
    put(node.program, data)
    last = sorted((node.data_dir / "journal").glob("*.log"))[-1]
    later = bytearray(last.read_bytes()[:96])
    later[8:12] = (99).to_bytes(4, "big")
    # The node itself looks no further than to the next one.
    (last.parent / f"{int(last.stem) + 2:08}.log").write_bytes(later)


@pytest.mark.parametrize(
    "spoil, word",
    [
        (no_program, "Exec format error"),
        (not_executable, "Permission denied"),
        (a_script, "it is no program"),
        (absent, "No such file"),
        (something_else, "it does not say that it can take over"),
        (refuses_the_configuration, "cpu_percent"),
        (refuses_the_folder, "belongs to another network: its reward"),
        (is_for_a_later_journal, "has format 99"),
    ],
)
def test_what_cannot_take_over_changes_nothing(net, programs, alice, spoil, word):
    node = net.node()
    programs.install(node)
    node.start()
    node.allow_errors(REFUSED)
    node.mine(alice.address)
    roles_are_up(net, node)
    before = node.members()
    good = node.config_path.read_text()
    spoil(node, programs.after)
    node.process.send_signal(signal.SIGUSR2)
    net.wait_until("it is refused", lambda: node.log_has("upgrade: refused, rensad", "goes on"))
    lines = [line for line in node.log().splitlines() if re.search(REFUSED, line)]
    assert any(word in line for line in lines), lines
    assert node.members() == before and not taken(node)
    node.mine(alice.address)
    # The next attempt is free to be better.
    node.write_config(good)
    for extra in sorted((node.data_dir / "journal").glob("*.log"))[1:]:
        extra.unlink()
    programs.replace(node)
    assert upgraded(net, node)
    node.wait_ready()
    assert node.height() == 2


def test_a_child_that_gets_the_signal_goes_on(net, programs):
    node = net.node()
    node.start()
    roles_are_up(net, node)
    before = node.members()
    for pid in before:
        if pid != node.process.pid:
            os.kill(pid, signal.SIGUSR2)
    for _ in range(20):
        node.height()
    assert node.members() == before and not node.log_has("was ended by signal")


def test_who_comes_meanwhile_waits_and_is_answered(net, programs, alice):
    node = net.node()
    programs.install(node)
    node.start()
    node.mine(alice.address, 2)
    programs.replace(node)
    with unfinished_request(node):
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("the roles are stopping", lambda: node.log_has("can take over, stopping"))
        # They are not gone, and whoever listens has it closed by now, but for the master.
        waiting = [raw(node) for _ in range(40)]
    replies = [answer(connection) for connection in waiting]
    assert all(reply.startswith("HTTP/1.1 200 ") and '"height":2' in reply for reply in replies)
    net.wait_until("another program has taken over", lambda: taken(node))


def test_a_stop_goes_before_an_upgrade(net, programs):
    node = net.node()
    programs.install(node)
    node.start()
    # While the roles make way.
    with unfinished_request(node):
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("the roles are stopping", lambda: node.log_has("can take over, stopping"))
        node.tell_to_stop()
        net.wait_until("it is off", lambda: node.log_has("upgrade: off, since the node is to stop"))
    assert node.wait_exit() == 0 and not taken(node)
    node.wait_gone()
    # While the node stops.
    node.start()
    with unfinished_request(node):
        node.tell_to_stop()
        net.wait_until("it is stopping", lambda: node.log().count("master: stopping") == 2)
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("it says so", lambda: node.log_has("upgrade: not now, since the node is stopping"))
    assert node.wait_exit() == 0 and not taken(node)
    node.wait_gone()


def test_one_that_fails_after_it_has_taken_over_ends_and_lets_nobody_wait(net, programs, alice):
    node = net.node()
    programs.install(node)
    node.start()
    node.mine(alice.address, 2)
    head, good = node.head(), node.config_path.read_text()
    programs.replace(node)
    with unfinished_request(node):
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("the roles are stopping", lambda: node.log_has("can take over, stopping"))
        # What was good when it was asked is not when it starts.
        node.write_config(good + "[miner]\ncpu_percent = 0\n")
        node.is_expected_up = False
    assert node.wait_exit() == 2
    assert "cpu_percent" in node.log()
    node.wait_gone()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((node.host, node.port), timeout=nets.DEADLINE)
    node.start()
    assert node.head() == head


def test_a_variable_that_was_not_meant_for_it_changes_nothing(net):
    """A node that was started by what another one started, say; and one that is meant for it is not made of nonsense."""
    node = net.node()
    node.environment["RENSAD_UPGRADE"] = f"1;pid={os.getpid()};from=0.0.1;since=1;lock=3;listen={node.host}:{node.port}@4"
    node.start()
    node.stop()
    node.environment["RENSAD_UPGRADE"] = "1;pid="
    node.spawn()
    assert node.wait_exit() == 1
    assert "RENSAD_UPGRADE, by which a program hands over to the next, has a part that is not as it should be" in node.log()


def test_a_supervisor_hears_of_it_as_of_a_reload(net, programs):
    node = net.node()
    programs.install(node)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("")
        supervisor.settimeout(nets.DEADLINE)
        node.environment["NOTIFY_SOCKET"] = "@" + supervisor.getsockname()[1:].decode()

        def heard(word):
            said = ""
            while not said.startswith(word):
                said = supervisor.recv(512).decode()
                assert not said.startswith("STOPPING=")
            return said

        node.spawn()
        heard("READY=1")
        programs.replace(node)
        upgraded(net, node)
        assert re.match(r"RELOADING=1\nMONOTONIC_USEC=\d+", heard("RELOADING=1"))
        heard("READY=1")
        node.wait_ready()


def needs_failpoints():
    if b"upgrade.execute" not in pathlib.Path(rensad()).read_bytes():
        pytest.skip("built without --enable-failpoints")
    if os.environ.get("PREVIOUS_RENSAD"):
        pytest.skip("the program before may have none of them")


def test_an_upgrade_need_not_wait_for_the_chain(net, programs, alice):
    needs_failpoints()
    node = net.node()
    programs.install(node)
    node.start()
    node.mine(alice.address, 5)
    node.stop()
    programs.replace(node)
    node.environment["RENSA_FAILPOINTS"] = "loader.checked=stop"
    node.spawn()

    def stopped_loader():
        return [pid for pid in node.members() if (stat_of(pid) or "?")[0] == "T"]

    first = net.wait_until("the loader is at it", stopped_loader)
    node.process.send_signal(signal.SIGUSR2)
    net.wait_until("the loader shall make way", lambda: node.log_has("can take over, stopping"))
    os.kill(first[0], signal.SIGCONT)
    second = net.wait_until("another program loads", lambda: [pid for pid in stopped_loader() if pid not in first])
    os.kill(second[0], signal.SIGCONT)
    node.wait_ready()
    assert node.height() == 5 and net.wait_until("it is told of", lambda: taken(node))


def test_killed_in_the_middle_everything_is_found_again(net, programs, alice, bob):
    needs_failpoints()
    node = net.node()
    programs.install(node)
    node.environment["RENSA_FAILPOINTS"] = "upgrade.execute=kill"
    node.start()
    node.mine(alice.address, 3)
    sent = [node.send(alice.transfer(node.genesis(), bob, n + 1))["id"] for n in range(5)]
    head = node.head()
    programs.replace(node)
    node.is_expected_up = False
    node.process.send_signal(signal.SIGUSR2)
    assert node.wait_exit() == -signal.SIGKILL
    node.wait_gone()
    del node.environment["RENSA_FAILPOINTS"]
    node.start()
    assert node.head() == head and sorted(node.pool()) == sorted(sent)


def test_a_program_that_cannot_be_executed_after_all_leaves_the_old_one(net, programs, alice, bob):
    needs_failpoints()
    node = net.node()
    programs.install(node)
    node.environment["RENSA_FAILPOINTS"] = "upgrade.refused=fail"
    node.start()
    node.allow_errors("upgrade: .* cannot be executed: .*; rensad .* begins again")
    node.mine(alice.address, 3)
    sent = node.send(alice.transfer(node.genesis(), bob, 1))["id"]
    roles_are_up(net, node)
    head, before = node.head(), descriptors(node)
    programs.replace(node)
    with Readers(node) as readers:
        node.process.send_signal(signal.SIGUSR2)
        net.wait_until("it goes on", lambda: node.log_has("begins again"))
        node.wait_ready()
        readers.more()
    assert not readers.failures
    roles_are_up(net, node)
    assert node.head() == head and node.transaction_status(sent) == "pending" and descriptors(node) == before
    # And it can be upgraded yet.
    assert upgraded(net, node)
    node.wait_ready()
    assert node.head() == head


def test_the_configuration_may_change_with_it(net, programs):
    node = net.node()
    programs.install(node)
    node.start()
    with Readers(node) as readers:
        for workers in 4, 1, 3:
            node.configure("http", workers=workers)
            upgraded(net, node)
            node.wait_ready()
            net.wait_until(f"there are {workers} workers", lambda w=workers: len(node.roles("worker")) == w)
            readers.more()
    assert not readers.failures
    # Another address: where nobody listens any more, clients are told so.
    old, node.port = node.port, node.port + 10
    node.base = f"http://{node.host}:{node.port}"
    node.configure("http", listen=f"{node.host}:{node.port}")
    *_, refused = upgraded(net, node)
    assert refused == "at an address that was given up connections are refused"
    node.wait_ready()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((node.host, old), timeout=nets.DEADLINE)
    # Of all addresses, one takes the place of a part of it.
    node.configure("http", listen=f"0.0.0.0:{node.port}")
    upgraded(net, node)
    node.wait_ready()
    # Another folder: the lock of the one before is given back.
    before, node.data_dir = node.data_dir, net.folder / "another"
    node.configure("node", data_dir=node.data_dir)
    upgraded(net, node)
    node.wait_ready()
    with open(before / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(node.data_dir / "lock") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_listener_of_peers_is_handed_over_too(net, programs, alice):
    first, second = (net.node(hosts=2, peers={"listen": f"{net.host(n)}:{net.port + 10 + n}"}) for n in (1, 2))
    scan = {"scan_hosts": f"{net.host(1)}-{net.host(2)}", "scan_ports": f"{net.port + 11}-{net.port + 12}"}
    for node in first, second:
        for key, value in scan.items():
            node.configure("discovery", **{key: value})
    programs.install(first, second)
    for node in first, second:
        node.spawn()
    net.wait_met([first, second])
    sockets = descriptors(first).count("socket:[N]")
    with Readers(first, port=net.port + 11, request=b"POST /peer/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                 status="400") as readers:
        for node in first, second:
            programs.replace(node)
            *_, refused = upgraded(net, node)
            assert refused == "nothing refused"
            node.wait_ready()
        readers.more()
    assert not readers.failures
    roles_are_up(net, first)
    assert descriptors(first).count("socket:[N]") == sockets == 4
    first.mine(alice.address, 2)
    net.wait_agree([first, second], 2)


# Under load


class Clients:
    """Threads that ask all the while; what goes wrong is kept."""

    def __init__(self, count):
        self.stop, self.failures, self.answers = threading.Event(), [], itertools.count()
        self.threads = [threading.Thread(target=self.guarded, args=(n,)) for n in range(count)]
        self.done = 0

    def guarded(self, number):
        try:
            self.work(number)
        except Exception as error:  # noqa: BLE001 a thread has nobody else to tell
            self.failures.append(error)

    def more(self, count=30):
        before = self.done
        nets.wait_until("clients are answered", lambda: self.done > before + count or self.failures)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Readers(Clients):
    """Each request on a connection of its own, and each has its answer."""

    def __init__(self, node, count=2, port=None, request=b"GET /chain/head HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 status="200"):
        self.place, self.request, self.status = (node.host, port or node.port), request, status
        super().__init__(count)

    def work(self, number):
        while not self.stop.is_set():
            with socket.create_connection(self.place, timeout=nets.DEADLINE) as connection:
                connection.sendall(self.request)
                reply = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
            assert reply.startswith(f"HTTP/1.1 {self.status} "), reply or "no answer"
            self.done += 1
            # As fast as is sensible: the nodes are to have something of the machine, too.
            time.sleep(0.002)


class Senders(Clients):
    """Each has a wallet and sends one transfer after the other, on a kept connection or on a new one each time."""

    def __init__(self, nodes, wallets, to, network):
        self.nodes, self.wallets, self.to, self.network = nodes, wallets, to, network
        self.accepted, self.closed, self.busy = [], 0, []
        super().__init__(len(wallets))

    def work(self, number):
        node, wallet, is_kept = self.nodes[number % len(self.nodes)], self.wallets[number], number % 2 == 0
        connection = None
        while not self.stop.is_set():
            transfer = wallet.transfer(self.network, self.to, 100)
            body, headers = json.dumps(transfer), {"Content-Type": "application/json"}
            while True:
                is_fresh = connection is None
                connection = connection or http.client.HTTPConnection(node.host, node.port, timeout=nets.DEADLINE)
                try:
                    connection.request("POST", "/transactions", body, headers if is_kept else headers | {"Connection": "close"})
                    reply = connection.getresponse()
                    text = reply.read().decode()
                except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected) as error:
                    # A kept connection may end while the next request is on its way; then the client does not know, and
                    # sends it again.
                    assert not is_fresh and not isinstance(error, ConnectionRefusedError), repr(error)
                    self.closed += 1
                    connection.close()
                    connection = None
                    continue
                if not is_kept or reply.will_close:
                    connection.close()
                    connection = None
                if reply.status == 202 or (reply.status == 409 and "already-confirmed" in text):
                    break
                assert reply.status == 503 or "sequence-too-far" in text, (reply.status, text)
                self.busy.append((reply.status, text))
                time.sleep(0.05)
            self.accepted.append(transfer["id"])
            self.done += 1


class Follower(Clients):
    """Listens to the blocks of a node, and comes back with the last id whenever the stream ends."""

    def __init__(self, node):
        self.node, self.heights, self.streams = node, [], 0
        super().__init__(1)

    def work(self, number):
        last = None
        while not self.stop.is_set():
            heard = Listener(self.node, last, "?only=block")
            self.streams += 1
            before = list(self.heights)
            while not heard.is_ended and not self.stop.is_set():
                time.sleep(0.02)
                self.heights = before + [block["height"] for block in heard.told("block")]
            last = heard.leave()
            assert not heard.told("reset")
            self.heights = before + [block["height"] for block in heard.told("block")]


def test_three_nodes_are_upgraded_one_after_the_other_under_load(net, programs):
    miner, to = Wallet(), Wallet()
    nodes = [net.node() for _ in range(3)]
    nodes[2].settings["miner"] |= {"address": miner.address, "mode": "interval", "interval": "1s"}
    programs.install(*nodes)
    for node in nodes:
        node.spawn()
    net.wait_met(nodes)
    wallets = [Wallet() for _ in range(6)]
    for wallet in wallets:
        nodes[2].mine(wallet.address)
    net.wait_agree(nodes, len(wallets))
    senders = Senders(nodes, wallets, to, nodes[0].genesis())
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Readers(node, 1)) for node in nodes]
        follower = stack.enter_context(Follower(nodes[1]))
        stack.enter_context(senders)
        for node in nodes:
            senders.more(60)
            programs.replace(node)
            was, now, _, refused = upgraded(net, node)
            assert was != now and refused == "nothing refused"
            node.wait_ready()
            for reader in readers:
                reader.more()
            net.wait_until(f"{node.label} sees its peers", lambda n=node: len(n.peers_up()) == 2)
        senders.more(60)
        height = nodes[1].height()
        nets.wait_until("the follower has caught up", lambda: follower.failures or height in follower.heights)
        senders.stop.set()
    assert not senders.failures and not follower.failures and not any(reader.failures for reader in readers)
    print(f"{len(senders.accepted)} transfers, {senders.closed} kept connections ended under a request, busy: {senders.busy}, "
          f"{sum(reader.done for reader in readers)} reads, {follower.streams} streams")
    # Whoever follows by id has every block, whatever program told of it.
    assert follower.streams >= 2
    assert follower.heights == list(range(follower.heights[0], follower.heights[-1] + 1))

    def all_mined():
        return not any(node.pool() for node in nodes) and len({node.head() for node in nodes}) == 1

    net.wait_until("all are mined", all_mined)
    nodes[2].post("/mine/stop")
    net.wait_agree(nodes)
    for node in nodes:
        ids = [tx["id"] for block in node.chain()["chain"] for tx in block["transactions"] if tx["version"] == 1]
        assert len(ids) == len(set(ids)) and set(senders.accepted) <= set(ids)
        assert node.balance(to.address) == 100 * len(ids)
    chain = recomputed(nodes[2])
    assert chain.supply == nodes[2].height() * COIN
