"""The tools apply every rule to every block: each way to break one, in an export file, in a journal, and at a node."""

import json

import pytest
import recompute as rc
from chainmaker import BREAKS, PARAMS, Chain, broken, pack_blocks, pack_headers
from fakepeer import FakePeer
from tools import DONE, REFUSED, UNREACHABLE, number, reframe, rensa, written
from wallet import Wallet

PARAMETERS = PARAMS | {"name": "rules", "difficulty": 6, "minimum_fee": 10, "max_block_bytes": 131072}
ACTOR, FRIEND, MINER = Wallet(), Wallet(), Wallet()


def base_chain():
    """Six blocks: the actor earns, and has sent once."""
    chain = Chain(PARAMETERS).mined(ACTOR, 4)
    return chain.mined(MINER, 2, [chain.transfer(ACTOR, FRIEND, 7)])


BASE = base_chain()


def export_of(chain, work=None):
    tip = (chain.height, chain.head.hash, chain.work if work is None else work)
    return written(rc.params_bytes(chain.params), tip, [block.bytes for block in chain.blocks[1:]])


def named(row, text):
    return f"breaks {row.rule}: " in text or (row.rule.startswith("block-") and "do not follow the format" in text)


@pytest.mark.parametrize("row", BREAKS, ids=lambda row: row.name)
def test_an_import_stops_before_the_block_that_breaks_a_rule(row, tmp_path):
    file, folder = tmp_path / "chain.rensa", tmp_path / "data"
    file.write_bytes(export_of(broken(BASE, row, MINER, ACTOR, FRIEND), BASE.work + 1000))
    done = rensa("import", file, "--data", folder)
    assert done.code == REFUSED and f"of {file} is refused: " in done.err and named(row, done.err), done
    assert f"height 0 -> {BASE.height}" in done.out
    seen = rensa("--json", "verify", "--data", folder).json()
    assert (seen["height"], seen["head"]) == (BASE.height, BASE.head.hash.hex())


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with the good chain."""
    file = tmp_path_factory.mktemp("good") / "chain.rensa"
    file.write_bytes(export_of(BASE))
    assert rensa("import", file, "--data", file.with_name("data")).code == DONE
    return file.with_name("data")


@pytest.mark.parametrize("row", BREAKS, ids=lambda row: row.name)
def test_verify_names_the_block_of_a_journal_that_breaks_a_rule(row, good, tmp_path):
    block = broken(BASE, row, MINER, ACTOR, FRIEND).head
    entry = b"\1" + number(32 + len(block.bytes), 4) + block.hash + block.bytes
    tip = b"\2" + number(40, 4) + block.hash + number(BASE.height + 1, 8)
    folder = tmp_path / "data"
    (folder / "journal").mkdir(parents=True)
    (folder / "network").write_bytes((good / "network").read_bytes())
    journal = folder / "journal" / "00000001.log"
    journal.write_bytes((good / "journal" / "00000001.log").read_bytes())
    reframe(journal, lambda payload: payload + entry + tip if payload[:1] == b"\1" else payload)
    error = rensa("--json", "verify", "--data", folder).error()
    if row.rule == "unknown-parent":  # then fewer blocks lead to the tip than it says
        assert any(f"ends in block {BASE.height + 1}, but only" in place["problem"] for place in error["damage"]), error
        return
    assert f"sound up to block {BASE.height}" in error["error"]["message"], error
    assert any(named(row, place["problem"]) for place in error["damage"]), error


class Node(FakePeer):
    """A node as the client meets it: the routes for nodes, and the status."""

    def __init__(self, chain):
        super().__init__("127.0.0.1", 0, chain)
        self.port = self.server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        node = self

        def do_GET(handler):
            reply = json.dumps(node.status()).encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(reply)))
            handler.end_headers()
            handler.wfile.write(reply)

        self.server.RequestHandlerClass.do_GET = do_GET

    def status(self):
        empty = {"transactions": [], "length": 0}
        return empty | {"network": self.chain.params, "genesis": self.chain.network.hex(), "peers": {"port": self.port}}


class Malformed(Node):
    def headers(self, body):
        return super().headers(body)[:-1]


class Withholding(Node):
    def blocks(self, body):
        return pack_blocks([]) if len(body) > 34 else super().blocks(body)


class Swapping(Node):
    def blocks(self, body):
        return pack_blocks([block.bytes for block in reversed(self.chain.blocks[1:])])


class Altering(Node):
    def blocks(self, body):
        return pack_blocks([block.bytes[:-1] + bytes([block.bytes[-1] ^ 1]) for block in self.chain.blocks[1:]])


class Unconnected(Node):
    def headers(self, body):
        return pack_headers(self.chain.blocks[3:])


class OtherGenesis(Node):
    def status(self):
        return super().status() | {"genesis": "ab" * 32}


class NoParameters(Node):
    def status(self):
        return super().status() | {"network": {"name": "rules"}}


class NoPool(Node):
    def status(self):
        return {k: v for k, v in super().status().items() if k != "transactions"}


@pytest.mark.parametrize(
    "kind, words",
    [
        (Malformed, "its headers are malformed"),
        (Withholding, "another branch meanwhile"),
        (Swapping, "another block than it was asked for"),
        (Altering, "the transactions of a block are not those"),
        (Unconnected, "never connect"),
        (OtherGenesis, "genesis hash is not that of its parameters"),
        (NoParameters, "not that of a Rensa node"),
    ],
)
@pytest.mark.parametrize("command", ["export", "backup"])
def test_a_node_that_lies_is_found_out_and_leaves_nothing(kind, words, command, tmp_path):
    node = kind(BASE)
    try:
        done = rensa(command, tmp_path / "out", "--node", node.base)
    finally:
        node.close()
    assert done.code in (REFUSED, UNREACHABLE) and words in done.err, done
    assert list(tmp_path.iterdir()) == []


def test_a_pool_that_is_none_fails_a_backup(tmp_path):
    node = NoPool(BASE)
    try:
        done = rensa("backup", tmp_path / "out", "--node", node.base)
    finally:
        node.close()
    assert done.code == UNREACHABLE and "its pool is no list" in done.err and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("row", [row for row in BREAKS if row.is_header], ids=lambda row: row.name)
def test_headers_that_break_a_rule_are_not_exported(row, tmp_path):
    node = Node(broken(BASE, row, MINER, ACTOR, FRIEND))
    try:
        done = rensa("export", tmp_path / "out", "--node", node.base)
    finally:
        node.close()
    assert done.code == UNREACHABLE and named(row, done.err), done
    assert list(tmp_path.iterdir()) == []


def test_a_true_copy_of_a_node_in_python_is_exported(tmp_path):
    node = Node(BASE)
    try:
        assert rensa("export", tmp_path / "out", "--node", node.base).code == DONE
        assert rensa("backup", tmp_path / "folder", "--node", node.base).code == DONE
    finally:
        node.close()
    assert (tmp_path / "out").read_bytes() == export_of(BASE)
    assert rensa("--json", "verify", "--data", tmp_path / "folder").json()["head"] == BASE.head.hash.hex()
