"""The ground that container tests stand on: bases of Debian, and boxes to run things in.

What must stay true:

- The host's network, firewall, mounts and /dev/shm stay as they are. A box has a network, processes, mounts and IPC of its own, and
  what it needs from outside comes through slirp4netns, a program that asks the host as any other does.
- Everything ends with us, however we end: each process here is killed by the kernel when this one goes (PR_SET_PDEATHSIG), and all
  that runs in a box goes with the box's first process. What remains of a run that was killed is a folder, which the next one
  removes.
- Nobody but /etc/apt of this machine says where packages come from.

A base is made once by debootstrap, and kept in build/containers/ for a week. A test takes a copy with Ground.fresh() and may do to
it what it likes.
"""

import contextlib
import ctypes
import fcntl
import functools
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
CACHE = TOP / "build" / "containers"
KEEP_SECONDS = 7 * 24 * 3600  # a base; later its packages are no longer those that the mirror has
DEADLINE = 120  # how long anything may take before a test gives up: no claim about speed
INSTALL_SECONDS = 600
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def wait_until(what, condition, seconds=DEADLINE, pause=0.1):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        seen = condition()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for this: {what}; last seen: {seen!r}"
        time.sleep(pause)


def require(*tools):
    """Skips the test, with the reason, where this machine lacks a right or a program."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    missing = [tool for tool in tools if not shutil.which(tool, path=PATH)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: scripts/install-deps --containers installs them")
    wanted = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "true"]
    probe = subprocess.run(wanted, capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"needs the right to make namespaces: {probe.stderr.strip()}")


# --- Where packages come from ----------------------------------------------------------------------------------------------------


def apt_entries(folder=pathlib.Path("/etc/apt")):
    """(URI, suite) of every source of packages that apt knows here, in both of its formats."""
    found = []
    for path in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else []:
            if match := re.match(r"deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)", line):
                found.append(match.groups())
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            lines = [line for line in stanza.splitlines() if not line.startswith("#")]
            fields = dict(re.findall(r"^(\S+):[ \t]*(.*(?:\n[ \t].*)*)$", "\n".join(lines), re.MULTILINE))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
                found += [(uri, suite) for uri in fields["URIs"].split() for suite in fields["Suites"].split()]
    return found


def mirrors():
    """(URI, suite) of this Debian, the suite itself first. Skips where apt knows no mirror of it."""
    by_suite = {}
    for uri, suite in apt_entries():
        by_suite.setdefault(suite, uri.rstrip("/"))
    if SUITE not in by_suite:
        pytest.skip(f"/etc/apt names no mirror of Debian's {SUITE}")
    suites = [s for s in (SUITE, f"{SUITE}-updates", f"{SUITE}-security") if s in by_suite]
    return [(by_suite[s], s) for s in suites]


@functools.cache
def proxy_environment():
    """The proxy that apt uses here, if any, as other programs take it."""
    said = subprocess.run(["apt-config", "dump", "Acquire::http::Proxy"], capture_output=True, text=True).stdout
    match = re.search(r'"(http[^"]+)"', said)
    return {"http_proxy": match[1]} if match else {}


def check_reachable(mirror):
    try:
        urllib.request.urlopen(f"{mirror}/dists/{SUITE}/InRelease", timeout=20).close()
    except (OSError, urllib.error.URLError) as error:
        pytest.skip(f"the mirror of Debian that /etc/apt names is not reachable: {mirror}: {error}")


# --- Processes -------------------------------------------------------------------------------------------------------------------


def tied():
    """In the child, before it becomes the program: it is killed when we are gone."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def clean_environment(**more):
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"} | proxy_environment() | more


class Ran:
    """What a command did: code, and out (both streams, in the order written)."""

    def __init__(self, command, code, out):
        self.command, self.code, self.out = command, code, out

    def __repr__(self):
        return f"{shlex.join(map(str, self.command))}\nended with {self.code}\n{self.out[-6000:]}"


def run(command, check=True, timeout=DEADLINE, **options):
    """Runs a command on the host. check: it must end with 0. Returns a Ran."""
    command = [str(word) for word in command]
    options = {"stdin": subprocess.DEVNULL, "env": clean_environment()} | options
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    done = subprocess.run(command, timeout=timeout, preexec_fn=tied, **options)
    ran = Ran(command, done.returncode, done.stdout)
    assert not check or ran.code == 0, ran
    return ran


def start(command, log, **options):
    """Starts a command on the host in the background, output to the file log."""
    options = {"stdin": subprocess.DEVNULL, "env": clean_environment()} | options
    with open(log, "ab") as out:
        return subprocess.Popen([str(word) for word in command], stdout=out, stderr=out, preexec_fn=tied, **options)


def children_of(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]
    return []


def end(process, seconds=20):
    """SIGTERM, and SIGKILL to who does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def namespace_of(pid, kind="pid"):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


# --- Boxes -----------------------------------------------------------------------------------------------------------------------


class Box:
    """Namespaces of its own around the folder root ("/": the host's files, read and written as ever): processes, mounts, IPC, host
    name and network, and with them /proc and /dev/shm. is_online: it reaches the outside; nobody reaches it.

    run() and start() put commands there, at a path inside. The box's first process reaps what is orphaned in it."""

    def __init__(self, work, name, root="/", is_online=False, shm_size="1100m"):
        self.root, self.name, self.log = str(root), name, work / f"{name}.box.log"
        self.slirp = None
        setup = f"""set -e
            mount --make-rprivate /
            cd {shlex.quote(self.root)}
            mount -t proc proc proc
            if [ "$PWD" != / ]; then
                mount -t sysfs -o ro sys sys
                mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 pts dev/pts
            fi
            mount -t tmpfs -o mode=1777,size={shm_size} shm dev/shm
            ip link set lo up
            hostname {name}
            exec tini -s -- sleep infinity"""
        unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child", "bash", "-c", setup]
        self.holder = start(unshare, self.log)
        self.space = None
        try:
            self.pid = wait_until(f"the box {name}", self.first_process, pause=0.02)
            self.space = namespace_of(self.pid)
            if is_online:
                self.go_online(work)
        except BaseException:
            self.close()
            raise

    def first_process(self):
        assert self.holder.poll() is None, f"{self.name}: {self.log.read_text()}"
        for pid in children_of(self.holder.pid):
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "tini\n":
                    return pid
        return None

    def go_online(self, work):
        slirp = ["slirp4netns", "--configure", "--mtu=1500", "--disable-host-loopback", self.pid, "tap0"]
        self.slirp = start(slirp, work / f"{self.name}.slirp.log")
        # The resolver that slirp4netns offers asks the host's; a bind, because with root "/" the file is the host's own.
        resolv = work / f"{self.name}.resolv.conf"
        resolv.write_text("nameserver 10.0.2.3\n")
        target = os.path.realpath(f"{self.root}/etc/resolv.conf")
        self.run(["mount", "--bind", resolv, target], is_host=True)
        wait_until("the way outside", lambda: self.run(["ip", "route", "show", "default"], check=False, is_host=True).out)

    def words(self, command, env, is_host=False):
        chroot = [] if is_host or self.root == "/" else ["chroot", self.root]
        settings = [f"{key}={value}" for key, value in clean_environment(**(env or {})).items()]
        return ["nsenter", "-t", self.pid, "-m", "-n", "-p", "-i", "-u", "--", *chroot, "env", "-i", *settings, *command]

    def run(self, command, env=None, is_host=False, **options):
        """is_host: with the programs of the host, not with those of root."""
        return run(self.words(command, env, is_host), **options)

    def sh(self, script, **options):
        return self.run(["sh", "-ec", script], **options)

    def start(self, command, log, env=None, is_host=False, **options):
        return start(self.words(command, env, is_host), log, **options)

    def close(self):
        if self.slirp:
            end(self.slirp)
        # The first process takes the whole space of processes along, and with the last of them go network and mounts.
        self.holder.kill()
        self.holder.wait()
        if self.space:
            wait_until(f"nobody is left in the box {self.name}", lambda: not members(self.space), seconds=20)


def members(space):
    """The processes of a namespace of processes."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and namespace_of(entry) == space]


# --- The ground ------------------------------------------------------------------------------------------------------------------


class Ground:
    """Bases, copies and boxes of one run; close() ends and removes all but the bases."""

    def __init__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        self.work = CACHE / f"run-{os.getpid()}"
        sweep()
        self.work.mkdir()
        self.stack = contextlib.ExitStack()

    def close(self):
        try:
            self.stack.close()
        finally:
            remove_tree(self.work)

    def keep(self, thing):
        """Closed, newest first, when the ground is left."""
        self.stack.callback(thing.close)
        return thing

    def box(self, name, root="/", **options):
        return self.keep(Box(self.work, name, root, **options))

    def base(self, name="minbase", packages=()):
        """The folder of a minimal Debian with these packages, made when first asked for. Not to be written to."""
        assert name != "minbase" or not packages, "one with packages has a name of its own"
        wanted = " ".join(sorted(packages))
        sources = "".join(f"deb {uri} {suite} main\n" for uri, suite in mirrors())
        label = hashlib.sha256(f"{wanted}\n{sources}".encode()).hexdigest()[:12]
        folder = CACHE / f"base-{name}-{label}"
        with open(CACHE / f"base-{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_fresh(folder):
                return folder
            self.make_base(folder, wanted, sources)
            for old in CACHE.glob(f"base-{name}-*"):
                if old != folder and re.fullmatch(rf"base-{re.escape(name)}-[0-9a-f]{{12}}", old.name):
                    remove_tree(old)
        return folder

    def make_base(self, folder, wanted, sources):
        mirror = mirrors()[0][0]
        making = CACHE / f"{folder.name}.{os.getpid()}"
        try:
            if wanted:
                self.copy(self.base(), making)
                self.install(making, wanted.split())
            else:
                require("debootstrap")
                check_reachable(mirror)
                command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, making, mirror]
                run(command, timeout=INSTALL_SECONDS)
                (making / "etc/apt/sources.list").write_text(sources)
                self.install(making, [])
            remove_tree(folder)
            making.rename(folder)
        finally:
            remove_tree(making)

    def install(self, root, packages):
        """Brings a root up to date and installs packages in it, from the mirror."""
        require("slirp4netns", "tini")
        apt = "apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
        script = f"""{apt} update; {apt} dist-upgrade
            [ $# -eq 0 ] || {apt} install --no-install-recommends "$@"
            apt-get clean; rm -rf /var/lib/apt/lists/*"""
        with contextlib.closing(Box(self.work, f"install-{root.name[:40]}", root, is_online=True)) as box:
            box.run(["sh", "-ec", script, "sh", *packages], timeout=INSTALL_SECONDS)

    def fresh(self, base, name):
        """A copy of a base, for a test to change; it goes when the ground is left."""
        return self.copy(base, self.work / name)

    def copy(self, base, folder):
        remove_tree(folder)
        run(["cp", "-a", "--reflink=auto", base, folder], timeout=INSTALL_SECONDS)
        return folder


def is_fresh(folder):
    return folder.exists() and time.time() - folder.stat().st_ctime < KEEP_SECONDS


def remove_tree(folder):
    """Never crosses into something mounted there."""
    if folder.exists():
        run(["rm", "-rf", "--one-file-system", "--", folder], timeout=INSTALL_SECONDS)


def sweep():
    """The folders of runs that are no more."""
    for folder in CACHE.glob("run-*"):
        if not pathlib.Path(f"/proc/{folder.name.removeprefix('run-')}").exists():
            remove_tree(folder)

