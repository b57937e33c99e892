"""Nodes under test: real rensad processes on addresses of 127.0.0.0/8 that belong to this run alone.

A test asks for the fixture `net`, makes nodes with it, and waits for conditions with wait_until, never for time to pass.
Whatever happens, the fixture ends every process, and it fails a test that leaves one behind, leaves something in
/dev/shm, or made a node log an error that the test did not announce with Node.allow_errors.
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import requests

import recompute as rc

COIN = 100_000_000
SANITIZED = "ASAN_OPTIONS" in os.environ or "UBSAN_OPTIONS" in os.environ
# How long anything may take before a test gives up. Not a claim about speed: machines are busy.
DEADLINE = 150 if SANITIZED else 60
SHM = pathlib.Path("/dev/shm")

counter = itertools.count(1)


def wait_until(what, condition, seconds=DEADLINE, pause=0.05):
    """Returns the first true value of condition(). A request that fails counts as not yet."""
    deadline, seen = time.monotonic() + seconds, None
    while True:
        try:
            seen = condition()
            if seen:
                return seen
        except requests.RequestException as error:
            seen = error
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for this: {what}; last seen: {seen!r}"
        time.sleep(pause)


def stat_of(pid):
    """(state, parent, group, session) of a process, None if there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, group, session = text.rpartition(")")[2].split()[:4]
    return state, int(parent), int(group), int(session)


def session_members(session):
    """The live processes of a session; each master is started as the leader of its own."""
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    stats = {pid: stat_of(pid) for pid in pids}
    return [pid for pid, s in stats.items() if s and s[3] == session and s[0] not in "ZX"]


def rensad():
    program = os.environ.get("RENSAD")
    assert program, "set RENSAD and RENSA to the programs under test, or run scripts/test --system"
    return program


def free_port(host):
    with socket.create_server((host, 0)) as s:
        return s.getsockname()[1]


def ini_text(settings):
    lines = []
    for section, keys in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in keys.items() if value is not None]
    return "\n".join(lines) + "\n"


class Node:
    """One rensad with a configuration, a data folder and a log of its own, started and ended as often as a test likes."""

    def __init__(self, net, name, host, port, settings, data_dir=None, namespace=None):
        self.net, self.name, self.host, self.port = net, name, host, port
        self.base = f"http://{host}:{port}"
        self.namespace = namespace  # something with inside(): where its sockets live
        self.label = f"{name}@{host}:{port}"
        stem = f"{len(net.nodes) + 1}-{name}"
        self.config_path, self.log_path = net.folder / f"{stem}.conf", net.folder / f"{stem}.log"
        self.data_dir = data_dir or net.folder / f"{stem}.data"
        self.settings = settings
        self.settings["node"] |= {"name": name, "data_dir": self.data_dir}
        self.settings["http"].setdefault("listen", f"{host}:{port}")
        self.process, self.sessions = None, []
        self.allowed, self.environment = [], {}
        self.is_expected_up = False
        self.own_shm = None  # size of a /dev/shm of its own, as mount takes it
        self.program = None  # another than the program under test

    # Configuration and log

    def configure(self, section, **keys):
        """Sets keys (None takes one away) and writes the file; a running node reads it at SIGHUP."""
        self.settings.setdefault(section, {}).update(keys)
        self.write_config()

    def write_config(self, text=None):
        self.config_path.write_text(ini_text(self.settings) if text is None else text)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_has(self, *parts):
        """True if one line has all the parts."""
        return any(all(part in line for part in parts) for line in self.log().splitlines())

    def allow_errors(self, pattern):
        """Lines of level error that match are part of the test."""
        self.allowed.append(re.compile(pattern))

    def unexpected_errors(self):
        lines = [line for line in self.log().splitlines() if re.match(r"ts=\S+ level=error ", line)]
        return [line for line in lines if not any(p.search(line) for p in self.allowed)]

    # Processes

    def spawn(self):
        """Starts the program and waits for nothing."""
        assert self.process is None or self.process.poll() is not None, f"{self.label} runs already"
        self.write_config()
        with open(self.log_path, "ab") as log, self.place():
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | self.environment,
            )
        self.sessions.append(self.process.pid)
        self.is_expected_up = True
        return self

    def command(self):
        start = [str(self.program or rensad()), "-c", str(self.config_path)]
        if self.own_shm:
            mount = f'mount -t tmpfs -o size={self.own_shm} tmpfs /dev/shm && exec "$@"'
            start = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh", *start]
        return start

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def wait_ready(self):
        def is_ready():
            self.net.check_alive()
            return self.request("GET", "/readyz").status_code == 200

        wait_until(f"{self.label} is ready", is_ready)

    def wait_exit(self, seconds=DEADLINE):
        """The exit code of the master, once it ends."""
        self.is_expected_up = False
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.label} did not end within {seconds} s") from None

    def stop(self, sig=signal.SIGTERM):
        """Stops in order; the exit code must be 0 and nobody may be left."""
        self.is_expected_up = False
        self.process.send_signal(sig)
        assert self.wait_exit() == 0, f"{self.label} did not end with 0"
        self.wait_gone()

    def kill(self):
        """SIGKILL to the master alone."""
        self.is_expected_up = False
        self.process.kill()
        self.process.wait()

    def wait_gone(self):
        wait_until(f"no process of {self.label} is left", lambda: not self.members(), pause=0.02)

    def members(self):
        return [pid for session in self.sessions for pid in session_members(session)]

    def shm_objects(self):
        return sorted(p.name for p in SHM.iterdir() if p.name.startswith((f"rensa.{self.name}.", f"sem.rensa.{self.name}.")))

    def tell_to_stop(self):
        """SIGTERM, once: a second one would end the node without order."""
        if self.is_expected_up:
            self.is_expected_up = False
            self.process.send_signal(signal.SIGTERM)

    def clean_up(self):
        """Ends what still runs; returns what was wrong."""
        wrong = []
        if self.process is not None and self.process.poll() is None:
            self.tell_to_stop()
            try:
                code = self.process.wait(DEADLINE)
                if code != 0:
                    wrong.append(f"{self.label} was stopped and ended with {code}")
            except subprocess.TimeoutExpired:
                wrong.append(f"{self.label} does not stop")
        deadline = time.monotonic() + 15
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in self.members():
            wrong.append(f"{self.label} left process {pid} ({command_of(pid)})")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        for name in self.shm_objects():
            wrong.append(f"{self.label} left /dev/shm/{name}")
            (SHM / name).unlink(missing_ok=True)
        return wrong

    # HTTP

    def place(self):
        return self.namespace.inside() if self.namespace else contextlib.nullcontext()

    def request(self, method, path, timeout=DEADLINE, **options):
        """A request on a connection of its own, its answer whatever it is."""
        with self.place():
            return requests.request(method, self.base + path, timeout=timeout, **options)

    def get(self, path):
        reply = self.request("GET", path)
        assert reply.status_code == 200, f"GET {path} at {self.label}: {reply.status_code} {reply.text}"
        return reply.json()

    def post(self, path, body=None, expect=200):
        reply = self.request("POST", path, json=body)
        assert reply.status_code == expect, f"POST {path} at {self.label}: {reply.status_code} {reply.text}"
        return reply.json()

    # What it says

    def status(self):
        return self.get("/status")

    def head(self):
        head = self.get("/chain/head")
        return head["height"], head["hash"]

    def height(self):
        return self.head()[0]

    def genesis(self):
        return self.get("/status")["genesis"]

    def roles(self, name=None):
        return [role for role in self.status()["roles"] if name in (None, role["role"])]

    def role(self, name):
        """The row of /status of a role that there is one of; None while it is away."""
        rows = self.roles(name)
        return rows[0] if rows else None

    def rounds(self, role="resolver"):
        row = self.role(role)
        return row.get("rounds", 0) if row else 0

    def kill_role(self, name, sig=signal.SIGKILL):
        """Sends a signal to the first process of a role, which must be a child of our master. Returns its row."""

        def living():
            row = self.role(name)
            state = row and stat_of(row["pid"])
            return state and (row, state)

        # One that was killed just now may still have its row.
        row, state = wait_until(f"{self.label} has a {name}", living)
        assert state[1] == self.process.pid, f"{name}[{row['pid']}] is no child of {self.label}"
        os.kill(row["pid"], sig)
        return row

    def peers(self):
        """The rows of /peers by address."""
        return {row["address"]: row for row in self.get("/peers")["peers"]}

    def peers_up(self):
        return [row for row in self.peers().values() if row["state"] == "up"]

    def balance(self, address):
        return self.get(f"/amount?blockchain_address={address}")["amount"]

    def account(self, address):
        return self.get(f"/addresses/{address}")

    def mine(self, address, blocks=1):
        """The new blocks, as {height, hash}."""
        mined = []
        while len(mined) < blocks:
            some = min(blocks - len(mined), 100)
            mined += self.post("/mine", {"address": address, "blocks": some})["blocks"]
        return mined

    def send(self, transfer):
        return self.post("/transactions", transfer, expect=202)

    def transaction(self, txid):
        """What the node knows about a transaction, None if nothing."""
        reply = self.request("GET", f"/transactions/{txid}")
        return reply.json() if reply.status_code == 200 else None

    def transaction_status(self, txid):
        known = self.transaction(txid)
        return known and known["status"]

    def chain(self):
        """The document of GET /chain, blocks under "chain"."""
        return self.get("/chain")

    def pool(self):
        """The ids in the pool."""
        ids, after = [], 0
        while after is not None:
            page = self.get(f"/transactions?after={after}")
            ids += [tx["id"] for tx in page["transactions"]]
            after = page.get("next")
        return ids


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"


class Net:
    """The nodes of one test. Its addresses are used by no other test of this run, nor by one that runs beside it."""

    def __init__(self, folder):
        self.folder, self.nodes, self.number = folder, [], next(counter)
        self.tag = f"{os.getpid()}-{self.number}"
        # 16 bits of our pid tell runs side by side apart, the ports tell tests of a run apart.
        self.prefix = f"127.{64 + (os.getpid() >> 8) % 128}.{os.getpid() % 256}"
        self.port = 5000 + 20 * (self.number % 1200)

    def host(self, place):
        """The address with this number (1 is the first)."""
        return f"{self.prefix}.{place}"

    def scanning(self, hosts=3):
        """[discovery] that finds the first so many nodes by scanning alone."""
        return {
            "interval": "1s",
            "scan_hosts": f"{self.host(1)}-{self.host(hosts)}",
            "scan_ports": f"{self.port + 1}-{self.port + hosts}",
        }

    def settings(self, changes, hosts):
        """Defaults for tests: quick rounds, blocks as fast as they are found, a log that explains itself."""
        settings = {
            "node": {"log_level": "debug"},
            "http": {"workers": 2},
            "network": {"name": "test", "difficulty": 8, "retarget": "fixed"},
            "peers": {},
            "discovery": self.scanning(hosts),
            "resolver": {"interval": "1s"},
            "miner": {},
        }
        for section, keys in changes.items():
            settings[section].update(keys)
        return settings

    def node(self, label="node", name=None, place=None, host=None, port=None, data_dir=None, namespace=None, hosts=3, **changes):
        """A node that is not started yet. Changes are [sections]: miner={"mode": "continuous"}."""
        place = place or len(self.nodes) + 1
        name = name or f"{label}-{place}-{self.tag}"
        host, port = host or self.host(place), port or self.port + place
        made = Node(self, name, host, port, self.settings(changes, hosts), data_dir, namespace)
        self.nodes.append(made)
        return made

    def started(self, count, **changes):
        """So many nodes, running, each having found all others."""
        made = [self.node(hosts=count, **changes) for _ in range(count)]
        for node in made:
            node.spawn()
        self.wait_met(made)
        return made

    def wait_met(self, nodes):
        for node in nodes:
            node.wait_ready()
        others = len(nodes) - 1
        for node in nodes:
            wait_until(f"{node.label} sees {others} peers", lambda n=node: len(n.peers_up()) == others)

    def check_alive(self):
        for node in self.nodes:
            if node.is_expected_up and node.process.poll() is not None:
                raise AssertionError(f"{node.label} ended with {node.process.returncode} while the test went on")

    def wait_until(self, what, condition, seconds=DEADLINE):
        """As wait_until, and a node that ended ends the wait."""

        def alive_and_condition():
            self.check_alive()
            return condition()

        return wait_until(what, alive_and_condition, seconds)

    def wait_agree(self, nodes, height=None):
        """Until all have one head, at least at this height. Returns (height, hash)."""

        def agreed():
            heads = {node.head() for node in nodes}
            head = heads.pop()
            return not heads and (height is None or head[0] >= height) and head

        return self.wait_until(f"{len(nodes)} nodes agree at height {height or 'any'}", agreed)

    def clean_up(self):
        wrong = []
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                # A stopped (SIGSTOP) child could not end by itself.
                for pid in node.members():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                node.tell_to_stop()
        for node in self.nodes:
            wrong += node.clean_up()
        for node in self.nodes:
            wrong += [f"{node.label} logged: {line}" for line in node.unexpected_errors()]
        return wrong


def recomputed(node):
    """What the independent program makes of the node's chain: a recompute.Chain; a broken rule raises rc.Fault."""
    return rc.recompute(node.chain())
