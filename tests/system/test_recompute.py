"""recompute.py accepts a chain made by hand and refuses it after any single change, naming block and rule."""

import copy
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import recompute as rc  # noqa: E402
from wallet import address, public_key, sealed, signed_part, u, whole  # noqa: E402

SECOND = 1000
GENESIS_TIME = 1767225600000
PARAMS = {
    "name": "tiny",
    "genesis_time": GENESIS_TIME,
    "target_interval": 20 * SECOND,
    "retarget": "per-block",
    "difficulty": 2,
    "reward": 100_000_000,
    "address_version": 60,
    "maturity": 0,
    "minimum_fee": 1,
    "max_block_bytes": 4096,
}
ALICE, BOB = 0xA11CE, 0xB0B


def transfer(network, secret, to, value, fee, sequence, memo="", high_s=False):
    tx = {
        "id": "",
        "version": 1,
        "network": network,
        "sender_public_key": public_key(secret).hex(),
        "sender_blockchain_address": address(secret),
        "recipient_blockchain_address": address(to),
        "value": value,
        "fee": fee,
        "sequence": sequence,
        "memo": memo,
    }
    return sealed(tx, secret, high_s)


def reward(network, to, value, height):
    tx = {
        "id": "",
        "version": 0,
        "network": network,
        "sender_public_key": None,
        "sender_blockchain_address": "THE BLOCKCHAIN",
        "recipient_blockchain_address": address(to),
        "value": value,
        "fee": 0,
        "sequence": height,
        "memo": "",
        "signature": None,
    }
    tx["id"] = rc.sha256d(signed_part(tx)).hex()
    return tx


def header(b):
    return (
        u(b["version"], 4)
        + bytes.fromhex(b["previous_hash"] + b["merkle_root"])
        + u(b["timestamp"], 8)
        + bytes.fromhex(b["target"])
        + u(b["height"], 8)
        + u(b["nonce"], 8)
    )


def seal(b, meets=True):
    """Gives the block the hash of its header; with `meets` after searching a nonce, without one that misses."""
    target = rc.target_expand(int(b["target"], 16))
    while (int.from_bytes(rc.sha256d(header(b)), "big") <= target) != meets:
        b["nonce"] += 1
    b["hash"] = rc.sha256d(header(b)).hex()
    return b


def genesis(params):
    easiest = rc.target_compact(2 ** (256 - params["difficulty"]) - 1)
    b = {
        "height": 0,
        "hash": "",
        "version": 1,
        "previous_hash": "00" * 32,
        "merkle_root": rc.sha256(rc.params_bytes(params)).hex(),
        "timestamp": params["genesis_time"],
        "target": f"{easiest:08x}",
        "nonce": 0,
        "transactions": [],
        "parameters": params,
    }
    b["hash"] = rc.sha256d(header(b)).hex()
    return b


def block(parent, txs, params, time=None):
    time = parent["timestamp"] + 15 * SECOND if time is None else time
    target = rc.target_next(params, parent["height"], int(parent["target"], 16), parent["timestamp"], time)
    b = {
        "height": parent["height"] + 1,
        "hash": "",
        "version": 1,
        "previous_hash": parent["hash"],
        "merkle_root": rc.merkle_root([whole(tx) for tx in txs]).hex(),
        "timestamp": time,
        "target": f"{target:08x}",
        "nonce": 0,
        "transactions": txs,
    }
    return seal(b)


def make_chain(**changes):
    """Fourteen blocks: Alice mines, pays Bob thrice in block 3, Bob pays back in block 4 and himself in block 5."""
    params = {**PARAMS, **changes}
    blocks = [genesis(params)]
    network, coin = blocks[0]["hash"], params["reward"]
    listed = {
        3: [transfer(network, ALICE, BOB, coin // 2 + i, 10 + i, i, "tea \N{SNOWMAN}\0") for i in range(3)],
        4: [transfer(network, BOB, ALICE, coin, 5, 0)],
        5: [transfer(network, BOB, BOB, 1, 1, 1, "x" * 256)],
    }
    for height in range(1, 15):
        txs = listed.get(height, [])
        fees = sum(tx["fee"] for tx in txs)
        blocks.append(block(blocks[-1], [reward(network, ALICE, coin + fees, height), *txs], params))
    return {"chain": blocks}


@pytest.fixture(scope="module")
def valid():
    return make_chain()


def fault_of(document):
    with pytest.raises(rc.Fault) as caught:
        rc.recompute(document)
    return caught.value


def test_functions_match_published_vectors():
    assert rc.ripemd160(b"").hex() == "9c1185a5c5e9fc54612808977ee8f548b2258d31"
    assert rc.ripemd160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    assert (
        rc.ripemd160(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex()
        == "12a053384a9c0c88e405a06c27dcf49ada62eb2b"
    )
    assert rc.ripemd160(b"1234567890" * 8).hex() == "9b752e45573d4b39f4dbd3323cab82bf63326bfb"
    # the address of secret key 1 with Bitcoin's version byte is known to everybody
    assert rc.address_format(rc.hash160(public_key(1)), 0) == "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
    assert rc.address_parse("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", 0) == rc.hash160(public_key(1))
    assert rc.address_parse("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh", 0) is None
    # RFC 6979 signature of "Satoshi Nakamoto" by secret key 1, known from many libraries' tests
    good = bytes.fromhex(
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
    )
    assert rc.signature_rule(public_key(1), rc.sha256(b"Satoshi Nakamoto"), good) is None
    assert rc.signature_rule(public_key(1), rc.sha256(b"satoshi Nakamoto"), good) == "bad-signature"
    # RFC 6962: the hash of the empty tree, and of one empty leaf
    assert rc.merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert rc.merkle_root([b""]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def documented():
    """The last JSON block of the protocol's page."""
    page = (HERE.parent.parent / "docs" / "protocol.md").read_text()
    return json.loads(page.rsplit("```json", 1)[1].split("```")[0])


def read_tx(data, at, version):
    """The document of the transaction at data[at:], and where the next one starts."""
    take = lambda *sizes: [data[at + sum(sizes[:i]) : at + sum(sizes[: i + 1])] for i in range(len(sizes))]  # noqa: E731
    tx = dict.fromkeys(["sender_public_key", "signature"]) | {"version": data[at], "fee": 0, "memo": ""}
    if data[at] == 0:
        _, network, to, value, sequence = take(1, 32, 20, 8, 8)
        end, tx["sender_blockchain_address"] = at + 69, "THE BLOCKCHAIN"
    else:
        memo_size = int.from_bytes(data[at + 110 : at + 112], "big")
        _, network, key, to, value, fee, sequence, _, memo, signature = take(1, 32, 33, 20, 8, 8, 8, 2, memo_size, 64)
        end, tx["fee"], tx["memo"] = at + 176 + memo_size, int.from_bytes(fee, "big"), memo.decode()
        tx["sender_public_key"], tx["signature"] = key.hex(), signature.hex()
        tx["sender_blockchain_address"] = rc.address_format(rc.hash160(key), version)
    tx["network"], tx["recipient_blockchain_address"] = network.hex(), rc.address_format(to, version)
    tx["value"], tx["sequence"] = int.from_bytes(value, "big"), int.from_bytes(sequence, "big")
    tx["id"] = rc.sha256d(data[at : end - (64 if data[at] else 0)]).hex()
    return tx, end


def read_block(data, version):
    cut = [data[a:b] for a, b in [(0, 4), (4, 36), (36, 68), (68, 76), (76, 80), (80, 88), (88, 96), (96, 100)]]
    number = [int.from_bytes(piece, "big") for piece in cut]
    b = {"version": number[0], "previous_hash": cut[1].hex(), "merkle_root": cut[2].hex(), "timestamp": number[3]}
    b |= {"target": cut[4].hex(), "height": number[5], "nonce": number[6], "transactions": []}
    at = 100
    for _ in range(number[7]):
        tx, at = read_tx(data, at, version)
        b["transactions"].append(tx)
    assert at == len(data)
    return b | {"hash": rc.sha256d(data[:96]).hex()}


def test_documented_vectors_hold():
    v = documented()
    params = {**PARAMS, "name": "rensa", "difficulty": 12, "minimum_fee": 0, "max_block_bytes": 1 << 20}
    assert rc.params_bytes(params).hex() == v["parameters"]
    assert rc.sha256(rc.params_bytes(params)).hex() == v["parameters_hash"]
    assert [public_key(secret).hex() for secret in (1, 2)] == v["public_keys"]
    assert [address(secret) for secret in (1, 2)] == v["addresses"]
    blocks = [read_block(bytes.fromhex(text), params["address_version"]) for text in v["blocks"]]
    blocks[0]["parameters"] = params
    chain = rc.recompute({"chain": blocks})
    assert [b["hash"] for b in blocks] == v["block_hashes"]
    first, second = blocks[2]["transactions"]
    assert whole(second).hex() == v["transfer"]
    assert [first["id"], second["id"]] == [v["reward_id"], v["transfer_id"]]
    assert [rc.sha256(b"\0" + whole(tx)).hex() for tx in (first, second)] == v["leaves"]
    third = bytes.fromhex(v["blocks"][2])
    name = bytes.fromhex(second["id"]) + rc.sha256(b"\0" + whole(second))[:4]
    assert v["compact_block"] == (third[:100] + whole(first) + name).hex()
    assert blocks[2]["merkle_root"] == v["merkle_root"] == rc.merkle_root([whole(first), whole(second)]).hex()
    assert {rc.address_format(who, 60): units for who, units in chain.balances.items()} == v["balances"]
    assert f"{chain.work:064x}" == v["work"]
    assert all(f"{rc.target_work(int(target, 16)):x}" == work for target, work in v["target_works"])
    assert [f"{rc.ROOTS[i]:016x}" for i in (0, 1, 31)] == v["roots_of_two"]
    for late, parent, target in v["retarget"]:
        assert f"{rc.target_next(params, 7, int(parent, 16), 10**15, 10**15 + late):08x}" == target, (late, parent)


def test_the_vectors_of_the_chain_layer_hold():
    v = json.loads((HERE.parent / "chain" / "vectors.json").read_text())
    params = {**PARAMS, "name": "rensa", "difficulty": 12, "minimum_fee": 0, "max_block_bytes": 1 << 20}
    assert rc.params_bytes(params).hex() == v["params"]["bytes"]
    assert rc.sha256(rc.params_bytes(params)).hex() == v["params"]["hash"]
    first = genesis(params)
    assert (header(first) + u(0, 4)).hex() == v["genesis"]["bytes"] and first["hash"] == v["genesis"]["hash"]
    for name in ("transfer", "reward"):
        data = bytes.fromhex(v[name]["bytes"])
        tx, end = read_tx(data, 0, params["address_version"])
        assert end == len(data) and rc.Tx(tx, params["address_version"]).id.hex() == v[name]["id"]
        assert rc.sha256(b"\0" + data).hex() == v[name]["leaf"]
        assert tx["value"] == v[name]["value"] and whole(tx) == data
    signed = v["transfer"]
    key, digest = bytes.fromhex(signed["sender_public_key"]), bytes.fromhex(signed["id"])
    assert public_key(int(signed["secret"], 16)) == key
    assert rc.signature_rule(key, digest, bytes.fromhex(signed["signature"])) is None
    mined = read_block(bytes.fromhex(v["block_1"]["bytes"]), params["address_version"])
    chain = rc.recompute({"chain": [first, mined]})
    assert chain.head.hex() == v["block_1"]["hash"] and f"{chain.work:064x}" == v["block_1"]["work"]
    assert len(v["retarget"]) > 10
    for row in v["retarget"]:
        rules = {**params, "difficulty": row["difficulty"], "target_interval": row["target_interval"]}
        due = rc.target_next(rules, 7, int(row["parent_target"], 16), row["parent_time"], row["time"])
        assert f"{due:08x}" == row["target"], row


def test_retarget_doubles_after_sixty_intervals_and_never_passes_the_easiest():
    interval, easy = PARAMS["target_interval"], rc.target_compact(2**254 - 1)
    params, parent = PARAMS, 0x1C100000  # even, and far from both ends
    next_in = lambda ms, p=parent: rc.target_next(params, 7, p, 10**12, 10**12 + ms)  # noqa: E731
    assert next_in(interval) == parent
    assert rc.target_expand(next_in(61 * interval)) == 2 * rc.target_expand(parent)
    assert rc.target_expand(next_in(-59 * interval)) == rc.target_expand(parent) // 2
    assert next_in(10**9 * interval) == easy
    assert next_in(-(10**9) * interval) == 0x03000001
    assert rc.target_next(params, 0, parent, 0, 0) == easy
    assert rc.target_next({**params, "retarget": "fixed"}, 7, parent, 0, 0) == easy


def test_accepts_the_hand_made_chain(valid):
    chain = rc.recompute(copy.deepcopy(valid))
    coin = PARAMS["reward"]
    bob = 3 * (coin // 2) + 3 - coin - 5 - 1
    assert chain.height == 14 and chain.head.hex() == valid["chain"][-1]["hash"]
    assert chain.supply == 14 * coin
    assert chain.balances[rc.hash160(public_key(BOB))] == bob
    assert chain.balances[rc.hash160(public_key(ALICE))] == 14 * coin - bob
    assert chain.sequences == {rc.hash160(public_key(ALICE)): 3, rc.hash160(public_key(BOB)): 2}
    assert chain.work == sum(rc.target_work(int(b["target"], 16)) for b in valid["chain"][1:])


def test_a_reward_is_spendable_only_when_mature():
    params = {**PARAMS, "maturity": 3}
    blocks = [genesis(params)]
    network = blocks[0]["hash"]
    for height in range(1, 5):
        blocks.append(block(blocks[-1], [reward(network, ALICE, PARAMS["reward"], height)], params))
    # Block 1's reward is credited at the end of block 4, so block 4 cannot spend it and block 5 can.
    chain = rc.recompute({"chain": copy.deepcopy(blocks)})
    assert chain.supply == 4 * PARAMS["reward"] and sum(chain.balances.values()) == PARAMS["reward"]
    spend = transfer(network, ALICE, BOB, PARAMS["reward"] - 1, 1, 0)
    spending = [reward(network, ALICE, PARAMS["reward"] + 1, 5), spend]
    rc.recompute({"chain": blocks + [block(blocks[4], spending, params)]})
    spending = [reward(network, ALICE, PARAMS["reward"] + 1, 4), spend]
    fault = fault_of({"chain": blocks[:4] + [block(blocks[3], spending, params)]})
    assert (fault.block, fault.tx, fault.rule) == (4, 1, "insufficient-funds")


def changed(value):
    """Another value of the same form."""
    if isinstance(value, bool) or value is None:
        return "x"
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str) and value and all(c in "0123456789abcdef" for c in value):
        return ("1" if value[0] == "0" else "0") + value[1:]
    return value + "x" if isinstance(value, str) else value


def places(value, path=()):
    """The path of every number, string and null of the document."""
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, (*path, i))
    else:
        yield path


def test_refuses_every_single_change_of_a_value(valid):
    document = {"chain": copy.deepcopy(valid["chain"][:5])}
    rc.recompute(document)
    tried = 0
    for path in list(places(document)):
        owner = document
        for key in path[:-1]:
            owner = owner[key]
        kept = owner[path[-1]]
        owner[path[-1]] = changed(kept)
        assert fault_of(document).block == path[1], path
        owner[path[-1]] = kept
        tried += 1
    assert tried > 100


def test_refuses_every_missing_member_and_block(valid):
    for key in list(valid["chain"][3]):
        document = copy.deepcopy(valid)
        del document["chain"][3][key]
        assert fault_of(document).block == 3
    for key in list(valid["chain"][3]["transactions"][1]):
        document = copy.deepcopy(valid)
        del document["chain"][3]["transactions"][1][key]
        fault = fault_of(document)
        assert (fault.block, fault.tx, fault.rule) == (3, 1, "json")
    for gone in range(len(valid["chain"]) - 1):
        document = copy.deepcopy(valid)
        del document["chain"][gone]
        assert fault_of(document).block == gone


# Each row makes block 4 anew, right in everything but one rule: (rule, transaction, change to its making).
def forge(valid, txs=None, after=None, time=None, meets=True, upto=3):
    blocks = copy.deepcopy(valid["chain"][: upto + 1])
    parent = blocks[-1]
    txs = [reward(blocks[0]["hash"], ALICE, PARAMS["reward"], upto + 1)] if txs is None else txs
    b = block(parent, txs, PARAMS, time)
    if after:
        after(b)
        seal(b)
    if not meets:
        seal(b, meets=False)
    return {"chain": [*blocks, b]}


def with_transfer(valid, **changes):
    network = valid["chain"][0]["hash"]
    given = {"network": network, "secret": BOB, "to": ALICE, "value": 7, "fee": 1, "sequence": 0, **changes}
    edit = given.pop("edit", lambda tx: None)
    tx = transfer(**given)
    edit(tx)
    return forge(valid, [reward(network, ALICE, PARAMS["reward"] + tx["fee"], 4), tx])


def resign(tx):
    """For a key that is no point there is no signature to make; the id must be right all the same."""
    tx["id"] = rc.sha256d(signed_part(tx)).hex()


def off_curve(tx):
    tx["sender_public_key"] = "02" + u(5, 32).hex()
    tx["sender_blockchain_address"] = rc.address_format(rc.hash160(bytes.fromhex(tx["sender_public_key"])), 60)
    resign(tx)


FORGERIES = [
    ("block-version", None, lambda v: forge(v, after=lambda b: b.update(version=2))),
    ("block-malformed", None, lambda v: forge(v, after=lambda b: b.update(timestamp=2**53))),
    ("unknown-parent", None, lambda v: forge(v, after=lambda b: b.update(previous_hash="11" * 32))),
    ("wrong-height", None, lambda v: forge(v, after=lambda b: b.update(height=5))),
    ("time-too-old", None, lambda v: forge(v, time=v["chain"][2]["timestamp"])),
    ("time-too-old", None, lambda v: forge(v, time=v["chain"][7]["timestamp"], upto=12)),
    ("wrong-target", None, lambda v: forge(v, after=lambda b: b.update(target="203fffff"))),
    ("nonce-too-large", None, lambda v: forge(v, after=lambda b: b.update(nonce=2**53))),
    ("insufficient-work", None, lambda v: forge(v, meets=False)),
    ("wrong-merkle-root", None, lambda v: forge(v, after=lambda b: b.update(merkle_root="22" * 32))),
    ("reward-missing", None, lambda v: forge(v, [])),
    ("reward-missing", None, lambda v: forge(v, [transfer(v["chain"][0]["hash"], BOB, ALICE, 7, 1, 0)])),
    (
        "block-too-large",
        None,
        lambda v: forge(
            v,
            [reward(v["chain"][0]["hash"], ALICE, PARAMS["reward"] + 24, 4)]
            + [transfer(v["chain"][0]["hash"], BOB, ALICE, 7, 1, i) for i in range(24)],
        ),
    ),
    (
        "reward-repeated",
        1,
        lambda v: forge(v, [reward(v["chain"][0]["hash"], ALICE, PARAMS["reward"], 4) for _ in range(2)]),
    ),
    ("reward-height", 0, lambda v: forge(v, [reward(v["chain"][0]["hash"], ALICE, PARAMS["reward"], 5)])),
    ("reward-amount", 0, lambda v: forge(v, [reward(v["chain"][0]["hash"], ALICE, PARAMS["reward"] + 1, 4)])),
    ("wrong-network", 0, lambda v: forge(v, [reward("33" * 32, ALICE, PARAMS["reward"], 4)])),
    ("wrong-network", 1, lambda v: with_transfer(v, network="33" * 32)),
    ("zero-value", 1, lambda v: with_transfer(v, value=0)),
    ("value-too-large", 1, lambda v: with_transfer(v, value=2**53)),
    ("below-minimum-fee", 1, lambda v: with_transfer(v, fee=0)),
    ("sequence-too-large", 1, lambda v: with_transfer(v, sequence=2**53)),
    ("memo-too-long", 1, lambda v: with_transfer(v, memo="x" * 257)),
    ("bad-public-key", 1, lambda v: with_transfer(v, edit=off_curve)),
    ("bad-signature", 1, lambda v: with_transfer(v, edit=lambda tx: tx.update(signature="01" * 64))),
    ("high-s-signature", 1, lambda v: with_transfer(v, high_s=True)),
    ("sequence-gap", 1, lambda v: with_transfer(v, sequence=1)),
    ("sequence-used", 1, lambda v: with_transfer(v, secret=ALICE, sequence=2)),
    ("insufficient-funds", 1, lambda v: with_transfer(v, value=2 * PARAMS["reward"])),
]


@pytest.mark.parametrize("rule, tx, make", FORGERIES, ids=[f"{i}-{row[0]}" for i, row in enumerate(FORGERIES)])
def test_refuses_a_mined_block_that_breaks_only(valid, rule, tx, make):
    document = make(valid)
    fault = fault_of(document)
    assert (fault.rule, fault.tx, fault.block) == (rule, tx, len(document["chain"]) - 1)


def test_refuses_a_genesis_block_that_does_not_follow_from_its_parameters(valid):
    for key, value in [("reward", 2), ("minimum_fee", 0), ("name", "tinier"), ("retarget", "fixed"), ("maturity", 1)]:
        document = copy.deepcopy(valid)
        document["chain"][0]["parameters"][key] = value
        fault = fault_of(document)
        assert (fault.block, fault.rule) == (0, "genesis")
    for key, value in [("difficulty", 65), ("max_block_bytes", 1023), ("target_interval", 99), ("name", "Tiny")]:
        document = copy.deepcopy(valid)
        document["chain"][0]["parameters"][key] = value
        assert (fault_of(document).block, fault_of(document).rule) == (0, "parameters")


def run(*args, text=None):
    command = [sys.executable, str(HERE / "recompute.py"), *args]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)


def test_the_program_reads_file_stdin_and_url(valid, tmp_path):
    text = json.dumps(valid)
    (tmp_path / "chain.json").write_text(text)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        by_url = run("--url", f"http://127.0.0.1:{server.server_port}/chain")
        server.shutdown()
    by_file, by_stdin = run(str(tmp_path / "chain.json")), run("-", text=text)
    assert by_file.returncode == by_stdin.returncode == by_url.returncode == 0
    assert by_file.stdout == by_stdin.stdout == by_url.stdout
    assert by_file.stdout.splitlines()[:2] == ["height 14", f"head {valid['chain'][-1]['hash']}"]
    balances = json.loads(run("--balances", str(tmp_path / "chain.json")).stdout)
    assert set(balances) == {address(ALICE), address(BOB)}
    assert sum(balances.values()) == 14 * PARAMS["reward"]


def test_the_program_names_the_fault_and_exits_1(valid):
    document = copy.deepcopy(valid)
    document["chain"][3]["transactions"][2]["value"] += 1
    result = run("-", text=json.dumps(document))
    assert result.returncode == 1 and result.stdout == ""
    assert "block 3, transaction 2: id-mismatch" in result.stderr


@pytest.mark.parametrize(
    "text, status",
    [("", 2), ("nonsense", 2), ("[]", 1), ("{}", 1), ('{"chain":[]}', 1), ('{"chain":[],"chain":[]}', 1), ('{"chain":[{}]}', 1)],
)
def test_the_program_survives_documents_that_are_no_chain(text, status):
    result = run("-", text=text)
    assert result.returncode == status
    assert result.stderr.startswith("recompute: ") and "Traceback" not in result.stderr
