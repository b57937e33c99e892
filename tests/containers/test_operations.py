"""docs/operations.md, as an operator goes through it: every command as written, in order, on three hosts."""

import concurrent.futures
import json
import pathlib
import re
import shutil
import time

import pytest

import document
import ground as the_ground
import packages
from ground import TOP, run, wait_until
from hosts import Host, Hosts

TEXT = (TOP / "docs/operations.md").read_text()
STEPS = document.read(TEXT)
LONG = 600  # seconds, for a command: packages are built and fetched in some
NEXT_VERSION = "0.1.0-2"


class Builder:
    """The machine on which packages are built: what debian/control asks for is there, as after a first time."""

    def __init__(self, ground):
        self.root = ground.fresh(packages.build_base(ground), "builder")
        packages.unpack(packages.state(), self.root / "root/rensa")
        self.box = ground.box("builder", self.root, is_online=True)

    def sh(self, script, user="root", **options):
        # Its tests are run elsewhere.
        return self.box.run(["bash", "-e", "-c", f"cd /root\n{script}"], env={"DEB_BUILD_OPTIONS": "nocheck"}, **options)


class Trial:
    """The hosts, and how far the document has been followed."""

    def __init__(self, ground):
        self.ground = ground
        self.newer = packages.build_packages(ground, NEXT_VERSION)
        self.hosts = Hosts(ground, ["a", "b", "c"])
        self.builder = Builder(ground)
        self.failed = None
        self.kept = {}  # what one check notes for another

    def __getitem__(self, name):
        return self.builder if name == "build" else self.hosts[name]

    def try_once(self, step, name):
        ran = self[name].sh(step.script, user=step.user, check=False, timeout=LONG)
        if ran.code != step.exit:
            return f"on {name}: ended with {ran.code}, not {step.exit}\n{step}\n{ran.out[-6000:]}"
        lacking = document.missing(step.shown, ran.out)
        return lacking and f"on {name}: nowhere in order: {lacking}\n{step}\n{ran.out[-6000:]}"

    def follow(self, step, name):
        deadline = time.monotonic() + step.within
        while (trouble := self.try_once(step, name)) and time.monotonic() < deadline:
            time.sleep(0.5)
        return trouble

    def run(self, step):
        if step.is_at_once:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                troubles = list(pool.map(lambda name: self.follow(step, name), step.hosts))
        else:
            troubles = [self.follow(step, name) for name in step.hosts]
        assert not any(troubles), "\n\n".join(filter(None, troubles))

    # --- What checks ask ------------------------------------------------------------------------------------------------------------

    def get(self, name, path, port=5000):
        """A document of a node's API, or None if it does not answer."""
        ran = self[name].sh(f"wget -qO- --timeout=5 --tries=1 'http://127.0.0.1:{port}{path}'", check=False)
        return json.loads(ran.out) if ran.code == 0 else None

    def head(self, name):
        return (self.get(name, "/chain/head") or {}).get("hash")

    def height(self, name):
        return (self.get(name, "/chain/head") or {}).get("height", -1)

    def agree(self, names="abc", at_least=0):
        def same():
            heads = {self.head(name) for name in names}
            return len(heads) == 1 and None not in heads and self.height(names[0]) >= at_least

        wait_until(f"{', '.join(names)} have one chain", same)


# --- What happens between steps -----------------------------------------------------------------------------------------------------
# Before a step: what the text takes for granted. After it: what it promises. By the names of steps.


def bring_packages(trial):
    """As scp would."""
    for host in trial.hosts:
        for deb in (trial.builder.root / "root").glob("rensa*.deb"):
            shutil.copy(deb, host.root / "root")


def bring_newer_packages(trial):
    for host in trial.hosts:
        for deb in trial.newer.values():
            shutil.copy(deb, host.root / "root")


def spoil(trial):
    """A byte in the middle of the journal is another, as a bad disk would have it."""
    host = trial["c"]
    host.sh("systemctl stop rensad")
    path = host.root / "var/lib/rensa/journal/00000001.log"
    content = bytearray(path.read_bytes())
    middle = len(content.rstrip(b"\0")) // 2
    content[middle] ^= 0x10
    path.write_bytes(content)


BEFORE = {"install": bring_packages, "upgrade-before": bring_newer_packages, "damaged": spoil}


def nothing_runs_yet(trial):
    for host in trial.hosts:
        assert host.sh("systemctl is-enabled rensad || systemctl is-active rensad || true").out == "disabled\ninactive\n"
        assert host.sh("stat -c '%U %a' /etc/rensa/rensad.conf; id -u rensa").out.startswith("root 644\n")


def ports_are_open_to_whom_they_should_be(trial):
    def reaches(source, target, port):
        code = f"echo >/dev/tcp/{trial[target].address}/{port}"
        return trial[source].sh(f"timeout 3 bash -c '{code}'", check=False).code == 0

    wait_until("a's API for c", lambda: reaches("c", "a", 5000))
    assert reaches("a", "b", 5000) and not reaches("b", "a", 5000)
    assert reaches("b", "a", 5001) and reaches("c", "b", 5001)
    # On the port of the peers there is no API, and the other way round.
    assert trial["b"].sh(f"curl -s -o /dev/null -w '%{{http_code}}' http://{trial['a'].address}:5001/status").out == "404"
    assert trial["a"].sh("curl -s -o /dev/null -w '%{http_code}' -X POST http://127.0.0.1:5000/peer/hello").out == "404"


def it_comes_back_with_the_host(trial):
    ports_are_open_to_whom_they_should_be(trial)
    trial["c"].reboot()
    wait_until("c answers", lambda: trial.head("c"))
    assert trial["c"].sh("nft list ruleset").out.count("dport 5001") == 1


def all_have_what_was_mined(trial):
    trial.agree(at_least=1)
    address = trial["a"].sh("rensa wallet address treasury", user="ops").out.strip()
    assert trial.get("c", f"/amount?blockchain_address={address}")["amount"] >= 10**8


def the_payment_is_everywhere(trial):
    till = trial["a"].sh("rensa wallet address till", user="ops").out.strip()
    trial.agree()
    for name in "abc":
        assert trial.get(name, f"/amount?blockchain_address={till}")["amount"] == 5 * 10**7
    trial.kept["till"] = till


def lines_go_into_the_new_file(trial):
    wait_until("a line in the new file", lambda: (trial["b"].root / "var/log/rensa/rensad.log").read_text())


def the_change_counts(trial):
    waiting = trial.get("a", "/status")["reload"]["restart"]
    assert [each.get("key", each) if isinstance(each, dict) else each for each in waiting] != [], waiting


def nothing_waits_for_a_restart(trial):
    """It has not reloaded since it started, so there is no reload to tell of."""
    status = trial.get("a", "/status")
    assert status["pool"]["capacity"] == 32768 and status["reload"] is None


def no_trace_of_the_instance(trial):
    host = trial["b"]
    assert "trial" not in host.sh("ls /dev/shm").out
    assert trial.get("b", "/livez", port=5010) is None


def events_come_through_the_proxy(trial):
    """One at a time, and not when the proxy has collected enough."""
    got = trial["c"].sh("timeout 60 curl -sN http://10.0.0.11/events | grep -m 1 '^event: block'", check=False)
    assert "event: block" in got.out, got
    assert trial["c"].sh("curl -s -o /dev/null -w '%{http_code}' http://10.0.0.11/metrics").out == "404"


def rules_are_loaded_and_silent(trial):
    rules = json.loads(trial["c"].sh("curl -s http://127.0.0.1:9090/api/v1/rules").out)["data"]["groups"][0]["rules"]
    assert {rule["name"] for rule in rules} == set(alerts())
    assert [rule["name"] for rule in rules if rule["health"] not in ("ok", "unknown")] == []


def b_uses_the_new_folder(trial):
    assert trial["b"].sh("test ! -e /var/lib/rensa/journal; ls /srv/rensa/journal").out
    trial.agree()


def the_restored_one_is_where_the_others_are(trial):
    trial.agree()
    assert trial.get("c", f"/amount?blockchain_address={trial.kept['till']}")["amount"] == 5 * 10**7


def the_others_agree_again(trial):
    trial.agree()


def all_run_the_newer_version(trial):
    for host in trial.hosts:
        assert host.sh("dpkg-query -W -f '${Version}' rensad").out == NEXT_VERSION
    trial.agree()


def nothing_of_rensa_is_left(trial):
    host = trial["c"]
    left = host.sh("ls -d /etc/rensa /var/lib/rensa /var/log/rensa /usr/sbin/rensad /dev/shm/*rensa* 2>/dev/null || true").out
    assert left == "" and host.sh("id rensa", check=False).code != 0
    trial.agree("ab")


AFTER = {
    "install": nothing_runs_yet,
    "health": it_comes_back_with_the_host,
    "mined": all_have_what_was_mined,
    "payment": the_payment_is_everywhere,
    "rotate": lines_go_into_the_new_file,
    "reload": the_change_counts,
    "restart": nothing_waits_for_a_restart,
    "instance-gone": no_trace_of_the_instance,
    "proxy": events_come_through_the_proxy,
    "scraped": rules_are_loaded_and_silent,
    "moved": b_uses_the_new_folder,
    "restored": the_restored_one_is_where_the_others_are,
    "recovered": the_others_agree_again,
    "damage-mended": the_others_agree_again,
    "upgraded": all_run_the_newer_version,
    "downgrade": the_others_agree_again,
    "gone": nothing_of_rensa_is_left,
}


@pytest.fixture(scope="module")
def trial(ground):
    return Trial(ground)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step(trial, step):
    """An operator who is stuck does not go on, so the steps behind one that failed are not tried."""
    if trial.failed:
        pytest.skip(f"{trial.failed} failed before it")
    trial.failed = step.name
    if step.name in BEFORE:
        BEFORE[step.name](trial)
    trial.run(step)
    if step.name in AFTER:
        AFTER[step.name](trial)
    trial.failed = None


# --- The run book is whole ----------------------------------------------------------------------------------------------------------


def alerts():
    return re.findall(r"^\s*- alert: (\w+)", (TOP / "conf/prometheus/rensa.rules.yml").read_text(), re.MULTILINE)


def section(heading):
    """The text below a heading, up to the next one that is as high."""
    marks = re.search(rf"^(#+) {re.escape(heading)}$", TEXT, re.MULTILINE)
    assert marks, f"there is no {heading}"
    rest = TEXT[marks.end() :]
    end = re.search(rf"^#{{1,{len(marks[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def test_every_check_of_a_step_belongs_to_one():
    assert (BEFORE.keys() | AFTER.keys()) <= {step.name for step in STEPS}


def test_every_alert_has_a_paragraph_in_the_run_book():
    described = re.findall(r"^#### (\w+)$", section("Alerts"), re.MULTILINE)
    assert sorted(described) == sorted(alerts())


def test_every_check_has_a_line_in_the_run_book():
    described = set(re.findall(r"^\| `([a-z_-]+)` \|", section("Checks"), re.MULTILINE))
    of_node = set(re.findall(r'\{"([a-z-]+)",\s*check_\w+\}', (TOP / "src/api/checks.c").read_text()))
    of_host = set(re.findall(r'\{"([a-z_]+)",\s*check_\w+\}', (TOP / "src/node/doctor.c").read_text()))
    of_doctor = set(re.findall(r'"([a-z]+)"', re.search(r"node_checks\[\] = \{(.*?)\}", (TOP / "src/prog/cmd_doctor.c").read_text())[1]))
    assert len(of_node) >= 7 and len(of_host) >= 10 and of_doctor
    assert described == of_node | of_host | of_doctor | {"wallets"}


def test_every_link_leads_somewhere():
    """To a heading of the document, or to a file of the checkout."""
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        anchors.add(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-"))
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        assert path or anchor in anchors, target
        assert not path or path.startswith("http") or (TOP / "docs" / path).exists(), target
