"""Fixtures, and the ends of the nodes' logs beside every failure."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from net import Net  # noqa: E402
from wallet import Wallet  # noqa: E402

LOG_TAIL = 60
nets = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; left out by scripts/test --quick")


@pytest.fixture
def net(request, tmp_path):
    made = Net(tmp_path)
    request.node.stash[nets] = made
    yield made
    wrong = made.clean_up()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def alice():
    return Wallet()


@pytest.fixture
def bob():
    return Wallet()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report, made = outcome.get_result(), item.stash.get(nets, None)
    if not report.failed or made is None:
        return
    for node in made.nodes:
        lines = [line for line in node.log().splitlines() if "probe: " not in line]
        report.sections.append((f"last of the log of {node.label}", "\n".join(lines[-LOG_TAIL:])))
