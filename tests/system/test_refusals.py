"""What a client must not do is refused with a 4xx, a stable code, and a message that says which rule; nothing of it stays."""

import json
import socket

import pytest

from net import COIN, DEADLINE
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
    ("wrong network", dict(network="00" * 32), "wrong-network", "signed for another network"),
    ("no value", dict(value=0), "zero-value", "at least one base unit"),
    ("no fee", dict(fee=0), "below-minimum-fee", "fee 0, minimum 10"),
    ("more than it has", dict(value=3 * COIN), "insufficient-funds", f"needs {3 * COIN + FEE}"),
    ("more than there can be", dict(value=(1 << 53) - 1, fee=(1 << 53) - 1), "insufficient-funds", "cannot pay"),
    ("a used sequence", dict(sequence=0), "sequence-used", "the next free one is 1"),
    ("a sequence far ahead", dict(sequence=66), "sequence-too-far", "the next free one is 1"),
    ("a sequence beyond numbers", dict(sequence=1 << 53), "sequence-too-large", "below 2^53"),
    ("a memo too long", dict(memo="x" * 257), "memo-too-long", "at most 256 bytes"),
    ("a memo too long in bytes", dict(memo="é" * 129), "memo-too-long", "at most 256 bytes"),
    ("a value beyond numbers", dict(value=1 << 53), "value-too-large", "below 2^53"),
    ("a fee beyond numbers", dict(fee=1 << 53), "value-too-large", "below 2^53"),
]


@pytest.mark.parametrize("name, changes, code, says", RULES, ids=[row[0] for row in RULES])
def test_a_transfer_that_breaks_a_rule_is_refused_by_its_name(place, name, changes, code, says):
    node, _ = place
    assert says in refused(node, good(node, **changes), 422, code)


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
    refused(node, text.replace('"value": 1000', '"value": 1e3'), 400, "wrong-type")
    refused(node, text.replace('"value": 1000', '"value": 9223372036854775808'), 400, "malformed-json")
    refused(node, text[:-1] + ', "\\u0076alue": 1000}', 400, "malformed-json")
    refused(node, text.replace('"memo": ""', '"memo": "\\ud800"'), 400, "malformed-json")
    refused(node, text + text, 400, "malformed-json")
    refused(node, good(node) | {"version": 2}, 422, "tx-version")
    refused(node, good(node) | {"value": 1001}, 400, "id-mismatch")
    refused(node, good(node) | {"id": "00" * 32}, 400, "id-mismatch")
    refused(node, good(node) | {"sender_blockchain_address": FRIEND.address}, 400, "address-mismatch")
    refused(node, b" " * (5 << 20), 413, "body-too-large")


def test_a_list_is_judged_one_by_one_and_has_an_end(place):
    node, used = place
    bad = [used, good(node, value=0), good(node, sequence=66), 5, [], good(node) | {"tip": 1}, good(node, network="00" * 32)]
    reply = node.request("POST", "/transactions", json=bad)
    assert reply.status_code == 202
    codes = [result["error"]["code"] for result in reply.json()["results"]]
    assert codes == "already-confirmed zero-value sequence-too-far wrong-type wrong-type unknown-field wrong-network".split()
    assert node.pool() == []
    assert "at most 1000" in refused(node, [used] * 1001, 413, "too-many-transactions")
    refused(node, "[" + "1," * 500_000 + "1]", 400, "malformed-json")


def said_to(node, request):
    """The status and error code for a raw request, after which the client says no more."""
    with socket.create_connection((node.host, node.port), timeout=DEADLINE) as s:
        s.sendall(request.encode())
        s.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: s.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


POST = "POST /transactions HTTP/1.1\r\nHost: x\r\n"
RAW = [
    ("a body that ends too early", POST + "Content-Length: 9\r\n\r\n[", 400, "incomplete-request"),
    ("chunks that end too early", POST + "Transfer-Encoding: chunked\r\n\r\n5\r\n[", 400, "incomplete-request"),
    ("a head that ends too early", POST, 400, "incomplete-request"),
    ("too long a body", POST + "Content-Length: 4194305\r\n\r\n", 413, "body-too-large"),
    ("too long a chunk", POST + "Transfer-Encoding: chunked\r\n\r\n400001\r\n", 413, "body-too-large"),
    ("two lengths", POST + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]", 400, "bad-request"),
    ("a length and chunks", POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]", 400, "bad-request"),
    ("a length below zero", POST + "Content-Length: -1\r\n\r\n", 400, "bad-request"),
    ("an expectation unknown", POST + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n[]", 417, "bad-request"),
    ("no host", "GET /chain HTTP/1.1\r\n\r\n", 400, "bad-request"),
    ("a path upwards", "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
    ("a path upwards, escaped", "GET /%2e%2e/%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
    ("a broken escape", "GET /chain%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"),
    ("an escaped zero", "GET /chain%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"),
    ("a fragment", "GET /chain#x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"),
    ("a parameter twice", "GET /chain?from=1&from=2 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"),
    ("a long head", "GET /chain HTTP/1.1\r\nHost: x\r\nX: " + "x" * 20_000 + "\r\n\r\n", 431, "header-too-large"),
    ("another protocol", "GET /chain HTTP/2.0\r\nHost: x\r\n\r\n", 505, "bad-request"),
]


@pytest.mark.parametrize("name, request_text, status, code", RAW, ids=[row[0] for row in RAW])
def test_requests_that_are_none(place, name, request_text, status, code):
    assert said_to(place[0], request_text) == (status, code)
    assert place[0].pool() == []


def test_pages_of_other_sites_cannot_write(place):
    node, _ = place
    refused(node, good(node), 403, "forbidden", Origin="http://elsewhere.example")
    refused(node, good(node), 403, "forbidden", Origin="null")
    refused(node, good(node), 403, "forbidden", **{"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"})
    for method, path in ("POST", "/mine"), ("POST", "/mine/start"), ("POST", "/mine/stop"), ("PUT", "/consensus"):
        for headers in {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Forwarded-For": ""}:
            reply = node.request(method, path, headers=headers)
            assert reply.status_code == 403 and "admin_allow" in reply.json()["error"]["message"]
        # A name that somebody points at this address makes a page of theirs one of ours, but not a command of ours.
        reply = node.request(method, path, headers={"Host": "evil.example", "Origin": "http://evil.example"})
        assert reply.status_code == 403


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
