"""How nodes find one another: scans, what peers tell, what is remembered, who is kept, and why others are not.

Most of this needs hosts with addresses of their own, and so runs in network namespaces. Times are printed, never judged;
what is counted is counted on the wire or by the fake peers themselves.
"""

import contextlib
import datetime
import http.server
import json
import os
import re
import socket
import struct
import threading
import time

import pytest

from chainmaker import PARAMS, Chain
from fakepeer import FakePeer
from net import wait_until
from netns import Switch, ip
from tools import rensa

NETWORK = {"name": "test", "difficulty": 8, "retarget": "fixed"}
CHAIN = Chain(PARAMS | NETWORK)
FOUND_BY_NOTHING = {"scan_hosts": None, "scan_ports": None}


def switch_of(count, **options):
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    return Switch(count, **options)


@pytest.fixture
def hosts(net):
    """hosts(count, prefix) makes that many hosts on one switch; nodes on them end before they go."""
    made = []

    def make(count, **options):
        made.append(switch_of(count, **options))
        return made[-1].hosts

    yield make
    wrong = net.clean_up()
    for switch in made:
        switch.close()
    assert not wrong, "\n".join(wrong)


def widen(host, bits):
    """The host's network reaches further than its /24."""
    ip("-n", host.name, "addr", "add", f"{host.address}/{bits}", "dev", "eth0")


def node_on(net, host, port=5000, **changes):
    discovery = FOUND_BY_NOTHING | {"interval": "1s"} | changes.pop("discovery", {})
    return net.node(host=host.address, port=port, namespace=host, discovery=discovery, **changes)


class Counter:
    """Counts the TCP connects (SYN) and ARP questions that leave a host, by asking its interface for copies of frames."""

    def __init__(self, host, device="eth0"):
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: no frame of a burst is lost
            self.socket.bind((device, 0))
        self.socket.settimeout(0.1)
        self.syns, self.asked, self.running = [], [], True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                frame, source = self.socket.recvfrom(2048)
            except TimeoutError:
                if self.running:
                    continue
                return  # what was sent before close() is all read
            if source[2] != socket.PACKET_OUTGOING:
                continue
            kind = struct.unpack(">H", frame[12:14])[0]
            if kind == 0x0806 and frame[20:22] == b"\0\1":
                self.asked.append((time.monotonic(), frame[38:42]))
            elif kind == 0x0800 and frame[23] == 6 and frame[14] == 0x45 and frame[47] & 0x12 == 0x02:
                self.syns.append((time.monotonic(), frame[30:34] + frame[36:38]))

    def close(self):
        self.running = False
        self.thread.join()
        self.socket.close()


def most_within(times, seconds):
    """The most events in any span of that length."""
    most, first = 0, 0
    for last, when in enumerate(times):
        while when - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def neighbour_overflows():
    """How often the kernel's neighbour table was full, on this machine and ever."""
    with open("/proc/net/stat/arp_cache") as file:
        names, *cores = (line.split() for line in file)
    return sum(int(core[names.index("table_fulls")], 16) for core in cores)


def probes_in_log(node):
    return re.findall(r"probe: (\S+): (\w+)", node.log())


# Scanning


def test_a_scan_of_silent_hosts_ends_soon_and_requests_do_not_wait_for_it(net, hosts):
    """254 hosts with three ports each behind a gateway that drops everything."""
    one, gateway = hosts(2)
    ip("-n", one.name, "route", "add", "10.98.0.0/16", "via", gateway.address)
    # The gateway knows no way on, and says nothing of it.
    ip("-n", gateway.name, "route", "add", "blackhole", "10.98.0.0/16")
    counter = Counter(one)
    scan = {"scan_hosts": "10.98.0.0/24", "scan_ports": "5000-5002", "scan_rate": "1000", "interval": "1h"}
    node = node_on(net, one, discovery=scan).spawn()
    longest = 0
    node.wait_ready()

    def is_through():
        nonlocal longest
        began = time.monotonic()
        node.status()
        longest = max(longest, time.monotonic() - began)
        return len(probes_in_log(node)) >= 762

    wait_until("all addresses are probed", is_through, pause=0.01)
    counter.close()
    probed = probes_in_log(node)
    assert len(probed) == 762 and len({address for address, _ in probed}) == 762
    assert {what for _, what in probed} <= {"silent", "unreachable"}
    first_try = {}
    for when, to in counter.syns:
        first_try.setdefault(to, when)
    assert len(first_try) == 762
    times = sorted(first_try.values())
    lines = [line for line in node.log().splitlines() if "probe: " in line]
    end = datetime.datetime.fromisoformat(re.search(r"ts=(\S+)Z", lines[-1])[1] + "+00:00").timestamp()
    began = times[0] + time.time() - time.monotonic()
    print(f"762 probes sent within {times[-1] - times[0]:.2f} s, at most {most_within(times, 1)} in a second, "
          f"through after {end - began:.2f} s; longest GET /status meanwhile {longest * 1000:.0f} ms")
    # A second's worth, and the half that may be saved up before.
    assert most_within(times, 1) <= 1500 + 20


def test_a_scan_larger_than_a_round_goes_on_in_the_next_and_finds_one_node_among_absent_ones(net, hosts):
    """A /16 on the link itself: the neighbour table has room for 1,024, and the scan would try 1,000 a second."""
    one, other = hosts(2, prefix="10.97.6")
    for host in (one, other):
        widen(host, 16)
    there = node_on(net, other).start()
    counter, overflows = Counter(one), neighbour_overflows()
    scan = {"scan_hosts": "10.97.0.0/16", "scan_ports": "5000", "scan_rate": "1000", "interval": "1s"}
    node = node_on(net, one, discovery=scan).start()
    began = time.monotonic()
    row = net.wait_until("the one node is found", lambda: node.peers().get(f"{other.address}:5000"), seconds=120)
    assert row["state"] == "up"
    found_after = time.monotonic() - began
    rounds = node.rounds("discovery")
    counter.close()
    hosts_asked = {}
    for when, address in counter.asked:
        hosts_asked.setdefault(address, when)
    times = sorted(hosts_asked.values())
    print(f"found after {found_after:.1f} s and {rounds} rounds; {len(times)} hosts asked for, "
          f"at most {most_within(times, 3.4)} new ones in 3.4 s; "
          f"the machine's neighbour table overflowed {neighbour_overflows() - overflows} times")
    assert rounds >= 2 and there.peers_up()
    # 10.97.6.2 is number 1,538: all before it were asked for, as the wire has it, and no faster than they may be.
    assert len(times) >= 1500
    # 800 are let out in 3.5 s; on a busy machine the last of them leave late, and the next ones do not.
    assert most_within(times, 3) < 1000
    assert len(probes_in_log(node)) < 65534


# What peers tell


def test_three_in_a_row_find_one_another_from_one_static_peer(net, hosts):
    a, b, c = hosts(3)
    middle = node_on(net, b).start()
    ends = [node_on(net, host, discovery={"peers": f"{b.address}:5000"}).start() for host in (a, c)]
    net.wait_met([middle, *ends])
    assert ends[0].peers()[f"{c.address}:5000"]["source"] in ("peer", "hint")
    assert middle.peers()[f"{a.address}:5000"]["source"] == "hint"
    told = middle.post("/peer/peers", {})
    assert sorted(told["peers"]) == [f"{a.address}:5000", f"{c.address}:5000"]


def test_nodes_of_ipv6_tell_one_another_too(net, hosts):
    made = hosts(3)
    for k, host in enumerate(made):
        ip("-n", host.name, "addr", "add", f"fd00:99::{k + 1}/64", "dev", "eth0", "nodad")
    addresses = [f"[fd00:99::{k + 1}]" for k in range(3)]
    discovery = FOUND_BY_NOTHING | {"interval": "1s"}
    nodes = []
    for address, host in zip(addresses, made):
        peers = {"peers": f"{addresses[1]}:5000"} if host is not made[1] else {}
        nodes.append(net.node(host=address, port=5000, namespace=host, discovery=discovery | peers))
        nodes[-1].spawn()
    net.wait_met(nodes)
    assert nodes[0].peers()[f"{addresses[2]}:5000"]["state"] == "up"


class Teller(FakePeer):
    """Tells whatever it is given."""

    told = []

    def peers(self, _):
        return json.dumps({"peers": self.told}).encode()


@pytest.fixture
def fakes():
    made = []
    yield made
    for fake in made:
        fake.close()


def local(net, fakes, kind=FakePeer, place=9, **changes):
    """A node whose one static peer is a fake one on this host, which is made first."""
    fake = kind(net.host(place), net.port + place, CHAIN)
    fakes.append(fake)
    discovery = FOUND_BY_NOTHING | {"interval": "1s", "peers": fake.address} | changes.pop("discovery", {})
    return net.node(network=NETWORK, discovery=discovery, **changes), fake


def test_told_addresses_are_verified_first_and_those_of_this_host_are_not_even_tried(net, fakes):
    node, fake = local(net, fakes, Teller)
    other = FakePeer(net.host(10), net.port + 10, CHAIN)  # a node like any other, which nobody named
    fakes.append(other)
    fake.told = [other.address, "169.254.1.1:5000", "0.0.0.0:5000", "nonsense", f"{fake.host}:{net.port + 11}"]
    node.start()
    net.wait_until("the fake one is asked several times", lambda: fake.asked["peers"] > 2)
    # The last is the named host on another port, where nobody listens: tried, and no peer.
    row = net.wait_until("it is tried", lambda: node.peers().get(fake.told[4]))
    assert row["state"] == "refused" and row["source"] == "peer"
    assert other.asked["hello"] == 0
    assert set(node.peers()) == {fake.address, fake.told[4]}
    assert [row["address"] for row in node.peers_up()] == [fake.address]


# Back-off


def test_an_address_that_fails_is_tried_ever_less_often_and_at_once_when_it_calls(net, fakes):
    node, fake = local(net, fakes, Teller)
    port = net.port + 12
    fake.told = [f"{fake.host}:{port}"]
    node.start()
    address = fake.told[0]
    row = net.wait_until("it has failed three times", lambda: (r := node.peers().get(address)) and r["failures"] >= 3 and r)
    assert row["state"] == "refused" and row["next_try"] - row["checked"] >= 3 * 1000 - 1
    static = node.peers()[fake.address]
    assert static["failures"] == 0 and static["state"] == "up"
    # It comes up, and says so itself.
    late = node_beside(net, fake.host, port, node).start()
    net.wait_until("both are up", lambda: node.peers().get(address, {}).get("state") == "up" and late.peers_up())
    assert node.peers()[address]["failures"] == 0


def node_beside(net, host, port, other):
    discovery = FOUND_BY_NOTHING | {"interval": "1s", "peers": f"{other.host}:{other.port}"}
    return net.node(network=NETWORK, host=host, port=port, discovery=discovery)


def test_a_static_peer_that_is_away_is_asked_at_least_every_third_round(net):
    address = f"{net.host(9)}:{net.port + 9}"
    node = net.node(network=NETWORK, discovery=FOUND_BY_NOTHING | {"interval": "1s", "peers": address}).start()
    row = net.wait_until("it has failed often", lambda: (r := node.peers().get(address)) and r["failures"] >= 4 and r)
    assert row["state"] == "refused" and 0 < row["next_try"] - row["checked"] <= 3000
    text = rensa("peers", "--node", node.base).out
    assert re.search(rf"{re.escape(address)} +refused .* s +\d+ s +static", text), text


# Who is kept


class ManyHosts:
    """One server behind every address of this namespace's loopback; each is the same node, or each another."""

    def __init__(self, host, port, is_one):
        many = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                reply = b'{"peers":[]}'
                if self.path == "/peer/hello":
                    own = self.connection.getsockname()[0]
                    many.greeted.add(own)
                    nonce = 1 if is_one else int.from_bytes(socket.inet_aton(own), "big")
                    reply = many.hello(nonce)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024

        self.greeted, self.port = set(), port
        with host.inside():
            self.server = Server(("0.0.0.0", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def hello(self, nonce):
        head = CHAIN.head
        members = {"protocol": 1, "software": "fake/1", "node": "fake", "nonce": f"{nonce:016x}"}
        members |= {"genesis": CHAIN.network.hex(), "parameters": CHAIN.params, "port": self.port, "advertise": ""}
        members |= {"head": {"height": 0, "hash": head.hash.hex(), "work": f"{CHAIN.work:064x}"}}
        return json.dumps(members | {"timestamp": int(time.time() * 1000)}).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.mark.parametrize("is_one, most", [(True, 1), (False, 32)], ids=["one node", "a node each"])
def test_a_thousand_addresses_have_no_more_than_their_groups_share(net, hosts, is_one, most):
    one, honest_host = hosts(2)
    honest = node_on(net, honest_host, network=NETWORK).start()
    many = ManyHosts(one, 7000, is_one)
    try:
        scan = {"scan_hosts": "127.9.0.0-127.9.3.231", "scan_ports": "7000", "peers": f"{honest_host.address}:5000"}
        node = node_on(net, one, network=NETWORK, discovery=scan).start()
        net.wait_until("all thousand were met", lambda: len(many.greeted) == 1000)
        rounds = node.rounds("discovery")
        net.wait_until("two more rounds", lambda: node.rounds("discovery") > rounds + 1)
        peers = node.peers()
        states = [row["state"] for address, row in peers.items() if address.startswith("127.9.")]
        print({state: states.count(state) for state in set(states)})
        assert states.count("up") == most
        assert set(states) <= {"up", "spare", "same-node"}
        # They have a part of the table, and not the rest of it.
        assert len(states) <= 192
        assert peers[f"{honest_host.address}:5000"]["state"] == "up"
        reasons = {row["reason"] for row in peers.values() if row["state"] in ("spare", "same-node")}
        assert all(re.match(r"the same node as 127\.9\.|in reserve: 127\.9\.0\.0/16 has its share of 32 peers", r) for r in reasons)
    finally:
        many.close()
    assert honest.peers_up()


# What is remembered


def test_known_peers_are_tried_first_after_a_restart(net, hosts):
    a, b, c = hosts(3)
    middle = node_on(net, b).start()
    ends = [node_on(net, host, discovery={"peers": f"{b.address}:5000"}).start() for host in (a, c)]
    net.wait_met([middle, *ends])
    first, last = ends
    first.stop()
    assert (first.data_dir / "peers").stat().st_mode & 0o777 == 0o600
    # Its only named peer is away now, and the other one knows nothing of it.
    middle.stop()
    last.configure("discovery", peers=None)
    last.stop()
    (last.data_dir / "peers").unlink()
    last.start()
    first.start()
    net.wait_until("it has found the other again", lambda: len(first.peers_up()) == 1 and len(last.peers_up()) == 1)
    assert first.log_has("discovery: 2 addresses known from before")


def test_a_damaged_file_of_peers_is_named_and_not_used(net, fakes):
    node, fake = local(net, fakes)
    node.start()
    net.wait_until("it has a peer", node.peers_up)
    node.stop()
    file = node.data_dir / "peers"
    data = bytearray(file.read_bytes())
    assert data[:8] == b"RENSAPRS" and len(data) == 46 + 27 + 4
    assert data[46] == 4 and socket.inet_ntoa(bytes(data[47:51])) == fake.host
    assert int.from_bytes(data[63:65], "big") == fake.port
    data[50] ^= 1
    file.write_bytes(data)
    node.start()
    net.wait_until("it has a peer", node.peers_up)
    assert node.log_has("level=warn", "the peers known from before are not used", str(file), "damaged")
    assert not node.log_has("known from before are", "level=error")
    node.stop()
    data[50] ^= 1
    # Only the time at which it was met may differ.
    assert file.read_bytes()[:65] == data[:65]


# Listening here, reached there


class Forwarder:
    """A port of one host that leads to another's, as a router does it."""

    def __init__(self, host, port, to_host, to):
        with host.inside():
            self.listener = socket.create_server((host.address, port))
        self.host, self.to_host, self.to, self.count = host, to_host, to, 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.count += 1
                with self.to_host.inside():
                    server = socket.create_connection(self.to)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def test_heights_of_peers_follow_the_chain_before_the_next_round(net, alice):
    scan = net.scanning() | {"interval": "1h"}
    nodes = [net.node(discovery=scan | {"peers": f"{net.host(1)}:{net.port + 1}"}) for _ in range(2)]
    for node in nodes:
        node.spawn()
    net.wait_met(nodes)
    nodes[0].mine(alice.address, 3)
    net.wait_agree(nodes, 3)
    for one, other in (nodes, nodes[::-1]):
        net.wait_until("it shows the height", lambda: one.peers()[f"{other.host}:{other.port}"]["height"] == 3)
        assert one.rounds("discovery") <= 10


def test_a_node_behind_a_forwarded_port_is_reached_where_it_advertises(net, hosts, alice):
    inside, router, outside, further = hosts(4)
    # The inner node listens on its loopback alone, so nobody outside can reach it but by the router.
    forwarder = Forwarder(router, 7777, inside, ("127.0.0.1", 6000))
    try:
        reached = node_on(net, outside).start()
        hidden = net.node(
            host="127.0.0.1", port=5000, namespace=inside,
            peers={"listen": "127.0.0.1:6000", "advertise": f"{router.address}:7777"},
            discovery=FOUND_BY_NOTHING | {"interval": "1s", "peers": f"{outside.address}:5000"},
        ).start()
        other = node_on(net, further, discovery={"peers": f"{outside.address}:5000"}).start()
        at = f"{router.address}:7777"
        for node in (reached, other):
            net.wait_until("it is up there", lambda n=node: n.peers().get(at, {}).get("state") == "up")
        assert forwarder.count > 0
        # Told its own address by the others, it knows itself.
        net.wait_until("it knows itself", lambda: hidden.peers().get(at, {}).get("state") == "self")
        hidden.mine(alice.address, 2)
        net.wait_agree([reached, hidden, other], 2)
    finally:
        forwarder.close()


# Why not


class OtherHello(FakePeer):
    changes = {}

    def hello(self, body):
        return json.dumps(json.loads(super().hello(body)) | self.changes).encode()


def test_every_address_says_what_it_is_and_why_not(net, fakes):
    host = net.host(30)
    params = dict(CHAIN.params)
    kinds = {
        21: ("other-network", 'its network is "elsewhere"', {"parameters": params | {"name": "elsewhere"}}),
        22: ("other-genesis", "[network] reward differs", {"parameters": params | {"reward": 7}, "genesis": "77" * 32}),
        23: ("other-protocol", "too old: it speaks protocol 0", {"protocol": 0}),
        24: ("other-protocol", "too new: it speaks protocol 9", {"protocol": 9}),
        25: ("up", "", {}),
        26: ("same-node", f"the same node as {host}:{net.port + 25}", {}),
        27: ("no-node", "its handshake is malformed", {"head": 5}),
    }
    for place, (_, _, changes) in kinds.items():
        fake = OtherHello(host, net.port + place, CHAIN)
        fake.changes = changes if place != 26 else {"nonce": fakes[-1].nonce}
        fakes.append(fake)
    silent = socket.create_server((host, net.port + 28))
    node = net.node(network=NETWORK, place=1)
    kinds[28] = ("silent", "", None)
    kinds[29] = ("refused", "", None)
    addresses = [f"{host}:{net.port + place}" for place in kinds]
    own = f"{node.host}:{node.port}"
    node.configure("discovery", scan_hosts=None, scan_ports=None, interval="1s", peers=", ".join([*addresses, own]))
    node.start()

    def are_known():
        rows = node.peers()
        return rows.keys() == {*addresses, own} and all(row["state"] != "unknown" for row in rows.values()) and rows

    rows = net.wait_until("all are known", are_known)
    assert rows[own]["state"] == "self" and rows[own]["reason"] == "this node itself"
    # Of the two addresses of one node the one that answered first is its address.
    if rows[f"{host}:{net.port + 26}"]["state"] == "up":
        kinds[26] = kinds[25]
        kinds[25] = ("same-node", f"the same node as {host}:{net.port + 26}", {})
    text = rensa("peers", "--node", node.base).out
    for place, (state, reason, _) in kinds.items():
        row = rows[f"{host}:{net.port + place}"]
        assert row["state"] == state and row["reason"].startswith(reason), row
        line = next(line for line in text.splitlines() if row["address"] in line)
        assert f" {state} " in line and reason in line, line
        assert row["source"] == "static" and row["next_try"] >= row["checked"]
    assert len(node.peers_up()) == 1
    silent.close()


# Clocks


class Skewed(FakePeer):
    ahead_ms = 0

    def hello(self, body):
        hello = json.loads(super().hello(body))
        return json.dumps(hello | {"timestamp": hello["timestamp"] + self.ahead_ms}).encode()


def test_clocks_that_part_are_said_once_and_again_when_they_agree(net, fakes):
    peers = [Skewed(net.host(9), net.port + 9 + k, CHAIN) for k in range(3)]
    fakes += peers
    peers[0].ahead_ms = 1_000_000_000  # one that is wrong alone moves nothing
    node = net.node(network=NETWORK, discovery=FOUND_BY_NOTHING | {"interval": "1s", "peers": ", ".join(p.address for p in peers)})
    node.start()
    net.wait_until("all are up", lambda: len(node.peers_up()) == 3)
    rounds = node.rounds("discovery")
    net.wait_until("two rounds", lambda: node.rounds("discovery") > rounds + 1)
    assert abs(node.status()["peers"]["skew_ms"]) < 25_000
    assert "agrees with the peers'" in rensa("status", "--node", node.base).out
    assert not node.log_has("discovery: the clock of this host")

    peers[1].ahead_ms = peers[2].ahead_ms = 60_000
    net.wait_until("it is said", lambda: node.log_has("level=warn", "discovery: the clock of this host is", "behind those of its peers"))
    assert 55_000 < node.status()["peers"]["skew_ms"] < 65_000
    assert re.search(r"clock +\d\d s behind the peers'", rensa("status", "--node", node.base).out)
    rounds = node.rounds("discovery")
    net.wait_until("two rounds", lambda: node.rounds("discovery") > rounds + 1)
    assert node.log().count("discovery: the clock of this host") == 1

    peers[1].ahead_ms = peers[2].ahead_ms = 0
    net.wait_until("that too is said", lambda: node.log_has("level=info", "discovery: the clocks of this host and its peers agree again"))


# Names


def test_a_name_with_many_addresses_is_looked_up_anew_each_round(net, hosts):
    """A hosts file of the test's own stands in for the name server: the node sees it change."""
    a, b, c = hosts(3)
    names = net.folder / "hosts"
    names.write_text(f"{b.address} nodes.test\n")
    nodes = [node_on(net, host).start() for host in (b, c)]
    node = node_on(net, a, discovery={"dns": "nodes.test:5000"})
    command = node.command()
    node.command = lambda: ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                            f'mount --bind {names} /etc/hosts && exec "$@"', "sh", *command]
    node.start()
    net.wait_until("the first is up", lambda: node.peers().get(f"{b.address}:5000", {}).get("state") == "up")
    assert node.peers()[f"{b.address}:5000"]["source"] == "dns"
    # Now the name stands for both; written in place, since the mount holds on to the file.
    with open(names, "a") as file:
        file.write(f"{c.address} nodes.test\n")
    row = net.wait_until("the second is up", lambda: (r := node.peers().get(f"{c.address}:5000")) and r["state"] == "up" and r)
    assert row["source"] in ("dns", "hint")
    net.wait_until("that one knows who called", nodes[1].peers_up)
