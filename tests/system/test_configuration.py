"""rensad's own command line: files that include others, variables, options, all mistakes at once, and what it prints."""

import os
import pathlib
import re
import subprocess

import pytest

from net import rensad

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef0123456789abcdef"


class Run:
    def __init__(self, *args, stdin="", environment=None, cwd=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("RENSAD_")} | (environment or {})
        command = [rensad(), *map(str, args)]
        done = subprocess.run(command, input=stdin, env=env, cwd=cwd, capture_output=True, text=True, timeout=60)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


def values(text):
    """{(section, key): [values]} of an ini file without includes."""
    found, section = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition(" =")
            found.setdefault((section, key), []).append(value.strip())
    return found


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "rensad.conf").write_text(
        "[node]\nname = main\nlog_level = warn\n[discovery]\npeers = 10.0.0.1:5000\ninclude = conf.d/*.conf\n"
    )
    (tmp_path / "conf.d" / "10-http.conf").write_text(f"[http]\nworkers = 2\nadmin_token_file = {tmp_path}/token\n")
    (tmp_path / "conf.d" / "20-name.conf").write_text(
        "[node]\nname = later\n[discovery]\npeers = node2:5000\npeers = node3:5000, node4:5000\n"
    )
    return tmp_path


def test_what_is_good_is_said_in_one_line(folder):
    shown = Run("-t", "-c", folder / "rensad.conf")
    assert (shown.code, shown.err) == (0, "") and shown.out == f"{folder}/rensad.conf: the configuration is good\n"


def test_values_are_printed_with_their_origins(folder):
    environment = {"RENSAD_HTTP_WORKERS": "3", "RENSAD_RESOLVER_INTERVAL": "90", "RENSAD_PORT": "tcp://10.0.0.1:80"}
    shown = Run("-T", "-c", folder / "rensad.conf", "-o", "http.workers=4", "-o", "http.max_body=2048K", environment=environment)
    assert (shown.code, shown.err) == (0, "")
    for part in (
        f"# from {folder}/conf.d/20-name.conf:2\nname = later\n",
        f"# from {folder}/rensad.conf:3\nlog_level = warn\nlog_format = logfmt\n",
        "# from -o http.workers\nworkers = 4\n",
        "# from -o http.max_body\nmax_body = 2M\n",
        "# from RENSAD_RESOLVER_INTERVAL\ninterval = 90s\n",
        f"# from {folder}/conf.d/20-name.conf:5\npeers = node2:5000, node3:5000, node4:5000\n",
        f"admin_token_file = {folder}/token\n",
    ):
        assert part in shown.out, part
    assert TOKEN not in shown.out and "10.0.0.1" not in shown.out
    # Read back it is the same, and good.
    again = Run("-T", "-c", "/dev/stdin", stdin=shown.out)
    assert again.code == 0 and values(again.out) == values(shown.out)
    assert Run("-t", "-c", "/dev/stdin", stdin=shown.out).out == "/dev/stdin: the configuration is good\n"


def test_all_that_is_wrong_is_told_at_once_with_its_source(folder):
    (folder / "conf.d" / "30.conf").write_text("[miner]\ncpu_percent = 0\n[empty-section]\n[http] x\n")
    (folder / "rensad.conf").write_text("[http]\nlistn = 1\nmax_connections = 0\n[node] x\ninclude = conf.d/30.conf\ninclude = no\n")
    shown = Run(
        *["-t", "-c", "rensad.conf", "-o", "http.listen=here", "-o", "oops"], environment={"RENSAD_NOD_NAME": "x"}, cwd=folder
    )
    assert (shown.code, shown.out) == (2, "")
    starts = [
        'rensad.conf:2: [http] listn: there is no such key; did you mean "listen"?',
        'rensad.conf:3: [http] max_connections: "0" is too small; allowed: 1 to 1000000',
        "rensad.conf:4: this line is not understood",
        'rensad.conf:6: include: "no": there is no such file',
        'conf.d/30.conf:2: [miner] cpu_percent: "0" is too small',
        "conf.d/30.conf:3: [empty-section]: there is no such section",
        "conf.d/30.conf:4: this line is not understood",
        "RENSAD_NOD_NAME: there is no such setting; did you mean RENSAD_NODE_NAME?",
        '-o http.listen: [http] listen: "here" is not an address and port',
        "-o oops: this is no setting",
    ]
    lines = shown.err.splitlines()
    assert len(lines) == len(starts)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)


def test_a_file_that_is_no_configuration_is_refused_calmly(tmp_path):
    file = tmp_path / "odd"
    for content in b"\0" * 100_000, os.urandom(200_000), b"x" * 500_000, b"[" * 5000 + b"\n" * 5000, "\xe9=\xff\n".encode("latin-1") * 9999:
        file.write_bytes(content)
        shown = Run("-t", "-c", file)
        assert shown.code == 2 and shown.out == "" and 0 < len(shown.err.splitlines()) <= 101
        assert max(map(len, shown.err.splitlines())) < 1500 and "\x1b" not in shown.err
    shown = Run("-t", "-c", "/dev/zero")
    assert shown.code == 2 and "larger than a configuration can be" in shown.err


def test_sample_and_manual_are_those_of_the_source(tmp_path):
    assert Run("--sample").out == (ROOT / "conf" / "rensad.conf").read_text()
    assert Run("--manual").out == (ROOT / "docs" / "man" / "rensad.conf.5").read_text()


def test_every_key_of_the_sample_is_set_alike_by_each_source(folder):
    """Whatever -T prints for a full configuration can be said by file, variable or option."""
    good = Run("-T", "-c", folder / "rensad.conf", "-o", "discovery.scan_ports=1-2", "-o", "discovery.scan_hosts=10.0.0.1").out
    found = {name: ", ".join(of) for name, of in values(good).items()}
    keys = re.findall(r"^#(\w+) =", Run("--sample").out, re.MULTILINE)
    assert len(keys) == len(found) + 1  # and include
    by_environment = {f"RENSAD_{section}_{key}".upper(): value for (section, key), value in found.items()}
    by_option = [f"-o{section}.{key}={value}" for (section, key), value in found.items()]
    assert values(Run("-T", "-c", "/dev/null", environment=by_environment).out) == values(good)
    assert values(Run("-T", "-c", "/dev/null", *by_option).out) == values(good)


def test_a_node_is_configured_by_its_environment_and_options_alone(net, alice):
    node = net.node()
    settings = {f"RENSAD_{section}_{key}".upper(): str(value) for section, keys in node.settings.items() for key, value in keys.items()}
    node.settings = {}
    node.environment = settings | {"RENSAD_MINER_ADDRESS": alice.address, "RENSAD_NODE_NAME": "nobody"}
    start = node.command
    node.command = lambda: [*start(), "-o", f"node.name={node.name}"]
    node.start()
    told = node.status()
    assert told["node"] == node.name and told["network"]["name"] == "test" and len(node.roles("worker")) == 2
    node.post("/mine")
    assert node.balance(alice.address) > 0
    # They count at a reload too, whatever the files say then.
    node.write_config("[http]\nworkers = 5\n[node]\nname = other\n[resolver]\nmax_reorg_depth = 100\n")
    node.environment = {}
    told = node.post("/reload")
    assert told == {
        "result": "ok",
        "changed": [{"key": "resolver.max_reorg_depth", "from": "0", "to": "100"}],
        "restart": [],
    }


def test_a_running_node_reads_what_was_added_beside_its_file(net):
    node = net.node()
    node.write_config()
    added = net.folder / "conf.d"
    added.mkdir()
    text = node.config_path.read_text()
    write = node.write_config
    node.write_config = lambda changed=None: write(changed or text + "include = conf.d/*.conf\n")
    node.allow_errors("the configuration is refused")
    node.start()
    (added / "10.conf").write_text("[http]\nworkers = 1\n")
    assert node.post("/reload")["changed"] == [{"key": "http.workers", "from": "2", "to": "1"}]
    net.wait_until("there is one worker", lambda: len(node.roles("worker")) == 1)
    (added / "20.conf").write_text("[http]\nworkers = many\n[htpt]\n")
    told = node.post("/reload", expect=422)
    assert told["error"]["code"] == "configuration-refused"
    assert [re.sub(".*/", "", line) for line in told["errors"]] == [
        '20.conf:2: [http] workers: "many" is not a number; allowed: 0 to 64',
        "20.conf:3: [htpt]: there is no such section; did you mean [http]?",
    ]
    (added / "20.conf").unlink()
    (added / "10.conf").unlink()
    assert node.post("/reload")["changed"] == [{"key": "http.workers", "from": "1", "to": "2"}]


def test_a_link_to_the_file_is_followed_anew_at_a_reload(net):
    """Container hosts mount a configuration as a link, and point it elsewhere when it changes."""
    node = net.node()
    node.write_config()
    versions = [net.folder / f"version{n}" for n in (1, 2)]
    for number, version in enumerate(versions, 1):
        version.mkdir()
        (version / "node.conf").write_text(node.config_path.read_text() + "include = more.conf\n")
        (version / "more.conf").write_text(f"[miner]\ncpu_percent = {number}\n")
    node.config_path.unlink()
    link = net.folder / "current"
    link.symlink_to(versions[0])
    node.config_path = link / "node.conf"
    node.write_config = lambda: None
    node.start()
    link.unlink()
    link.symlink_to(versions[1])
    for path in versions[0].iterdir():
        path.unlink()
    assert node.post("/reload")["changed"] == [{"key": "miner.cpu_percent", "from": "1", "to": "2"}]


def test_what_came_through_a_pipe_is_not_read_again(net):
    node = net.node()
    node.allow_errors("the configuration is refused")
    node.write_config()
    node.command = lambda: ["bash", "-c", f'exec "$0" -c /dev/fd/3 3< <(cat {node.config_path})', rensad()]
    node.start()
    told = node.post("/reload", expect=422)
    assert "came through a pipe" in told["error"]["message"]
    assert node.height() == 0
