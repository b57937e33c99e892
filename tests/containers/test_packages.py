"""The Debian packages: they are built without the network, lintian has nothing to say, and they come, change and go as an operator
of Debian expects. systemd does not run here; what the packages ask of it is written down by a program in its place."""

import json
import re
import shutil

import pytest

import machine
import packages
from ground import INSTALL_SECONDS, TOP, require, run, wait_until
from packages import build_base, build_folder, build_in, build_packages, state

CONF = "/etc/rensa/rensad.conf"
DATA = "/var/lib/rensa"
# Stands where deb-systemd-invoke stands, and writes down what it is told.
WITNESS = "#!/bin/sh\necho \"$*\" >>/witness\n"


@pytest.fixture(scope="module")
def debs(ground):
    return build_packages(ground)


@pytest.fixture(scope="module")
def run_base(ground):
    """A Debian with what the packages depend on, so that dpkg alone installs them."""
    return ground.base("operator", ["systemd", *packages.runtime_dependencies(), "curl", "jq", "procps"])


class Host:
    """A fresh Debian that packages are put on."""

    def __init__(self, ground, base, name):
        self.root = ground.fresh(base, name)
        self.box = ground.box(name, self.root)
        self.sh = self.box.sh
        (self.root / "usr/bin/deb-systemd-invoke").write_text(WITNESS)
        (self.root / "run/systemd/system").mkdir(parents=True)

    def dpkg(self, *words, **options):
        return self.box.run(["dpkg", *words], timeout=INSTALL_SECONDS, **options)

    def install(self, *debs, options=()):
        for deb in debs:
            run(["cp", deb, self.root / "root"])
        return self.dpkg(*options, "-i", *(f"/root/{deb.name}" for deb in debs))

    def witness(self):
        """What systemd was asked to do since the last call."""
        seen = self.root / "witness"
        words = seen.read_text().splitlines() if seen.exists() else []
        seen.unlink(missing_ok=True)
        return words

    def status(self, package):
        return self.box.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package], check=False).out.strip()

    def there(self, *paths):
        return [path for path in paths if (self.root / path.lstrip("/")).exists()]

    def text(self, path):
        return (self.root / path.lstrip("/")).read_text()

    def write(self, path, text):
        (self.root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path.lstrip("/")).write_text(text)

    def run_node(self, blocks):
        """The node of the installed configuration, as the service runs it, until it has mined so many blocks."""
        self.sh(f"install -d -o rensa -g rensa -m 750 {DATA}")
        log = self.root / "root/node.log"
        node = self.box.start(["setpriv", "--reuid=rensa", "--regid=rensa", "--clear-groups", "rensad"], log)
        ready = ["curl", "-fsS", "http://127.0.0.1:5000/readyz"]
        wait_until("the node", lambda: self.box.run(ready, check=False).code == 0 or node.poll() is not None)
        if blocks:
            self.sh(f"export RENSA_HOME=/root/wallets; rensa wallet address A || rensa wallet create A; rensa mine --to A --blocks {blocks}")
        self.sh("pkill -TERM -o -x rensad")
        assert node.wait(60) == 0, log.read_text()


@pytest.fixture
def host(ground, run_base, request):
    return Host(ground, run_base, f"host-{abs(hash(request.node.name)) % 10**8}")


def next_version(deb, folder, line=None):
    """The same package one version later; line: the newer package's configuration has it at the end."""
    name = deb.name.split("_")[0]
    files = folder / name
    run(["dpkg-deb", "-R", deb, files])
    control = (files / "DEBIAN/control").read_text()
    version = re.search(r"^Version: (.*)$", control, re.MULTILINE)[1]
    newer = version.rsplit("-", 1)[0] + "-99"
    (files / "DEBIAN/control").write_text(control.replace(f"Version: {version}", f"Version: {newer}").replace(f"(= {version})", f"(= {newer})"))
    if line:
        with open(files / CONF.lstrip("/"), "a") as conf:
            conf.write(line)
    made = folder / f"{name}_{newer}.deb"
    run(["dpkg-deb", "--root-owner-group", "-b", files, made])
    return made


# --- What was built --------------------------------------------------------------------------------------------------------------


def test_lintian_has_neither_errors_nor_warnings(ground, debs):
    root = ground.fresh(build_base(ground), "lintian")
    run(["cp", "-r", build_folder(ground), root / "built"])
    box = ground.box("lintian", root)
    said = box.sh("lintian --allow-root --show-overrides --fail-on none /built/*.changes", timeout=INSTALL_SECONDS)
    found = re.findall(r"^([A-Z]): \S+: (\S+)", said.out, re.MULTILINE)
    # What is overridden has its reason above it, and what is not found any more is not overridden; N are those reasons, shown.
    overridden = set()
    for name in debs:
        lines = (TOP / f"debian/{name}.lintian-overrides").read_text().splitlines()
        for before, line in zip(["", *lines], lines):
            if not line.startswith("#"):
                assert before.startswith("# "), line
                overridden.add(("O", line.split(": ")[1]))
    assert set(found) == overridden


def test_each_package_holds_what_it_should(debs):
    def files(name):
        listed = run(["dpkg-deb", "-c", debs[name]]).out.splitlines()
        return {line.split()[5].lstrip("."): line.split()[:2] for line in listed if not line.startswith("d")}

    node, client = files("rensad"), files("rensa")
    programs = {"/usr/sbin/rensad", "/usr/bin/rensa"}
    assert programs == {path for path, (mode, _) in (node | client).items() if mode != "-rw-r--r--"}
    assert {owner for _, owner in (node | client).values()} == {"root/root"}
    assert set(node) & set(client) == set()
    assert {
        CONF,
        "/etc/logrotate.d/rensad",
        "/lib/systemd/system/rensad.service",
        "/lib/systemd/system/rensad@.service",
        "/usr/lib/sysusers.d/rensa.conf",
        "/usr/sbin/rensad",
        "/usr/share/bash-completion/completions/rensad",
        "/usr/share/doc/rensad/README.Debian",
        "/usr/share/doc/rensad/rensad.spdx.json",
        "/usr/share/man/man5/rensad.conf.5.gz",
        "/usr/share/man/man8/rensad.8.gz",
        "/usr/share/zsh/vendor-completions/_rensad",
    } <= set(node)
    assert {
        "/usr/bin/rensa",
        "/usr/share/bash-completion/completions/rensa",
        "/usr/share/doc/rensa/rensa.spdx.json",
        "/usr/share/man/man1/rensa.1.gz",
        "/usr/share/zsh/vendor-completions/_rensa",
    } <= set(client)
    assert run(["dpkg-deb", "-I", debs["rensad"], "conffiles"]).out.split() == ["/etc/logrotate.d/rensad", CONF]


def test_the_programs_are_hardened(debs, tmp_path):
    for name, path in ("rensad", "usr/sbin/rensad"), ("rensa", "usr/bin/rensa"):
        run(["dpkg-deb", "-x", debs[name], tmp_path])
        said = run(["readelf", "-W", "--dynamic", "--segments", "--dyn-syms", tmp_path / path]).out
        assert re.search(r"FLAGS_1\).*\bNOW\b.*\bPIE\b", said), "calls are bound at the start, at an address of chance"
        assert "GNU_RELRO" in said
        assert re.search(r"GNU_STACK.* RW ", said), "no code on the stack"
        assert "__stack_chk_fail" in said
        assert re.search(r"__mem\w+_chk|__\w+printf_chk", said), "libc checks sizes"
        assert not re.search(r"R(UN)?PATH", said)


def test_the_bill_of_materials_is_of_the_libraries_that_the_packages_were_built_with(ground, debs, tmp_path):
    versions = run(["dpkg-query", f"--admindir={build_base(ground)}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"]).out
    installed = dict(line.split() for line in versions.splitlines())
    for name, deb in debs.items():
        run(["dpkg-deb", "-x", deb, tmp_path])
        bill = json.loads((tmp_path / f"usr/share/doc/{name}/{name}.spdx.json").read_text())
        listed = {each["name"]: each["versionInfo"] for each in bill["packages"]}
        version = run(["dpkg-deb", "-f", deb, "Version"]).out.strip()
        assert listed.pop(name) == version.rsplit("-", 1)[0]
        assert listed.items() <= installed.items()
        # Each library of Depends is in it.
        depends = re.findall(r"\b(lib[a-z0-9.-]+)", run(["dpkg-deb", "-f", deb, "Depends"]).out)
        assert depends and set(depends) <= listed.keys()
        program = next(each for each in bill["packages"] if each["name"] == name)
        path = tmp_path / ("usr/sbin" if name == "rensad" else "usr/bin") / name
        assert program["checksums"][0]["checksumValue"] == run(["sha256sum", path]).out.split()[0]


def test_nocheck_leaves_the_tests_out(ground):
    log = (build_folder(ground) / "build.log").read_text()
    assert "dh_auto_build" in log
    assert 'call to "dh_auto_test" was omitted' in log
    assert "PASS: " not in log


@pytest.mark.slow
def test_a_build_without_options_runs_the_tests(ground):
    log = (build_in(ground, "build-checked", options="") / "build.log").read_text()
    assert int(re.search(r"^# PASS: +(\d+)$", log, re.MULTILINE)[1]) > 20
    assert re.search(r"^# (?:FAIL|ERROR): +0$", log, re.MULTILINE)
    assert "PASS: tests/store/test_store" in log


@pytest.mark.slow
def test_two_builds_in_other_circumstances_are_the_same_to_the_byte(ground):
    root = ground.fresh(build_base(ground), "reproducible")
    packages.unpack(state(), root / "build/rensa")
    run(["git", "-C", TOP, "archive", "-o", root / "build/source.tar", state()])
    box = ground.box("reproducible", root)
    said = box.run(["/build/rensa/scripts/check-reproducible", "--packages", "/build/source.tar"], timeout=3 * INSTALL_SECONDS)
    same = [line.split()[-1] for line in said.out.splitlines() if line.startswith("same ")]
    kinds = [re.sub(r"_.*(?=\.deb)|-[0-9].*(?=\.tar)", "", name) for name in same]
    assert sorted(kinds) == ["rensa", "rensa-dbgsym.deb", "rensa.deb", "rensa.tar.xz", "rensad", "rensad-dbgsym.deb", "rensad.deb"]


# --- Coming ----------------------------------------------------------------------------------------------------------------------


def test_an_installation_makes_the_user_and_starts_nothing(host, debs):
    host.install(*debs.values())
    assert [host.status(name) for name in debs] == ["ii", "ii"]
    assert host.witness() == []
    assert not list((host.root / "etc/systemd/system").rglob("rensad*")), "not enabled"
    name, _, uid, _, _, home, shell = host.sh("getent passwd rensa").out.strip().split(":")
    assert int(uid) < 1000 and home == DATA and shell == "/usr/sbin/nologin"
    assert host.sh(f"stat -c '%U %a' {CONF}").out == "root 644\n"
    assert host.sh("rensad -t 2>&1").out == f"{CONF}: the configuration is good\n"
    assert host.there(DATA) == []


def test_the_story_runs_with_what_is_installed(host, debs):
    host.install(*debs.values())
    shutil.copy(TOP / "debian/tests/story", host.root / "root/story")
    host.sh("useradd -m tester; install -m 755 /root/story /home/tester/")
    said = host.sh("cd /home/tester; setpriv --reuid=tester --regid=tester --clear-groups ./story", env={"HOME": "/home/tester"})
    assert said.out.endswith("story: ok\n")
    assert host.sh("ls /dev/shm").out == ""


def test_the_service_comes_up_and_goes_under_systemd(ground, debs):
    require(*machine.TOOLS)
    root = ground.fresh(ground.base("systemd", machine.PACKAGES), "service")
    (root / "debs").mkdir()
    run(["cp", *debs.values(), root / "debs"])
    ground.install(root, [f"/debs/{deb.name}" for deb in debs.values()])
    shutil.copy(TOP / "debian/tests/service", root / "root/service")
    booted = ground.keep(machine.Machine(ground.work, root))
    assert booted.run(["bash", "/root/service"]).out.endswith("service: ok\n")


def test_the_client_comes_alone(host, debs):
    host.install(debs["rensa"])
    assert host.status("rensa") == "ii"
    host.sh("RENSA_HOME=/root/w rensa wallet create A")
    assert host.there("/usr/sbin/rensad", "/etc/rensa") == []


# --- Changing --------------------------------------------------------------------------------------------------------------------


def test_an_upgrade_keeps_the_operators_configuration_and_the_chain(host, debs, tmp_path):
    host.install(*debs.values())
    host.run_node(blocks=2)
    mine = host.text(CONF) + "\n[http]\nlisten = 127.0.0.1:5000\n"
    host.write(CONF, mine)
    newer = [next_version(deb, tmp_path, "\n# a newer word\n" if name == "rensad" else None) for name, deb in debs.items()]
    host.install(*newer, options=["--force-confdef", "--force-confold"])
    assert host.text(CONF) == mine
    assert host.text(f"{CONF}.dpkg-dist").endswith("# a newer word\n"), "beside it, to look at"
    assert host.sh("dpkg-query -W -f '${Version}' rensad").out.endswith("-99")
    assert host.sh(f"rensa --json verify --data {DATA} | jq .height").out == "2\n"
    host.run_node(blocks=1)
    assert host.sh(f"rensa --json verify --data {DATA} | jq .height").out == "3\n"


def test_an_upgrade_brings_the_new_configuration_where_the_old_was_never_touched(host, debs, tmp_path):
    host.install(debs["rensad"])
    host.install(next_version(debs["rensad"], tmp_path, "\n# a newer word\n"))
    assert host.text(CONF).endswith("# a newer word\n")
    assert host.there(f"{CONF}.dpkg-dist", f"{CONF}.dpkg-old") == []


def test_an_upgrade_restarts_what_runs_and_nothing_else(host, debs, tmp_path):
    host.install(debs["rensad"])
    assert host.witness() == []
    host.install(next_version(debs["rensad"], tmp_path))
    assert host.witness() == ["try-restart rensad.service", "try-restart rensad@*.service"]


# --- Going -----------------------------------------------------------------------------------------------------------------------


def test_remove_stops_the_nodes_and_keeps_configuration_and_chain(host, debs):
    host.install(*debs.values())
    host.run_node(blocks=1)
    host.write("/etc/rensa/one.conf", "[node]\nname = one\n")
    host.dpkg("-r", "rensad", "rensa")
    assert host.witness() == ["stop rensad.service rensad@*.service"]
    assert host.there("/usr/sbin/rensad", "/usr/bin/rensa", "/lib/systemd/system/rensad.service") == []
    assert len(host.there(CONF, "/etc/rensa/one.conf", f"{DATA}/journal")) == 3
    assert host.status("rensad") == "rc"

    host.install(*debs.values())
    assert host.sh(f"rensa --json verify --data {DATA} | jq .height").out == "1\n"
    host.run_node(blocks=1)


def test_purge_takes_everything_but_a_chain_and_says_so(host, debs):
    host.install(*debs.values())
    host.run_node(blocks=1)
    host.write("/etc/rensa/one.conf", "[node]\nname = one\n")
    host.write("/var/log/rensa/rensad.log", "a line\n")
    said = host.dpkg("-P", "rensad", "rensa")
    assert f"rensad: kept {DATA}, which holds a chain" in said.out
    assert host.there("/etc/rensa", "/var/log/rensa", "/etc/logrotate.d/rensad", "/usr/share/doc/rensad") == []
    assert host.status("rensad") in ("", "un") or "no packages found" in host.status("rensad")

    # It is the same chain when the packages come back.
    host.install(*debs.values())
    assert host.sh(f"rensa --json verify --data {DATA} | jq .height").out == "1\n"


def test_purge_takes_the_folder_of_a_node_that_has_no_block(host, debs):
    host.install(*debs.values())
    host.run_node(blocks=0)
    assert host.there(f"{DATA}/network") == [f"{DATA}/network"]
    said = host.dpkg("-P", "rensad")
    assert "kept" not in said.out
    assert host.there(DATA) == []


def test_purge_judges_each_node_of_a_host_and_touches_nothing_else(host, debs):
    host.install(*debs.values())
    host.run_node(blocks=1)
    host.sh(f"""cd {DATA}; mkdir rich poor; mv journal network rich/; mv lock poor/; cp rich/network poor/; rm -rf pool snapshot peers
        mkdir /elsewhere; cp rich/network /elsewhere/; ln -s /elsewhere link
        mkdir -p .rensa/wallets; echo key >.rensa/wallets/A.wallet; echo mine >poor/notes""")
    host.dpkg("-P", "rensad")
    assert len(host.there(f"{DATA}/rich/journal", f"{DATA}/rich/network", f"{DATA}/.rensa/wallets/A.wallet", f"{DATA}/poor/notes")) == 4
    assert host.there(f"{DATA}/poor/network", f"{DATA}/poor/lock") == []
    assert host.there("/elsewhere/network") == ["/elsewhere/network"]


def test_what_is_purged_comes_back_as_new(host, debs):
    host.install(*debs.values())
    original = host.text(CONF)
    host.write(CONF, original + "# changed\n")
    host.dpkg("-P", "rensad", "rensa")
    host.install(*debs.values())
    assert host.text(CONF) == original
    assert [host.status(name) for name in debs] == ["ii", "ii"]
