"""Completion in bash and zsh, as a shell asks for it. It reads the programs' own help, so what these tests hold is that all of the
help arrives, and that no word in it stands for something that completion does not know. RENSA and RENSAD name the programs."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = TOP / "conf/completion"
RENSA = os.environ.get("RENSA", "rensa")
RENSAD = os.environ.get("RENSAD", "rensad")
WALLETS = ["albert", "alice", "bob"]


def said(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "\n".join(re.findall(r"^ +(?:-\w, )?--.*?(?:  |$)", text, re.MULTILINE))))


def commands():
    """Every command of rensa: its words, and what its operand is called."""
    listed = re.search(r"^commands.*?\n\n", said(RENSA, "help"), re.MULTILINE | re.DOTALL)[0]
    rows = re.findall(r"^  ([a-z][a-z -]*[a-z])(?: (\[?[A-Z]\S*))?  ", listed, re.MULTILINE)
    assert len(rows) > 10
    return [(name, operand.strip("[]")) for name, operand in rows]


@pytest.fixture
def room(tmp_path):
    """A folder with the programs in its PATH under their names, wallets, and files and folders to name."""
    for name, program in ("rensa", RENSA), ("rensad", RENSAD):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(program))
    for folder in "home/wallets", "other/wallets", "work/folder":
        (tmp_path / folder).mkdir(parents=True)
    for name in WALLETS:
        (tmp_path / f"home/wallets/{name}.wallet").touch()
    (tmp_path / "other/wallets/zoe.wallet").touch()
    (tmp_path / "work/file.conf").touch()
    return tmp_path


def environment(room):
    path = f"{room}/bin:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(room), "RENSA_HOME": str(room / "home"), "TERM": "dumb", "LANG": "C.UTF-8"}


def ask_bash(room, *lines):
    """What bash offers for each line, the last word of which is being typed. It splits words at = as readline does."""
    script = f"set -e; cd {shlex.quote(str(room / 'work'))}; compopt() {{ :; }}\n"
    script += "".join(f"source {shlex.quote(str(FOLDER / name))}\n" for name in ("rensa.bash", "rensad.bash"))
    for line in lines:
        words = [word for part in line.split(" ") for word in (re.split("(=)", part) if "=" in part else [part])]
        words = words[:-1] if words[-2:] == ["=", ""] else words
        quoted = " ".join(map(shlex.quote, words))
        script += f"""COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMPREPLY=(stale); _{words[0]}; echo "${{COMPREPLY[*]}}"\n"""
    done = subprocess.run(["bash", "--norc"], input=script, env=environment(room), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return [set(line.split()) for line in done.stdout.split("\n")[:-1]]


def ask_zsh(room, *lines):
    if not shutil.which("zsh"):
        pytest.skip("needs zsh: scripts/install-deps --test installs it")
    command = ["zsh", "-f", str(pathlib.Path(__file__).with_name("completion.zsh")), str(FOLDER), str(room / "offered"), *lines]
    done = subprocess.run(command, env=environment(room), cwd=room / "work", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return [set(line.split()) for line in done.stdout.split("\n")[:-1]]


asked = pytest.mark.parametrize("ask", [ask_bash, ask_zsh], ids=["bash", "zsh"])


@asked
def test_every_option_in_the_help_of_every_command_is_offered(room, ask):
    everywhere = options_of(said(RENSA, "help"))
    assert {"--node", "--json", "--home", "--help", "--version"} <= everywhere
    names = [name for name, _ in commands() if name != "help"]
    offered = ask(room, "rensa --", *(f"rensa {name} --" for name in names))
    assert offered[0] == everywhere
    for name, got in zip(names, offered[1:], strict=True):
        assert got == options_of(said(RENSA, "help", *name.split())) | everywhere, name


@asked
def test_every_option_of_the_node_is_offered(room, ask):
    wanted = options_of(said(RENSAD, "--help"))
    assert {"--config", "--set", "--reset"} <= wanted
    assert ask(room, "rensad --") == [wanted]


@asked
def test_every_command_is_offered_and_the_second_words_of_those_with_two(room, ask):
    first = {name.split()[0] for name, _ in commands()}
    second = {name.split()[1] for name, _ in commands() if name.startswith("wallet ")}
    assert ask(room, "rensa ", "rensa wallet ", "rensa help wallet ", "rensa --json ") == [first, second, second, first]
    assert ask(room, "rensa help ")[0] == first


def test_each_word_for_a_value_in_the_help_is_known_to_completion():
    """A new option with a value, or a new operand, wants a decision: what could it be?"""
    texts = [said(RENSA, "help")] + [said(RENSA, "help", *name.split()) for name, _ in commands() if name != "help"]
    values = {word for text in texts for word in re.findall(r"^ +--[a-z-]+ ([A-Z]\S*)", text, re.MULTILINE)}
    operands = {operand for name, operand in commands() if operand and name != "help"}
    for file in "rensa.bash", "_rensa":
        room = (FOLDER / file).read_text()
        known = {word for line in re.findall(r"^\t([A-Z][^\n]*?)\)", room, re.MULTILINE) for word in re.split(r" \| ", line)}
        known = {word.strip("'").replace("\\", "") for word in known}
        assert values | operands <= known, file


@asked
def test_values_are_what_their_option_or_command_takes(room, ask):
    rows = {
        "rensa balance ": set(WALLETS),
        "rensa balance al": {"albert", "alice"},
        "rensa wallet address ": set(WALLETS),
        "rensa send --from ": set(WALLETS),
        "rensa send --from alice --to b": {"bob"},
        "rensa --node http://127.0.0.9:5000 balance b": {"bob"},
        f"rensa --home {room}/other balance ": {"zoe"},
        "rensa log-level ": {"error", "warn", "info", "debug"},
        "rensa watch --only ": {"block", "transaction", "reorganisation", "peer"},
        "rensa verify --data ": {"folder"},
        "rensa import fi": {"file.conf"},
        "rensad -c fi": {"file.conf"},
        "rensad -o http.lis": {"http.listen="},
        "rensad --set node.na": {"node.name="},
    }
    assert dict(zip(rows, ask(room, *rows), strict=True)) == rows


@asked
def test_the_checks_of_the_doctor_are_those_of_its_help(room, ask):
    told = re.search(r"^CHECKS are .*?\.$", said(RENSA, "help", "doctor"), re.MULTILINE | re.DOTALL)[0]
    wanted = set(re.findall(r"[a-z_]+", told)) - set("are of the node that runs and".split()) | {"node"}
    assert ask(room, "rensa doctor --only ") == [wanted]


def test_a_value_behind_an_equals_sign_is_completed(room):
    rows = {
        "rensa send --from=a": {"albert", "alice"},
        "rensa send --from=": set(WALLETS),
        "rensad --config=fi": {"file.conf"},
        "rensa watch --only block,re": {"block,reorganisation"},
    }
    assert dict(zip(rows, ask_bash(room, *rows), strict=True)) == rows


def test_nothing_is_offered_where_only_the_user_knows(room):
    lines = ["rensa wallet create ", "rensa tx ", "rensa block ", "rensa send --amount ", "rensa balance bob ", "rensa --node "]
    assert ask_bash(room, *lines) == [set()] * len(lines)


def test_words_that_mean_something_to_sed_or_grep_do_no_harm(room):
    lines = ["rensa --x/( ", "rensa send( --", "rensa [ ", "rensa .* --", "rensa balance * "]
    offered = ask_bash(room, *lines)
    assert offered[1] == offered[3] == options_of(said(RENSA, "help"))
