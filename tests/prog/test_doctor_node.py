"""What rensa doctor makes of what a node says of itself: a fake one, which can be in every trouble. RENSA names the binary."""

import json
import os
import subprocess

import pytest
from fake_node import FakeNode, Raw, Reply, error

GOOD = {
    "roles": [{"role": "worker", "restarts": 0}, {"role": "miner", "restarts": 0}],
    "segment": {"size_max": 1 << 30, "granted": 1 << 24},
    "pool": {"transactions": 0, "capacity": 100},
    "journal": {"state": "ok"},
    "pool_log": {"state": "ok"},
    "reload": None,
    "peers": {"up": 1, "skew_ms": 12},
}
UP = {"address": "10.0.0.2:5000", "state": "up", "reason": ""}
READY = {"ready": True, "height": 7}


@pytest.fixture
def node():
    n = FakeNode()
    yield n
    n.close()


def doctor(node, status=None, ready=None, peers=None):
    """(exit code, {check: [(state, message)]}) for a node that is well but for what is given."""
    node.instead[("GET", "/status")] = [status if isinstance(status, (Reply, Raw)) else Reply(200, GOOD | (status or {}))]
    node.instead[("GET", "/readyz")] = [ready or Reply(200, READY)]
    node.instead[("GET", "/peers")] = [Reply(200, {"peers": [UP] if peers is None else peers})]
    done = subprocess.run([os.environ.get("RENSA", "rensa"), "--json", "--node", node.url, "doctor"], capture_output=True,
                          timeout=60, env=os.environ | {"RENSA_HOME": "/nonexistent"})  # fmt: skip
    assert done.stderr == b"", done.stderr
    found = {}
    for one in json.loads(done.stdout)["checks"]:
        found.setdefault(one["name"], []).append((one["state"], one["message"]))
    return done.returncode, found


def test_a_node_that_is_well(node):
    code, found = doctor(node)
    assert code == 0 and {state for rows in found.values() for state, _ in rows} == {"ok"}, found
    assert list(found) == ["ready", "roles", "usage", "logs", "reload", "neighbours", "wallets"]


TROUBLE = [
    ("usage", "warning", "fills 90 % of", {"segment": {"size_max": 1000, "granted": 900}}),
    ("usage", "warning", "the pool is full: 100 transfers wait", {"pool": {"transactions": 100, "capacity": 100}}),
    ("logs", "problem", "the disk is full: the journal", {"journal": {"state": "no-space"}}),
    ("logs", "problem", "refused the last write to the pool's log", {"pool_log": {"state": "disk-failed"}}),
    ("reload", "warning", "refused: line 3", {"reload": {"error": "line 3", "restart": []}}),
    ("reload", "note", "1 changed key waits for a restart: node.name", {"reload": {"restart": ["node.name"]}}),
    ("reload", "note", "2 changed keys wait for a restart: a and others", {"reload": {"restart": ["a", "b"]}}),
    ("roles", "note", "the miner died and was started again 2 times", {"roles": [{"role": "miner", "restarts": 2}]}),
    ("roles", "warning", "the miner died and was started again 9 times", {"roles": [{"role": "miner", "restarts": 9}]}),
    ("neighbours", "warning", "clock is 90 s behind", {"peers": {"skew_ms": 90000}}),
    ("neighbours", "warning", "ahead of those", {"peers": {"skew_ms": -90000}}),
]


@pytest.mark.parametrize("check, state, message, status", TROUBLE, ids=[row[2] for row in TROUBLE])
def test_trouble_that_a_node_tells_of(node, check, state, message, status):
    code, found = doctor(node, status)
    assert any(s == state and message in m for s, m in found[check]), found[check]
    assert code == (1 if state == "problem" else 0)


def test_a_reload_that_replaces_processes_is_no_death(node):
    roles = [{"role": "worker", "restarts": 2}, {"role": "miner", "restarts": 3}]
    _, found = doctor(node, {"roles": roles, "reload": {"count": 2, "restart": []}})
    assert [m for _, m in found["roles"]] == ["the miner died and was started again 1 time since the node began"]


def test_whether_a_node_is_ready(node):
    _, found = doctor(node, ready=Reply(200, READY | {"sync": {"height": 5, "target": 50}}))
    assert found["ready"] == [("note", "the node is ready, and fetches a chain: block 5 of 50")]
    code, found = doctor(node, ready=Reply(503, {"ready": False, "reason": "the disk is full"}))
    assert code == 1 and found["ready"] == [("problem", "the node is not ready: the disk is full")]
    code, found = doctor(node, ready=Reply(503, {"ready": False, "reason": "loading", "blocks_to_load": 9}))
    assert code == 0 and found["ready"] == [("note", "the node is not ready: loading")]


@pytest.mark.parametrize("reply", [error(404, "x", "no such route"), Reply(200, b"<html>", "text/html"), Raw(b"SSH-2.0\r\n"), Raw(b"")])
def test_what_is_no_node_is_a_problem_and_asked_no_more(node, reply):
    code, found = doctor(node, ready=reply)
    assert code == 1 and list(found) == ["ready", "wallets"] and found["ready"][0][0] == "problem"


def test_a_status_that_is_none_is_a_problem(node):
    code, found = doctor(node, Reply(500, b""))
    assert code == 1 and ("problem" in {state for state, _ in found["ready"]}), found


def test_members_of_other_types_are_passed_over(node):
    strange = {key: value for key in GOOD for value in [[1, {}, "x"]]}
    code, found = doctor(node, strange, ready=Reply(200, {"height": "x"}), peers=[1, {}, {"state": 5}])
    assert code in (0, 1) and "ready" in found


def test_neighbours_that_are_none(node):
    rows = [
        {"address": "a:1", "state": "other-network", "reason": "why"},
        {"address": "b:1", "state": "paused", "reason": "bad-proof"},
        {"address": "c:1", "state": "refused", "reason": ""},
    ]
    _, found = doctor(node, peers=rows)
    assert found["neighbours"] == [
        ("warning", "a:1 cannot be a peer: why"),
        ("warning", "b:1 is left alone because it broke a rule: bad-proof"),
        ("warning", "the node knows 3 others, and none of them is a peer"),
    ]
    _, found = doctor(node, peers=[])
    assert found["neighbours"] == [("note", "the node has no peers")]


def test_what_a_node_says_cannot_steer_the_terminal(node):
    node.instead[("GET", "/status")] = [Reply(200, GOOD)]
    node.instead[("GET", "/readyz")] = [Reply(503, {"ready": False, "reason": "\x1b[2J\u202egone\nnow"})]
    node.instead[("GET", "/peers")] = [Reply(200, {"peers": []})]
    done = subprocess.run([os.environ.get("RENSA", "rensa"), "--node", node.url, "doctor"], capture_output=True, timeout=60)
    assert done.returncode == 1 and b"\x1b" not in done.stdout and "\\x1b[2J\\u{202e}gone\\nnow" in done.stdout.decode()
