"""GET /transactions/{id}/proof, verified as docs/protocol.md, "Proofs", says: with SHA-256 and nothing else of ours."""

import hashlib

import pytest

NOBODY = "ab" * 32


def sha256(data):
    return hashlib.sha256(data).digest()


def verify(proof):
    """The hash of a header that holds the transaction, if the proof holds; AssertionError if not."""
    transaction, header = bytes.fromhex(proof["transaction"]), bytes.fromhex(proof["header"])
    signed = transaction[:-64] if transaction[0] == 1 else transaction
    assert sha256(sha256(signed)).hex() == proof["id"], "another transaction"
    h, i, n, path = sha256(b"\0" + transaction), proof["index"], proof["leaves"], [bytes.fromhex(p) for p in proof["path"]]
    assert 0 <= i < n
    while n > 1:
        if i % 2 == 1:
            h = sha256(b"\1" + path.pop(0) + h)
        elif i + 1 < n:
            h = sha256(b"\1" + h + path.pop(0))
        i, n = i // 2, (n + 1) // 2
    assert path == [] and header[36:68] == h, "another tree"
    head = sha256(sha256(header))
    exponent, mantissa = header[76], int.from_bytes(header[77:80], "big")
    assert int.from_bytes(head, "big") <= mantissa << 8 * (exponent - 3) if exponent >= 3 else 0, "no work"
    assert head.hex() == proof["hash"] and int.from_bytes(header[80:88], "big") == proof["height"]
    return head.hex()


@pytest.mark.parametrize("transfers", [0, 1, 2, 3, 4, 6, 7, 12])
def test_every_transaction_of_a_block_is_proved(net, alice, bob, transfers):
    node = net.node().start()
    node.mine(alice.address, 2)
    for value in range(transfers):
        node.send(alice.transfer(node.genesis(), bob, value + 1))
    (mined,) = node.mine(bob.address)
    node.mine(bob.address)
    block = node.get(f"/blocks/{mined['hash']}")
    assert len(block["transactions"]) == transfers + 1
    for index, transaction in enumerate(block["transactions"]):
        proof = node.get(f"/transactions/{transaction['id']}/proof")
        assert verify(proof) == mined["hash"]
        assert (proof["id"], proof["index"], proof["leaves"]) == (transaction["id"], index, transfers + 1)
        assert proof["header"][72:136] == block["merkle_root"]


def test_a_proof_that_is_changed_anywhere_does_not_hold(net, alice, bob):
    node = net.node().start()
    node.mine(alice.address, 2)
    ids = [node.send(alice.transfer(node.genesis(), bob, value + 1))["id"] for value in range(4)]
    node.mine(bob.address)
    proof = node.get(f"/transactions/{ids[1]}/proof")
    verify(proof)

    def flipped(text):
        return text[:-1] + ("0" if text[-1] != "0" else "1")

    changed = [proof | {key: flipped(proof[key])} for key in ("id", "transaction", "header", "hash")]
    changed += [proof | {"index": index} for index in range(5) if index != proof["index"]]
    changed += [proof | {"path": proof["path"][:at] + [flipped(one)] + proof["path"][at + 1 :]} for at, one in enumerate(proof["path"])]
    changed += [proof | {"path": proof["path"] + ["00" * 32]}, proof | {"path": proof["path"][:-1]}]
    for one in changed:
        with pytest.raises((AssertionError, IndexError)):
            verify(one)


def test_what_is_in_no_block_has_no_proof(net, alice, bob):
    node = net.node().start()
    node.mine(alice.address)
    waiting = node.send(alice.transfer(node.genesis(), bob, 1))["id"]
    for id, status, code in [(waiting, 404, "not-confirmed"), (NOBODY, 404, "not-found"), ("x", 400, "bad-parameter")]:
        reply = node.request("GET", f"/transactions/{id}/proof")
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert node.request("POST", f"/transactions/{waiting}/proof").status_code == 405
    assert node.request("GET", f"/transactions/{waiting}/proof?a=1").status_code == 400


def test_a_proof_may_be_kept_as_long_as_the_head_stays(net, alice):
    node = net.node().start()
    node.mine(alice.address)
    (reward,) = node.get("/blocks/1")["transactions"]
    url = f"/transactions/{reward['id']}/proof"
    first = node.request("GET", url)
    assert first.headers["Cache-Control"] == "no-cache"
    again = {"If-None-Match": first.headers["ETag"]}
    assert node.request("GET", url, headers=again).status_code == 304
    node.mine(alice.address)
    later = node.request("GET", url, headers=again)
    assert later.status_code == 200 and later.json() == first.json()
