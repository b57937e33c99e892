"""A document whose commands are run as written.

Behind the language of a fenced block, where no reader sees it, stands what is done with it:

    ```sh host=a,b id=start user=ops exit=1 within=60

host: on which hosts it is run, one after the other if there are several; with host=a+b at the same time. id: a name for checks. user:
who runs it, root unless said. exit: the status that the last of its lines shall end with. within: it is run again until that holds and
what it says is as shown, for at most so many seconds; the text tells the reader to wait.

    ```text shown=start

is what a command says: the words of each line of the block stand together in a line of the output, in this order of lines; … stands for
anything. Without a name it is that of the command before it. There are no other blocks, so that nothing that a reader may type is left untried.
"""

import re

FENCE = re.compile(r"^( *)(```+|~~~+)(.*)$")
WORDS = {"sh": {"host", "id", "user", "exit", "within"}, "text": {"shown"}}


class Step:
    """A block of commands, and what they are shown to say."""

    def __init__(self, line, script, host, id=None, user="root", exit="0", within="0"):
        self.line, self.script, self.user = line, script, user
        self.is_at_once = "+" in host
        self.hosts = re.split(r"[,+]", host)
        self.name = id or f"line-{line}"
        self.exit, self.within = int(exit), int(within)
        self.shown = []

    def __repr__(self):
        return f"line {self.line}, on {', '.join(self.hosts)}:\n{self.script}"


class Malformed(Exception):
    pass


def blocks(text):
    """(number of its first line, info string, lines) of each fenced block."""
    opened, lines = None, []
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if opened is None:
            if match:
                opened, lines = (number + 1, match[1], match[2], match[3].strip()), []
        elif match and match[2].startswith(opened[2]) and not match[3].strip():
            yield opened[0], opened[3], lines
            opened = None
        else:
            lines.append(line.removeprefix(opened[1]))
    if opened:
        raise Malformed(f"line {opened[0]}: this block has no end")


def read(text):
    """The steps of a document, in order."""
    steps, by_name = [], {}
    for line, info, lines in blocks(text):
        language, *words = info.split() or [""]
        if language not in WORDS or not all("=" in word or word == "shown" for word in words):
            raise Malformed(f"line {line}: what shall be done with ```{info}?")
        said = {key: value for key, _, value in (word.partition("=") for word in words)}
        if said.keys() - WORDS[language]:
            raise Malformed(f"line {line}: unknown in ```{info}: {said.keys() - WORDS[language]}")
        if language == "sh":
            if "host" not in said:
                raise Malformed(f"line {line}: on which host?")
            step = Step(line, "\n".join(lines) + "\n", **said)
            if step.name in by_name:
                raise Malformed(f"line {line}: another step has the name {step.name}")
            steps.append(step)
            by_name[step.name] = step
        else:
            name = said.get("shown") or (steps[-1].name if steps else "")
            if name not in by_name:
                raise Malformed(f"line {line}: of which command is this?")
            by_name[name].shown += lines
    return steps


def missing(shown, output):
    """The first line of what is shown that the output lacks, or None."""
    said = iter(output.splitlines())
    for line in filter(str.strip, shown):
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("…"))
        pattern = ("" if line.lstrip().startswith("…") else r"(?<!\S)") + pattern + ("" if line.rstrip().endswith("…") else r"(?!\S)")
        if not any(re.search(pattern, " ".join(each.split())) for each in said):
            return line
    return None
