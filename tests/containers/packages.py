"""The Debian packages of this checkout, built as a packager would: from what git has, in a Debian of its own.

build_packages(ground) gives their paths. They are built once for each state of the tracked files, and kept below build/containers/.
"""

import fcntl
import hashlib
import pathlib
import re
import subprocess

import pytest

from ground import CACHE, INSTALL_SECONDS, TOP, remove_tree, run

# What dpkg-buildpackage takes for granted, and what looks at its work.
TOOLS = ["build-essential", "fakeroot", "lintian"]
KEPT = 4  # builds, the newest


def git(*words):
    said = subprocess.run(["git", "-C", str(TOP), *words], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        pytest.skip(f"packages are built from what git has, and this is no checkout: {said.stderr.strip()}")
    return said.stdout.strip()


def state():
    """A commit that holds the tracked files as they are now: HEAD, or one beside it if they were changed."""
    return git("stash", "create") or git("rev-parse", "HEAD")


def label():
    """Of all that a build can depend on, and so not of the tests in Python."""
    files = git("ls-tree", "-r", state()).splitlines()
    used = [line for line in files if not re.search(r"\ttests/.*\.py$", line)]
    return hashlib.sha256("\n".join(used).encode()).hexdigest()[:16]


def build_dependencies():
    """The names in Build-Depends. Versions are checked by dpkg-buildpackage."""
    control = (TOP / "debian/control").read_text()
    field = re.search(r"^Build-Depends:(.*(?:\n .*)*)", control, re.MULTILINE)[1]
    names = [re.match(r"\s*([a-z0-9.+-]+)", each)[1] for each in field.split(",")]
    # The one name that no package has: it stands for a version of debhelper.
    return sorted({"debhelper" if name.startswith(("debhelper-compat", "dh-sequence-")) else name for name in names})


def build_base(ground):
    """The base in which packages are built and looked at."""
    return ground.base("packages", [*TOOLS, *build_dependencies()])


def unpack(commit, folder):
    """The files of a commit as `git archive` gives them."""
    folder.mkdir(parents=True)
    archive = folder.parent / f"{folder.name}.tar"
    run(["git", "-C", TOP, "archive", "-o", archive, commit])
    run(["tar", "-xf", archive, "-C", folder])
    archive.unlink()


def build_in(ground, name, version=None, options="nocheck"):
    """Builds the packages in a fresh root. version: written into the changelog first. Returns the folder of what was built, with
    build.log."""
    root = ground.fresh(build_base(ground), name)
    unpack(state(), root / "build/rensa")
    box = ground.box(name, root)
    if version:
        box.sh(f"cd /build/rensa; sed -i '1s/([^)]*)/({version})/' debian/changelog")
    build = "cd /build/rensa && dpkg-buildpackage -b -uc -us -j$(nproc)"
    built = box.sh(build, env={"DEB_BUILD_OPTIONS": options}, timeout=INSTALL_SECONDS)
    box.close()
    (root / "build/build.log").write_text(built.out)
    return root / "build"


def build_folder(ground, version=None):
    """Where the packages of this checkout are, with .changes and build.log, as version says or else its changelog."""
    folder = CACHE / f"debs-{label()}{'-' + version if version else ''}"
    with open(CACHE / "debs.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            built = build_in(ground, f"build-{version or 'debs'}", version)
            making = pathlib.Path(f"{folder}.making")
            remove_tree(making)
            making.mkdir()
            kept = [file for kind in ("deb", "changes", "buildinfo", "log") for file in built.glob(f"*.{kind}")]
            run(["cp", *kept, making])
            making.rename(folder)
            old = sorted(CACHE.glob("debs-*/"), key=lambda each: each.stat().st_mtime)
            for each in old[:-KEPT]:
                remove_tree(each)
    return folder


def build_packages(ground, version=None):
    """{"rensad": path of the .deb, "rensa": …}"""
    debs = {each.name.split("_")[0]: each for each in build_folder(ground, version).glob("*.deb")}
    assert {"rensad", "rensa"} <= debs.keys(), debs
    return {name: debs[name] for name in ("rensad", "rensa")}


def runtime_dependencies():
    """What the installed programs need, as scripts/install-deps --run installs it."""
    text = (TOP / "scripts/install-deps").read_text()
    return re.search(r"^run=\(([^)]*)\)", text, re.MULTILINE)[1].split()
