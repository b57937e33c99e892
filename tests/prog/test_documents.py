"""Documents that people read: the manual pages are without fault and know every command, README.md names every route and guide, and
README.ja.md says what README.md says. RENSA and RENSAD name the programs."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((TOP / "docs/man").glob("*.[1-8]"))
RENSA = os.environ.get("RENSA", "rensa")
RENSAD = os.environ.get("RENSAD", "rensad")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}: scripts/install-deps --test installs it")


def test_there_are_pages_for_both_programs_and_the_configuration():
    assert [page.name for page in PAGES] == ["rensa.1", "rensad.8", "rensad.conf.5"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_finds_no_fault_in_a_page(page):
    """Matters of style are ours: we have lines longer than 80 bytes, and pages of other packages need not be here."""
    need("mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, timeout=60)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_groff_has_no_warning_for_a_page(page):
    need("groff")
    command = ["groff", "-mdoc", "-Tutf8", "-Kutf8", "-ww", "-z", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def said(program, *words):
    if not shutil.which(program):
        pytest.skip(f"needs {program}: RENSA and RENSAD name the programs")
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def items_of(page):
    """The headings of the items in a page: "Cm wallet export Ar name --wif", over several lines or on one."""
    items = re.findall(r"^\.It (?:Xo\n\.((?:.*\n)*?)\.Xc|(.*))$", (TOP / "docs/man" / page).read_text(), re.MULTILINE)
    return [re.sub(r"\bFl -", "--", re.sub(r"\n\.?", " ", long or short)) for long, short in items]


def options_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_the_page_of_the_client_has_every_command_with_the_options_of_its_help():
    items = items_of("rensa.1")
    listed = re.search(r"^commands.*?\n\n", said(RENSA, "help"), re.MULTILINE | re.DOTALL)[0]
    names = re.findall(r"^  ([a-z][a-z -]*[a-z])(?: \[?[A-Z]\S*)?  ", listed, re.MULTILINE)
    assert len(names) > 10
    for name in set(names) - {"help"}:
        usage = re.search(r"^usage: .*$", said(RENSA, "help", *name.split()), re.MULTILINE)[0]
        mine = [item for item in items if re.match(rf"Cm {name}(?: [A-Z-]|$)", item)]
        assert len(mine) == 1, name
        assert options_in(mine[0]) == options_in(usage), name


def test_the_pages_have_every_option_that_stands_alone():
    for program, page, words in (RENSA, "rensa.1", ["help"]), (RENSAD, "rensad.8", ["--help"]):
        wanted = options_in("\n".join(re.findall(r"^ +(?:-\w, )?--[a-z-]+", said(program, *words), re.MULTILINE)))
        assert len(wanted) > 4
        assert wanted <= options_in("\n".join(items_of(page))), page


# --- README.md -------------------------------------------------------------------------------------------------------------------


def test_every_route_but_those_between_nodes_is_in_the_readme_once():
    """A query says more of a route, and what stands in {…} has a name for people."""
    served = re.findall(r'{HTTP_(\w+),\s*"([^"]+)",\s*ACCESS_(\w+)', (TOP / "src/api/routes.c").read_text())
    wanted = [(method, path) for method, path, access in served if access != "PEER"]
    assert len(wanted) > 10
    rows = re.findall(r"^\| (`(?:GET|POST|PUT) .*?) \| ", (TOP / "README.md").read_text(), re.MULTILINE)
    told = [tuple(route.split("?")[0].split(" ", 1)) for row in rows for route in re.findall(r"`([^`]+)`", row)]
    plain = [sorted((method, re.sub(r"{.*?}", "{}", path)) for method, path in each) for each in (told, wanted)]
    assert plain[0] == plain[1]


def test_where_to_read_on_has_every_guide_once():
    told = re.findall(r"^\| \[(docs/[^]]+)\]\(\1\) \|", sections("README.md")[-1][1], re.MULTILINE)
    guides = [f"docs/{page.name}" for page in (TOP / "docs").glob("*.md") if not page.name.endswith(".ja.md")]
    assert sorted(told) == sorted(guides)


# --- The two READMEs -------------------------------------------------------------------------------------------------------------


def sections(name):
    """The text of each section, with the level of its heading."""
    parts = re.split(r"^(#+) .*$", (TOP / name).read_text(), flags=re.MULTILINE)
    assert parts[0] == ""
    return [(len(level), text) for level, text in zip(parts[1::2], parts[2::2], strict=True)]


def blocks(text):
    """The indented lines: commands, what they print, pictures. What stands behind a command in Japanese is a translation."""
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    return [re.split(r"(?<=\S) {2,}", line)[0] if is_explained(line) else line for line in lines]


def is_explained(line):
    return JAPANESE.search(line) or re.match(r"    scripts/\w+ {2,}", line)


def code(text):
    """What stands in `…`, in the order of the letters: sentences are built in other ways."""
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    return sorted(" ".join(each.split()) for each in re.findall(r"`([^`]+)`", text))


def shape(text):
    """How many items, and rows with how many columns."""
    rows = [line.count(" | ") for line in text.splitlines() if line.startswith("|")]
    return len(re.findall(r"^- ", text, re.MULTILINE)), rows


def links(text):
    return sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.ja.md"})


@pytest.mark.parametrize("what", [blocks, code, shape, links], ids=lambda what: what.__name__)
def test_the_japanese_readme_has_what_the_english_one_has(what):
    ours, theirs = sections("README.md"), sections("README.ja.md")
    assert [level for level, _ in theirs] == [level for level, _ in ours]
    assert any(what(text) for _, text in ours), "there is something to compare"
    for (_, english), (_, japanese) in zip(ours, theirs, strict=True):
        assert what(japanese) == what(english), japanese.strip()[:80]


def test_every_section_of_the_japanese_readme_is_in_japanese():
    for _, text in sections("README.ja.md"):
        prose = re.sub(r"^    .*$|`[^`]+`", "", text, flags=re.MULTILINE)
        assert len(JAPANESE.findall(prose)) > 20, text[:80]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md", "CHANGELOG.md"])
def test_what_a_document_links_to_is_there(name):
    text = (TOP / name).read_text()
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (TOP / target).exists()] == []
