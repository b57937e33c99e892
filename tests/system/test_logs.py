"""The log of a real node: levels that change while it runs, where lines go, and what becomes of them when they cannot."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from test_reload import ROLES, reload
from tools import REFUSED, rensa


def levels(node):
    return node.get("/log-levels")["levels"]


def set_levels(node, text, expect=200):
    return node.post("/log-levels", {"levels": text}, expect)


def debug_lines(node, module):
    return sum(f'msg="{module}: ' in line and "level=debug" in line for line in node.log().splitlines())


def say_debug(node):
    """Has a worker say something at level debug, as httpd."""
    with socket.create_connection((node.host, node.port)) as s:
        s.sendall(b"NO HTTP AT ALL\r\n\r\n")
        assert s.recv(64).startswith(b"HTTP/1.1 400")


# Levels


def test_a_module_gets_its_level_in_all_roles_at_once_and_a_reload_takes_it_back(net):
    node = net.node(node={"log_level": "info"}, http={"workers": 1}).start()
    net.wait_until("all run", lambda: ROLES <= {role["role"] for role in node.roles()})
    pids = sorted(node.members())
    say_debug(node)
    assert not debug_lines(node, "httpd")
    assert set_levels(node, "httpd=debug")["levels"] == "info, httpd=debug"
    say_debug(node)
    net.wait_until("the worker tells it", lambda: debug_lines(node, "httpd") == 1)
    assert not debug_lines(node, "discovery")

    # Another process than the one that was asked.
    set_levels(node, "probe=debug, httpd=info")
    net.wait_until("discovery tells its probes", lambda: debug_lines(node, "probe") > 0)

    reload(net, node)
    assert levels(node) == "info"
    told = debug_lines(node, "httpd")
    say_debug(node)
    assert debug_lines(node, "httpd") == told
    assert sorted(node.members()) == pids


def test_levels_of_the_file_change_with_a_reload_and_replace_nobody(net):
    node = net.node(node={"log_level": "info"}, http={"workers": 1}).start()
    net.wait_until("all run", lambda: ROLES <= {role["role"] for role in node.roles()})
    pids = sorted(node.members())
    node.configure("node", log_level="warn, probe=debug, httpd=debug")
    assert "master: node.log_level: info -> warn" in reload(net, node)
    net.wait_until("they are taken over", lambda: levels(node) == "warn, probe=debug, httpd=debug")
    say_debug(node)
    net.wait_until("the worker tells it", lambda: debug_lines(node, "httpd") == 1)
    net.wait_until("discovery tells its probes", lambda: debug_lines(node, "probe") > 0)
    assert sorted(node.members()) == pids


def test_a_level_that_makes_no_sense_is_refused_and_changes_nothing(net):
    node = net.node(node={"log_level": "warn"}, http={"workers": 1}).start()
    for text, words in {
        "resolvr=debug": '"resolvr" is not a module of the log; did you mean "resolver"?',
        "zebra=debug": "is not a module of the log; there are master",
        "resolver=loud": "is not a level; allowed: error, warn, info or debug",
        "info, resolver=debug, resolver=info": "resolver has two levels",
        "": "there is no level",
        "info=resolver": "is not a module",
        "x" * 900: "longer than any module",
    }.items():
        answer = node.request("POST", "/log-levels", json={"levels": text})
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "bad-value", text
        assert words in answer.json()["error"]["message"], text
    assert node.request("POST", "/log-levels", json={"level": "info"}).status_code == 400
    stranger = {"X-Forwarded-For": "10.0.0.1"}
    assert node.request("POST", "/log-levels", json={"levels": "debug"}, headers=stranger).status_code == 403
    assert node.request("GET", "/log-levels", headers=stranger).status_code == 403
    assert levels(node) == "warn"


def test_the_client_shows_and_sets_levels(net):
    node = net.node(node={"log_level": "info, pool=warn"}, http={"workers": 1}).start()
    at = "--node", node.base
    assert rensa(*at, "log-level").out == "info, pool=warn\n"
    assert rensa(*at, "log-level", "resolver=debug,httpd=warn").out == "info, pool=warn, resolver=debug, httpd=warn\n"
    assert "resolver" in rensa(*at, "--json", "log-level", "error").json()["modules"]
    assert levels(node) == "error"
    wrong = rensa(*at, "log-level", "reslover=debug")
    assert wrong.code == REFUSED and 'did you mean "resolver"?' in wrong.err


# Files


def lines_of(*paths):
    return [line for path in paths if path.exists() for line in path.read_text().splitlines()]


def test_no_line_is_lost_while_the_log_is_rotated_under_load(net):
    """Each request is a line with a number of its own; every one of them is in one of the files, once and whole."""
    log = net.folder / "rotated.log"
    node = net.node(node={"log_file": log}, http={"request_log": "same", "workers": 2}).start()
    stop, sent = threading.Event(), []

    def ask(who):
        n = 0
        while not stop.is_set():
            assert node.request("GET", f"/blocks/nothing-{who}-{n}").status_code in (400, 404)
            sent.append(f"/blocks/nothing-{who}-{n}")
            n += 1

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(2)]
    for thread in threads:
        thread.start()
    old = []
    for turn in range(4):
        old.append(net.folder / f"rotated.log.{turn}")
        before = len(sent)
        log.rename(old[-1])
        node.process.send_signal(signal.SIGUSR1)
        net.wait_until("the log is written anew", lambda: log.exists() and "request: " in log.read_text())
        net.wait_until("work goes on", lambda b=before: len(sent) > b + 50)
    stop.set()
    for thread in threads:
        thread.join()
    node.stop()

    lines = lines_of(*old, log)
    assert all(re.fullmatch(r'ts=\S+ level=\w+ role=\w+ pid=\d+ msg="[^\n]*', line) for line in lines)
    told = [m[1] for line in lines if (m := re.search(r'path="(/blocks/nothing-\S+)"', line))]
    assert sorted(told) == sorted(sent)


def test_a_reload_opens_the_log_again_in_all_roles(net):
    log = net.folder / "log"
    node = net.node(node={"log_file": log}, http={"request_log": "same", "workers": 1}).start()
    net.wait_until("all run", lambda: ROLES <= {role["role"] for role in node.roles()})
    worker = node.role("worker")["pid"]
    log.rename(net.folder / "log.old")
    node.process.send_signal(signal.SIGHUP)

    def worker_writes():
        node.get("/chain/head")
        return log.exists() and f"role=worker pid={worker} " in log.read_text()

    net.wait_until("the same worker writes there", worker_writes)


def test_a_log_file_that_cannot_be_opened_does_not_stop_the_node(net):
    node = net.node(node={"log_file": net.folder / "absent" / "log"}).start()
    node.allow_errors("log_file .* cannot be opened")
    assert node.log().count("cannot be opened: No such file or directory") == 1
    node.stop()
    assert node.log_has("master: stopped")


def test_a_log_that_cannot_be_opened_again_is_told_once_and_goes_on(net):
    folder = net.folder / "logs"
    folder.mkdir()
    log = folder / "log"
    node = net.node(node={"log_file": log, "log_level": "info"}).start()
    folder.rename(net.folder / "moved")
    node.process.send_signal(signal.SIGUSR1)
    moved = net.folder / "moved" / "log"
    net.wait_until("it is told", lambda: "cannot be opened again" in moved.read_text())
    node.stop()
    text = moved.read_text()
    assert text.count("cannot be opened again") == 1 and "master: stopped" in text


def test_a_full_disk_stops_nobody_is_told_once_and_so_is_what_was_lost(net, alice):
    """The log lies on a file system of its own, seen by this node alone, that is full at first."""
    folder = net.folder / "small"
    folder.mkdir()
    node = net.node(node={"log_file": folder / "log", "log_level": "debug"}, http={"workers": 1})
    mount = f'mount -t tmpfs -o size=64k tmpfs {folder} && head -c 1M /dev/zero >{folder}/filler; exec "$@"'
    start = node.command()
    node.command = lambda: ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh", *start]
    node.allow_errors("lines are being lost|lines lost until now")
    node.start()
    node.mine(alice.address, 3)
    assert node.height() == 3
    lost = [line for line in node.log().splitlines() if "log: lines are being lost" in line]
    assert len(lost) == 1 and "No space left on device" in lost[0]

    # Seen through the node's own mounts.
    root = f"/proc/{node.process.pid}/root"
    os.truncate(f"{root}{folder}/filler", 0)
    seen = lambda: open(f"{root}{folder}/log", errors="replace").read()  # noqa: E731
    net.wait_until("it is told what was lost", lambda: re.search(r"log: lines lost until now: \d+ \(No space left", seen()))
    node.mine(alice.address)
    lines = seen().splitlines()
    assert sum("lines lost until now" in line for line in lines) == 1
    assert int(re.search(r"log: lines lost until now: (\d+)", seen())[1]) > 3
    assert all(line.startswith("ts=") for line in lines if line), "what was torn has an end of its own"


# Journal and syslog


@contextlib.contextmanager
def collector(kind):
    """A socket that keeps what it gets, and the end that a node writes to."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    got, done = bytearray(), threading.Event()

    def collect():
        while data := ours.recv(65536):
            got.extend(data)
        done.set()

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield got, theirs
    finally:
        theirs.close()
        thread.join()
        ours.close()


def run_with_stderr(net, node, stream, environment):
    """The node with that as its stderr, until it is ready; its Popen."""
    node.write_config()
    node.process = subprocess.Popen(
        node.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream, start_new_session=True,
        env=os.environ | environment,
    )
    node.sessions.append(node.process.pid)
    node.is_expected_up = True
    node.wait_ready()


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_the_journal_gets_priorities_and_no_time(net, form):
    node = net.node(node={"log_format": form})
    with collector(socket.SOCK_STREAM) as (got, theirs):
        st = os.fstat(theirs.fileno())
        run_with_stderr(net, node, theirs, {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"})
        net.wait_until("there is a discovery", lambda: node.role("discovery"))
        node.kill_role("discovery")
        net.wait_until("its end is told", lambda: b"was ended by signal 9" in got)
        node.stop()
    lines = got.decode().splitlines()
    names = {"3": "error", "4": "warn", "6": "info", "7": "debug"}
    seen = set()
    for line in lines:
        number, text = re.fullmatch(r"<(\d)>(.*)", line).groups()
        level = json.loads(text)["level"] if form == "json" else re.match(r"level=(\w+) ", text)[1]
        assert names[number] == level and not re.search(r'"?ts"?[=:]', text)
        seen.add(level)
    assert {"warn", "info", "debug"} <= seen


def test_the_journal_gets_a_refused_configuration_as_errors(net):
    node = net.node()
    node.write_config("[nod]\nname = a\n[http]\nworkers = many\n")
    with collector(socket.SOCK_STREAM) as (got, theirs):
        st = os.fstat(theirs.fileno())
        environment = os.environ | {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}
        assert subprocess.run(node.command(), stderr=theirs, env=environment).returncode == 2
        net.wait_until("both are told", lambda: got.count(b"\n") == 2)
    assert all(line.startswith("<3>") for line in got.decode().splitlines())


def test_what_only_looks_like_the_journal_gets_plain_lines(net):
    node = net.node()
    with collector(socket.SOCK_STREAM) as (got, theirs):
        st = os.fstat(theirs.fileno())
        run_with_stderr(net, node, theirs, {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino + 1}"})
        node.stop()
    assert all(line.startswith("ts=") for line in got.decode().splitlines())


def receive_all(server):
    got = []
    with contextlib.suppress(BlockingIOError):
        while True:
            got.append(server.recv(65536, socket.MSG_DONTWAIT).decode())
    return got


def test_syslog_gets_datagrams_also_after_it_was_started_anew(net):
    path = net.folder / "dev-log"
    node = net.node(node={"log_syslog": path, "log_facility": "local3", "log_level": "info"})
    node.allow_errors("lines are being lost")
    form = re.compile(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d rensad\[(\d+)\]: level=(\w+) role=\w+ pid=(\d+) msg=\"[^\n]*\"")
    severities = {"error": 3, "warn": 4, "info": 6, "debug": 7}

    def check(datagrams):
        for text in datagrams:
            priority, tag, level, pid = form.fullmatch(text).groups()
            assert int(priority) == 19 * 8 + severities[level] and tag == pid
        return datagrams

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        node.start()
        got = check(receive_all(server))
        assert any("listens on http://" in text for text in got)
        assert "listens on http://" not in node.log()
    # Nobody is there: the node goes on, and says so once on stderr.
    path.unlink()
    net.wait_until("there is a discovery", lambda: node.role("discovery"))
    node.kill_role("discovery")
    net.wait_until("there is a new one", lambda: (node.role("discovery") or {}).get("restarts") == 1)
    net.wait_until("it is told", lambda: node.log().count("log: lines are being lost") == 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        node.kill_role("discovery")
        found = []
        net.wait_until("it is told what was lost", lambda: found.extend(receive_all(server)) or "lines lost until now" in "".join(found))
        check(found)
        node.stop()
        assert any("master: stopped" in text for text in check(receive_all(server)))


def test_a_syslog_daemon_that_does_not_read_holds_nobody_up(net, alice):
    path = net.folder / "dev-log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        node = net.node(node={"log_syslog": path, "log_level": "debug"}, http={"workers": 1, "request_log": "same"})
        node.allow_errors("lines are being lost")
        node.start()
        for _ in range(600):
            assert node.height() == 0
        assert node.log().count("log: lines are being lost") == 1
        assert node.mine(alice.address)


# Hostile text


def test_json_lines_parse_and_hold_hostile_text(net):
    log = net.folder / "json.log"
    node = net.node(node={"log_file": log, "log_format": "json"}, http={"request_log": "same", "workers": 1}).start()
    hostile = '/x"\n{"level":"error","msg":"forged"}\x1b[31m\\\u009b\u0007é'
    with socket.create_connection((node.host, node.port)) as s:
        path = "".join(f"%{b:02x}" for b in hostile[1:].encode() + b"\xff\xfe")
        s.sendall(f"GET /{path}?token=sesame HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while s.recv(4096):
            pass
    net.wait_until("it is logged", lambda: '"msg":"request: ' in log.read_text())
    node.stop()
    text = log.read_bytes()
    assert not any(b < 0x20 and b != 0x0A or b == 0x7F for b in text) and b"sesame" not in text
    rows = [json.loads(line) for line in text.decode().splitlines()]
    assert all({"ts", "level", "role", "pid", "module", "msg"} <= row.keys() for row in rows)
    assert not any(row["msg"] == "forged" for row in rows)
    paths = [row["path"] for row in rows if "path" in row]
    assert hostile + "\\xff\\xfe" in paths


# Requests


def requests_of(path):
    fields = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')
    return [dict(fields.findall(line)) for line in lines_of(path) if 'msg="request: ' in line]


def test_one_request_in_so_many_is_logged_exactly(net):
    log = net.folder / "requests.log"
    http = {"request_log": "file", "request_log_file": log, "request_log_sample": 10, "request_log_slow": "1h", "workers": 1}
    node = net.node(http=http, discovery={"scan_hosts": None, "scan_ports": None})
    answered, ask = [], node.request

    def counted(*args, **options):
        reply = ask(*args, **options)
        answered.append(reply.status_code)
        return reply

    node.request = counted
    node.start()
    while len(answered) < 100:
        node.get(f"/blocks?limit={len(answered) % 9 + 1}")
    net.wait_until("the last is logged", lambda: len(requests_of(log)) == 10)
    node.get("/blocks")
    rows = net.wait_until("the next is", lambda: len(rows := requests_of(log)) == 11 and rows)
    row = rows[-1]
    assert row["path"] == '"/blocks"' and row["method"] == '"GET"' and row["status"] == "200"
    assert int(row["out"]) > 0 and row["in"] == "0"
    assert int(row["us"]) > 0 and row["client"].startswith('"127.')
    assert "request: " not in node.log(), "a file of their own"


def test_requests_that_are_slow_or_fail_are_always_logged(net, alice):
    log = net.folder / "requests.log"
    http = {"request_log": "file", "request_log_file": log, "request_log_sample": 0, "request_log_slow": "300ms", "workers": 1}
    node = net.node(http=http, miner={}).start()
    for _ in range(20):
        node.get("/chain/head")
    assert not [row for row in requests_of(log) if row["path"] == '"/chain/head"' and int(row["us"]) < 300_000]

    # The miner is held up, and with it whoever waits for a block.
    row = net.wait_until("there is a miner", lambda: node.role("miner"))
    os.kill(row["pid"], signal.SIGSTOP)
    timer = threading.Timer(0.6, os.kill, (row["pid"], signal.SIGCONT))
    timer.start()
    node.mine(alice.address)
    timer.join()
    slow = net.wait_until("it is told", lambda: [r for r in requests_of(log) if r["path"] == '"/mine"'])
    assert slow[0]["msg"] == '"request: slow"' and int(slow[0]["us"]) >= 300_000 and int(slow[0]["in"]) > 0

    # A version of HTTP that is none of ours: the server itself answers with 505.
    with socket.create_connection((node.host, node.port)) as s:
        s.sendall(b"GET / HTTP/3.0\r\nHost: x\r\n\r\n")
        assert s.recv(64).startswith(b"HTTP/1.1 505")
    net.wait_until("it is told", lambda: any(r["status"] == "505" and r["msg"] == '"request: failed"' for r in requests_of(log)))


def test_the_request_log_is_off_unless_asked_for(net):
    node = net.node(http={"workers": 1}).start()
    for _ in range(20):
        node.get("/status")
    node.stop()
    assert 'msg="request: ' not in node.log()


# What an operator reads


def test_an_idle_node_says_nothing(net):
    """Between its start and its stop, three seconds of rounds and scans later, there is no line at level info."""
    node = net.node(node={"log_level": "info"}).start()
    net.wait_until("it is up and has gone its rounds", lambda: node.rounds("resolver") > 2 and node.rounds("discovery") > 2)
    rounds = node.rounds("discovery")
    told = len(node.log().splitlines())
    net.wait_until("more rounds have passed", lambda: node.rounds("discovery") > rounds + 3)
    assert len(node.log().splitlines()) == told


def test_the_end_of_the_master_is_told_once(net):
    node = net.node(node={"log_level": "info"}).start()
    net.wait_until("all run", lambda: ROLES <= {role["role"] for role in node.roles()})
    node.kill()
    node.wait_gone()
    assert node.log().count("the master is gone, leaving") == 1
    node.start()  # and it clears away what was left
