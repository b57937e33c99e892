"""Whoever listens is told what happens, and goes on where it was, whatever became of the connection or the node."""

import http.client
import json
import os
import pathlib
import select
import signal
import socket
import subprocess

import pytest

from listener import Listener
from net import SANITIZED, wait_until

ALONE = {"scan_hosts": None, "scan_ports": None}


def blocks_of(node, first):
    return [{"height": b["height"], "hash": b["hash"]} for b in node.chain()["chain"][first:]]


def replaced(net, node, role, gone):
    net.wait_until(f"another {role} is there", lambda: gone["pid"] not in {row["pid"] for row in node.roles(role)} and node.roles(role))


def test_a_listener_hears_of_blocks_transfers_and_peers(net, alice, bob):
    one, two = net.node(hosts=2).start(), net.node(hosts=2)
    heard = Listener(one)
    mined = one.mine(alice.address, 3)
    sent = one.send(alice.transfer(one.genesis(), bob, 5))["id"]
    heard.wait_transaction(sent, "pending")
    mined += one.mine(alice.address)
    heard.wait_block(mined[-1])
    assert heard.told("block") == mined
    assert [tx["status"] for tx in heard.told("transaction")] == ["pending", "confirmed"]
    confirmed = {"id": sent, "status": "confirmed", "height": 4, "block": mined[-1]["hash"]}
    assert heard.told("transaction")[-1] == confirmed
    # The transfer first, then the block that brought it.
    told = [event for event in heard.events if event[0] != "peer"]
    assert told[-2:] == [("transaction", confirmed), ("block", mined[-1])]

    two.start()
    where = f"{two.host}:{two.port}"

    def is_up():
        return any(p["address"] == where and p["state"] == "up" and p["node"] == two.name for p in heard.told("peer"))

    heard.wait("that a peer is up", is_up)
    two.stop()
    heard.wait("that it is gone", lambda: [p["state"] for p in heard.told("peer") if p["address"] == where][-1] != "up")
    heard.leave()


def test_who_comes_back_with_the_last_id_misses_nothing(net, alice, bob):
    """Ten breaks: plain ones, other workers, the workers killed or replaced, the pool process killed."""
    node = net.node(discovery=ALONE).start()
    node.mine(alice.address, 2)
    blocks, transfers, sent, last = [], [], [], None
    for lap in range(10):
        heard = Listener(node, last)
        if lap % 5 == 1:
            gone = node.kill_role("worker")
            replaced(net, node, "worker", gone)
        elif lap % 5 == 2:
            node.configure("resolver", interval=f"{lap}s")
            node.process.send_signal(signal.SIGHUP)
            heard.wait("to come back", lambda h=heard: h.is_ended)
        elif lap % 5 == 3:
            replaced(net, node, "pool", node.kill_role("pool"))
        # Each break comes somewhere in the middle of this.
        sent.append(node.send(alice.transfer(node.genesis(), bob, 1 + lap))["id"])
        heard.wait("of a transfer, or to come back", lambda h=heard: h.is_ended or h.told("transaction"))
        node.mine(alice.address, 1 + lap)
        if lap % 5 == 4:
            heard.wait_block(blocks_of(node, -1)[0])
        last = heard.leave()
        blocks += heard.told("block")
        transfers += heard.told("transaction")
    heard = Listener(node, last)
    heard.wait("of the rest", lambda: blocks + heard.told("block") == blocks_of(node, 3))
    transfers += heard.told("transaction")
    confirmed = [tx["id"] for tx in transfers if tx["status"] == "confirmed"]
    # A break between a block and its transfers tells those again.
    assert sorted(set(confirmed)) == sorted(sent)
    assert not heard.told("reorganisation") and not heard.told("reset")
    heard.leave()


def test_an_id_outlives_the_node(net, alice, bob):
    node = net.node(discovery=ALONE).start()
    node.mine(alice.address, 2)
    heard = Listener(node)
    mined = node.mine(alice.address)
    heard.wait_block(mined[-1])
    node.send(alice.transfer(node.genesis(), bob, 1))
    node.stop()
    heard.wait("that the node stops", lambda: heard.is_ended)
    last = heard.leave()
    node.start()
    pending = node.send(alice.transfer(node.genesis(), bob, 2))["id"]
    heard = Listener(node, last)
    heard.wait_transaction(pending, "pending")
    mined = node.mine(alice.address, 2)
    heard.wait_block(mined[-1])
    assert heard.told("block") == mined
    last = heard.leave()

    mined = node.mine(alice.address, 3)
    node.kill()
    node.wait_gone()
    node.start()
    heard = Listener(node, last)
    heard.wait_block(mined[-1])
    assert heard.told("block") == mined and not heard.told("reset")
    heard.leave()


def test_a_longer_chain_is_told_as_a_reorganisation(net, alice, bob):
    """The two make their chains apart; then the second comes up beside the first."""
    two = net.node(discovery=ALONE).start()
    two.mine(bob.address, 4)
    two.stop()
    one = net.node(discovery=ALONE | {"peers": f"{two.host}:{two.port}"}).start()
    before = one.mine(alice.address)
    heard = Listener(one)
    lost = one.mine(alice.address, 2)
    heard.wait_block(lost[-1])
    sleeper = Listener(one).leave()
    two.start()
    net.wait_agree([one, two], 4)
    new = blocks_of(two, 1)
    heard.wait_block(new[-1])
    told = [event for event in heard.events if event[0] in ("block", "reorganisation")]
    genesis = blocks_of(two, 0)[0]
    swap = ("reorganisation", {"depth": 3, "fork": genesis, "old": lost[-1], "new": new[-1]})
    assert told == [("block", b) for b in lost] + [swap] + [("block", b) for b in new]
    assert not [block for block in before + lost if block in new]
    heard.leave()

    # Who was away meanwhile hears the same.
    heard = Listener(one, sleeper)
    heard.wait_block(new[-1])
    assert [event for event in heard.events if event[0] in ("block", "reorganisation")] == [swap] + [("block", b) for b in new]
    heard.leave()

    # After a restart the lost block is known no more.
    one.stop()
    one.start()
    heard = Listener(one, sleeper)
    heard.wait("to read anew", lambda: heard.told("reset"))
    assert heard.told("reset") == [{"unknown": lost[-1]["hash"], **new[-1]}]
    heard.leave()


def memory_of(pid):
    """KiB of the process's own."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")))


def all_readable(sockets):
    return len(select.select(sockets, [], [], 0)[0]) == len(sockets)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_readers_that_do_not_read_cost_one_piece_each(net, alice):
    node = net.node(http={"workers": 1, "request_timeout": "10m"}, network={"difficulty": 1}, discovery=ALONE).start()
    node.mine(alice.address, 6000)
    start = blocks_of(node, 0)[0]["hash"]
    first = Listener(node, query=f"?since={start}")
    first.wait_block(blocks_of(node, -1)[0])
    worker = node.role("worker")["pid"]
    before = memory_of(worker)
    readers = []
    for _ in range(100):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((node.host, node.port))
        reader.sendall(f"GET /events?since={start} HTTP/1.0\r\n\r\n".encode())
        readers.append(reader)
    net.wait_until("all are being told", lambda: all_readable(readers))
    mined = node.mine(alice.address, 1000)
    first.wait_block(mined[-1])
    # The whole story is 1.9 MB to each. A piece is 64 KiB and what fills it up, 16 KiB.
    grown = memory_of(worker) - before
    assert grown < 100 * 160, f"{grown} KiB for 100 readers"
    for reader in readers:
        reader.close()
    first.leave()


def test_a_worker_takes_only_so_many_listeners(net):
    node = net.node(http={"workers": 1, "max_connections": 11}, discovery=ALONE).start()
    heard = [Listener(node) for _ in range(3)]
    reply = node.request("GET", "/events")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "too-many-listeners")
    assert reply.headers["Retry-After"]
    heard.pop().leave()

    def has_room():
        connection = http.client.HTTPConnection(node.host, node.port)
        connection.request("GET", "/events")
        status = connection.getresponse().status
        connection.close()
        return status == 200

    net.wait_until("there is room again", has_room)
    for listener in heard:
        assert not listener.is_ended
        listener.leave()


def test_a_silent_stream_lives_longer_than_any_request(net, alice):
    node = net.node(http={"workers": 1, "request_timeout": "1s"}, discovery=ALONE).start()
    heard = Listener(node)
    heard.wait("that there is nothing", lambda: heard.comments)
    mined = node.mine(alice.address)
    heard.wait_block(mined[0])
    node.stop()
    wait_until("the stream ends with the node", lambda: heard.is_ended)
    heard.leave()


def watching(node, *args):
    command = [os.environ["RENSA"], "--node", node.base, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_client_watches_and_waits_for_a_node_that_is_away(net, alice, bob):
    node = net.node(discovery=ALONE).start()
    before = node.mine(alice.address, 2)
    lines = watching(node, "watch", "--since", before[0]["hash"], "--count", "5")
    told = [lines.stdout.readline()]
    node.stop()
    node.start()
    sent = node.send(alice.transfer(node.genesis(), bob, 5))["id"]
    # It is back when it has heard of the transfer.
    told.append(lines.stdout.readline())
    mined = node.mine(alice.address, 2)
    told += lines.stdout.readlines()
    assert (lines.wait(), lines.stderr.read()) == (0, "")
    assert told == [
        f"block 2 {before[1]['hash']}\n",
        f"transaction {sent} pending\n",
        f"transaction {sent} confirmed in block 3\n",
        f"block 3 {mined[0]['hash']}\n",
        f"block 4 {mined[1]['hash']}\n",
    ]

    documents = watching(node, "--json", "watch", "--only", "block", "--since", before[0]["hash"], "--count", "3")
    told = [json.loads(line) for line in documents.stdout]
    assert documents.wait() == 0
    assert [(event["event"], event["data"]) for event in told] == [("block", b) for b in [before[1], *mined]]
    # The id of one is where another goes on.
    documents = watching(node, "--json", "watch", "--only", "block", "--since", told[1]["id"], "--count", "1")
    again = json.loads(documents.stdout.read())
    assert (again["event"], again["data"]) == ("block", mined[1])
    assert documents.wait() == 0


def test_the_client_says_what_it_cannot_watch(net):
    node = net.node(discovery=ALONE).start()
    refused = watching(node, "watch", "--only", "blocks")
    assert refused.wait() == 1 and "only takes a list" in refused.stderr.read()
    assert watching(node, "watch", "--count", "0").wait() == 2
    node.stop()
    away = watching(node, "watch")
    assert away.wait() == 3 and away.stdout.read() == ""
