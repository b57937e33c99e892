"""Hosts of our own: network namespaces joined by a bridge that lives in a namespace too, so that the machine's own
routing and firewall stay untouched. Names are this run's alone; everything goes with close()."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=20)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """One namespace; inside() makes it the one of this thread, and of what it starts."""

    def __init__(self, name, address, port):
        self.name, self.address, self.port = name, address, port

    @contextlib.contextmanager
    def inside(self):
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(home.fileno())


class Switch:
    """A bridge with `count` hosts at PREFIX.1 and on. cut(k) takes host k off the bridge, join(k) puts it back; split(groups)
    gives each group of hosts a bridge of its own, heal() puts all on one again."""

    def __init__(self, count, prefix="10.99.0"):
        tag = f"r{os.getpid() % 100000}"
        self.name, self.hosts, self.bridges = f"{tag}sw", [], 0
        try:
            ip("netns", "add", self.name)
            self.add_bridge()
            for k in range(1, count + 1):
                host = Host(f"{tag}h{k}", f"{prefix}.{k}", f"p{k}")
                ip("netns", "add", host.name)
                self.hosts.append(host)
                ip("-n", host.name, "link", "set", "lo", "up")
                ip("link", "add", "eth0", "netns", host.name, "type", "veth", "peer", "name", host.port, "netns", self.name)
                ip("-n", self.name, "link", "set", host.port, "master", "br0", "up")
                ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
                ip("-n", host.name, "link", "set", "eth0", "up")
        except BaseException:
            self.close()
            raise

    def add_bridge(self):
        ip("-n", self.name, "link", "add", f"br{self.bridges}", "type", "bridge")
        ip("-n", self.name, "link", "set", f"br{self.bridges}", "up")
        self.bridges += 1

    def split(self, groups):
        """Groups of numbers of hosts; who is in none stays where it is."""
        while self.bridges < len(groups):
            self.add_bridge()
        for bridge, group in enumerate(groups):
            for k in group:
                ip("-n", self.name, "link", "set", self.hosts[k].port, "master", f"br{bridge}")

    def heal(self):
        self.split([range(len(self.hosts))])

    def cut(self, k):
        ip("-n", self.name, "link", "set", self.hosts[k].port, "down")

    def join(self, k):
        ip("-n", self.name, "link", "set", self.hosts[k].port, "up")

    def close(self):
        for name in [host.name for host in self.hosts] + [self.name]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20)
