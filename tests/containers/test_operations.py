"""docs/operations.md, as an operator goes through it: every command as written, in order, on three hosts."""

import concurrent.futures
import json
import pathlib
import re
import shutil
import time

import pytest

import document
import ground as the_ground
import packages
from ground import TOP, run, wait_until
from hosts import Host, Hosts

TEXT = (TOP / "docs/operations.md").read_text()
STEPS = document.read(TEXT)
LONG = 600  # seconds, for a command: packages are built and fetched in some
NEXT_VERSION = "0.1.0-2"


class Builder:
    """The machine on which packages are built: what debian/control asks for is there, as after a first time."""

    def __init__(self, ground):
        self.root = ground.fresh(packages.build_base(ground), "builder")
        packages.unpack(packages.state(), self.root / "root/rensa")
        self.box = ground.box("builder", self.root, is_online=True)

    def sh(self, script, user="root", **options):
        # Its tests are run elsewhere.
        return self.box.run(["bash", "-e", "-c", f"cd /root\n{script}"], env={"DEB_BUILD_OPTIONS": "nocheck"}, **options)


class Trial:
    """The hosts, and how far the document has been followed."""

    def __init__(self, ground):
        self.ground = ground
        self.newer = packages.build_packages(ground, NEXT_VERSION)
        self.hosts = Hosts(ground, ["a", "b", "c"])
        self.builder = Builder(ground)
        self.failed = None
        self.kept = {}  # what one check notes for another

    def __getitem__(self, name):
        return self.builder if name == "build" else self.hosts[name]

    def try_once(self, step, name):
        ran = self[name].sh(step.script, user=step.user, check=False, timeout=LONG)
        if ran.code != step.exit:
            return f"on {name}: ended with {ran.code}, not {step.exit}\n{step}\n{ran.out[-6000:]}"
        lacking = document.missing(step.shown, ran.out)
        return lacking and f"on {name}: nowhere in order: {lacking}\n{step}\n{ran.out[-6000:]}"

    def follow(self, step, name):
        deadline = time.monotonic() + step.within
        while (trouble := self.try_once(step, name)) and time.monotonic() < deadline:
            time.sleep(0.5)
        return trouble

    def run(self, step):
        if step.is_at_once:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                troubles = list(pool.map(lambda name: self.follow(step, name), step.hosts))
        else:
            troubles = [self.follow(step, name) for name in step.hosts]
        assert not any(troubles), "\n\n".join(filter(None, troubles))

    # --- What checks ask ------------------------------------------------------------------------------------------------------------

    def get(self, name, path, port=5000):
        """A document of a node's API, or None if it does not answer."""
        ran = self[name].sh(f"wget -qO- --timeout=5 --tries=1 'http://127.0.0.1:{port}{path}'", check=False)
        return json.loads(ran.out) if ran.code == 0 else None

    def head(self, name):
        return (self.get(name, "/chain/head") or {}).get("hash")

    def height(self, name):
        return (self.get(name, "/chain/head") or {}).get("height", -1)

    def agree(self, names="abc", at_least=0):
        def same():
            heads = {self.head(name) for name in names}
            return len(heads) == 1 and None not in heads and self.height(names[0]) >= at_least

        wait_until(f"{', '.join(names)} have one chain", same)
