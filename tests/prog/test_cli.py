"""The client as its users meet it: the program itself, run against a fake node. RENSA names the binary."""

import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from fake_node import COIN, FakeNode, Raw, Reply, error, recompute

RENSA = os.environ.get("RENSA", "rensa")
DONE, REFUSED, USAGE, UNREACHABLE, LOCAL = range(5)
ID = "ab" * 32


@pytest.fixture
def node():
    n = FakeNode()
    yield n
    n.close()


class Run:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def json(self):
        """The one document on standard output."""
        assert self.code == DONE, self.err
        assert self.err == ""
        return json.loads(self.out)

    def error(self):
        """The one document on standard error, of a failure with --json."""
        assert self.code != DONE
        assert self.out == ""
        return json.loads(self.err)["error"]


@pytest.fixture
def rensa(tmp_path, node):
    def run(*args, stdin=b"", env=None, binary=False, **kwargs):
        environment = {"PATH": os.environ["PATH"], "RENSA_NODE": node.url, "RENSA_HOME": str(tmp_path / "home")}
        # What a sanitizer finds must not look like one of the client's own exit codes.
        for key in "ASAN_OPTIONS", "UBSAN_OPTIONS":
            environment[key] = ":".join(filter(None, [os.environ.get(key), "exitcode=99"]))
        environment.update(env or {})
        done = subprocess.run(
            [RENSA, *args], input=stdin, capture_output=True, timeout=60, env=environment, cwd=tmp_path, **kwargs
        )
        assert done.returncode in range(5), done.stderr.decode(errors="replace")
        if not binary:
            done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return Run(done)

    return run


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def wallet(rensa, name):
    return rensa("--json", "wallet", "create", name).json()["address"]


@pytest.fixture
def alice(rensa, node):
    address = wallet(rensa, "alice")
    node.accounts[address] = [10 * COIN, 0]
    return address


@pytest.fixture
def bob(rensa):
    return wallet(rensa, "bob")


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# Wallets --------------------------------------------------------------------------------------------------------------


def test_a_wallet_is_made_offline_in_a_file_for_its_owner_alone(rensa, home, node):
    made = rensa("wallet", "create", "alice")
    assert made.code == DONE and "wallet alice created" in made.out and made.err == ""
    file = home / "wallets" / "alice.wallet"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    address = rensa("wallet", "address", "alice")
    assert re.fullmatch(r"R[1-9A-HJ-NP-Za-km-z]{25,34}\n", address.out)
    assert address.out.strip() in made.out
    assert node.requests == []


def test_wallet_address_prints_the_address_and_nothing_else(rensa, alice):
    assert rensa("wallet", "address", "alice").out == alice + "\n"
    assert rensa("--json", "wallet", "address", "alice").json() == {"name": "alice", "address": alice}


def test_wallet_create_has_a_json_form(rensa, home):
    made = rensa("wallet", "create", "carol", "--json", "--address-version", "0").json()
    assert made["name"] == "carol" and made["address_version"] == 0 and made["address"].startswith("1")
    assert pathlib.Path(made["file"]) == home / "wallets" / "carol.wallet"


def test_a_wallet_is_never_overwritten(rensa, home, alice):
    before = (home / "wallets" / "alice.wallet").read_bytes()
    again = rensa("wallet", "create", "alice")
    assert again.code == LOCAL and "alice already" in again.err
    assert (home / "wallets" / "alice.wallet").read_bytes() == before
    assert [p.name for p in (home / "wallets").iterdir()] == ["alice.wallet"]


def test_wallets_are_listed_in_order_and_a_bad_one_does_not_hide_the_others(rensa, home, alice, bob):
    assert rensa("--json", "wallet", "list").json() == {
        "wallets": [
            {"name": "alice", "address": alice, "address_version": 60},
            {"name": "bob", "address": bob, "address_version": 60},
        ]
    }
    (home / "wallets" / "alice.wallet").write_text("format = 1\n")
    listed = rensa("--json", "wallet", "list").json()["wallets"]
    assert "damaged" in listed[0]["problem"] and listed[1]["address"] == bob
    shown = rensa("wallet", "list").out.splitlines()
    assert shown[0].split() == ["WALLET", "ADDRESS"] and shown[2].split() == ["bob", bob]


def test_no_wallets_is_no_failure(rensa):
    assert rensa("--json", "wallet", "list").json() == {"wallets": []}
    assert "rensa wallet create" in rensa("wallet", "list").out


def test_the_secret_key_is_shown_last_and_only_on_request(rensa, alice):
    refused = rensa("wallet", "export", "alice")
    assert refused.code == USAGE and refused.out == ""
    wif = rensa("wallet", "export", "alice", "--wif").out.splitlines()[-1]
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{51,52}", wif)
    assert rensa("--json", "wallet", "export", "alice", "--wif").json()["wif"] == wif


def test_an_exported_key_comes_back_as_the_same_wallet(rensa, alice):
    wif = rensa("wallet", "export", "alice", "--wif").out.splitlines()[-1].encode()
    for name, text in ("a", wif), ("b", wif + b"\n"), ("c", wif + b"\r\n"), ("d", wif + b"\nmore\n"):
        assert rensa("--json", "wallet", "import", name, stdin=text).json()["address"] == alice


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"hello\n", b"L" * 52, b"1" * 5000, b"\0" * 52, b"\xff\xfe\n"],
    ids=lambda t: repr(t[:8]),
)
def test_what_is_no_key_is_not_imported(rensa, home, text):
    assert rensa("wallet", "import", "alice", stdin=text).code == USAGE
    assert not (home / "wallets" / "alice.wallet").exists()


def test_a_key_of_another_address_version_is_told_apart(rensa, alice):
    wif = rensa("wallet", "export", "alice", "--wif").out.splitlines()[-1].encode()
    refused = rensa("wallet", "import", "x", "--address-version", "7", stdin=wif)
    assert refused.code == USAGE and "--address-version" in refused.err


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "a.b", "-a", "x" * 33, "ä", "a\nb"])
def test_wallet_names_are_plain(rensa, home, name):
    assert rensa("wallet", "create", "--", name).code == USAGE
    assert not home.exists()


def test_a_wallet_cannot_be_named_like_an_address(rensa):
    # The shortest addresses fit into a name: those of keys whose hash starts with zeros, under version 0.
    address = recompute.address_format(bytes(18) + b"\1\2", 0)
    assert len(address) <= 32
    refused = rensa("wallet", "create", address)
    assert refused.code == USAGE and "address" in refused.err


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o622, 0o666])
def test_a_wallet_that_others_may_read_is_refused_with_what_to_do(rensa, home, alice, mode):
    file = home / "wallets" / "alice.wallet"
    file.chmod(mode)
    refused = rensa("wallet", "address", "alice")
    assert refused.code == LOCAL and f"chmod 600 {file}" in refused.err and refused.out == ""
    assert rensa("send", "--from", "alice", "--to", alice, "--amount", "1").code == LOCAL
    file.chmod(0o600)
    file.parent.chmod(0o755)
    refused = rensa("wallet", "address", "alice")
    assert refused.code == LOCAL and f"chmod 700 {file.parent}" in refused.err


def test_an_unknown_wallet_is_a_local_failure_that_suggests_the_nearest(rensa, alice):
    assert rensa("wallet", "address", "bob").code == LOCAL
    near = rensa("balance", "alise")
    assert near.code == LOCAL and "did you mean 'alice'" in near.err
    assert rensa("--json", "balance", "zzz").error()["code"] == "no-wallet"


def test_home_comes_from_the_option_then_the_environment_then_the_users_home(rensa, tmp_path):
    assert rensa("wallet", "create", "a", "--home", str(tmp_path / "one")).code == DONE
    assert rensa("wallet", "create", "a").code == DONE
    assert rensa("wallet", "create", "a", env={"RENSA_HOME": "", "HOME": str(tmp_path / "me")}).code == DONE
    for folder in "one", "home", "me/.rensa":
        assert (tmp_path / folder / "wallets" / "a.wallet").exists()
    assert rensa("wallet", "list", env={"RENSA_HOME": ""}).code == LOCAL


def test_only_what_needs_a_wallet_needs_a_home(rensa, node, alice):
    homeless = {"RENSA_HOME": ""}
    for args in ["status"], ["blocks"], ["peers"], ["balance", alice], ["mine", "--to", alice], ["block", "0"]:
        done = rensa(*args, env=homeless)
        assert done.code == DONE, done.err
    send = ["send", "--from", "alice", "--to", alice, "--amount", "1"]
    for args in ["wallet", "create", "x"], ["wallet", "address", "x"], ["balance", "alice"], ["mine", "--to", "alice"], send:
        refused = rensa("--json", *args, env=homeless)
        assert refused.code == LOCAL and refused.error()["code"] == "no-home"


@pytest.mark.parametrize("name", ["../alice", "a/b", ".", "", "-x", "alice.wallet", "a" * 33, "\n"])
def test_what_cannot_be_a_wallets_name_is_bad_usage_everywhere(rensa, node, alice, name):
    send = ["send", f"--from={name}", "--to", alice, "--amount", "1"]
    wallet = [["wallet", word, "--", name] for word in ("create", "address", "import")]
    for args in *wallet, ["wallet", "export", "--wif", "--", name], send, ["balance", "--", name]:
        assert rensa(*args).code == USAGE
    assert node.requests == []


def closed(*numbers):
    return {"preexec_fn": lambda: [os.close(number) for number in numbers]}


def test_what_is_meant_for_a_closed_output_gets_into_no_file(rensa, home, node):
    """A file that is opened where standard output or error was closed would have its number."""
    for name, numbers in [("one", [1]), ("two", [2]), ("three", [1, 2]), ("four", [0, 1, 2])]:
        made = rensa("wallet", "create", name, **closed(*numbers))
        assert made.code == (LOCAL if 1 in numbers else DONE)
        text = (home / "wallets" / f"{name}.wallet").read_text()
        assert len(text.splitlines()) == 6 and text.splitlines()[-1].startswith("secret_key = ")
    assert rensa("status", **closed(1)).code == LOCAL
    assert rensa("wallet", "import", "five", **closed(0)).code == LOCAL


def test_a_folder_that_cannot_be_made_is_a_local_failure(rensa, tmp_path):
    (tmp_path / "file").write_text("")
    refused = rensa("wallet", "create", "a", "--home", str(tmp_path / "file"))
    assert refused.code == LOCAL and str(tmp_path / "file") in refused.err


# Sending --------------------------------------------------------------------------------------------------------------


def test_a_transfer_is_signed_so_that_an_independent_reader_accepts_it(rensa, node, alice, bob):
    terms = ["--amount", "1.5", "--fee", "0.001", "--memo", "連鎖 tea"]
    sent = rensa("--json", "send", "--from", "alice", "--to", "bob", *terms).json()
    assert sent == {
        "id": sent["id"],
        "status": "pending",
        "from": alice,
        "to": bob,
        "value": 150_000_000,
        "fee": 100_000,
        "sequence": 0,
    }
    posted = json.loads(node.seen("POST", "/transactions")[0][2])
    assert posted["id"] == sent["id"] and posted["memo"] == "連鎖 tea" and posted["network"] == node.genesis
    assert node.transfers[sent["id"]]["status"] == "pending"


def test_the_whole_story_reads_well(rensa, node, bob):
    wallet(rensa, "alice")
    mined = rensa("mine", "--to", "alice", "--blocks", "2")
    assert mined.code == DONE and "mined 2 blocks" in mined.out and "wallet alice (R" in mined.out
    sent = rensa("send", "--from", "alice", "--to", "bob", "--amount", "1.5")
    assert sent.code == DONE and f"sent 1.5 to wallet bob ({bob})" in sent.out
    assert "next: a block must take it in" in sent.out
    assert rensa("mine", "--to", "alice").code == DONE
    balance = rensa("balance", "bob").out
    assert re.search(r"balance +1\.5\n", balance)


def test_an_address_is_as_good_as_a_name(rensa, node, alice, bob):
    node.accounts[bob] = [0, 0]
    sent = rensa("send", "--from", "alice", "--to", bob, "--amount", "1")
    assert f"sent 1 to {bob}" in sent.out


def test_a_wallet_comes_before_an_address_and_the_output_says_which(rensa, alice, bob):
    assert "to wallet bob (" in rensa("send", "--from", "alice", "--to", "bob", "--amount", "1").out


def test_the_address_version_comes_from_the_node(rensa, node):
    node.version = 7
    rensa("wallet", "create", "alice")
    mined = rensa("--json", "mine", "--to", "alice")
    assert mined.code == DONE
    address = json.loads(node.seen("POST", "/mine")[0][2])["address"]
    assert address != rensa("wallet", "address", "alice").out.strip()
    assert rensa("--json", "balance", address).json()["balance"] == COIN
    assert rensa("--json", "send", "--from", "alice", "--to", address, "--amount", "0.5").json()["from"] == address


def test_an_address_of_another_network_is_refused(rensa, node, alice):
    foreign = rensa("--json", "wallet", "create", "x", "--address-version", "0").json()["address"]
    send = ["send", "--from", "alice", "--to", foreign, "--amount", "1"]
    for args in ["balance", foreign], ["mine", "--to", foreign], send:
        refused = rensa(*args)
        assert refused.code == USAGE and "another network" in refused.err
    assert node.seen("POST", "/transactions") == node.seen("POST", "/mine") == []


def test_a_mistyped_address_is_refused_before_any_node_is_asked(rensa, node, alice, bob):
    wrong = bob[:-1] + ("x" if bob[-1] != "x" else "y")
    refused = rensa("send", "--from", "alice", "--to", wrong, "--amount", "1")
    assert refused.code in (USAGE, LOCAL) and "address" in refused.err
    assert node.requests == []


NO_AMOUNTS = ["", "0", "0.00000000", "-1", "+1", "1.", ".5", "01", "1.000000001", "1e3", "1,5", " 1", "0x1", "NaN"]


@pytest.mark.parametrize("amount", [*NO_AMOUNTS, "inf", "90071992.54740992", "9" * 500])
def test_what_is_no_amount_is_bad_usage_and_reaches_no_node(rensa, node, alice, amount):
    refused = rensa("--json", "send", "--from", "alice", "--to", "alice", f"--amount={amount}")
    assert refused.code == USAGE and refused.error()["code"] == "bad-amount"
    assert node.requests == []


@pytest.mark.parametrize(
    "amount, units",
    [("1", COIN), ("0.00000001", 1), ("0.1", 10_000_000), ("9.99999999", 999_999_999), ("1.10", 110_000_000)],
)
def test_amounts_are_exact(rensa, alice, amount, units):
    assert rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", amount).json()["value"] == units


def test_the_fee_is_the_networks_minimum_unless_given(rensa, node, alice):
    node.minimum_fee = 1000
    assert rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1").json()["fee"] == 1000
    refused = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--fee", "0.00000999")
    assert refused.code == REFUSED and refused.error()["code"] == "below-minimum-fee"
    assert "0.00001" in refused.error()["message"]


@pytest.mark.parametrize("memo, code", [("x" * 257, "memo-too-long"), (b"\xff", "memo-not-utf8")])
def test_a_memo_that_would_break_a_rule_is_bad_usage(rensa, alice, memo, code):
    refused = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--memo", memo)
    assert refused.code == USAGE and refused.error()["code"] == code


def test_a_refusal_of_the_node_is_told_with_its_code(rensa, alice):
    refused = rensa("send", "--from", "alice", "--to", "alice", "--amount", "11")
    assert refused.code == REFUSED and refused.out == ""
    assert refused.err == "rensa: the node refuses: the sender cannot pay value plus fee (insufficient-funds)\n"
    refused = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "11")
    assert refused.error()["code"] == "insufficient-funds"


def test_wait_comes_back_when_a_block_has_the_transfer(rensa, node, alice):
    def confirm(path, body):
        if path.startswith("/transactions/") and len(node.seen("GET", path)) == 3:
            node.mine({})

    node.instead["GET", "*"] = [confirm]
    sent = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--wait").json()
    assert sent["status"] == "confirmed" and sent["height"] == 1 and sent["confirmations"] == 1


def test_wait_says_so_when_it_is_done(rensa, node, alice):
    def confirm(path, body):
        if path.startswith("/transactions/"):
            node.mine({})

    node.instead["GET", "*"] = [confirm]
    sent = rensa("send", "--from", "alice", "--to", "alice", "--amount", "1", "--wait")
    assert sent.code == DONE and sent.out.endswith("confirmed in block 1\n")


def test_wait_ends_when_its_time_is_up_and_names_the_transfer(rensa, node, alice):
    late = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--wait", "--timeout", "1")
    assert late.code == REFUSED and late.error()["code"] == "wait-timeout"
    assert json.loads(late.err)["id"] in node.transfers


def test_wait_ends_when_the_transfer_became_impossible(rensa, node, alice):
    def conflict(path, body):
        if path.startswith("/transactions/"):
            return Reply(200, {"transaction": {}, "status": "conflicted", "reason": "sequence-used"})
        return None

    node.instead["GET", "*"] = [conflict]
    lost = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--wait")
    assert lost.code == REFUSED and lost.error()["code"] == "conflicted"


def test_wait_outlives_a_node_that_is_away_for_a_while(rensa, node, alice):
    answers = [Raw(b""), error(503, "starting", "later"), Raw(b"HTTP/1.1 200 OK\r\n"), error(404, "unknown", "no")]

    def flaky(path, body):
        if not path.startswith("/transactions/"):
            return None
        if answers:
            return answers.pop()
        node.mine({})
        return None

    node.instead["GET", "*"] = [flaky]
    sent = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1", "--wait")
    assert sent.json()["status"] == "confirmed"


def unknown():
    return error(503, "outcome-unknown", "the pool process is away: it is safe to repeat")


@pytest.mark.parametrize("first", [unknown(), Raw(b""), Raw(b"HTTP/1.1 202 Acc")], ids=["503", "silence", "cut"])
def test_a_transfer_of_unknown_outcome_is_sent_again_byte_for_byte(rensa, node, alice, first):
    node.instead["POST", "/transactions"] = [first, first, None]
    sent = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1").json()
    bodies = [r[2] for r in node.seen("POST", "/transactions")]
    assert len(bodies) == 3 and len(set(bodies)) == 1 and list(node.transfers) == [sent["id"]]


def test_a_transfer_that_a_block_took_while_its_answer_was_lost_is_a_success(rensa, node, alice):
    node.instead["POST", "/transactions"] = [Raw(b""), error(409, "already-confirmed", "block 3 has it")]
    assert rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1").json()["status"] == "confirmed"


def test_an_outcome_that_stays_unknown_is_told_with_the_id(rensa, node, alice):
    node.instead["POST", "/transactions"] = [unknown()]
    lost = rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1")
    assert lost.code == REFUSED and lost.error()["code"] == "outcome-unknown"
    posted = [json.loads(r[2])["id"] for r in node.seen("POST", "/transactions")]
    assert len(posted) > 2 and set(posted) == {json.loads(lost.err)["id"]}


def test_other_refusals_are_not_repeated(rensa, node, alice):
    node.instead["POST", "/transactions"] = [error(503, "pool-full", "the pool is full")]
    assert rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1").error()["code"] == "pool-full"
    assert len(node.seen("POST", "/transactions")) == 1


def test_a_sequence_that_another_process_took_meanwhile_is_signed_anew(rensa, node, alice):
    stale = Reply(200, {"address": alice, "balance": 1, "pending": 0, "next_sequence": 0})
    node.accounts[alice] = [10 * COIN, 5]
    node.instead["GET", f"/addresses/{alice}"] = [stale, None]
    assert rensa("--json", "send", "--from", "alice", "--to", "alice", "--amount", "1").json()["sequence"] == 5
    assert len(node.seen("POST", "/transactions")) == 2


def test_equal_transfers_sent_at_the_same_time_all_count(rensa, node, alice, bob):
    with ThreadPoolExecutor(6) as pool:
        args = "--json", "send", "--from", "alice", "--to", "bob", "--amount", "0.5"
        sent = [run.result().json() for run in [pool.submit(rensa, *args) for _ in range(6)]]
    assert sorted(s["sequence"] for s in sent) == list(range(6))
    assert len({s["id"] for s in sent}) == len(node.transfers) == 6


# What the node knows --------------------------------------------------------------------------------------------------


def test_balance_shows_coins_and_json_shows_base_units(rensa, node, alice):
    shown = rensa("balance", "alice")
    assert shown.out.splitlines()[0] == f"wallet alice ({alice})" and re.search(r"balance +10\n", shown.out)
    assert rensa("--json", "balance", alice).json() == {
        "address": alice,
        "balance": 10 * COIN,
        "pending": 0,
        "spendable": 10 * COIN,
        "next_sequence": 0,
    }


def test_mine_hands_over_address_and_count(rensa, node, alice):
    mined = rensa("--json", "mine", "--to", "alice", "--blocks", "3").json()
    assert [b["height"] for b in mined["blocks"]] == [1, 2, 3]
    assert json.loads(node.seen("POST", "/mine")[0][2]) == {"address": alice, "blocks": 3}


def test_mine_without_address_leaves_it_to_the_node(rensa, node):
    assert rensa("mine").code == DONE
    assert json.loads(node.seen("POST", "/mine")[0][2]) == {"blocks": 1}


def test_mine_says_which_option_names_the_address(rensa, node):
    node.has_miner_address = False
    refused = rensa("mine")
    assert refused.code == REFUSED and "--to NAME" in refused.err and "[miner]" in refused.err
    assert rensa("mine", "--json").error()["code"] == "no-address"


def stream(*events):
    text = "".join(f"event: {name}\nid: {place}\ndata: {json.dumps(data)}\n\n" for name, place, data in events)
    return Reply(200, ("retry: 1000\nid: start\n\n:\n\n" + text).encode(), "text/event-stream")


def test_watching_goes_on_where_a_stream_ended(rensa, node):
    one, two, three = ("block", "a-1", {"height": 1, "hash": ID}), ("peer", "a-2", {"address": "x", "state": "up"}), ("new", "a-3", {})
    # An event that is not whole was not told, and its place not reached.
    cut = stream(one)
    cut.body += b'event: peer\nid: a-2\ndata: {"addr'
    node.instead["GET", "/events"] = [cut, error(503, "loading", "later"), Raw(b""), stream(two, three), stream()]
    shown = rensa("--json", "watch", "--count", "3", "--only", "block,peer")
    assert shown.code == DONE
    told = [json.loads(line) for line in shown.out.splitlines()]
    assert told == [{"event": name, "id": place, "data": data} for name, place, data in (one, two, three)]
    asked = [(path, headers.get("Last-Event-ID")) for _, path, _, headers in node.requests]
    assert asked == [("/events?only=block,peer", place) for place in (None, "a-1", "a-1", "a-1")]


def test_watching_ends_when_the_node_refuses(rensa, node):
    node.instead["GET", "/events"] = [stream(("block", "a-1", {"height": 1, "hash": ID})), error(400, "bad-parameter", "not of here")]
    shown = rensa("watch", "--since", "a-0")
    assert shown.code == REFUSED and shown.out == f"block 1 {ID}\n" and "not of here" in shown.err


def test_watching_bears_what_is_no_event(rensa, node):
    evil = {"height": 1, "hash": "\x1b[2J", "address": "\u202e", "state": "\x9b31m", "reason": "\n"}
    names = ["block", "transaction", "reorganisation", "peer", "reset", "\x1b[2J"]
    reply = stream(*[(name, "a-\x1b", evil) for name in names])
    reply.body += b"data: [\n\ndata: 1\n\nid: \xff\n\nevent\n: \x1b\ndata\n\n\n"
    for args in ["watch"], ["--json", "watch"]:
        node.instead["GET", "/events"] = [reply, error(400, "bad-parameter", "enough")]
        shown = rensa(*args)
        assert shown.code == REFUSED and is_safe(shown.out) and len(shown.out.splitlines()) >= 5
    assert all(headers.get("Last-Event-ID") in (None, "start") for _, _, _, headers in node.requests)

    node.instead["GET", "/events"] = [Reply(200, b"data: " + b"x" * 200000, "text/event-stream")]
    shown = rensa("watch")
    assert shown.code == UNREACHABLE and "a line without end" in shown.err


def test_mining_is_never_repeated(rensa, node, alice):
    node.instead["POST", "/mine"] = [Raw(b"")]
    assert rensa("mine", "--to", "alice").code == UNREACHABLE
    assert len(node.seen("POST", "/mine")) == 1


def found(heights):
    return [{"height": height, "hash": f"{height:064x}"} for height in heights]


def cut(code, heights):
    return Reply(503, {"error": {"code": code, "message": "found some"}, "blocks": found(heights)})


def test_what_a_node_found_within_its_time_counts_and_the_rest_is_asked_for_again(rensa, node, alice):
    node.instead["POST", "/mine"] = [cut("timeout", [1, 2]), cut("timeout", []), Reply(200, {"blocks": found([3])})]
    mined = rensa("--json", "mine", "--to", "alice", "--blocks", "3")
    assert mined.json() == {"blocks": found([1, 2, 3])}
    assert [json.loads(request[2])["blocks"] for request in node.seen("POST", "/mine")] == [3, 1, 1]
    node.instead["POST", "/mine"] = [cut("timeout", [4]), Reply(200, {"blocks": found([5])})]
    mined = rensa("mine", "--blocks", "2")
    assert mined.code == DONE and "mined 2 blocks" in mined.out and f"{5:064x}" in mined.out


def test_more_blocks_than_a_node_takes_at_a_time_are_asked_for_in_pieces(rensa, node):
    assert len(rensa("--json", "mine", "--blocks", "2300").json()["blocks"]) == 2300
    assert [json.loads(request[2])["blocks"] for request in node.seen("POST", "/mine")] == [1000, 1000, 300]


@pytest.mark.parametrize(
    "then, exit_code, code",
    [
        (cut("stopping", [3]), REFUSED, "stopping"),
        (cut("outcome-unknown", [3]), REFUSED, "outcome-unknown"),
        (error(507, "no-space", "full"), REFUSED, "no-space"),
        (Reply(200, {"blocks": []}), UNREACHABLE, "bad-answer"),
        (Raw(b""), UNREACHABLE, "unreachable"),
    ],
)
def test_mining_that_cannot_go_on_says_how_far_it_came(rensa, node, then, exit_code, code):
    node.instead["POST", "/mine"] = [cut("timeout", [1, 2]), then]
    many = 3 if isinstance(then, Reply) and b'"height"' in then.body else 2
    short = rensa("mine", "--blocks", "9")
    assert short.code == exit_code
    assert f"{many} of 9 blocks were mined" in short.err and f"{many:064x}" in short.out
    node.instead["POST", "/mine"] = [cut("timeout", [1, 2]), then]
    assert rensa("--json", "mine", "--blocks", "9").error()["code"] == code


def test_mining_ends_when_its_own_time_is_up(rensa, node):
    node.instead["POST", "/mine"] = [lambda path, body: time.sleep(0.3) or cut("timeout", [])]
    assert rensa("--json", "mine", "--timeout", "1").error()["code"] == "timeout"


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "x", "", "99999999999999999999"])
def test_a_count_of_blocks_is_a_number(rensa, node, count):
    assert rensa("mine", f"--blocks={count}").code == USAGE
    assert rensa("blocks", f"--limit={count}").code == USAGE
    assert node.requests == []


def test_status_shows_what_two_people_compare(rensa, node):
    shown = rensa("status").out
    for part in "fake", "rensa", node.genesis, node.blocks[-1]["hash"], "2 up", "0fa0":
        assert part in shown
    assert rensa("--json", "status").json()["network"]["address_version"] == 60


OUTLOOK = {"hashes_needed": 4096, "hash_rate": 0, "network_hash_rate": 160, "blocks_measured": 20, "expected_ms": 25_400}


@pytest.mark.parametrize(
    "changes, shown",
    [
        ({}, "in about 25 s, at the pace of the last 20 blocks"),
        ({"expected_ms": 400}, "in about 0.4 s, at"),
        ({"expected_ms": 119_000}, "in about 119 s, at"),
        ({"expected_ms": 200_000}, "in about 3 min, at"),
        ({"expected_ms": 47 * 3_600_000}, "in about 47 h, at"),
        ({"expected_ms": 2**53 - 1}, "in about 104249991 d, at"),
        ({"hash_rate": 161}, "in about 25 s, at this node's 161 hashes a second"),
        ({"network_hash_rate": None, "expected_ms": None, "blocks_measured": 0}, "nobody knows when"),
    ],
)
def test_status_shows_when_the_next_block_is_expected(rensa, node, changes, shown):
    node.outlook = OUTLOOK | changes
    (line,) = [line for line in rensa("status").out.splitlines() if line.startswith("next block")]
    assert shown in line


def test_a_node_that_says_nothing_of_the_next_block_is_shown_without(rensa, node):
    node.outlook = None
    assert "next block" not in rensa("status").out


@pytest.mark.parametrize(
    "reload, shown",
    [
        (None, []),
        ({"result": "ok", "changed": 3, "restart": []}, ["reload", "changed 3 keys"]),
        ({"result": "ok", "changed": 0, "restart": ["a.b", "c.d"]}, ["reload", "needs restart", "a.b", "c.d"]),
        ({"result": "refused", "changed": 0, "restart": ["a.b"], "error": "f:1: \x1b"}, ["refused", "f:1: ", "needs restart"]),
        ("nonsense", []),
    ],
)
def test_status_shows_how_the_last_reload_went(rensa, node, reload, shown):
    status = rensa("--json", "status").json()
    if isinstance(reload, dict):
        reload = {"count": 1, "timestamp": 1000, **reload}
    node.instead["GET", "/status"] = [Reply(200, status | {"reload": reload})]
    out = rensa("status").out
    assert all(word in out for word in shown) and ("reload" in out) == bool(shown) and "\x1b" not in out


CHANGE = {"key": "http.workers", "from": "2", "to": "4"}


def test_reload_shows_what_came_of_it(rensa, node):
    document = {"result": "ok", "changed": [CHANGE], "restart": [CHANGE | {"key": "node.name"}]}
    node.instead["POST", "/reload"] = [Reply(200, document)]
    assert rensa("reload").out == "http.workers: 2 -> 4\nnode.name: 2 -> 4 waits for a restart\n"
    assert rensa("--json", "reload").json() == document
    node.instead["POST", "/reload"] = [Reply(200, {"result": "ok", "changed": [], "restart": []})]
    assert rensa("reload").out == "nothing has changed\n"
    assert [request[:3] for request in node.requests] == [("POST", "/reload", b"{}")] * 3


def test_reload_shows_all_that_is_wrong(rensa, node):
    refusal = {"error": {"code": "configuration-refused", "message": "2 things are wrong in it, first a"}, "errors": ["a", "b"]}
    node.instead["POST", "/reload"] = [Reply(422, refusal)]
    shown = rensa("reload")
    assert shown.code == REFUSED and shown.out == "a\nb\n" and "2 things are wrong" in shown.err
    shown = rensa("--json", "reload")
    assert shown.code == REFUSED and shown.out == ""
    for answer in {}, {"changed": {}}, {"changed": [], "restart": 1}:
        node.instead["POST", "/reload"] = [Reply(200, answer)]
        assert rensa("reload").code == UNREACHABLE


WELL = {"name": "chain", "state": "ok", "found": "height 12", "fix": ""}
DISK = {"name": "disk", "state": "warning", "found": "81 % are used", "fix": "free some"}
FULL = {"name": "journal", "state": "failed", "found": "the disk is full", "fix": "free \x1b"}


def test_health_tells_what_is_not_well_by_its_exit_code_and_in_words(rensa, node):
    ready = {"ready": True, "height": 12, "checks": [WELL]}
    node.instead["GET", "/readyz"] = [Reply(200, ready)]
    assert rensa("health").out == "ready, at height 12\n"
    assert rensa("--json", "health").json() == ready
    assert node.requests[-1][1] == "/readyz?verbose"
    node.instead["GET", "/readyz"] = [Reply(200, ready | {"checks": [WELL, DISK]})]
    assert rensa("health").out == "ready, at height 12\ndisk warning: 81 % are used\n  free some\n"
    node.instead["GET", "/readyz"] = [Reply(503, {"ready": False, "reason": "it is full; free", "checks": [FULL, WELL]})]
    shown = rensa("health")
    assert shown.code == REFUSED and "not ready: it is full; free" in shown.err
    assert shown.out.startswith("journal failed: the disk is full\n  free ") and "\x1b" not in shown.out
    assert rensa("--json", "health").error() == {"code": "not-ready", "message": "the node is not ready: it is full; free"}


def test_health_of_what_is_no_node_is_unreachable(rensa, node):
    for answer in {}, {"ready": 1}, {"ready": False}:
        node.instead["GET", "/readyz"] = [Reply(200, answer)]
        assert rensa("health").code == UNREACHABLE
    node.instead["GET", "/readyz"] = [error(503, "busy", "later")]
    assert rensa("health").code == REFUSED
    node.close()
    assert rensa("health").code == UNREACHABLE


def test_peers_come_with_the_reason_that_keeps_them_apart(rensa, node):
    lines = rensa("peers").out.splitlines()
    assert lines[0].split() == ["ADDRESS", "STATE", "HEIGHT", "SEEN", "AGO", "NEXT", "IN", "SOURCE", "REASON"]
    assert lines[1].split() == ["127.0.0.3:5001", "up", "12"]
    assert lines[2].endswith("difficulty is 13 there, 12 here")
    assert len(rensa("--json", "peers").json()["peers"]) == 2
    node.instead["GET", "/peers"] = [Reply(200, {"peers": []})]
    assert "knows no peers" in rensa("peers").out


def test_peers_show_when_they_were_asked_and_will_be_and_how_long_they_are_left_alone(rensa, node):
    now = 1_700_000_000_000
    asked = {"height": 7, "source": "peer", "checked": now - 5_000, "next_try": now + 600_000, "paused_until": None}
    paused = asked | {"state": "paused", "reason": "reward-amount", "paused_until": now + 90_000}
    rows = [
        asked | {"address": "10.0.0.1:5000", "state": "refused", "reason": "nothing listens there"},
        paused | {"address": "10.0.0.2:5000"},
        asked | {"address": "10.0.0.3:5000", "state": "up", "reason": "", "checked": now + 9, "next_try": None},
    ]
    node.instead["GET", "/peers"] = [Reply(200, {"timestamp": now, "peers": rows})]
    lines = rensa("peers").out.splitlines()
    assert lines[1].split() == "10.0.0.1:5000 refused 7 5 s 10 min peer nothing listens there".split()
    assert lines[2].endswith("broke reward-amount: left alone until 2023-11-14T22:14:50.000Z (90 s)")
    assert lines[3].split() == "10.0.0.3:5000 up 7 0 s peer".split()
    node.instead["GET", "/peers"] = [Reply(200, {"timestamp": -1, "peers": [{"checked": "x", "next_try": -4}, 7, None]})]
    assert len(rensa("peers").out.splitlines()) == 4


@pytest.mark.parametrize("skew, shown", [
    (None, None), (999, "agrees with the peers'"), (-999, "agrees with the peers'"), (1000, "1 s behind the peers'"),
    (-7_300_000, "2 h ahead of the peers'"), (-(2**63), "d ahead of the peers'"), (2**63 - 1, "d behind the peers'"),
])
def test_status_compares_the_nodes_clock_with_its_peers(rensa, node, skew, shown):
    status = rensa("--json", "status").json()
    node.instead["GET", "/status"] = [Reply(200, status | {"peers": {"up": 2, "known": 3, "skew_ms": skew}})]
    lines = [line for line in rensa("status").out.splitlines() if line.startswith("clock")]
    assert len(lines) == (shown is not None) and all(shown in line for line in lines)


def test_blocks_are_listed_newest_first(rensa, node):
    node.mine({"blocks": 12})
    lines = rensa("blocks").out.splitlines()
    assert len(lines) == 11 and [line.split()[0] for line in lines[1:]] == [str(h) for h in range(12, 2, -1)]
    assert "2023-11-14T22:17:20.000Z" in lines[1]
    assert [b["height"] for b in rensa("--json", "blocks", "--limit", "2", "--before", "5").json()["blocks"]] == [4, 3]


def test_a_block_is_found_by_height_and_by_hash(rensa, node, alice):
    rensa("send", "--from", "alice", "--to", "alice", "--amount", "1.25")
    node.mine({})
    by_height = rensa("--json", "block", "1").json()
    assert by_height == rensa("--json", "block", by_height["hash"]).json() == node.blocks[1]
    shown = rensa("block", "1").out
    assert by_height["hash"] in shown and "1.25" in shown and alice in shown
    missing = rensa("block", "77")
    assert missing.code == REFUSED and "no such block" in missing.err


def test_a_transaction_is_shown_with_how_it_stands(rensa, node, alice, bob):
    txid = rensa("--json", "send", "--from", "alice", "--to", "bob", "--amount", "2", "--memo", "hello").json()["id"]
    shown = rensa("tx", txid).out
    assert re.search(r"status +pending\n", shown) and re.search(r"value +2\n", shown) and "hello" in shown
    node.mine({})
    assert re.search(r"status +confirmed\nblock +1\n", rensa("tx", txid).out)
    assert rensa("--json", "tx", txid).json() == node.transfers[txid]
    assert rensa("tx", ID).code == REFUSED


@pytest.mark.parametrize("word", ["", "x", "-1", "1.5", "AB" * 32, "ab" * 31, "ab" * 33, "../status", "1?x=y", "1/2"])
def test_what_names_no_block_or_transaction_reaches_no_node(rensa, node, word):
    assert rensa("block", "--", word).code == USAGE
    assert rensa("tx", "--", word).code == USAGE
    assert node.requests == []


# The command line -----------------------------------------------------------------------------------------------------

COMMANDS = ["wallet create", "wallet list", "wallet address", "wallet export", "wallet import"]
COMMANDS += ["mine", "balance", "send", "tx", "status", "health", "peers", "blocks", "block", "watch", "reload"]
COMMANDS += ["verify", "export", "import", "backup", "compact", "log-level", "doctor", "help"]


def test_help_lists_every_command_option_and_exit_code(rensa):
    for args in ["help"], ["--help"], ["-h"]:
        shown = rensa(*args)
        assert shown.code == DONE
        for word in [*COMMANDS, "--node", "--json", "--home", "--version", "exit codes", "RENSA_NODE"]:
            assert word in shown.out
        assert max(map(len, shown.out.splitlines())) <= 120
    assert [c["name"] for c in rensa("--json", "help").json()["commands"]] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(rensa, command):
    words = command.split()
    shown = rensa("help", *words)
    assert shown.code == DONE and shown.out == rensa(*words, "--help").out
    assert f"usage: rensa {command}" in shown.out and "example:\n  rensa " in shown.out
    doc = rensa("--json", "help", *words).json()
    assert doc["name"] == command and doc["summary"] and doc["about"] and doc["example"]
    for option in doc["options"]:
        assert f"--{option['name']}" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 120


def test_help_on_a_group_lists_its_commands(rensa):
    assert rensa("help", "wallet").out == rensa("wallet", "--help").out
    assert "wallet import NAME" in rensa("help", "wallet").out


def test_the_version_is_told(rensa):
    assert re.fullmatch(r"rensa \d+\.\d+\.\d+\n", rensa("--version").out)
    assert set(rensa("--json", "--version").json()) == {"version"}


@pytest.mark.parametrize(
    "args, message",
    [
        ([], "no command"),
        (["statsu"], "did you mean 'status'"),
        (["walet", "list"], "did you mean 'wallet'"),
        (["wallet", "lst"], "did you mean 'wallet list'"),
        (["wallet"], "second word"),
        (["help", "statsu"], "did you mean 'status'"),
        (["status", "--jsn"], "did you mean --json"),
        (["status", "more"], "'more'"),
        (["balance"], "needs NAME|ADDRESS"),
        (["send", "--from", "alice"], "needs --to"),
        (["status", "--node"], "needs a value"),
        (["status", "--node", "https://x"], "plain HTTP"),
        (["status", "--node", "http://x/y"], "not the URL"),
        (["wallet", "create", "a", "--address-version", "256"], "0 to 255"),
        (["send", "--from", "a", "--to", "b", "--amount", "1", "--timeout", "0"], "seconds"),
        (["blocks", "--before", "x"], "height"),
        (["\x1b[2J"], "\\x1b[2J"),
    ],
)
def test_bad_usage_ends_with_2_and_says_what_to_do(rensa, args, message):
    wrong = rensa(*args)
    assert wrong.code == USAGE and wrong.out == "" and message in wrong.err and "rensa help" in wrong.err
    wrong = rensa(*args, "--json") if args[-1:] != ["--node"] else rensa("--json", *args)
    assert wrong.error()["code"] == "usage"


def test_output_that_cannot_be_written_is_a_failure(rensa, alice):
    with open("/dev/full", "w") as full:
        done = subprocess.run([RENSA, "help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == LOCAL and b"standard output" in done.stderr


# Nodes that are away or misbehave -------------------------------------------------------------------------------------

ASKING = [["status"], ["peers"], ["blocks"], ["block", "1"], ["tx", ID], ["balance", "alice"]]
ASKING += [["mine", "--to", "alice"], ["send", "--from", "alice", "--to", "alice", "--amount", "1"]]


@pytest.mark.parametrize("args", ASKING, ids=" ".join)
def test_a_refused_connection_ends_with_3_and_names_the_url(rensa, alice, args):
    url = f"http://127.0.0.1:{closed_port()}"
    away = rensa("--node", url, *args)
    assert away.code == UNREACHABLE and away.out == "" and url in away.err and "is rensad running there?" in away.err
    assert rensa("--json", "--node", url, *args).error()["code"] == "unreachable"


def test_an_unknown_host_ends_with_3(rensa):
    away = rensa("status", "--node", "http://no-such-host.invalid:5000")
    assert away.code == UNREACHABLE and "no-such-host.invalid" in away.err


HOSTILE = {
    "nothing": Raw(b""),
    "no http": Raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "cut header": Raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut body": Raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"node":'),
    "empty": Reply(200, b""),
    "html": Reply(200, b"<html>", "text/html"),
    "cut json": Reply(200, b'{"network":'),
    "array": Reply(200, b"[]"),
    "number": Reply(200, b"1"),
    "null": Reply(200, b"null"),
    "no members": Reply(200, b"{}"),
    "nesting": Reply(200, b"[" * 100_000),
    "duplicate": Reply(200, b'{"peers":[],"peers":[]}'),
    "bad utf-8": Reply(200, b'{"node":"\xff"}'),
    "huge": Reply(200, b" " * (65 << 20) + b"{}"),
    "wrong types": Reply(
        200,
        {
            "network": [],
            "genesis": 1,
            "head": {},
            "height": "x",
            "peers": "many",
            "blocks": {"a": 1},
            "hash": None,
            "status": 7,
            "balance": "1",
            "next_sequence": -1,
        },
    ),
    "large numbers": Reply(
        200,
        b'{"network":{"address_version":256,"minimum_fee":-1},"genesis":"00",'
        b'"balance":1e400,"next_sequence":9007199254740993}',
    ),
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("args", ASKING, ids=" ".join)
def test_an_answer_that_is_none_ends_with_3_and_one_error_document(rensa, node, alice, args, reply):
    node.instead["GET", "*"] = [reply]
    wrong = rensa("--json", *args)
    assert wrong.code == UNREACHABLE
    assert wrong.error()["code"] in ("bad-answer", "unreachable")


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
def test_a_strange_answer_after_a_good_status_is_caught_too(rensa, node, alice, reply):
    for path in f"/addresses/{alice}", "/blocks":
        node.instead["GET", path] = [reply]
    node.instead["POST", "/mine"] = [reply]
    assert rensa("balance", "alice").code == UNREACHABLE
    assert rensa("send", "--from", "alice", "--to", "alice", "--amount", "1").code == UNREACHABLE
    assert rensa("mine").code == UNREACHABLE
    assert node.transfers == {}


@pytest.mark.parametrize(
    "reply, code, message",
    [
        (Reply(500, b"oops", "text/plain"), "refused", "HTTP status 500"),
        (Reply(404, {"error": "x"}), "refused", "HTTP status 404"),
        (Reply(403, {"error": {"code": 7, "message": ["x"]}}), "refused", "HTTP status 403"),
        (Reply(302, b"", "text/plain"), "refused", "HTTP status 302"),
        (error(429, "slow-down", "later, please"), "slow-down", "later, please"),
        (error(403, "x" * 5000, "y" * 50_000), "x" * 63, "y" * 100),
    ],
)
def test_a_refusal_in_any_form_ends_with_1(rensa, node, reply, code, message):
    node.instead["GET", "*"] = [reply]
    refused = rensa("--json", "status")
    assert refused.code == REFUSED
    assert refused.error()["code"] == code and message in refused.error()["message"]


EVIL = "a\x1b]0;owned\x07\x1b[2J\u009b31m\u202egnp\n\r\x00\u200b\U000e0041z"


def is_safe(text):
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\U000e0000-\U000e007f]", text)


def evil(value):
    """The same answer with every string made evil, except those the client checks."""
    if isinstance(value, dict):
        return {k: v if k in ("genesis", "network") and isinstance(v, str) else evil(v) for k, v in value.items()}
    if isinstance(value, list):
        return [evil(v) for v in value]
    return EVIL.replace("\x00", "") if isinstance(value, str) else value


@pytest.mark.parametrize("args", ASKING, ids=" ".join)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_nothing_that_a_node_says_steers_the_terminal(rensa, node, alice, args, as_json):
    rensa("send", "--from", "alice", "--to", "alice", "--amount", "1")
    node.mine({})
    node.transfers[ID] = {"transaction": {"memo": EVIL}, "status": "confirmed", "reason": "x", "height": 1}

    def twisted(path, body):
        reply = node.honest("GET" if not body else "POST", urlsplit(path), body)
        return Reply(reply.status, evil(json.loads(reply.body)))

    node.instead["GET", "*"] = node.instead["POST", "*"] = [twisted]
    shown = rensa(*(["--json"] if as_json else []), *args)
    assert is_safe(shown.out) and is_safe(shown.err)
    assert "owned" in shown.out + shown.err or args[0] in ("balance", "send")
    if as_json:
        json.loads(shown.out or shown.err)


def test_an_evil_refusal_is_one_safe_line(rensa, node):
    node.instead["GET", "*"] = [error(403, EVIL.replace("\x00", ""), EVIL.replace("\x00", ""))]
    refused = rensa("status")
    assert refused.code == REFUSED and is_safe(refused.err) and refused.err.count("\n") == 1
    refused = rensa("--json", "status")
    assert refused.code == REFUSED and is_safe(refused.err) and "owned" in refused.error()["message"]


def test_numbers_that_no_chain_has_are_shown_as_unknown(rensa, node):
    block = dict(node.blocks[0], timestamp=10**18, height=-1, nonce=1.5, transactions=7)
    node.instead["GET", "/blocks"] = [Reply(200, {"blocks": [block, {}, 1, None, []]})]
    shown = rensa("blocks")
    assert shown.code == DONE and shown.out.splitlines()[1].split()[:3] == ["?", "?", "7"]
    assert len(shown.out.splitlines()) == 6


def test_requests_name_the_host_and_carry_json(rensa, node, alice):
    rensa("mine", "--to", "alice")
    headers = node.seen("POST", "/mine")[0][3]
    assert headers["Host"] == node.url.removeprefix("http://") and headers["Content-Type"] == "application/json"


def test_a_host_by_name_works(rensa, node):
    assert rensa("status", "--node", node.url.replace("127.0.0.1", "localhost")).code == DONE


def test_nothing_is_asked_when_nobody_can_answer(rensa, alice):
    assert rensa("wallet", "import", "x", stdin=b"").err.count("secret key (WIF, not shown)") == 0
    assert rensa("send", "--from", "alice", "--to", "alice", "--amount", "1").code == DONE


def test_tools_for_operators_need_no_home(rensa, node, tmp_path):
    """A timer of systemd has none."""
    nowhere = {"RENSA_HOME": "", "HOME": ""}
    assert "where wallets are kept" in rensa("wallet", "list", env=nowhere).err
    for args in ["verify"], ["compact"], ["export", "chain"], ["import", "chain"]:
        done = rensa(*args, "--data", tmp_path / "none", env=nowhere)
        assert done.code == LOCAL and "wallets" not in done.err
    assert rensa("backup", "copy", "--node", f"http://127.0.0.1:{closed_port()}", env=nowhere).code == UNREACHABLE


# Watching a node ------------------------------------------------------------------------------------------------------


def syncing(height):
    """The status of a node on its way to 400, or there."""

    def reply(path, body):
        sync = {"active": height < 400, "height": height, "target": 400, "percent": height // 4}
        sync |= {"blocks_per_second": 50, "seconds_left": (400 - height) // 50}
        facts = {"height": height, "peers": {"up": 2}, "pool": {"transactions": 7}}
        return Reply(200, facts | ({"sync": sync} if height < 400 else {"sync": {"active": False, "height": 0, "target": 0}}))

    return reply


class Watch:
    """rensa status --watch, until closed by a signal."""

    def __init__(self, node, *args, stdout=subprocess.PIPE):
        env = {"PATH": os.environ["PATH"], "RENSA_NODE": node.url, "HOME": "/nonexistent"}
        for key in "ASAN_OPTIONS", "UBSAN_OPTIONS":
            env[key] = ":".join(filter(None, [os.environ.get(key), "exitcode=99"]))
        self.process = subprocess.Popen([RENSA, *args, "status", "--watch"], stdout=stdout, stderr=subprocess.PIPE, env=env)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60), self.process.stderr.read()


def test_watch_prints_a_line_a_second_until_ctrl_c(node):
    node.instead[("GET", "/status")] = [syncing(100), syncing(250), syncing(400)]
    watch = Watch(node)
    lines = [watch.process.stdout.readline().decode() for _ in range(3)]
    assert lines == [
        "height 100 of 400 (25 %), 50 blocks/s, 6 s left, 2 peers up, 7 transfers pending\n",
        "height 250 of 400 (62 %), 50 blocks/s, 3 s left, 2 peers up, 7 transfers pending\n",
        "height 400, 2 peers up, 7 transfers pending\n",
    ]
    assert watch.interrupt() == (DONE, b"")


def test_watch_has_a_json_form_of_one_document_a_line(node):
    node.instead[("GET", "/status")] = [syncing(100), syncing(250)]
    watch = Watch(node, "--json")
    documents = [json.loads(watch.process.stdout.readline()) for _ in range(2)]
    assert [d["height"] for d in documents] == [100, 250]
    assert documents[0]["sync"]["percent"] == 25
    assert watch.interrupt() == (DONE, b"")


def test_watch_redraws_in_place_on_a_terminal(node):
    node.instead[("GET", "/status")] = [syncing(100), syncing(250)]
    ours, theirs = os.openpty()
    watch = Watch(node, stdout=theirs)
    os.close(theirs)
    seen = b""
    while b"height 250" not in seen:
        seen += os.read(ours, 4096)
    assert seen.startswith(b"\rheight 100 of 400 ")
    assert b"\x1b[K\rheight 250" in seen and b"\n" not in seen
    assert watch.interrupt() == (DONE, b"")
    assert os.read(ours, 4096).endswith(b"\n")
    os.close(ours)


def test_watch_ends_when_the_node_is_gone_or_none(rensa, node):
    node.instead[("GET", "/status")] = [syncing(100), Reply(503, {"error": {"code": "loading", "message": "soon"}})]
    run = rensa("status", "--watch")
    assert run.code == REFUSED and run.out.startswith("height 100 ") and "soon" in run.err
    node.instead[("GET", "/status")] = [Reply(200, {"sync": 3})]
    run = rensa("--json", "status", "--watch")
    assert run.code == UNREACHABLE and run.error()["code"] == "bad-answer"
