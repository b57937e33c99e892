"""What a client must not do is refused with a 4xx, a stable code, and a message that says which rule; nothing of it stays."""

import json

import pytest

from net import COIN
from wallet import Wallet, sealed

ACTOR, FRIEND = Wallet(), Wallet()
FEE = 10


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from net import Net

    made = Net(tmp_path_factory.mktemp("refusals"))
    node = made.node(network={"minimum_fee": "0.0000001"}).start()
    node.mine(ACTOR.address, 3)
    used = ACTOR.transfer(node.genesis(), FRIEND, 5, FEE)
    node.send(used)
    node.mine(FRIEND.address)
    yield node, used
    wrong = made.clean_up()
    assert not wrong, "\n".join(wrong)


def good(node, **changes):
    """The actor's next transfer, changed and then signed, so that only the change is wrong."""
    tx = ACTOR.transfer(node.genesis(), FRIEND, 1000, FEE, sequence=1)
    tx.update(changes)
    return sealed(tx, ACTOR.secret) if changes else tx


def refused(node, body, status, code, **headers):
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    reply = node.request("POST", "/transactions", data=data, headers=headers)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    assert len(error["message"]) > 10
    assert node.pool() == []
    assert node.request("GET", "/readyz").status_code == 200
    return error["message"]


RULES = [
    ("wrong network", dict(network="00" * 32), "wrong-network"),
    ("no value", dict(value=0), "zero-value"),
    ("no fee", dict(fee=0), "below-minimum-fee"),
    ("more than it has", dict(value=3 * COIN), "insufficient-funds"),
    ("a used sequence", dict(sequence=0), "sequence-used"),
    ("a sequence far ahead", dict(sequence=66), "sequence-too-far"),
    ("a memo too long", dict(memo="x" * 257), "memo-too-long"),
    ("a value beyond numbers", dict(value=1 << 53), "value-too-large"),
]


@pytest.mark.parametrize("name, changes, code", RULES, ids=[row[0] for row in RULES])
def test_a_transfer_that_breaks_a_rule_is_refused_by_its_name(place, name, changes, code):
    node, _ = place
    refused(node, good(node, **changes), 422, code)


def test_signatures_that_do_not_sign(place):
    node, _ = place
    refused(node, good(node) | {"value": 1001, "id": None} | {"id": good(node, value=1001)["id"]}, 422, "bad-signature")
    refused(node, good(node) | {"signature": "00" * 64}, 422, "bad-signature")
    high = sealed(good(node), ACTOR.secret, high_s=True)
    refused(node, high, 422, "high-s-signature")
    unsigned = good(node)
    del unsigned["signature"]
    refused(node, unsigned, 400, "missing-field")


def test_a_transfer_that_is_on_the_chain_is_a_conflict(place):
    node, used = place
    refused(node, used, 409, "already-confirmed")


def test_bodies_that_are_no_transfer(place):
    node, _ = place
    text = json.dumps(good(node))
    refused(node, good(node) | {"tip": 1}, 400, "unknown-field")
    refused(node, text[:-1] + ', "value": 5}', 400, "malformed-json")
    refused(node, text.replace('"value": 1000', '"value": 1000.5'), 400, "wrong-type")
    refused(node, text.replace('"value": 1000', '"value": -1'), 400, "bad-value")
    refused(node, text.replace('"value": 1000', '"value": "1000"'), 400, "wrong-type")
    refused(node, text.replace('"memo": ""', '"memo": "\udcff"').encode("utf-8", "surrogateescape"), 400, "malformed-json")
    refused(node, "[" * 500 + "]" * 500, 400, "malformed-json")
    refused(node, text[: len(text) // 2], 400, "malformed-json")
    refused(node, "", 400, "malformed-json")
    refused(node, good(node) | {"id": "00" * 32}, 400, "id-mismatch")
    refused(node, good(node) | {"sender_blockchain_address": FRIEND.address}, 400, "address-mismatch")
    refused(node, b" " * (5 << 20), 413, "body-too-large")


def test_pages_of_other_sites_cannot_write(place):
    node, _ = place
    refused(node, good(node), 403, "forbidden", Origin="http://elsewhere.example")
    reply = node.request("POST", "/mine", headers={"X-Forwarded-For": "127.0.0.1"}, json={"address": FRIEND.address})
    assert reply.status_code == 403 and "admin" in reply.json()["error"]["message"]


PATHS = [
    ("GET", "/nowhere", 404, "not-found"),
    ("DELETE", "/transactions", 405, "method-not-allowed"),
    ("GET", "/mine", 405, "method-not-allowed"),
    ("GET", "/blocks/99999999", 404, None),
    ("GET", "/blocks/-1", 400, None),
    ("GET", "/blocks/xyz", 400, None),
    ("GET", "/transactions/00", 400, None),
    ("GET", "/transactions/" + "11" * 32, 404, None),
    ("GET", "/amount", 400, None),
    ("GET", "/amount?blockchain_address=R0", 400, None),
    ("GET", "/addresses/1BoatSLRHtKNngkdXEeobR76b53LETtpyT", 400, None),
    ("GET", "/chain?from=x", 400, "bad-parameter"),
    ("GET", "/chain?form=1", 400, "unknown-parameter"),
    ("GET", "/amount?blockchain_address=R0&verbose=1", 400, "unknown-parameter"),
    ("POST", "/mine?blocks=2", 400, "unknown-parameter"),
    ("PUT", "/consensus?now=1", 400, "unknown-parameter"),
]


@pytest.mark.parametrize("method, path, status, code", PATHS, ids=[f"{row[0]} {row[1][:30]}" for row in PATHS])
def test_requests_that_ask_for_nothing(place, method, path, status, code):
    reply = place[0].request(method, path)
    assert reply.status_code == status, reply.text
    assert code in (None, reply.json()["error"]["code"])
    if status == 405:
        assert "POST" in reply.headers["Allow"]


def test_and_a_good_one_is_taken_in_the_end(place):
    node, _ = place
    assert node.send(good(node))["status"] == "pending"
