"""Docker in a box: a daemon of our own, and a copy of this checkout for docker-compose to work in.

What must stay true:

- No other daemon on this machine is asked or changed. Bridges, firewall rules and mounts are those of the box and go with it.
- What is kept from run to run, in build/containers/docker, is images alone, so that what did not change is not built again. Containers,
  networks and volumes are removed before and after.
- The image that the Dockerfile names is made from the ground's base of Debian: nothing is pulled.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

import ground as the_ground
from ground import CACHE, TOP, clean_environment, end, tied, wait_until

IMAGE = "rensa"
BASE_IMAGE = "debian:bookworm-slim"
# What a Debian that calls itself slim does without.
NOT_SLIM = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "var/cache/apt/*", "var/lib/apt/lists/*")
BUILD_SECONDS = 900
KEEP_HOURS = 24  # what older trees left: images without a name
IGNORED = re.compile(r"\.git|\.env|build.*|autom4te\.cache")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][A-Z0-9]?")


class Docker:
    def __init__(self, ground):
        the_ground.require("docker", "dockerd", "docker-compose", "iptables", "curl", "jq")
        self.ground = ground
        self.data = CACHE / "docker"
        self.state = ground.work / "docker"
        self.state.mkdir()
        self.log = self.state / "dockerd.log"
        self.cgroup = f"rensa-test-{os.getpid()}"
        self.lock = open(CACHE / "docker.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        # The programs of Debian's packages, whatever else of that name there is; and nobody's settings of docker.
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.state),
            "DOCKER_HOST": f"unix://{self.state}/docker.sock",
            "DOCKER_BUILDKIT": "0",
            "COMPOSE_DOCKER_CLI_BUILD": "0",
            "TERM": "xterm",
        }
        self.box = ground.box("docker", is_online=True)
        self.daemon = None
        self.start()
        ground.keep(self)
        self.remove_all()

    def start(self):
        command = ["dockerd", "--data-root", self.data, "--exec-root", self.state / "exec", "--pidfile", self.state / "dockerd.pid"]
        command += ["--cgroup-parent", f"/{self.cgroup}", "-H", self.env["DOCKER_HOST"]]
        self.daemon = self.box.start(command, self.log, env=self.env)
        wait_until("dockerd answers", self.is_up)

    def is_up(self):
        if self.daemon.poll() is not None:
            pytest.skip(f"dockerd does not run on this machine: {self.log.read_text()[-1000:]}")
        return self("version", check=False).code == 0

    def close(self):
        try:
            self.remove_all()
        finally:
            # nsenter, which this is, does not hand signals on.
            for pid in the_ground.children_of(self.daemon.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 15)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.wait(30)
            end(self.daemon)
            for folder in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/{self.cgroup}")):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            self.lock.close()

    def __call__(self, *words, **options):
        """docker WORDS. Returns a Ran."""
        return self.box.run(["docker", *words], env=self.env, **options)

    def inspect(self, name, form):
        """A field of a container, image or network, as text."""
        return self("inspect", "-f", form, name).out.strip()

    def inspect_json(self, name):
        return json.loads(self("inspect", name).out)[0]

    def build(self, checkout):
        """The image, as docker-compose builds it, so that a later build with docker-compose finds everything made."""
        self.base_image()
        checkout.compose("build")
        self("image", "prune", "-f", "--filter", f"until={KEEP_HOURS}h")

    def remove_all(self):
        for containers in self("ps", "-aq").out.split():
            self("rm", "-f", "-v", containers, check=False)
        self("network", "prune", "-f")
        for volume in self("volume", "ls", "-q").out.split():
            self("volume", "rm", "-f", volume)

    def base_image(self):
        """Makes the image of Debian, unless the one that is there is of the same base."""
        base = self.ground.base()
        form = '{{index .Config.Labels "base"}}'
        if self("image", "inspect", "-f", form, BASE_IMAGE, check=False).out.strip() == base.name:
            return
        changes = ['CMD ["bash"]', f"LABEL base={base.name}", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        words = " ".join(f"-c '{change}'" for change in changes)
        left_out = " ".join(f"--exclude='./{pattern}'" for pattern in NOT_SLIM)
        self.box.sh(f"tar -C {base} {left_out} -c . | docker import {words} - {BASE_IMAGE}", env=self.env, timeout=BUILD_SECONDS)


class Checkout:
    """A copy of the source tree in which a user works, with docker-compose or at a terminal."""

    def __init__(self, docker, name="rensa"):
        self.docker = docker
        self.folder = docker.ground.work / "checkouts" / name
        shutil.copytree(TOP, self.folder, symlinks=True, ignore=self.ignored)

    @staticmethod
    def ignored(folder, names):
        return [name for name in names if pathlib.Path(folder) == TOP and IGNORED.fullmatch(name)]

    def compose(self, *words, env=None, timeout=BUILD_SECONDS, **options):
        command = ["env", "-C", self.folder, "docker-compose", *words]
        return self.docker.box.run(command, env=self.docker.env | (env or {}), timeout=timeout, **options)

    def execute(self, service, *words, **options):
        return self.compose("exec", "-T", service, *words, **options)

    def terminal(self, command, seconds=BUILD_SECONDS):
        """What a user sees who types the command at a terminal in the checkout. Returns a Ran; colours and the like are left out."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        words = self.docker.box.words(["env", "-C", self.folder, "setsid", "--ctty", "--wait", "bash", "-c", command], self.docker.env)
        words = [str(word) for word in words]
        process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=clean_environment(), preexec_fn=tied)
        os.close(slave)
        seen, deadline = b"", time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                readable, _, _ = select.select([master], [], [], 0.2)
                if readable:
                    try:
                        seen += os.read(master, 65536)
                    except OSError:  # nobody holds the other end any more
                        break
                elif process.poll() is not None:
                    break
            code = process.wait(max(1, deadline - time.monotonic()))
        finally:
            process.kill()
            process.wait()
            os.close(master)
        return the_ground.Ran([command], code, plain(seen.decode(errors="replace")))


def plain(text):
    """The text as it stands on the screen in the end, near enough: no escapes, and of a line written again the last state."""
    lines = ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rsplit("\r", 1)[-1] for line in lines)


