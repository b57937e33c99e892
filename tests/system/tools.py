"""The client run on data folders, and small looks into the files there (docs/protocol.md, "Files")."""

import json
import os
import pathlib
import subprocess

import recompute as rc

DONE, REFUSED, USAGE, UNREACHABLE, LOCAL = range(5)
FILE_HEADER, FRAME_HEADER = 96, 24


class Run:
    def __init__(self, done):
        self.code, self.raw = done.returncode, done.stdout
        self.out, self.err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def __repr__(self):
        return f"code {self.code}\n{self.out[:2000]}\n{self.err[:2000]}"

    def json(self):
        """The one document on standard output."""
        assert self.code == DONE and self.err == "", self
        return json.loads(self.out)

    def error(self):
        """The one document on standard error, of a failure with --json."""
        assert self.code != DONE and self.out == "", self
        return json.loads(self.err)


def rensa(*args, env=None, stdin=b"", timeout=110):
    environment = os.environ | {"RENSA_HOME": "/nonexistent"} | (env or {})
    # What a sanitizer finds must not look like one of the client's own exit codes.
    for key in "ASAN_OPTIONS", "UBSAN_OPTIONS":
        environment[key] = ":".join(filter(None, [environment.get(key), "exitcode=99"]))
    done = subprocess.run([os.environ["RENSA"], *map(str, args)], input=stdin, capture_output=True, timeout=timeout, env=environment)
    run = Run(done)
    assert run.code in range(5), run
    return run


def tree(folder):
    """Every file below the folder with its bytes, but for the lock, which says who held it last."""
    files = [p for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file() and p.name != "lock"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def frames(path):
    """(offset, payload) of each frame of a log file."""
    data, at, found = path.read_bytes(), FILE_HEADER, []
    while data[at : at + 4] == b"RFRM":
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        found.append((at, data[at + FRAME_HEADER : at + FRAME_HEADER + size]))
        at += FRAME_HEADER + (size + 7) // 8 * 8
    return found


def end_of(path):
    """Where the next frame would stand."""
    at, payload = frames(path)[-1]
    return at + FRAME_HEADER + (len(payload) + 7) // 8 * 8


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def crc_row(n):
    for _ in range(8):
        n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
    return n


CRC_TABLE = [crc_row(n) for n in range(256)]


def seed_of(data):
    """What the checksums of a file's frames start from: the one of its salt, as its first frame shows."""
    size = int.from_bytes(data[FILE_HEADER + 4 : FILE_HEADER + 8], "big")
    head, payload = data[FILE_HEADER:][:20], data[FILE_HEADER + FRAME_HEADER :][:size]
    for salt in data[72:80], data[79:71:-1]:
        seed = crc32c(salt)
        if crc32c(payload, crc32c(head, seed)).to_bytes(4, "big") == data[FILE_HEADER + 20 : FILE_HEADER + 24]:
            return seed
    raise AssertionError("the first frame has another checksum than docs/protocol.md says")


def reframe(path, change):
    """Writes the file again with the payload of each frame as change(payload) gives it, and right checksums."""
    data = path.read_bytes()
    header, payloads = data[:FILE_HEADER], [change(payload) for _, payload in frames(path)]
    seed = seed_of(data)
    position, link = int.from_bytes(header[56:64], "big"), int.from_bytes(header[64:68], "big")
    out = bytearray(header)
    for payload in payloads:
        head = b"RFRM" + len(payload).to_bytes(4, "big") + position.to_bytes(8, "big") + link.to_bytes(4, "big")
        link = crc32c(payload, crc32c(head, seed))
        frame = head + link.to_bytes(4, "big") + payload
        frame += bytes(-len(frame) % 8)
        out += frame
        position += len(frame)
    path.write_bytes(out)


def rewritten(path, old, new):
    """One change of bytes in the journal that no checksum of a frame shows."""
    found = 0

    def change(payload):
        nonlocal found
        found += payload.count(old)
        return payload.replace(old, new)

    assert len(old) == len(new)
    reframe(path, change)
    assert found > 0


def number(n, size):
    return n.to_bytes(size, "big")


def written(params, tip, blocks, group=500):
    """An export file of these blocks, from docs/protocol.md alone. tip: (height, hash, work)."""
    out = b"RENSACHN" + number(1, 4) + number(len(params), 4) + params + number(tip[0], 8) + tip[1] + number(tip[2], 32)
    link = crc32c(out)
    out += number(link, 4)
    for first in range(0, len(blocks), group):
        some = blocks[first : first + group]
        body = b"".join(number(len(b), 4) + b for b in some)
        record = b"RGRP" + number(len(some), 4) + number(first + 1, 8) + number(len(body), 4) + body
        link = crc32c(record, link)
        out += record + number(link, 4)
    end = b"REND" + number(len(blocks), 8) + tip[1]
    return out + end + number(crc32c(end, link), 4)


def filled(node, alice, bob, blocks=12):
    """Some history: rewards, transfers in blocks, and two that wait. The node runs afterwards."""
    node.start()
    network = node.genesis()
    node.mine(alice.address, 3)
    for n in range(5):
        node.send(alice.transfer(network, bob, 1000 + n))
    node.mine(bob.address, blocks - 3)
    waiting = [node.send(alice.transfer(network, bob, 77 + n))["id"] for n in range(2)]
    assert node.height() == blocks and rc.recompute(node.chain())
    return waiting
