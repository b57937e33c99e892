"""Reads what GET /metrics answers, strictly: a line that is not of the format fails the test."""

import math
import re

SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    def __init__(self, text):
        self.text, self.types, self.helps, self.samples = text, {}, {}, {}
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, self_help = line[7:].split(" ", 1)
                assert name not in self.helps, f"{name} comes twice"
                self.helps[name] = self_help
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name in self.helps and kind in ("counter", "gauge", "histogram")
                self.types[name] = kind
            else:
                found = SAMPLE.fullmatch(line)
                assert found, f"no sample: {line}"
                labels = frozenset(LABEL.findall(found[2] or ""))
                assert (found[1], labels) not in self.samples, f"twice: {line}"
                assert self.family(found[1]) in self.types, f"without a type: {line}"
                self.samples[found[1], labels] = float(found[3])

    def family(self, name):
        """The metric that a sample of this name belongs to."""
        return name if name in self.types else re.sub(r"_(bucket|sum|count)$", "", name)

    def get(self, name, default=None, **labels):
        return self.samples.get((name, frozenset(labels.items())), default)

    def total(self, name, **labels):
        """Of all samples of that name that have these labels."""
        wanted = set(labels.items())
        return sum(v for (n, found), v in self.samples.items() if n == name and wanted <= found)

    def counters(self):
        """All that must never go back: counters, and the parts of histograms."""
        return {key: v for key, v in self.samples.items() if self.types[self.family(key[0])] != "gauge"}

    def gone_back(self, before):
        """What is less than before, or is not there any more."""
        now = self.counters()
        return {key: (v, now.get(key)) for key, v in before.counters().items() if now.get(key, -math.inf) < v}


def metrics(node):
    reply = node.request("GET", "/metrics")
    assert reply.status_code == 200 and reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Metrics(reply.text)
