#!/usr/bin/env python3
"""From the rows of the parts to tables, files and a verdict. scripts/bench calls it.

    report.py part NAME STATUS SECONDS    rows from stdin, as values of JSON one after another, to a part on stdout
    report.py summary PART                a part in a few words
    report.py whole RESULT TOP PART...    parts and the machine to RESULT.json and RESULT.md
    report.py table FILE                  the table of a part or of a result, for a terminal
    report.py rows FILE                   their rows alone
    report.py compare TOP FILE [OTHER]    what moved against OTHER or the saved result of such a machine; 1: for the worse
    report.py save TOP RESULT             makes it the saved result of such a machine, with its picture

A part is {"part","status","seconds","rows"}, a result {"machine","parts"}. PART is a file's name without .json.
"""

import json
import pathlib
import sys

import machine
import picture

LEAST_MOVE = 0.05  # of a ratio: less is never called a move


def read(path):
    return json.loads(pathlib.Path(path).read_text())


def values_of(text):
    """Lists and objects, one after another, as one list."""
    decoder, rows, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        rows += value if isinstance(value, list) else [value]
        at += len(text[at:]) - len(text[at:].lstrip())
    return rows


def parts_of(document):
    return document["parts"] if "parts" in document else [document]


def number(value):
    """Four digits that count, and no exponents."""
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


HEAD = ("row", "ours", "yardstick", "unit", "ratio", "spread", "mark", "holds")


def is_judged(row):
    """A mark of 0 says that the row is told and not judged."""
    return row["mark"] > 0


def cells(part, row):
    # A row that does not tell its spread has none.
    figures = [number(row[key]) if key in row else "" for key in ("ours", "yardstick", "unit", "ratio", "spread")]
    verdict = [number(row["mark"]), "yes" if row["holds"] else "**no**"] if is_judged(row) else ["", ""]
    return [f"{part['part']}: {row['name']}", *figures, *verdict]


def lines_of(document):
    lines = []
    for part in parts_of(document):
        lines += [cells(part, row) for row in part["rows"]]
        if part["status"] != 0:
            lines.append([f"{part['part']}: **failed**", *[""] * (len(HEAD) - 2), "**no**"])
    return lines


def table(document):
    lines = [list(HEAD)] + [[cell.replace("*", "") for cell in line] for line in lines_of(document)]
    rows = [row for part in parts_of(document) for row in part["rows"]]
    if "parts" not in document and any("p99" in row for row in rows):  # a part that tells more has a column for it
        for line, last in zip(lines, ["p99", *[number(row.get("p99", "")) for row in rows]]):
            line.append(last)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def markdown(document):
    m = document["machine"]
    rows = [HEAD, ["---", *["--:"] * 2, "---", *["--:"] * 3, "---"], *lines_of(document)]
    facts = {
        "processor": f"{m['cpu']}, {m['cores']} cores ({', '.join(m['flags'])})",
        "memory": m["memory"],
        "runs in": m["virtual"],
        "kernel": m["kernel"],
        "disk": m["disk"],
        "compiler": m["compiler"],
        "libraries": ", ".join(f"{name} {version}" for name, version in m["libraries"].items()),
        "yardsticks": f"nginx {m['nginx']}, driven by wrk {m['wrk']}",
        "load": f"{m['load']} in the mean of the last 15 minutes, of which this run makes up to {m['cores']}",
        "measured": f"{m['date']}, commit {m['commit']}",
        "took": f"{sum(part['seconds'] for part in document['parts'])} s",
    }
    lines = ["| " + " | ".join(line) + " |" for line in rows]
    lines += ["", "| | |", "|---|---|", *[f"| {name} | {fact} |" for name, fact in facts.items()]]
    return "\n".join(lines) + "\n"


def part(name, status, seconds):
    try:
        rows, status = values_of(sys.stdin.read()), int(status)
    except ValueError:  # it died in the midst of a word
        rows, status = [], int(status) or 1
    print(json.dumps({"part": name, "status": status or (0 if rows else 1), "seconds": int(seconds), "rows": rows}))
    return 0 if rows else 1


def summary(path):
    rows = read(path)["rows"]
    missed = [row["name"] for row in rows if not row["holds"]]
    print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}" + (f", short of the mark: {', '.join(missed)}" if missed else ", all hold"))


def whole(result, top, *parts):
    document = {"machine": machine.describe(top, pathlib.Path(result).parent), "parts": [read(f"{path}.json") for path in parts]}
    pathlib.Path(f"{result}.json").write_text(json.dumps(document, indent=1) + "\n")
    pathlib.Path(f"{result}.md").write_text(markdown(document))


def rows(path):
    print(json.dumps([row for part in parts_of(read(path)) for row in part["rows"]], indent=1))


def ratios(document, only):
    """(ratio, spread) by part and row, of what is judged."""
    return {
        (part["part"], row["name"]): (row["ratio"], row.get("spread", 0))
        for part in parts_of(document)
        if part["part"] in only
        for row in part["rows"]
        if is_judged(row)
    }


def moves(now, before):
    """What moved by more than both spreads together, and what is gone: (name, words, is it worse)."""
    for key, (old, old_spread) in before.items():
        name = ": ".join(key)
        if key not in now:
            yield name, "is missing", True
            continue
        new, new_spread = now[key]
        if abs(new - old) > max(new_spread + old_spread, LEAST_MOVE * old):
            yield name, f"ratio {old:.3g} -> {new:.3g}, spreads {old_spread:.2g} and {new_spread:.2g}", new < old


def compare(top, path, other=""):
    document = read(path)
    if not other:
        here = document.get("machine") or machine.describe(top, pathlib.Path(path).parent)
        other = pathlib.Path(top) / "bench/results" / f"{machine.kind(here)}.json"
        if not other.exists():
            print(f"nothing to compare with: bench/results has no {other.name} (--save makes it)")
            return 0
    only = {part["part"] for part in parts_of(document)}
    now, before = ratios(document, only), ratios(read(other), only)
    moved = list(moves(now, before))
    for name, words, is_worse in moved:
        print(f"{'worse' if is_worse else 'better'}: {name} {words}")
    fresh = [": ".join(key) for key in now if key not in before]
    if fresh:
        print(f"new: {', '.join(fresh)}")
    print(f"compared {len(now)} rows with {pathlib.Path(other).name}: {len(moved)} moved by more than their spreads")
    return 1 if any(is_worse for _, _, is_worse in moved) else 0


def save(top, result):
    document = read(f"{result}.json")
    to = pathlib.Path(top) / "bench/results" / machine.kind(document["machine"])
    to.parent.mkdir(exist_ok=True)
    to.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    to.with_suffix(".md").write_text(markdown(document))
    to.with_suffix(".svg").write_text(picture.of_ratios(document))
    print(f"saved as bench/results/{to.name}.json, .md and .svg")


def main():
    commands = {f.__name__: f for f in (part, summary, whole, rows, compare, save)}
    commands["table"] = lambda path: table(read(path))
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))


if __name__ == "__main__":
    main()
