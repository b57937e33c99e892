"""The ground under every test here, and that nothing of it stays."""

import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import docker as the_docker  # noqa: E402
import ground as the_ground  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long")


@pytest.fixture(scope="session")
def ground():
    """Asked to end, we end in order."""

    def asked(signo, frame):
        raise KeyboardInterrupt

    the_ground.require("unshare", "nsenter", "ip", "tini", "slirp4netns")
    before = signal.signal(signal.SIGTERM, asked)
    made = the_ground.Ground()
    try:
        yield made
    finally:
        made.close()
        signal.signal(signal.SIGTERM, before)
    assert not made.work.exists(), f"{made.work} is left"
    left = [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if str(made.work) in line]
    assert not left, "mounts are left:\n" + "\n".join(left)


@pytest.fixture(scope="session")
def docker(ground):
    """A daemon of our own, and in it the image built from this checkout."""
    made = the_docker.Docker(ground)
    made.build(the_docker.Checkout(made, "build"))
    return made
