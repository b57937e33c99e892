"""The service under systemd as process 1: what the units promise, kept for real. The packages are installed, and one machine serves
all tests; each finds the node as the fixture `node` starts it, with the chain that those before it made."""

import re

import pytest

import ground as the_ground
from ground import wait_until
from machine import PACKAGES, TOOLS, Machine, Unit
from packages import build_packages

EXPOSURE_MAX = 1.5
ONE, TWO = "127.0.0.2:5000", "127.0.0.3:5000"
CONFIG = """[network]
name = test
difficulty = 8
retarget = fixed
"""


def install(ground, root):
    """The programs as a user would have them."""
    debs = root / "debs"
    debs.mkdir()
    for deb in build_packages(ground).values():
        the_ground.run(["cp", deb, debs])
    ground.install(root, [f"/debs/{deb.name}" for deb in debs.iterdir()])


@pytest.fixture(scope="module")
def machine(ground):
    the_ground.require(*TOOLS)
    root = ground.fresh(ground.base("systemd", PACKAGES), "systemd")
    install(ground, root)
    (root / "etc/rensa/rensad.conf").rename(root / "root/packaged.conf")
    (root / "etc/rensa/rensad.conf").write_text(CONFIG)
    made = ground.keep(Machine(ground.work, root))
    made.sh("export RENSA_HOME=/root/wallets; rensa wallet create A; rensa wallet create B")
    return made


class Node(Unit):
    """A unit that is a node, at an address."""

    def __init__(self, machine, name="rensad.service", at="127.0.0.1:5000", conf="rensad.conf"):
        super().__init__(machine, name)
        self.base, self.conf = f"http://{at}", f"/etc/rensa/{conf}"

    def is_ready(self):
        said = self.machine.get(f"{self.base}/readyz")
        return said is not None and said["ready"]

    def wait_ready(self):
        wait_until(f"{self.name} is ready", self.is_ready)

    def status(self):
        return self.machine.get(f"{self.base}/status")

    def head(self):
        said = self.machine.get(f"{self.base}/chain/head")
        return said and (said["height"], said["hash"])

    def pids(self):
        """The process of each role, by role and number; nothing while one is away. The pool is the last that the master starts."""
        rows, found = (self.status() or {}).get("roles", []), {}
        for row in rows:
            number = sum(role == row["role"] for role, _ in found) + 1
            found[row["role"], number] = row["pid"]
        return found if ("pool", 1) in found else {}

    def crew(self):
        return wait_until("every role is there", self.pids)

    def rensa(self, *words, **options):
        env = {"RENSA_HOME": "/root/wallets", "RENSA_NODE": self.base}
        return self.machine.run(["rensa", *words], env=env, **options).out

    def configure(self, text):
        self.machine.run(["sh", "-c", 'printf "%s" "$1" >"$2"', "sh", text, self.conf])

    def restarts(self):
        return int(self.show("NRestarts"))

    def wait_restarted(self, than):
        wait_until(f"{self.name} is started again", lambda: self.restarts() == than + 1 and self.show("ActiveState") == "active")
        self.wait_ready()

    def errors(self):
        return [entry["MESSAGE"] for entry in self.journal("-p", "err")]


@pytest.fixture
def node(machine):
    """Running, with the configuration of all tests, and no failure counted."""
    node = Node(machine)
    node.configure(CONFIG)
    machine.run(["systemctl", "reset-failed"])
    if node.show("ActiveState") != "active":
        node.systemctl("start")
    node.wait_ready()
    yield node
    node.configure(CONFIG)


def shared_memory(machine):
    return machine.run(["ls", "/dev/shm"]).out.split()


# --- What is installed ----------------------------------------------------------------------------------------------------------


def test_the_units_have_nothing_that_systemd_complains_of(machine):
    assert machine.run(["systemd-analyze", "verify", "rensad.service", "rensad@x.service"]).out == ""


@pytest.mark.parametrize("unit", ["rensad.service", "rensad@.service"])
def test_the_sandbox_is_tight(machine, unit):
    said = machine.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"/lib/systemd/system/{unit}"]).out
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure and float(exposure[1]) <= EXPOSURE_MAX, said


def test_the_units_differ_in_names_alone(machine):
    one, many = (machine.run(["cat", f"/lib/systemd/system/{unit}"]).out for unit in ("rensad.service", "rensad@.service"))
    for name, plain in ("rensa/%i.conf", "rensa/rensad.conf"), ("rensa/%i", "rensa"), ("rensad-%i", "rensad"), (" %i", ""):
        assert name in many
        many = many.replace(name, plain)
    assert many == one


def test_the_user_is_a_system_user_who_cannot_log_in(machine):
    name, _, uid, _, _, home, shell = machine.run(["getent", "passwd", "rensa"]).out.strip().split(":")
    assert (name, home) == ("rensa", "/var/lib/rensa") and int(uid) < 1000 and shell.endswith("nologin")


def test_the_configuration_that_comes_with_it_is_good_and_manuals_are_there(machine):
    assert "is good" in machine.run(["rensad", "-t", "-c", "/root/packaged.conf"]).out
    for page, title in ("rensad", "RENSAD(8)"), ("rensad.conf", "RENSAD.CONF(5)"), ("rensa", "RENSA(1)"):
        assert machine.run(["man", "-P", "cat", page]).out.startswith(title)


# --- Start, status, stop --------------------------------------------------------------------------------------------------------


def test_start_returns_when_the_node_answers(machine, node):
    node.systemctl("stop")
    node.systemctl("start")
    assert machine.get(f"{node.base}/readyz")["ready"], "at once"
    assert node.show("ActiveState", "Type", "NRestarts", "Result") == ["active", "notify", "0", "success"]


def test_every_process_is_of_the_user_rensa_and_in_the_sandbox(machine, node):
    pids = machine.run(["pgrep", "-u", "rensa"]).out.split()
    assert node.show("MainPID") in pids and len(pids) >= 8
    assert machine.run(["pgrep", "-f", "^rensad: "]).out.split() == pids
    for pid in pids:
        status = machine.run(["cat", f"/proc/{pid}/status"]).out
        facts = dict(re.findall(r"^(NoNewPrivs|Seccomp|CapBnd|CapEff):\s*(\S+)", status, re.MULTILINE))
        assert facts == {"NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0" * 16, "CapEff": "0" * 16}
    # Its own ids are all that the sandbox's user namespace has.
    assert len(machine.run(["cat", f"/proc/{pids[0]}/uid_map"]).out.splitlines()) <= 2
    inside = ["nsenter", "-t", pids[0], "-m", "--"]
    assert machine.run([*inside, "touch", "/etc/rensa.new", "/usr/rensa.new"], check=False).out.count("Read-only file system") == 2
    assert machine.run([*inside, "ls", "/home", "/root"], check=False).out.count("/root/") == 0
    machine.run([*inside, "touch", "/var/lib/rensa/new", "/var/log/rensa/new", "/run/rensad/new"])
    machine.run(["rm", "/var/lib/rensa/new", "/var/log/rensa/new"])


def test_its_folders_are_its_own(machine, node):
    folders = ["/var/lib/rensa", "/var/log/rensa", "/run/rensad"]
    assert machine.run(["stat", "-c", "%U:%G %a", *folders]).out.splitlines() == ["rensa:rensa 750"] * 3
    assert machine.run(["stat", "-c", "%U %a", "/etc/rensa"]).out == "root 755\n"


def test_the_status_line_says_what_the_node_does(machine, node):
    height = node.head()[0]
    wait_until("the height", lambda: node.show("StatusText") == f"height {height}, 0 peers")
    node.rensa("mine", "--to", "A", "--blocks", "3")
    wait_until("the new height", lambda: node.show("StatusText") == f"height {height + 3}, 0 peers")
    assert f'Status: "height {height + 3}, 0 peers"' in node.systemctl("status").out


def test_the_client_works_from_end_to_end(machine, node):
    address = node.rensa("wallet", "address", "B").strip()
    amount = f"{node.base}/amount?blockchain_address={address}"
    before = machine.get(amount)["amount"]
    node.rensa("mine", "--to", "A", "--blocks", "2")
    node.rensa("send", "--from", "A", "--to", "B", "--amount", "1.5")
    node.rensa("mine", "--to", "A")
    assert machine.get(amount)["amount"] == before + 150_000_000
    assert "test" in node.rensa("status")


def test_stop_leaves_nothing(machine, node):
    head = node.head()
    node.systemctl("stop")
    assert node.show("Result", "ExecMainStatus", "ActiveState") == ["success", "0", "inactive"]
    assert shared_memory(machine) == []
    assert machine.run(["pgrep", "-a", "-f", "^rensad: "], check=False).out == ""
    assert machine.run(["ls", "/run/rensad"], check=False).code != 0
    node.systemctl("start")
    assert node.head() == head


def test_a_restart_goes_on_with_the_chain(machine, node):
    head, master = node.head(), node.show("MainPID")
    node.systemctl("restart")
    assert node.head() == head and node.show("MainPID") != master
    assert len(shared_memory(machine)) == 2, "one segment, one lock"


def test_a_node_that_is_enabled_comes_up_with_the_machine(machine, node):
    node.systemctl("enable")
    head = node.head()
    machine.reboot()
    assert node.show("ActiveState", "NRestarts") == ["active", "0"]
    assert node.head() == head
    # The machine's end was a stop like any other.
    said = machine.run(["journalctl", "-u", node.name, "-b", "-1", "-n", "20", "-o", "cat", "--no-pager"]).out
    assert "master: stopped" in said and "Failed" not in said
    node.systemctl("disable")


# --- Reload ---------------------------------------------------------------------------------------------------------------------


def test_a_reload_is_in_force_under_the_same_master(machine, node):
    master, address = node.show("MainPID"), node.rensa("wallet", "address", "B").strip()
    height = node.head()[0]
    node.configure(f"{CONFIG}[miner]\nmode = interval\ninterval = 500ms\naddress = {address}\n")
    node.systemctl("reload")
    wait_until("it mines by itself", lambda: node.head()[0] > height + 1)
    node.configure(CONFIG)
    node.systemctl("reload")
    wait_until("it does not any more", lambda: node.status()["miner"]["mode"] == "manual")
    assert node.show("MainPID", "ActiveState") == [master, "active"]
    wait_until("the reload is over", lambda: node.show("SubState") == "running")


def test_a_reload_of_a_bad_file_fails_and_names_every_mistake(machine, node):
    master, head = node.show("MainPID"), node.head()
    node.configure(f"{CONFIG}[http]\nlistne = 1\n[node]\npool_max = 7\n")
    assert node.systemctl("reload", check=False).code != 0
    assert (node.show("MainPID", "ActiveState"), node.head()) == ([master, "active"], head)
    for mistake in "listne", "pool_max":
        wait_until("the journal has it", lambda m=mistake: any(m in text for text in node.errors()))


def test_a_refused_reload_shows_in_the_status_line(machine, node):
    node.configure(f"{CONFIG}[http]\nlistne = 1\n")
    # Past the check that systemctl reload makes first.
    node.machine.run(["systemctl", "kill", "--kill-whom=main", "--signal=HUP", node.name])
    wait_until("it says so", lambda: node.show("StatusText").endswith("; the last reload was refused"))
    assert node.show("ActiveState") == "active"
    node.configure(CONFIG)
    node.systemctl("reload")
    wait_until("all is well", lambda: node.show("StatusText").endswith(" peers"))


def test_a_start_with_a_bad_configuration_fails_and_is_not_tried_again(machine, node):
    node.systemctl("stop")
    node.configure("[node]\nno_such_key = 1\n")
    assert node.systemctl("start", check=False).code != 0
    assert node.show("ActiveState", "ExecMainStatus", "Result") == ["failed", "2", "exit-code"]
    # It would be after RestartSec; a job that is waited for comes after that.
    assert node.show("SubState", "NRestarts") == ["failed", "0"]
    assert any("no_such_key" in text for text in node.errors())


# --- What the manual says of drop-ins -------------------------------------------------------------------------------------------


def manual_drop_in(word):
    """The lines of rensad(8) that hold this word."""
    page = (the_ground.TOP / "docs/man/rensad.8").read_text()
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if word in block and block.startswith("[Service]"))


@pytest.fixture
def edited(machine, node):
    """Gives the unit a drop-in, as systemctl edit does, until the test is over."""
    folder = f"/etc/systemd/system/{node.name}.d"

    def edit(text):
        machine.run(["mkdir", "-p", folder])
        machine.run(["sh", "-c", 'printf "%s" "$1" >"$2"', "sh", text, f"{folder}/override.conf"])
        machine.run(["systemctl", "daemon-reload"])

    yield edit
    machine.run(["rm", "-r", folder])
    machine.run(["systemctl", "daemon-reload"])
    node.systemctl("stop")


def test_a_data_dir_elsewhere_takes_the_drop_in_of_the_manual(machine, node, edited):
    machine.run(["install", "-d", "-o", "rensa", "-g", "rensa", "-m", "750", "/srv/chain"])
    node.configure(f"{CONFIG}[node]\ndata_dir = /srv/chain\n")
    assert node.systemctl("restart", check=False).code != 0
    wait_until("it is given up, or tries again", lambda: node.show("ActiveState") != "active")
    edited(manual_drop_in("ReadWritePaths=/srv/chain"))
    node.systemctl("restart")
    assert node.head()[0] == 0 and "network" in machine.run(["ls", "/srv/chain"]).out


def test_a_port_below_1024_takes_the_drop_in_of_the_manual(machine, node, edited):
    low = Node(machine, node.name, "127.0.0.1:80")
    node.configure(f"{CONFIG}[http]\nlisten = 127.0.0.1:80\n")
    machine.run(["sysctl", "-q", "net.ipv4.ip_unprivileged_port_start=1024"])
    assert node.systemctl("restart", check=False).code != 0
    edited(manual_drop_in("CAP_NET_BIND_SERVICE"))
    node.systemctl("restart")
    assert low.is_ready()


# --- The journal ----------------------------------------------------------------------------------------------------------------


def test_lines_have_their_priority_in_the_journal(machine, node):
    victim = node.crew()["archiver", 1]
    machine.run(["kill", "-KILL", str(victim)])
    said = f"archiver[{victim}] was ended by signal 9"
    found = wait_until("a warning", lambda: [e for e in node.journal() if said in e["MESSAGE"]])
    assert found[0]["PRIORITY"] == "4" and not found[0]["MESSAGE"].startswith("<")
    hello = [e for e in node.journal() if "listens on http://127.0.0.1:5000" in e["MESSAGE"]]
    assert {e["PRIORITY"] for e in hello} == {"6"} and all("ts=" not in e["MESSAGE"] for e in hello)
    assert all(not e["MESSAGE"].startswith("<") for e in node.journal() if e.get("_COMM") != "systemd")


def test_the_level_of_one_module_is_changed_while_it_runs(machine, node):
    def debug():
        return [e["MESSAGE"] for e in node.journal("-p", "debug") if e["PRIORITY"] == "7"]

    before = len(debug())
    node.rensa("log-level", "master=debug")
    machine.run(["kill", "-KILL", str(node.crew()["archiver", 1])])
    wait_until("a debug line of the master", lambda: any("master: started archiver" in text for text in debug()[before:]))
    assert all("master: " in text for text in debug()[before:])
    node.systemctl("reload")


def test_a_log_file_below_the_folder_for_logs_is_written_and_rotated(machine, node):
    node.configure(f"{CONFIG}[node]\nlog_file = /var/log/rensa/node.log\n")
    node.systemctl("restart")
    assert "listens on" in machine.run(["cat", "/var/log/rensa/node.log"]).out
    machine.run(["mv", "/var/log/rensa/node.log", "/var/log/rensa/node.log.1"])
    machine.run(["systemctl", "kill", "--kill-whom=main", "--signal=USR1", node.name])
    node.rensa("log-level", "info")
    wait_until("a new file", lambda: machine.run(["test", "-e", "/var/log/rensa/node.log"], check=False).code == 0)
    node.configure(CONFIG)
    node.systemctl("restart")


# --- Kills and the watchdog -----------------------------------------------------------------------------------------------------


def test_a_killed_master_is_started_again_with_the_chain(machine, node):
    head, restarts, master = node.head(), node.restarts(), node.show("MainPID")
    machine.run(["kill", "-KILL", master])
    node.wait_restarted(restarts)
    assert node.head() == head


def test_a_node_killed_whole_is_started_again_with_the_chain(machine, node):
    head, restarts = node.head(), node.restarts()
    machine.run(["systemctl", "kill", "--signal=KILL", node.name])
    node.wait_restarted(restarts)
    assert node.head() == head
    assert len(shared_memory(machine)) == 2


def test_killed_roles_are_replaced_under_the_same_master(machine, node):
    head, restarts, master, before = node.head(), node.restarts(), node.show("MainPID"), node.crew()
    victims = {role: pid for role, pid in before.items() if role[0] in ("miner", "worker", "pool")}
    machine.run(["kill", "-KILL", *map(str, victims.values())])

    def is_replaced():
        now = node.pids()
        return now.keys() == before.keys() and all(now[role] != pid for role, pid in victims.items())

    wait_until("all of them are replaced", is_replaced)
    node.wait_ready()
    assert (node.show("MainPID"), node.restarts(), node.head()) == (master, restarts, head)


@pytest.fixture
def watched(machine, node):
    """With little patience: roles have 2 s, the node 6 s."""
    drop_in = "/run/systemd/system/rensad.service.d"
    machine.sh(f"mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=6\\nTimeoutAbortSec=3\\n' >{drop_in}/watchdog.conf")
    machine.run(["systemctl", "daemon-reload"])
    node.configure(f"{CONFIG}[node]\nwatchdog = 2s\n")
    node.systemctl("restart")
    node.wait_ready()
    yield node
    machine.sh(f"rm -r {drop_in}; systemctl daemon-reload")
    node.configure(CONFIG)
    node.systemctl("restart")


def test_the_watchdog_is_fed(watched):
    def fed_us():
        return int(watched.show("WatchdogTimestampMonotonic"))

    assert watched.show("WatchdogUSec") == "6s"
    master, restarts, first = watched.show("MainPID"), watched.restarts(), fed_us()
    wait_until("it is still fed when it would have bitten", lambda: fed_us() > first + 12_000_000)
    assert watched.show("MainPID", "ActiveState") == [master, "active"] and watched.restarts() == restarts


@pytest.mark.parametrize("role", ["miner", "pool", "worker", "resolver"])
def test_a_frozen_role_is_replaced_and_nobody_else(machine, watched, role):
    head, restarts, master, before = watched.head(), watched.restarts(), watched.show("MainPID"), watched.crew()
    frozen = before[role, 1]
    machine.run(["kill", "-STOP", str(frozen)])
    # Not by way of the node: the frozen worker may be the one that is asked.
    said = f"{role}[{frozen}] has not moved for"
    wait_until("the master has seen it", lambda: any(said in entry["MESSAGE"] for entry in watched.journal()))
    now = wait_until("another one", lambda: watched.is_ready() and watched.pids().keys() == before.keys() and watched.pids())
    assert {key for key in before if now[key] != before[key]} == {(role, 1)}
    assert (watched.show("MainPID"), watched.restarts(), watched.head()) == (master, restarts, head)


def test_a_frozen_master_is_killed_and_all_is_started_again_with_the_chain(machine, watched):
    head, restarts, before = watched.head(), watched.restarts(), watched.crew()
    machine.run(["kill", "-STOP", watched.show("MainPID")])
    watched.wait_restarted(restarts)
    assert watched.head() == head
    assert set(watched.crew().values()).isdisjoint(before.values())
    assert any("Watchdog timeout" in entry["MESSAGE"] for entry in watched.journal())
    assert len(shared_memory(machine)) == 2


def test_a_node_frozen_whole_is_killed_and_started_again_with_the_chain(machine, watched):
    head, restarts, before = watched.head(), watched.restarts(), watched.crew()
    machine.run(["systemctl", "kill", "--signal=STOP", watched.name])
    watched.wait_restarted(restarts)
    assert watched.head() == head
    assert set(watched.crew().values()).isdisjoint(before.values())
    assert len(shared_memory(machine)) == 2


# --- Several nodes on a host ----------------------------------------------------------------------------------------------------


def instance_config(name, at):
    return (
        f"{CONFIG}[node]\nname = {name}\ndata_dir = /var/lib/rensa/{name}\n[http]\nlisten = {at}\n"
        "[discovery]\nscan_hosts = 127.0.0.2-127.0.0.3\nscan_ports = 5000\ninterval = 1s\n"
    )


@pytest.fixture
def instances(machine, node):
    one, two = Node(machine, "rensad@one.service", ONE, "one.conf"), Node(machine, "rensad@two.service", TWO, "two.conf")
    one.configure(instance_config("one", ONE))
    two.configure(instance_config("two", TWO))
    machine.run(["systemctl", "start", one.name, two.name])
    yield one, two
    machine.run(["systemctl", "stop", "rensad@*.service"])


def test_several_nodes_of_a_host_are_neighbours(machine, node, instances):
    one, two = instances
    head = node.head()
    for each in instances:
        wait_until("they have met", lambda n=each: n.show("StatusText").endswith(", 1 peer"))
    one.rensa("mine", "--to", "A", "--blocks", "2")
    wait_until("a block of one is on two", lambda: one.head() == two.head())
    assert node.head() == head, "another node on the host goes on for itself"
    assert machine.run(["stat", "-c", "%U %a", "/var/lib/rensa/one", "/var/log/rensa/one", "/run/rensad-one"]).out == "rensa 750\n" * 3
    one.systemctl("stop")
    assert two.is_ready() and node.is_ready(), "nobody takes the shared memory of another"
    assert len(shared_memory(machine)) == 4
    node.systemctl("stop")
    assert two.is_ready() and machine.run(["ls", "-d", "/run/rensad-two"]).code == 0
    head = two.head()
    two.systemctl("restart")
    assert two.head() == head


def test_a_port_that_is_taken_fails_the_start_and_is_left_for_the_operator_in_the_end(machine, instances):
    one, _ = instances
    three = Node(machine, "rensad@three.service", ONE, "three.conf")
    three.configure(instance_config("three", ONE))
    assert three.systemctl("start", check=False).code != 0
    wait_until("it is given up", lambda: three.show("ActiveState") == "failed")
    assert three.show("ExecMainStatus") == "1" and three.restarts() > 1
    assert one.is_ready()
    machine.run(["systemctl", "reset-failed", three.name])


# --- The end --------------------------------------------------------------------------------------------------------------------


def test_purge_stops_the_nodes_and_leaves_only_the_chain(machine):
    one = Node(machine, "rensad@one.service", ONE, "one.conf")
    one.configure(instance_config("one", ONE))
    machine.run(["systemctl", "start", "rensad", one.name])
    assert len(shared_memory(machine)) == 4
    machine.run(["apt-get", "-y", "purge", "rensad"])
    assert machine.run(["pgrep", "-a", "-f", "^rensad: "], check=False).out == "" and shared_memory(machine) == []
    for gone in "/etc/rensa", "/usr/sbin/rensad", "/lib/systemd/system/rensad.service", "/var/log/rensa", "/run/rensad":
        assert machine.run(["test", "-e", gone], check=False).code == 1, gone
    assert machine.run(["ls", "/var/lib/rensa/journal"]).out != "", "a chain is not thrown away"
