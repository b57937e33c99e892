"""The walk of docs/tutorial.md and its Japanese twin, done as it is written there.

A step is a comment <!-- step: NAME -->, a block of commands and, if they show something, a block of what that is. The commands of a
step are typed at a terminal, as they stand, and must end well. What they print is compared loosely: hashes, addresses and times are
others each time, and … stands for anything. With "until it shows" in the comment a step is typed again until it does, as its text
says, and others must be right at once. What the text promises beyond that is in CHECKS, by the name of the step.
"""

import re
import time

import pytest

from docker import Checkout
from ground import TOP, wait_until

DOCUMENTS = ["docs/tutorial.md", "docs/tutorial.ja.md"]
STEP = re.compile(r"<!-- step: ([a-z-]+)(, until it shows)? -->\n```sh\n(.*?)\n```\n(?:\n```text\n(.*?)\n```\n)?", re.DOTALL)
ANY_LINES = "…"
# What differs from run to run, and what it is like.
LOOSE = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", r"\d{4}-\d\d-\d\dT[\d:.]+Z"),
    (r"\b[0-9a-f]{16}\b", "[0-9a-f]{16}"),
    (r"\b[0-9a-f]{64}\b", "[0-9a-f]{64}"),
    (r"\bR[1-9A-HJ-NP-Za-km-z]{33}\b", "R[1-9A-HJ-NP-Za-km-z]{25,33}"),
    (r"-{9,}", "-+"),
    (ANY_LINES, ".*"),
    (r"\s+", r"\s+"),
]
CONTAINERS = ["blockchain_server5000", "blockchain_server5001", "blockchain_server5002"]


class Step:
    def __init__(self, name, is_repeated, commands, shown):
        self.name, self.is_repeated, self.commands = name, bool(is_repeated), commands
        self.shown = [line for line in shown.splitlines() if line.strip()]


def steps_of(document):
    return [Step(*match.groups(default="")) for match in STEP.finditer((TOP / document).read_text())]


def pattern_of(line):
    """A line of the document as a pattern for what it stands for."""
    pattern, at = "", 0
    tokens = re.compile("|".join(f"({written})" for written, _ in LOOSE))
    for match in tokens.finditer(line):
        pattern += re.escape(line[at : match.start()]) + LOOSE[match.lastindex - 1][1]
        at = match.end()
    return pattern + re.escape(line[at:])


def missing(shown, out):
    """The first line of the document that the output does not have, None if it has all of them: in this order, with nothing between
    but where … stands alone."""
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    at, is_loose = 0, False
    for wanted in map(str.strip, shown):
        if wanted == ANY_LINES:
            is_loose = True
            continue
        found = [i for i in range(at, len(lines)) if re.fullmatch(pattern_of(wanted), lines[i])]
        if not found or (found[0] != at and not is_loose):
            return wanted
        at, is_loose = found[0] + 1, False
    return None if is_loose or at == len(lines) else f"nothing more, and not {lines[at]!r}"


class Walk:
    """What the checks ask."""

    def __init__(self, docker):
        self.docker = docker

    def running(self):
        return sorted(self.docker("ps", "--format", "{{.Names}}").out.split())

    def heads(self):
        urls = [f"http://127.0.0.1:{port}/chain/head" for port in (5000, 5001, 5002)]
        return [self.docker.box.run(["curl", "-s", "--max-time", "5", url], check=False).out for url in urls]

    def agree(self):
        heads = self.heads()
        return heads[0] and heads.count(heads[0]) == 3

    def volumes(self):
        return len(self.docker("volume", "ls", "-q").out.split())


def everything_is_gone(walk):
    return walk.docker("ps", "-aq").out == "" and walk.volumes() == 0


CHECKS = {
    "up": lambda walk: walk.running() == CONTAINERS,
    "mine-transfer": Walk.agree,
    "kill": lambda walk: walk.running() == [CONTAINERS[0], CONTAINERS[2]],
    "caught-up": Walk.agree,
    "disconnect": lambda walk: walk.running() == CONTAINERS and walk.heads()[2] == "",
    "others": lambda walk: not walk.agree(),
    "healed": Walk.agree,
    "mine-again": Walk.agree,
    "down": lambda walk: walk.docker("ps", "-aq").out == "" and walk.volumes() == 4,
    "up-again": Walk.agree,
    "down-for-good": everything_is_gone,
}


def test_both_languages_have_the_same_steps_commands_and_outputs():
    english, japanese = ((TOP / document).read_text() for document in DOCUMENTS)
    assert [match.group() for match in STEP.finditer(english)] == [match.group() for match in STEP.finditer(japanese)]
    assert len(STEP.findall(english)) == english.count("<!-- step") >= 20
    for text in (english, japanese):
        assert text.count("```sh") == text.count("<!-- step"), "a command that nobody tries"
    assert not set(CHECKS) - {step.name for step in steps_of(DOCUMENTS[0])}


def test_an_output_is_compared_loosely_but_not_blindly():
    shown = ["wallet A created", "…", "     4  2026-11-28T01:40:24.817Z    1  000d57f5048cfd22", "amount 1.5"]
    good = "wallet A created\nand so on\n4 2026-11-29T11:40:24.817Z 1 aaaaaaaaaaaaaaaa\namount 1.5\n"
    assert missing(shown, good) is None
    assert missing(shown, good.replace("1.5", "1.6")) == "amount 1.5"
    assert missing(shown, good.replace("4 2026", "5 2026")) == shown[2].strip()
    assert missing(shown, good.replace("aaaaaaaaaaaaaaaa", "nohash")) == shown[2].strip()
    assert "error" in missing(shown, good + "an error\n")
    assert missing(shown[:2], good) is None


def do(checkout, step):
    """What came of typing the commands: what is wrong, None if nothing is."""
    ran = checkout.terminal(f"set -e -o pipefail\n{step.commands}")
    gap = missing(step.shown, ran.out) if step.shown else None
    if ran.code == 0 and gap is None:
        return None
    return f"step {step.name}: {f'the document shows: {gap}' if gap else 'it failed'}\n{ran}"


def do_until(checkout, step, seconds=90):
    deadline = time.monotonic() + seconds
    while wrong := do(checkout, step):
        assert step.is_repeated and time.monotonic() < deadline, wrong
        time.sleep(0.5)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_step_does_what_the_document_shows(docker, document):
    checkout, walk = Checkout(docker, document.replace("/", "-")), Walk(docker)
    docker.remove_all()
    for step in steps_of(document):
        do_until(checkout, step)
        if step.name in CHECKS:
            wait_until(f"what {step.name} promises", lambda step=step: CHECKS[step.name](walk), seconds=60)
