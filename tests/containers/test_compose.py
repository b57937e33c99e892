"""The three nodes of docker-compose.yml, for real: they come up, agree, and lose nothing, whatever happens to their containers."""

import itertools
import json
import re

import pytest

from docker import IMAGE, Checkout
from ground import wait_until

COIN = 100_000_000
SERVICES = ["blockchain_server1", "blockchain_server2", "blockchain_server3"]
CONTAINERS = ["blockchain_server5000", "blockchain_server5001", "blockchain_server5002"]
PORTS = [5000, 5001, 5002]
NETWORK = "blockchain_network"
# A limit of open files that every host seen so far allows.
NOFILE_ALLOWED = 20_000


class Nodes:
    """The nodes as their user has them: by docker-compose, by the client in the containers, and by the published ports."""

    def __init__(self, docker, checkout):
        self.docker, self.checkout, self.net = docker, checkout, "172.16"

    def compose(self, *words, **options):
        return self.checkout.compose(*words, **options)

    def up(self, *words):
        """Up, and they know one another; health may still be starting."""
        self.compose("up", "-d", *words)
        wait_until("each node has the two others as peers", self.have_met)

    def rensa(self, k, *words, **options):
        """The client in the container of node k (0 to 2)."""
        return self.compose("exec", "-T", SERVICES[k], "rensa", *words, **options).out

    def get(self, k, path):
        """What a node answers at its published port, None if it does not or says that it cannot."""
        ran = self.docker.box.run(["curl", "-sf", "--max-time", "5", f"http://127.0.0.1:{PORTS[k]}{path}"], check=False)
        return json.loads(ran.out) if ran.code == 0 else None

    def health(self, k):
        return self.docker.inspect(CONTAINERS[k], "{{.State.Health.Status}}")

    def are_healthy(self):
        return all(self.health(k) == "healthy" for k in range(3))

    def peers_up(self, k):
        return sorted(peer["address"] for peer in (self.get(k, "/peers") or {"peers": []})["peers"] if peer["state"] == "up")

    def have_met(self):
        addresses = [f"{self.net}.0.{k + 2}:{PORTS[k]}" for k in range(3)]
        return all(self.peers_up(k) == sorted(set(addresses) - {addresses[k]}) for k in range(3))

    def head(self, k):
        head = self.get(k, "/chain/head")
        return head and (head["height"], head["hash"])

    def agreed(self):
        """The head, if all three have the same."""
        heads = [self.head(k) for k in range(3)]
        return heads[0] if heads.count(heads[0]) == 3 else None

    def agree(self):
        return wait_until("one head on three nodes", self.agreed)

    def amount(self, k, address):
        return self.get(k, f"/amount?blockchain_address={address}")["amount"]

    def confirmed(self, k):
        """The ids of all transactions on the chain of a node."""
        return {transaction["id"] for block in self.get(k, "/chain")["chain"] for transaction in block["transactions"]}

    def address(self, name):
        return self.rensa(0, "wallet", "address", name).strip()

    def wallets(self, *names):
        return [json.loads(self.rensa(0, "--json", "wallet", "create", name))["address"] for name in names]

    def send(self, k, sender, recipient, amount):
        return json.loads(self.rensa(k, "--json", "send", "--from", sender, "--to", recipient, "--amount", amount))["id"]

    def pooled(self, k):
        return {transaction["id"] for transaction in self.get(k, "/transactions")["transactions"]}

    def mine(self, k, to, blocks=1):
        return self.rensa(k, "mine", "--to", to, "--blocks", str(blocks))


counter = itertools.count(1)


@pytest.fixture
def nodes(docker):
    docker.remove_all()
    made = Nodes(docker, Checkout(docker, f"compose{next(counter)}"))
    yield made
    print(made.compose("logs", "--no-color", "--tail", "60", check=False).out)  # beside the failure, if there is one
    docker.remove_all()


def story(nodes):
    """A mines, pays B 1.5 at node 2, and node 3 mines that. Returns the address of B."""
    _, b = nodes.wallets("A", "B")
    nodes.mine(0, "A", blocks=2)
    nodes.agree()
    paid = nodes.send(1, "A", "B", "1.5")
    wait_until("the transfer at node 3", lambda: paid in nodes.pooled(2))
    nodes.mine(2, "A")
    assert nodes.agree()[0] == 3
    return b


def test_the_compose_file_is_good_whatever_network_is_chosen(nodes):
    assert nodes.compose("config", "-q").out == ""
    for net in ("172.16", "10.77"):
        config = nodes.compose("config", env={} if net == "172.16" else {"RENSA_NET": net}).out
        assert re.findall(r"ipv4_address: (\S+)", config) == [f"{net}.0.{k}" for k in (2, 3, 4)]
        assert f"subnet: {net}.0.0/16" in config and f"gateway: {net}.0.1" in config
        assert f"RENSAD_HTTP_ADMIN_ALLOW: {net}.0.1-{net}.0.4" in config


def test_three_nodes_come_up_each_with_no_more_rights_than_it_needs(nodes):
    nodes.up()
    wait_until("three healthy nodes", nodes.are_healthy)
    for k, name in enumerate(CONTAINERS):
        said = nodes.docker.inspect_json(name)
        host = said["HostConfig"]
        assert said["Config"]["Labels"]["com.docker.compose.service"] == SERVICES[k]
        assert said["NetworkSettings"]["Networks"][NETWORK]["IPAddress"] == f"172.16.0.{k + 2}"
        assert host["PortBindings"] == {f"{PORTS[k]}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(PORTS[k])}]}
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert all(limit["Hard"] <= NOFILE_ALLOWED for limit in host["Ulimits"] if limit["Name"] == "nofile")
        status = nodes.compose("exec", "-T", SERVICES[k], "cat", "/proc/1/status").out
        fields = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
        assert fields["Name"] == "tini"
        assert fields["Uid"].split()[0] != "0" and fields["Gid"].split()[0] != "0"
        assert fields["CapEff"] == fields["CapBnd"] == "0" * 16
        assert fields["NoNewPrivs"] == "1"
        refused = nodes.compose("exec", "-T", SERVICES[k], "sh", "-c", "touch /usr/x", check=False)
        assert refused.code != 0 and "Read-only file system" in refused.out
        assert int(nodes.compose("exec", "-T", SERVICES[k], "df", "--output=size", "-k", "/dev/shm").out.split()[-1]) >= 1100 * 1024


def test_a_pays_b_and_all_three_nodes_agree(nodes):
    nodes.up()
    b = story(nodes)
    assert [nodes.amount(k, b) for k in range(3)] == [COIN * 3 // 2] * 3


def test_the_host_may_have_a_node_mine_and_another_network_may_not(nodes):
    nodes.up()
    (a,) = nodes.wallets("A")
    body = json.dumps({"address": a})
    ask = ["-s", "--max-time", "20", "-X", "POST", "-d", body]
    for k, port in enumerate(PORTS):
        answer = json.loads(nodes.docker.box.run(["curl", *ask, f"http://127.0.0.1:{port}/mine"]).out)
        assert [block["height"] for block in answer["blocks"]] == [k + 1]
        wait_until(f"block {k + 1} everywhere", nodes.agreed)
    # A container beside the nodes that is none of them: their addresses end at .4.
    client = ["run", "--rm", "--network", NETWORK, "--ip", "172.16.0.9", IMAGE]
    refused = nodes.docker(*client, "rensa", "--node", "http://172.16.0.2:5000", "mine", "--to", a, check=False)
    assert refused.code == 1 and "admin_allow" in refused.out, refused
    assert nodes.agreed()[0] == 3


SCAN = ["RENSAD_DISCOVERY_SCAN_HOSTS", "RENSAD_DISCOVERY_SCAN_PORTS"]


@pytest.mark.parametrize("source, unset", [("dns", SCAN), ("scan", ["RENSAD_DISCOVERY_DNS"])])
def test_nodes_find_one_another_by_names_alone_and_by_a_scan_alone(nodes, source, unset):
    settings = "".join(f'      {name}: ""\n' for name in unset)
    override = "services:\n" + "".join(f"  {service}:\n    environment:\n{settings}" for service in SERVICES)
    (nodes.checkout.folder / "docker-compose.override.yml").write_text(override)
    nodes.up()
    sources = {peer["source"] for k in range(3) for peer in nodes.get(k, "/peers")["peers"]}
    assert sources & {"dns", "scan"} == {source}


def test_nodes_that_start_in_the_same_moment_find_one_another(nodes):
    nodes.up()
    nodes.compose("stop")
    nodes.docker.box.sh(" & ".join(f"docker start {name}" for name in CONTAINERS) + " & wait", env=nodes.docker.env)
    wait_until("neighbours", nodes.have_met)


def test_a_container_that_is_killed_comes_back_with_its_chain(nodes):
    nodes.up()
    story(nodes)
    head = nodes.agreed()
    # The end that Docker was asked for is respected; the others go on.
    nodes.docker("kill", CONTAINERS[1])
    assert nodes.head(1) is None and nodes.head(0) == nodes.head(2) == head
    nodes.mine(0, "A")
    nodes.docker("start", CONTAINERS[1])
    head = nodes.agree()
    assert head[0] == 4

    # Any other end is a crash: of the first process, and of the node's master beneath it.
    started = nodes.docker.inspect(CONTAINERS[1], "{{.State.StartedAt}}")
    pid = nodes.docker.inspect(CONTAINERS[1], "{{.State.Pid}}")
    nodes.docker.box.run(["kill", "-KILL", pid])
    wait_until("a new start", lambda: nodes.docker.inspect(CONTAINERS[1], "{{.State.Running}} {{.State.StartedAt}}") != f"true {started}")
    assert nodes.agree() == head
    assert nodes.docker.inspect(CONTAINERS[1], "{{.RestartCount}}") == "1"
    first = nodes.docker.inspect(CONTAINERS[1], "{{.State.Pid}}")
    master = nodes.docker.box.run(["pgrep", "-P", first]).out.strip()
    nodes.docker.box.run(["kill", "-KILL", master])
    wait_until("a second start", lambda: nodes.docker.inspect(CONTAINERS[1], "{{.RestartCount}}") == "2")
    assert nodes.agree() == head
    wait_until("health", nodes.are_healthy)


def test_a_node_that_was_cut_off_takes_the_longest_chain_and_its_transfers_come_back(nodes):
    nodes.up()
    b = story(nodes)
    nodes.docker("network", "disconnect", NETWORK, CONTAINERS[2])
    back = nodes.send(2, "B", "A", "0.25")
    assert "mined 1 block" in nodes.mine(2, "B")
    assert back in nodes.rensa(2, "tx", back)
    nodes.mine(0, "A", blocks=2)
    wait_until("the two agree", lambda: nodes.head(0) == nodes.head(1) and nodes.head(0)[0] == 5)
    assert json.loads(nodes.rensa(2, "--json", "status"))["height"] == 4
    wait_until("a lone node is healthy too", lambda: nodes.health(2) == "healthy")

    nodes.docker("network", "connect", "--ip", "172.16.0.4", "--alias", SERVICES[2], NETWORK, CONTAINERS[2])
    assert nodes.agree()[0] == 5
    assert not any(back in nodes.confirmed(k) for k in range(3))
    wait_until("the transfer in every pool", lambda: all(back in nodes.pooled(k) for k in range(3)))
    nodes.mine(1, "A")
    assert nodes.agree()[0] == 6
    assert all(back in nodes.confirmed(k) for k in range(3))
    assert [nodes.amount(k, b) for k in range(3)] == [COIN * 5 // 4] * 3


def test_a_change_of_the_shared_file_is_taken_over_by_a_reload(nodes):
    nodes.up()
    (a,) = nodes.wallets("A")
    # As editors do it: a new file in place of the old one.
    path = nodes.checkout.folder / "conf/compose/rensad.conf"
    new = path.with_suffix(".new")
    new.write_text(f"{path.read_text()}\n[miner]\nmode = interval\ninterval = 500ms\naddress = {a}\n")
    new.chmod(0o644)
    new.rename(path)
    for k in range(3):
        assert re.search(r"mode.*manual.*interval", nodes.rensa(k, "reload"))
    wait_until("blocks that nobody asked for", lambda: (nodes.head(0) or (0,))[0] >= 5)


# Sends from a wallet of its own at each node, over and over: two nodes must not be told of different transfers with one number.
# One line for each transfer that a node took.
POSTER = """
while :; do
	for k in 1 2 3; do
		rensa --node http://172.16.0.$((k + 1)):$((k + 4999)) --json send --from W$k --to B --amount 0.0001
	done
	sleep 0.2
done
"""


def test_services_are_rebuilt_one_after_another_and_nothing_accepted_is_lost(nodes):
    nodes.up()
    nodes.wallets("B", "W1", "W2", "W3")
    for k in range(3):
        nodes.mine(k, f"W{k + 1}", blocks=2)
        nodes.agree()
    (home,) = [mount["Name"] for mount in nodes.docker.inspect_json(CONTAINERS[0])["Mounts"] if mount["Destination"] == "/home/rensa"]
    nodes.docker("run", "-d", "--name", "poster", "--network", NETWORK, "-v", f"{home}:/home/rensa", IMAGE, "sh", "-c", POSTER)

    def accepted():
        lines = nodes.docker("logs", "poster").out.splitlines()
        return [json.loads(line)["id"] for line in lines if line.startswith('{"id"')]

    old = nodes.docker.inspect(IMAGE, "{{.Id}}")
    with open(nodes.checkout.folder / "Dockerfile", "a") as dockerfile:
        dockerfile.write("LABEL version=next\n")
    nodes.compose("build")
    new = nodes.docker.inspect(IMAGE, "{{.Id}}")
    assert new != old
    try:
        for k, service in enumerate(SERVICES):
            taken = len(accepted())
            nodes.compose("up", "-d", "--no-deps", service)
            assert nodes.docker.inspect(CONTAINERS[k], "{{.Image}}") == new
            wait_until("transfers meanwhile", lambda taken=taken: len(accepted()) >= taken + 10)
            nodes.mine((k + 1) % 3, "B")
            wait_until(f"{service} is healthy", lambda k=k: nodes.health(k) == "healthy")
        nodes.docker("kill", "poster")
        ids = accepted()
        assert len(ids) == len(set(ids)) >= 30

        def all_confirmed():
            nodes.mine(0, "B")
            return nodes.agreed() and all(set(ids) <= nodes.confirmed(k) for k in range(3))

        wait_until("every accepted transfer is on every chain", all_confirmed, pause=1)
    finally:
        nodes.docker("tag", old, IMAGE)


def test_another_network_is_chosen_by_one_variable(nodes):
    nodes.docker("network", "create", "--subnet", "172.16.0.0/16", "taken")
    overlap = nodes.compose("up", "-d", check=False)
    assert overlap.code != 0 and "overlaps" in overlap.out, overlap
    nodes.compose("down")
    (nodes.checkout.folder / ".env").write_text("RENSA_NET=10.77\n")
    nodes.net = "10.77"
    nodes.up()
    nodes.docker.box.run(["curl", "-sf", "-X", "POST", "-d", json.dumps({"address": nodes.wallets("A")[0]}), "http://127.0.0.1:5001/mine"])
    assert nodes.agree()[0] == 1


def test_stop_ends_in_order_and_down_and_up_keep_chain_and_wallets(nodes):
    nodes.up()
    b = story(nodes)
    waiting = nodes.send(0, "A", "B", "0.5")
    head, wallets = nodes.agree(), nodes.rensa(0, "wallet", "list")
    nodes.compose("stop")
    for name in CONTAINERS:
        # 137 would be one that had to be killed when its time was up.
        assert nodes.docker.inspect(name, "{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"
        assert "role=master" in nodes.docker("logs", "--tail", "1", name).out
    nodes.compose("down")
    assert nodes.docker("ps", "-aq").out == ""
    nodes.up()
    assert nodes.agree() == head
    assert nodes.rensa(1, "wallet", "list") == wallets
    assert nodes.amount(1, b) == COIN * 3 // 2
    assert waiting in nodes.pooled(0), "what was accepted and not yet mined is kept too"
    logs = nodes.compose("logs", "--no-color").out
    assert not re.search(r"level=(warn|error)", logs), logs


def test_what_is_orphaned_in_a_container_is_buried(nodes):
    nodes.up()
    orphans = "for i in 1 2 3 4 5; do sh -c 'sleep 0.1 &'; done"
    nodes.compose("exec", "-T", SERVICES[0], "sh", "-c", orphans)

    def states():
        return nodes.docker("top", CONTAINERS[0], "-eo", "pid,stat,comm").out.splitlines()[1:]

    wait_until("no orphan is left, alive or dead", lambda: not any("sleep" in line or " Z" in line for line in states()))
    assert any("tini" in line for line in states())


def test_the_image_alone_serves_a_node_and_its_health_check_can_fail(docker):
    docker.remove_all()
    size = int(docker.inspect(IMAGE, "{{.Size}}"))
    base = int(docker.inspect("debian:bookworm-slim", "{{.Size}}"))
    print(f"image: {size / 1e6:.1f} MB, of which Debian {base / 1e6:.1f} MB")
    assert size - base < 40e6, "nothing of what compiles is in the second stage"
    try:
        docker("run", "-d", "--name", "alone", "--read-only", "--shm-size", "1100m", "-p", "127.0.0.1:5000:5000", IMAGE)
        wait_until("health", lambda: docker.inspect("alone", "{{.State.Health.Status}}") == "healthy")
        assert docker.box.run(["curl", "-sf", "http://127.0.0.1:5000/readyz"]).code == 0
        assert docker("run", "--rm", IMAGE, "rensa", "health", check=False).code == 3, "no node there"
        assert docker("run", "--rm", IMAGE, "rensad", "-t", "-c", "/etc/rensa/rensad.conf").code == 0
        docker("stop", "alone")
        assert docker.inspect("alone", "{{.State.ExitCode}}") == "0"
    finally:
        docker.remove_all()
