"""A machine: systemd as process 1 over a root folder, in systemd-nspawn, with a network of its own that leads nowhere.

Without a systemd on the host nobody gives nspawn a control group of its own, and two machines in one would take the services of the
other for theirs. So each gets one below ours, in every tree that systemd uses."""

import contextlib
import json
import os
import pathlib

from ground import DEADLINE, children_of, clean_environment, end, members, namespace_of, run, start, wait_until

# What a minimal Debian lacks to be one.
PACKAGES = ["systemd-sysv", "dbus", "procps", "man-db", "curl"]
TOOLS = ["systemd-nspawn", "nsenter"]
GROUP = "rensa-machine-"


def own_groups():
    """Our control group in each tree that systemd uses."""
    ours, found = {}, []
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, tree, path = line.split(":", 2)
        ours[tree] = path
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options = line.split()[:4]
        tree = "" if kind == "cgroup2" else "name=systemd" if kind == "cgroup" and "name=systemd" in options.split(",") else None
        if tree in ours:
            group = pathlib.Path(where + ours[tree])
            found.append(group if group.is_dir() else pathlib.Path(where))
    return found


def remove_group(group):
    """With those in it; a process that is ending may hold it for a moment yet."""
    for folder in sorted(group.rglob("*/"), reverse=True):
        if folder.is_dir():
            folder.rmdir()
    group.rmdir()


def sweep_groups():
    """Those of runs that were killed."""
    for group in own_groups():
        for left in group.glob(f"{GROUP}*"):
            if not pathlib.Path(f"/proc/{left.name.removeprefix(GROUP).split('-')[0]}").exists():
                remove_group(left)


class Machine:
    def __init__(self, work, root):
        self.root, self.log = root, work / f"{root.name}.machine.log"
        sweep_groups()
        self.groups = [group / f"{GROUP}{os.getpid()}-{root.name}" for group in own_groups()]
        (root / "etc/hostname").write_text("machine\n")
        # Its own, made at the first boot.
        (root / "etc/machine-id").write_text("")
        self.boot()

    def boot(self):
        for group in self.groups:
            group.mkdir()
        enter = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
        nspawn = ["systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit", "--private-network", "--resolv-conf=off"]
        env = clean_environment(SYSTEMD_LOG_LEVEL="warning")
        command = ["sh", "-c", enter, "sh", *self.groups, "--", *nspawn, "--console=pipe", "-b"]
        self.space, self.nspawn = None, start(command, self.log, env=env)
        try:
            self.pid = wait_until("systemd is process 1", self.first_process)
            self.space = namespace_of(self.pid)
            wait_until("the machine is up", self.is_up)
        except BaseException:
            self.close()
            raise

    def first_process(self):
        assert self.nspawn.poll() is None, self.log.read_text()
        for pid in children_of(self.nspawn.pid):
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return pid
        return None

    def is_up(self):
        return self.run(["systemctl", "is-system-running"], check=False).out in ("running\n", "degraded\n")

    def words(self, command, env):
        settings = [f"{key}={value}" for key, value in clean_environment(SYSTEMD_PAGER="", **(env or {})).items()]
        return ["nsenter", "-t", self.pid, "-m", "-n", "-p", "-i", "-u", "-C", "--", "env", "-i", *settings, *command]

    def run(self, command, env=None, **options):
        return run(self.words(command, env), **options)

    def sh(self, script, **options):
        return self.run(["sh", "-ec", script], **options)

    def get(self, url):
        """The JSON there, whatever the status; None while nobody answers."""
        said = self.run(["curl", "-sS", "--max-time", "20", url], check=False)
        return json.loads(said.out) if said.code == 0 else None

    def reboot(self):
        """Shut down in order, and up again."""
        self.close(DEADLINE)
        self.boot()

    def close(self, seconds=20):
        """nspawn asks the machine to shut down; what is not down by then is ended."""
        end(self.nspawn, seconds)
        if self.space:
            wait_until("nobody is left in the machine", lambda: not members(self.space), seconds=20)
        for group in self.groups:
            wait_until("its control group is empty", lambda g=group: not (g / "cgroup.procs").read_text())
            remove_group(group)


class Unit:
    """One service in a machine."""

    def __init__(self, machine, name):
        self.machine, self.name = machine, name

    def systemctl(self, verb, **options):
        return self.machine.run(["systemctl", verb, self.name], **options)

    def show(self, *names):
        """Properties; one as it is, several as a list."""
        values = [self.machine.run(["systemctl", "show", "-P", name, self.name]).out.rstrip("\n") for name in names]
        return values[0] if len(values) == 1 else values

    def journal(self, *words):
        """Its entries since the machine came up, as dicts of text."""
        said = self.machine.run(["journalctl", "-u", self.name, "-o", "json", "--no-pager", *words]).out
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
