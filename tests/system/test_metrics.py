"""The figures of GET /metrics are right, go on over deaths, reloads and rebuilds, and what gets full is told in time."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from metrics import metrics
from net import wait_until
from test_loading import held, loader_of, made, with_failpoints  # noqa: F401
from test_reload import ROLES, reload
from tools import DONE, UNREACHABLE, rensa

TOP = pathlib.Path(__file__).resolve().parents[2]
RULES = TOP / "conf/prometheus/rensa.rules.yml"


def health(node):
    return rensa("--node", node.base, "health")


def wait_roles(net, node):
    net.wait_until("all roles are there", lambda: ROLES <= {role["role"] for role in node.roles()})


def test_what_has_happened_is_counted_once_by_whichever_worker_it_came(net, alice, bob):
    one, two = net.started(2, http={"workers": 3})
    wait_roles(net, one)
    before = metrics(one)
    one.mine(alice.address, 3)
    transfers = [alice.transfer(one.genesis(), bob, 1) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one.send, transfers))
    assert one.request("POST", "/transactions", json=transfers[0] | {"value": 2, "id": None}).status_code in (400, 422)
    one.mine(alice.address)
    net.wait_agree([one, two], 4)

    now = metrics(one)
    assert not now.gone_back(before)
    posts = {"method": "POST", "route": "/transactions"}
    assert now.get("rensa_http_requests_total", **posts, code="202") == 40
    assert now.total("rensa_http_requests_total", **posts) == 41
    assert now.get("rensa_http_request_duration_seconds_count", **posts) == 41
    assert now.get("rensa_http_request_duration_seconds_bucket", **posts, le="+Inf") == 41
    assert now.get("rensa_http_received_bytes_total", **posts) > 40 * 300
    assert now.get("rensa_pool_accepted_total") == 40
    assert now.get("rensa_blocks_mined_total") == 4 == now.get("rensa_chain_height")
    assert now.get("rensa_pool_transactions", state="pending") == 0 == now.get("rensa_pool_bytes")
    assert now.get("rensa_peers", state="up") == 1
    assert now.get("rensa_relay_blocks_total") >= 1
    assert now.get("rensa_journal_sync_seconds_count") >= 4 and now.get("rensa_pool_log_sync_seconds_count") >= 1
    assert now.get("rensa_log_bytes", log="journal") > 0 < now.get("rensa_log_bytes", log="pool")
    assert now.get("rensa_build_info", version=one.status()["software"].split("/")[1], node=one.name, network="test") == 1
    assert abs(now.get("rensa_clock_skew_seconds")) < 60  # both are on one host
    for role in ROLES | {"master"}:
        wait_until(f"{role} tells what it takes", lambda r=role: metrics(one).get("rensa_process_resident_bytes", role=r))
        assert metrics(one).get("rensa_process_cpu_seconds_total", role=role) > 0
    other = metrics(two)
    assert other.get("rensa_blocks_adopted_total") == 4 and other.get("rensa_blocks_mined_total") == 0
    wait_until("what it fetched is counted", lambda: metrics(two).total("rensa_peer_received_bytes_total") > 0)


def test_a_death_a_reload_and_a_rebuild_take_nothing_back(net, alice):
    node = net.node(http={"workers": 2}).start()
    wait_roles(net, node)
    node.mine(alice.address, 2)
    before = metrics(node)
    assert before.get("rensa_failures_total", role="worker") == 0

    for role in "worker", "miner", "pool", "archiver":
        dead = node.kill_role(role)["pid"]
        net.wait_until(f"another {role} is there", lambda r=role, d=dead: d not in [row["pid"] for row in node.roles(r)])
        net.wait_until(f"{role} is back", lambda r=role: len(node.roles(r)) == (2 if r == "worker" else 1))
        now = metrics(node)
        assert not now.gone_back(before)
        assert now.get("rensa_failures_total", role=role) == 1 == now.get("rensa_restarts_total", role=role)
        before = now

    # Fewer workers: what the third has counted stays; and that is no failure.
    node.mine(alice.address)
    for workers in 3, 1:
        node.configure("http", workers=workers)
        reload(net, node)
        net.wait_until(f"{workers} workers", lambda w=workers: len(node.roles("worker")) == w)
        for _ in range(10):
            node.head()
        now = metrics(node)
        assert not now.gone_back(before)
        assert now.get("rensa_failures_total", role="worker") == 1
        before = now
    assert now.get("rensa_config_reloads_total") == 2 and now.get("rensa_config_last_reload_successful") == 1
    assert now.get("rensa_restarts_total", role="worker") > 1

    node.write_config("[http]\nworkers = none\n")
    node.allow_errors("the configuration is refused")
    reload(net, node)
    now = metrics(node)
    assert now.get("rensa_config_last_reload_successful") == 0 and now.get("rensa_config_reloads_total") == 3
    assert now.get("rensa_check_state", check="configuration") == 1
    shown = health(node)
    assert shown.code == DONE and "configuration warning" in shown.out


def test_figures_are_there_while_the_chain_is_loaded_and_go_on_in_a_segment_made_anew(with_failpoints, net, alice, bob):  # noqa: F811
    node = made(net, alice, bob)
    first = held(node)
    wait_until("workers answer", lambda: node.request("GET", "/livez").status_code == 200)
    for _ in range(20):
        node.request("GET", "/livez")
    before = metrics(node)
    assert before.get("rensa_ready") == 0 and before.get("rensa_check_state", check="chain") == 2
    shown = health(node)
    assert shown.code == 1 and "chain failed: the chain is being loaded" in shown.out

    # Without the loader all begins again, in another segment.
    os.kill(first, signal.SIGKILL)
    wait_until("another segment", lambda: node.log_has("the chain could not be loaded; trying again"))
    second = wait_until("another loader", lambda: (pid := loader_of(node)) != first and pid)
    os.kill(second, signal.SIGCONT)
    node.wait_ready()
    now = metrics(node)
    assert not now.gone_back(before)
    assert now.get("rensa_http_requests_total", method="GET", route="/livez", code="200") >= 20
    assert now.get("rensa_failures_total", role="loader") == 1 == now.get("rensa_restarts_total", role="loader")
    assert now.get("rensa_failures_total", role="worker") == 0 and now.get("rensa_chain_height") == 3


def capacity(node, what):
    return node.status()["capacity"][what]


@pytest.fixture
def tiny_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False).returncode:
        pytest.skip("only root can mount a disk to fill it")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_gets_full_is_told_of_once_and_when_it_has_room_again(tiny_disk, net):
    node = net.node(data_dir=tiny_disk / "data").start()
    net.wait_until("somebody has looked", lambda: capacity(node, "disk"))
    assert not capacity(node, "disk")["high"] and not node.log_has("% full")
    usage = shutil.disk_usage(tiny_disk)
    (tiny_disk / "filler").write_bytes(b"x" * (usage.free - usage.total * 15 // 100))
    net.wait_until("it is told", lambda: capacity(node, "disk")["high"])
    said = [line for line in node.log().splitlines() if "the disk of data_dir" in line]
    assert len(said) == 1 and "level=warn" in said[0] and "% full" in said[0] and "not known yet" in said[0]
    assert capacity(node, "disk")["trend"] == "unknown" and capacity(node, "disk")["percent"] >= 80
    disk = next(check for check in node.get("/readyz?verbose")["checks"] if check["name"] == "disk")
    assert disk["state"] == "warning" and "not known yet" in disk["found"] and disk["fix"]
    now = metrics(node)
    assert now.get("rensa_disk_used_ratio") >= 0.8 and now.get("rensa_check_state", check="disk") == 1
    assert now.get("rensa_disk_full_timestamp_seconds") is None and now.get("rensa_ready") == 1
    assert "disk warning" in health(node).out

    # Whoever looks after a death of who looked before does not say it again.
    node.kill_role("archiver")
    net.wait_until("another looks", lambda: node.role("archiver"))
    (tiny_disk / "filler").unlink()
    net.wait_until("it has room again", lambda: not capacity(node, "disk")["high"])
    said = [line for line in node.log().splitlines() if "the disk of data_dir" in line]
    assert len(said) == 2 and "has room again" in said[1]


def test_a_segment_that_gets_full_is_told_of(net, alice):
    node = net.node(node={"shm_max": "20M", "pool_max": 64, "sync": "off"}, http={"workers": 1}).start()
    room = metrics(node).get("rensa_segment_chain_max_bytes")
    while metrics(node).get("rensa_segment_chain_bytes", state="live") < 0.82 * room:
        node.mine(alice.address, 1000)
    net.wait_until("it is told", lambda: capacity(node, "memory")["high"])
    said = [line for line in node.log().splitlines() if "the shared memory of the chain" in line]
    assert len(said) == 1 and "level=warn" in said[0] and "shm_max" in said[0]
    now = metrics(node)
    assert now.get("rensa_segment_used_ratio") >= 0.8 and now.get("rensa_check_state", check="memory") == 1
    assert "memory warning" in health(node).out


# What hangs on the names ----------------------------------------------------------------------------------------------


def documented():
    """{name: (type, help)} of the table in docs/metrics.md."""
    rows = re.findall(r"^\| `(rensa_\w+)` \| (\w+) \| [^|]* \| (.*) \|$", (TOP / "docs/metrics.md").read_text(), re.M)
    return {name: (kind, text) for name, kind, text in rows}


def test_the_table_in_the_documentation_is_what_the_node_says(net):
    now = metrics(net.node().start())
    assert documented() == {name: (now.types[name], now.helps[name]) for name in now.types}


def test_dashboard_and_alert_rules_ask_for_figures_that_there_are(net):
    now = metrics(net.node().start())
    dashboard = json.loads((TOP / "conf/grafana/rensa.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    rules = re.findall(r"expr: (?:>-\n)?((?:.+\n)(?: {10}.+\n)*)", RULES.read_text())
    assert len(asked) > 40 and len(rules) == 15
    for expression in asked + rules:
        names = re.findall(r"\b(?:rensa_\w+|up\{)", expression)
        assert names, f"asks for nothing: {expression}"
        for name in names:
            assert name == "up{" or now.family(name) in now.types, f"there is no {name}: {expression}"
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(places) == len(set(places)) and len({panel["id"] for panel in dashboard["panels"]}) == len(places)


@pytest.fixture
def promtool():
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not here: it comes with the package prometheus (scripts/install-deps --containers)")

    def run(*args, **kwargs):
        done = subprocess.run([found, *args], capture_output=True, text=True, timeout=60, **kwargs)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_promtool_finds_nothing_wrong_with_the_figures(promtool, net, alice):
    one, two = net.started(2)
    one.mine(alice.address, 2)
    net.wait_agree([one, two], 2)
    for node in one, two:
        node.request("GET", "/no/such/path")
        assert promtool("check", "metrics", input=node.request("GET", "/metrics").text).strip() == ""


def test_promtool_finds_nothing_wrong_with_rules_and_configuration(promtool):
    assert "15 rules found" in promtool("check", "rules", RULES)
    assert "SUCCESS" in promtool("test", "rules", RULES.with_name("rensa.rules.test.yml"))
    assert "is valid" in promtool("check", "config", RULES.with_name("prometheus.yml"))


def test_health_is_what_a_supervisor_goes_by(net):
    node = net.node().start()
    shown = health(node)
    assert shown.code == DONE and shown.out.startswith("ready, at height 0\n")
    node.stop()
    assert health(node).code == UNREACHABLE
