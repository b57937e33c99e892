"""A picture of ratios against their marks, as SVG that needs nothing else and can be read on light and on dark ground.

Each row is a dot at its ratio over its mark, with a line as long as its spread. Right of the upright line the mark is reached.
The scale is that of factors: as far from 1 to 2 as from 2 to 4.
"""

import html
import math

LEFT, RIGHT, LINE, TOP, WIDTH = 250, 190, 22, 58, 900
LOWEST, HIGHEST = 0.25, 8  # of ratio over mark; what lies outside stands at the edge

# A ground of its own: not every viewer knows on what the picture lies.
STYLE = """
.ground { fill: #ffffff } text { font: 13px sans-serif; fill: #24292f } .part { font-weight: bold } .note { fill: #57606a; font-size: 12px }
.grid { stroke: #d0d7de } .mark { stroke: #57606a; stroke-width: 2 } .spread { stroke-width: 3; stroke-linecap: round; opacity: .45 }
.holds { fill: #0969da; stroke: #0969da } .short { fill: #bc4c00; stroke: #bc4c00 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } text { fill: #e6edf3 } .note { fill: #9198a1 } .grid { stroke: #30363d } .mark { stroke: #9198a1 }
.holds { fill: #58a6ff; stroke: #58a6ff } .short { fill: #f0883e; stroke: #f0883e } }
"""


def across(factor):
    """Where a factor stands."""
    inside = min(max(factor, LOWEST), HIGHEST)
    share = math.log(inside / LOWEST) / math.log(HIGHEST / LOWEST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def grid(bottom):
    lines, factor = [], LOWEST
    while factor <= HIGHEST:
        kind, x = "mark" if factor == 1 else "grid", across(factor)
        lines.append(f'<line x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{bottom}" class="{kind}"/>')
        lines.append(text(x, TOP - 18, "mark" if factor == 1 else f"{factor:g} x", "note", "middle"))
        factor *= 2
    return lines


def row_of(row, y):
    kind, mark, half = "holds" if row["holds"] else "short", row["mark"], row.get("spread", 0) / 2
    low, high, x = across((row["ratio"] - half) / mark), across((row["ratio"] + half) / mark), across(row["ratio"] / mark)
    # Shape tells it too: colours are not seen by all.
    dot = f'<circle cx="{x}" cy="{y}" r="5" class="{kind}"/>'
    if not row["holds"]:
        dot = f'<path d="M{x} {y - 6} l6 6 l-6 6 l-6 -6 z" class="{kind}"/>'
    return [
        text(LEFT - 14, y + 4, row["name"], "", "end"),
        f'<line x1="{low}" y1="{y}" x2="{high}" y2="{y}" class="{kind} spread"/>',
        dot,
        text(WIDTH - RIGHT + 14, y + 4, f"{row['ratio']:.3g}, mark {mark:.3g}" + ("" if row["holds"] else ": short"), "note"),
    ]


def of_ratios(result):
    lines, y = [], TOP
    for part in result["parts"]:
        judged = [row for row in part["rows"] if row["mark"] > 0]
        lines.append(text(10, y + 4, part["part"] + ("" if part["status"] == 0 else ": failed"), "part"))
        for row in judged:
            lines += row_of(row, y)
            y += LINE
        y += LINE // 2 if judged else LINE
    title = f"{result['machine']['cpu']}, {result['machine']['cores']} cores, {result['machine']['date']}"
    words = [text(10, 20, "Ratio to the yardstick, over its mark", "part"), text(WIDTH - 10, 20, title, "note", "end")]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img"><style>{STYLE}</style>'
    ground = '<rect width="100%" height="100%" rx="6" class="ground"/>'
    return "\n".join([head, ground, *words, *grid(y - LINE // 2), *lines, "</svg>"]) + "\n"
