"""What the programs that measure from outside stand on: nodes, nginx as the yardstick of servers, wrk as the client, CPU time
of processes, and rows of results.

CPU time is the kernel's own count in nanoseconds (/proc/PID/task/*/schedstat), user and system, of every thread. It is what is
compared wherever clients and servers share the cores: a rate says as much of the client as of the server.
"""

import atexit
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

ROUNDS = 7  # alternations of ours and the yardstick
REST_SECONDS, REST_SHARE, REST_TRIES = 3, 0.05, 20  # a node is at rest when for so long it uses no more of a core


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def threads(pid):
    return [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def cpu_ns(pids):
    """CPU time that these processes have spent so far."""
    spent = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0])
    return spent


def comm(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def started(command, **options):
    """A process that does not outlive a part that fails."""
    process = subprocess.Popen(command, **options)
    atexit.register(process.terminate)
    return process


class Node:
    """A node of its own. Lines for a section of its configuration come on top: Node(…, http="workers = 2")."""

    def __init__(self, build, data, port, host="127.0.0.1", **sections):
        data.mkdir(parents=True, exist_ok=True)
        self.config, self.log = data.with_suffix(".conf"), data.with_suffix(".log")
        lines = {
            "node": {"data_dir": data, "name": data.name, "log_file": self.log, "shm_max": "4G"},
            "http": {"listen": f"{host}:{port}"},
            "network": {"difficulty": 0, "retarget": "fixed"},
        }
        self.lines = lines
        self.configure(sections)
        self.base = f"http://{host}:{port}"
        self.process = started([build / "rensad", "-c", self.config])
        while self.height() is None:
            time.sleep(0.01)

    def configure(self, sections):
        for section, more in sections.items():
            for line in more.splitlines():
                key, _, value = line.partition(" = ")
                self.lines.setdefault(section, {})[key] = value
        self.config.write_text(
            "".join(
                f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                for section, keys in self.lines.items()
            )
        )

    def reload(self, **sections):
        self.configure(sections)
        self.process.send_signal(signal.SIGHUP)

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=30) as reply:
            return json.load(reply)

    def status(self):
        return self.get("/status")

    def height(self):
        try:
            return self.get("/chain/head")["height"]
        except OSError:
            assert self.process.poll() is None, f"a node ended: {self.log.read_text()}"
            return None

    def pids(self, *roles):
        """The master and its children, or only the children of these roles."""
        master = self.process.pid
        of_roles = [pid for pid in children(master) if not roles or comm(pid) in roles]
        return of_roles if roles else [master, *of_roles]

    def signal_workers(self, number):
        for pid in self.pids("worker"):
            os.kill(pid, number)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0, f"a node failed: {self.log.read_text()}"


def come_to_rest(nodes):
    """
    Right after its start a node writes its chain's JSON, and, for the next start, a snapshot. What copying and removing chains
    has left to write is on the disk by then, too.
    """
    for _ in range(REST_TRIES):
        before = cpu_ns([pid for node in nodes for pid in node.pids()])
        os.sync()
        time.sleep(REST_SECONDS)
        if cpu_ns([pid for node in nodes for pid in node.pids()]) - before < REST_SECONDS * REST_SHARE * 1e9:
            return
    sys.exit("a node does not come to rest")


class Nginx:
    """Serves the files of a folder with as many workers as told, keep-alive without end, sendfile, and no log."""

    def __init__(self, folder, port, workers=2):
        (folder / "files").mkdir(parents=True)
        self.files, self.base = folder / "files", f"http://127.0.0.1:{port}"
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600s;\n"
            "default_type application/json;\n"
            + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + f"server {{ listen 127.0.0.1:{port} reuseport; root {self.files}; }} }}\n"
        )
        self.process = started(["/usr/sbin/nginx", "-p", folder, "-c", config])
        (self.files / "up").write_text("{}")
        while not self.answers():
            assert self.process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.01)

    def answers(self):
        try:
            return urllib.request.urlopen(self.base + "/up", timeout=5).status == 200
        except OSError:
            return False

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def make_chain(build, data, blocks, transfers=0, empty=0, more=0, difficulty=0):
    """A node's data folder with so many blocks, each with so many transfers once there are coins for them (bench/make_chain.c)."""
    data.mkdir(parents=True, exist_ok=True)
    options = f"-e {empty} -m {more} -d {difficulty}".split()
    subprocess.run([build / "bench/make_chain", *options, data, str(blocks), str(transfers)], check=True)


def verify(build, seconds):
    """What libsecp256k1 alone does on all cores at once: signatures whose keys it read and that it verified, CPU time, cores."""
    return json.loads(subprocess.check_output([build / "bench/post", "verify", str(seconds)]))


def verify_rate(build, seconds):
    """Signatures a second."""
    return verify(build, seconds)["signatures"] / seconds


def wrk(url, connections, seconds, threads=1, script=None):
    """What wrk says: requests, their rate, bytes, and answers that were not 2xx or 3xx."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    said = subprocess.run([*command, *(["-s", script] if script else []), url], capture_output=True, text=True, check=True).stdout
    requests, spent = re.search(r"(\d+) requests in ([\d.]+)s", said).groups()
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: .*", said)
    assert not errors, said
    return {"requests": int(requests), "rate": int(requests) / float(spent), "refused": int(failed[1]) if failed else 0}


def row(name, ours, yardstick, unit, mark, is_cost=False, digits=1):
    """
    A row of the table from the rounds' figures. The ratio is ours over the yardstick for a rate and the other way round for a
    cost, so more is better; the spread is what lies between its quartiles; it holds when its median is within that of the mark.
    """
    ratios = [y / o if is_cost else o / y for o, y in zip(ours, yardstick)]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {
        "name": name, "ours": round(statistics.median(ours), digits), "yardstick": round(statistics.median(yardstick), digits),
        "unit": unit, "ratio": round(statistics.median(ratios), 3), "spread": round(high - low, 3),
        "mark": round(mark, 3), "holds": statistics.median(ratios) + high - low >= mark,
    }  # fmt: skip
