"""A node that cannot start says why in one clear sentence, and its exit code tells a supervisor whether to try again."""

import os
import socket
import subprocess

import pytest

from net import DEADLINE, ini_text, rensad

FAILED, REFUSED = 1, 2


def ended(*args, before=()):
    """Runs rensad until it ends by itself."""
    command = [*before, rensad(), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


def run(net, text, before=()):
    path = net.folder / "rensad.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ended("-c", str(path), before=before)


def sound(net, **sections):
    text = {"node": {"data_dir": net.folder / "data"}, "http": {"listen": f"{net.host(1)}:{net.port}"}}
    return ini_text({name: text.get(name, {}) | sections.get(name, {}) for name in text | sections})


BROKEN = {
    "no section": ("name = x\n", "name: stands before any section"),
    "an unknown section": ("[nodes]\nname = x\n", "did you mean [node]?"),
    "an unknown key": ("[node]\nnmae = x\n", 'did you mean "name"?'),
    "a key twice": ("[node]\nname = x\nname = y\n", "rensad.conf:3: [node] name: is set twice, in line 2 too"),
    "no value": ("[node]\nname\n", "this line is not understood"),
    "a bad value": ("[http]\nworkers = many\n", '"many" is not a number; allowed: 0 to 64'),
    "a name with a slash": ("[node]\nname = ../x\n", '"../x" is not a name'),
    "a relative folder": ("[node]\ndata_dir = data\n", "is not an absolute path"),
    "no text at all": (b"\0\xff\xfe\0" * 1000, "rensad.conf:1: "),
    "keys that exclude each other": ("[discovery]\nscan_ports = 5000\n", "nothing is scanned without scan_hosts"),
}


@pytest.mark.parametrize("text, message", BROKEN.values(), ids=BROKEN)
def test_a_broken_configuration_is_refused(net, text, message):
    code, said = run(net, text)
    assert code == REFUSED and message in said
    assert not (net.folder / "data").exists()


def test_a_configuration_that_cannot_be_read_is_refused(net):
    for path, message in [(net.folder / "none", "there is no such file"), (net.folder, "cannot be read as a file")]:
        code, said = ended("-c", str(path))
        assert code == REFUSED and f"{path}: " in said and message in said
    assert ended("-x")[0] == REFUSED
    assert ended("rensad.conf")[0] == REFUSED


def test_an_address_that_is_taken_is_a_failure(net):
    with socket.create_server((net.host(1), net.port)):
        code, said = run(net, sound(net))
    assert code == FAILED and f"{net.host(1)}:{net.port}: the address is in use by another program" in said
    code, said = run(net, sound(net, http={"listen": f"192.0.2.1:{net.port}"}))
    assert code == FAILED and "this host has no such address" in said


def test_a_folder_that_is_none_is_a_failure(net):
    (net.folder / "file").write_text("")
    for path in net.folder / "file", net.folder / "file" / "below":
        code, said = run(net, sound(net, node={"data_dir": path}))
        assert code == FAILED and f"cannot make the data folder {path}: Not a directory" in said


# Root may read and write everything, unless it is told otherwise.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.mark.skipif(subprocess.run([*BOUND, "true"], capture_output=True).returncode != 0, reason="setpriv does not work here")
def test_what_may_not_be_read_or_written_is_refused(net):
    folder, conf = net.folder / "data", net.folder / "rensad.conf"
    folder.mkdir(mode=0o500)
    code, said = run(net, sound(net), before=BOUND)
    assert code == REFUSED and f"cannot open {folder}/lock: Permission denied" in said
    code, said = run(net, sound(net, node={"data_dir": folder / "below"}), before=BOUND)
    assert code == REFUSED and f"cannot make the data folder {folder}/below: Permission denied" in said
    conf.chmod(0)
    code, said = ended("-c", str(conf), before=BOUND)
    assert code == REFUSED and said == f"{conf}: this user may not read it\n"


def test_a_folder_in_use_is_a_failure_that_names_the_other_node(net):
    node = net.node().start()
    code, said = run(net, sound(net, node={"data_dir": node.data_dir}))
    assert code == FAILED and f"another node (process {node.process.pid}) uses the data folder" in said


def test_a_limit_on_the_size_of_files_is_a_failure_that_is_named(net):
    """The kernel would rather end the process without a word."""
    code, said = run(net, sound(net), before=["prlimit", f"--fsize={1 << 20}"])
    assert code == FAILED and "cannot size the shared memory object" in said and "File too large" in said


def test_what_a_node_logs_gets_into_no_file_if_standard_error_is_closed(net):
    """The first file to be opened would have its number: the lock, in which the next node looks for a process id."""
    node = net.node()
    node.write_config()
    process = subprocess.Popen(
        [rensad(), "-c", str(node.config_path)], preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)], start_new_session=True
    )
    node.process, node.is_expected_up = process, True
    node.sessions.append(process.pid)
    node.wait_ready()
    assert (node.data_dir / "lock").read_text().strip() == str(process.pid)
    node.stop()
    assert (node.data_dir / "lock").read_text().strip() == str(process.pid)
