"""What the supervisor that started a node hears: readiness, what it is doing, reloads, the end, and food for its watchdog."""

import contextlib
import re
import select
import signal
import socket


@contextlib.contextmanager
def supervisor_of(node, **environment):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("")  # an abstract name that the kernel chooses
        supervisor.settimeout(30)
        node.environment |= {"NOTIFY_SOCKET": "@" + supervisor.getsockname()[1:].decode()} | environment
        yield supervisor


def hear(supervisor, word):
    """The next thing that is said and begins so."""
    while True:
        said = supervisor.recv(512).decode()
        if said.startswith(word):
            return said


def test_a_supervisor_hears_when_the_node_answers_what_it_does_and_when_it_stops(net, alice):
    node = net.node()
    with supervisor_of(node) as supervisor:
        node.spawn()
        # On the way there it tells how far the loading of the chain is.
        said = ""
        while not said.startswith("READY=1"):
            assert said == "" or said.startswith("STATUS=loading")
            said = supervisor.recv(512).decode()
        assert said == "READY=1\nSTATUS=height 0, 0 peers"
        assert node.request("GET", "/livez").status_code == 200
        node.mine(alice.address, 3)
        while hear(supervisor, "STATUS=") != "STATUS=height 3, 0 peers":
            pass
        node.stop()
        assert hear(supervisor, "STOPPING=1") == "STOPPING=1\nSTATUS=stopping in order"
        assert hear(supervisor, "STATUS=").startswith("STATUS=all roles have stopped")


def test_a_supervisor_hears_that_a_reload_begins_and_ends_and_whether_it_was_refused(net):
    node = net.node()
    node.allow_errors("the configuration is refused")
    with supervisor_of(node) as supervisor:
        node.start()
        assert hear(supervisor, "READY=1")
        node.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", hear(supervisor, "RELOADING=1"))
        assert hear(supervisor, "READY=1") == "READY=1\nSTATUS=height 0, 0 peers"
        node.write_config("[node]\nno_such_key = 1\n")
        node.process.send_signal(signal.SIGHUP)
        hear(supervisor, "RELOADING=1")
        assert hear(supervisor, "READY=1") == "READY=1\nSTATUS=height 0, 0 peers; the last reload was refused"
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        hear(supervisor, "RELOADING=1")
        assert hear(supervisor, "READY=1") == "READY=1\nSTATUS=height 0, 0 peers"


def test_the_watchdog_of_a_supervisor_is_fed_again_once_a_frozen_role_is_replaced(net):
    node = net.node(node={"watchdog": "1s"})
    with supervisor_of(node, WATCHDOG_USEC="400000") as supervisor:
        node.start()
        hear(supervisor, "WATCHDOG=1")
        frozen = node.kill_role("archiver", signal.SIGSTOP)["pid"]
        net.wait_until("another archiver", lambda: (node.role("archiver") or {}).get("pid", frozen) != frozen)
        assert node.log_has(f"archiver[{frozen}] has not moved for")
        while select.select([supervisor], [], [], 0)[0]:
            supervisor.recv(512)
        hear(supervisor, "WATCHDOG=1")


def test_a_watchdog_for_another_process_is_not_fed(net, alice):
    node = net.node()
    with supervisor_of(node, WATCHDOG_USEC="100000", WATCHDOG_PID="1") as supervisor:
        node.start()
        node.mine(alice.address, 1)
        said = [supervisor.recv(512).decode()]
        while said[-1] != "STATUS=height 1, 0 peers":
            said.append(supervisor.recv(512).decode())
        assert not any("WATCHDOG" in word for word in said)
