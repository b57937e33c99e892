"""Hosts: machines that boot a Debian of their own with systemd, side by side on one network, as an operator has them.

What must stay true:

- They live in a box of the ground: its bridge, its firewall, its way outside; and with the box everything ends. Their control groups are
  below one of ours, which is removed.
- A host is started once it says that it runs, and a command in it is run as a login of root, or of another user there, would run it.
- Packages that a host fetches are kept for the next run, below build/containers/.
"""

import contextlib
import os
import pathlib
import re
import signal
import time

import ground as the_ground
from ground import CACHE, children_of, end, require, run, wait_until

NET = "10.0.0"
# What a server that Debian's installer has set up has, as far as it is needed here.
PACKAGES = ["dbus", "iproute2", "less", "man-db", "procps", "systemd-sysv", "wget"]
BOOTED = re.compile(r"running|degraded")


def comm(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def group_mounts():
    """The hierarchies of control groups that systemd uses."""
    top = pathlib.Path("/sys/fs/cgroup")
    return [top] if (top / "cgroup.procs").exists() else [m for m in (top / "systemd", top / "unified") if m.exists()]


def remove_group(group):
    for folder, _, _ in os.walk(group, topdown=False):
        procs = pathlib.Path(folder, "cgroup.procs")
        wait_until(f"{folder} is empty", lambda procs=procs: not procs.read_text(), seconds=20)
        os.rmdir(folder)


def sweep_groups():
    """Those of runs that are no more."""
    for group in [found for mount in group_mounts() for found in mount.glob("rensa-host-*")]:
        if not pathlib.Path(f"/proc/{group.name.split('-')[2]}").exists():
            remove_group(group)


class Host:
    """One machine. number: the last part of its address."""

    def __init__(self, hosts, name, number):
        self.hosts, self.name, self.address = hosts, name, f"{NET}.{number}"
        self.root = hosts.ground.fresh(hosts.base, f"host-{name}")
        self.log = hosts.ground.work / f"host-{name}.log"
        self.settle()
        self.share_packages(self.hosts.archives, self.root / "var/cache/apt/archives")
        self.nspawn = self.pid = None
        self.boot()

    def write(self, path, text):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def settle(self):
        """What an installer asks for: name, address, way outside, whom to ask for names and packages."""
        self.write("/etc/hostname", f"{self.name}\n")
        names = "".join(f"{NET}.{number} {name}\n" for name, number in self.hosts.numbers.items())
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{names}")
        self.write("/etc/machine-id", "")
        self.write("/etc/resolv.conf", "nameserver 10.0.2.3\n")
        network = f"[Match]\nName=host0\n[Network]\nAddress={self.address}/24\nGateway={NET}.1\nIPv6AcceptRA=no\n"
        self.write("/etc/systemd/network/10-host0.network", network)
        self.write("/etc/apt/apt.conf.d/90lean", 'Acquire::Languages "none";\n')
        for key, value in the_ground.proxy_environment().items():
            self.write("/etc/apt/apt.conf.d/90proxy", f'Acquire::{key.removesuffix("_proxy")}::Proxy "{value}";\n')
        run(["systemctl", f"--root={self.root}", "enable", "systemd-networkd.service"])
        run(["chroot", self.root, "useradd", "--create-home", "--shell", "/bin/bash", "ops"])

    def share_packages(self, source, target):
        """What apt fetches it keeps, and need not fetch again."""
        for deb in source.glob("*.deb"):
            if not (target / deb.name).exists():
                os.link(deb, target / deb.name)

    def boot(self):
        # Below a control group of its own, or the machines' systemds would take one another's services for theirs.
        command = ["sh", "-c", 'for g; do shift; [ "$g" != -- ] || break; echo 0 >"$g/cgroup.procs"; done; exec "$@"', "sh"]
        command += [*self.make_groups(), "--", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={self.root}"]
        command += [f"--machine=test-{self.name}"]
        command += [f"--network-bridge={self.hosts.bridge}", "--resolv-conf=off", "--link-journal=no", "--console=pipe", "--boot"]
        self.nspawn = self.hosts.box.start(command, self.log, is_host=True, env={"SYSTEMD_LOG_LEVEL": "warning"})
        self.pid = wait_until(f"the first process of {self.name}", self.first_process, pause=0.05)
        wait_until(f"{self.name} has booted", lambda: BOOTED.match(self.sh("systemctl is-system-running", check=False).out))

    def groups(self):
        return [mount / f"rensa-host-{os.getpid()}-{self.name}" for mount in group_mounts()]

    def make_groups(self):
        for group in self.groups():
            group.mkdir(exist_ok=True)
        return self.groups()

    def first_process(self):
        """That of systemd inside: nspawn's child, which nsenter's child is."""
        assert self.nspawn.poll() is None, f"{self.name}: {self.log.read_text()[-2000:]}"
        below = [self.nspawn.pid]
        while below:
            pid = below.pop()
            if comm(pid) == "systemd":
                return pid
            below += children_of(pid)
        return None

    def words(self, command, user="root"):
        home = "/root" if user == "root" else f"/home/{user}"
        settings = {"PATH": the_ground.PATH, "LANG": "C.UTF-8", "HOME": home, "USER": user, "LOGNAME": user}
        settings |= {"DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_PAGER": "", "MANPAGER": "cat"}
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        enter = ["nsenter", "-t", self.pid, "-m", "-n", "-p", "-i", "-u", "-C", "--"]
        return [*enter, "env", "-i", f"--chdir={home}", *(f"{key}={value}" for key, value in settings.items()), *become, *command]

    def sh(self, script, user="root", **options):
        """Runs lines of the shell, up to the first that fails. Returns a Ran."""
        return run(self.words(["bash", "-e", "-c", script], user), **options)

    def shutdown(self):
        """As by its power button."""
        if self.nspawn.poll() is None:
            self.sh("kill -s RTMIN+4 1", check=False)
            with contextlib.suppress(Exception):
                self.nspawn.wait(40)
        end(self.nspawn)

    def reboot(self):
        self.shutdown()
        self.boot()

    def close(self):
        """As by a power failure."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        end(self.nspawn)
        self.share_packages(self.root / "var/cache/apt/archives", self.hosts.archives)
        for group in self.groups():
            remove_group(group)


class Hosts:
    """The hosts of one test, by name. names: in the order of their addresses, from .11 on."""

    bridge = "br0"

    def __init__(self, ground, names):
        require("systemd-nspawn", "slirp4netns", "iptables", "ip", "setpriv")
        self.ground = ground
        self.numbers = {name: 11 + k for k, name in enumerate(names)}
        self.base = ground.base("hosts", PACKAGES)
        sweep_groups()
        self.archives = CACHE / time.strftime("archives-%G-%V")
        for old in CACHE.glob("archives-*"):
            if old != self.archives:
                the_ground.remove_tree(old)
        self.archives.mkdir(exist_ok=True)
        self.box = ground.box("hosts", is_online=True)
        self.box.sh(
            f"""ip link add {self.bridge} type bridge
            ip addr add {NET}.1/24 dev {self.bridge}
            ip link set {self.bridge} up
            echo 1 >/proc/sys/net/ipv4/ip_forward
            iptables -t nat -A POSTROUTING -s {NET}.0/24 -o tap0 -j MASQUERADE"""
        )
        self.by_name = {}
        for name, number in self.numbers.items():
            self.by_name[name] = ground.keep(Host(self, name, number))

    def __getitem__(self, name):
        return self.by_name[name]

    def __iter__(self):
        return iter(self.by_name.values())
