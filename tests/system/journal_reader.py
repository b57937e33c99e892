#!/usr/bin/env python3
"""Reads the framed logs in a node's data folder, sharing nothing with the node but docs/protocol.md, section "Files".

    journal_reader.py DATA_DIR

It prints what the journal and the pool's log hold. At the first thing that is not as the page says it names file and
byte and exits with 1. A torn end is told and is no fault. The node should be stopped: files are read as they are.
"""

import hashlib
import pathlib
import re
import struct
import sys

FILE_HEADER, FRAME_HEADER, PAYLOAD_MAX = 96, 24, 8 << 20
JOURNAL, POOL = 1, 2
BASE = 1


class Fault(Exception):
    """What is wrong, and where."""


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class File:
    """One file: its header, and the frames that stand in it."""

    def __init__(self, path, kind):
        self.name, self.bytes = path.name, path.read_bytes()
        if len(self.bytes) < FILE_HEADER:
            raise Fault(f"{self.name}: only {len(self.bytes)} bytes")
        head = self.bytes[:FILE_HEADER]
        magic, version, self.kind, self.genesis, self.number, self.position, self.link, self.flags, self.salt = (
            struct.unpack(">8sII32sQQII8s", head[:80])
        )
        (checksum,) = struct.unpack(">I", head[92:])
        if magic != b"RENSALOG" or version != 1 or crc32c(head[:92]) != checksum:
            raise Fault(f"{self.name}: bytes 0 to 95 are no header")
        if self.kind != kind or self.number != int(path.stem) or head[80:92] != bytes(12):
            raise Fault(f"{self.name}: a header that does not belong here")

    def frame(self, offset):
        """(payload, link, checksum) of the frame at an offset, or None."""
        head = self.bytes[offset : offset + FRAME_HEADER]
        if len(head) < FRAME_HEADER:
            return None
        magic, size, position, link, checksum = struct.unpack(">4sIQII", head)
        payload = self.bytes[offset + FRAME_HEADER : offset + FRAME_HEADER + size]
        if magic != b"RFRM" or size > PAYLOAD_MAX or position != self.position + offset - FILE_HEADER:
            return None
        if len(payload) < size or crc32c(self.salt + head[:20] + payload) != checksum:
            return None
        return payload, link, checksum

    def has_frame_from(self, offset):
        return any(self.frame(at) for at in range(offset, len(self.bytes), 8) if self.bytes[at : at + 4] == b"RFRM")


def frames(folder, kind):
    """Yields (file, offset, payload) of the frames that count."""
    paths = sorted((p for p in folder.glob("*.log") if re.fullmatch(r"\d{8}|[1-9]\d{8,}", p.stem)), key=lambda p: int(p.stem))
    files = [File(path, kind) for path in paths if int(path.stem) > 0]
    for i in reversed(range(len(files))):
        if files[i].flags & BASE:
            files = files[i:]
            break
    if not files:
        return
    if not files[0].flags & BASE and files[0].number != 1:
        raise Fault(f"{files[0].name}: files before it are missing")
    position, link = files[0].position, files[0].link
    for i, file in enumerate(files):
        following = files[i + 1] if i + 1 < len(files) else None
        if following and following.number != file.number + 1:
            raise Fault(f"{file.name}: the file after it is missing")
        if (file.position, file.link, file.genesis) != (position, link, files[0].genesis):
            raise Fault(f"{file.name}: does not follow the file before it")
        offset = FILE_HEADER
        while True:
            if following and position == following.position:
                unused = i + 2 == len(files) and not following.has_frame_from(FILE_HEADER)
                if not (unused and file.frame(offset)):
                    break
                following = None
            found = file.frame(offset)
            if found is None or found[1] != link:
                if following or file.has_frame_from(offset):
                    raise Fault(f"{file.name}: byte {offset}: no whole frame, but more follows")
                if any(file.bytes[offset:]):
                    print(f"{file.name}: byte {offset}: a frame that was never completed", file=sys.stderr)
                return
            payload, _, link = found
            yield file, offset, payload
            step = FRAME_HEADER + (len(payload) + 7) // 8 * 8
            position, offset = position + step, offset + step


def entries(payload):
    while payload:
        if len(payload) < 5 or len(payload) < 5 + int.from_bytes(payload[1:5], "big"):
            raise Fault("an entry is longer than its frame")
        end = 5 + int.from_bytes(payload[1:5], "big")
        yield payload[0], payload[5:end]
        payload = payload[end:]


def read_journal(folder):
    """(genesis, blocks by hash, tip, height, closed): the blocks' bytes, and the last tip that was written."""
    genesis, blocks, tip, height, closed = None, {}, None, 0, False
    for file, offset, payload in frames(folder, JOURNAL):
        genesis, closed = file.genesis, False
        for kind, body in entries(payload):
            if kind == 1:
                digest = hashlib.sha256(hashlib.sha256(body[32:128]).digest()).digest()
                if len(body) < 132 or digest != body[:32]:
                    raise Fault(f"{file.name}: frame at byte {offset}: a block with another hash")
                blocks.setdefault(digest, body[32:])
            elif kind == 2 and len(body) == 40:
                tip, height = body[:32], int.from_bytes(body[32:], "big")
            elif kind == 3 and not body:
                closed = True
            else:
                raise Fault(f"{file.name}: frame at byte {offset}: an entry that is none")
    return genesis, blocks, tip, height, closed


def chain_of(genesis, blocks, tip):
    """The blocks' bytes from height 1 on."""
    chain = []
    while tip not in (None, genesis):
        if tip not in blocks:
            raise Fault(f"block {tip.hex()} is missing")
        chain.append(blocks[tip])
        tip = blocks[tip][4:36]
    return chain[::-1]


def read_pool(folder):
    """[(time, came from a client, the transfer's bytes)]"""
    found = []
    for file, offset, payload in frames(folder, POOL):
        for kind, body in entries(payload):
            if kind != 1 or len(body) < 9 or body[8] > 1:
                raise Fault(f"{file.name}: frame at byte {offset}: an entry that is none")
            found.append((int.from_bytes(body[:8], "big"), body[8] == 1, body[9:]))
    return found


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    data = pathlib.Path(sys.argv[1])
    try:
        genesis, blocks, tip, height, closed = read_journal(data / "journal")
        chain = chain_of(genesis, blocks, tip)
        pool = read_pool(data / "pool")
    except Fault as fault:
        print(f"journal_reader: {fault}", file=sys.stderr)
        return 1
    print(f"height {len(chain)}, tip {(tip or genesis or b'').hex()}, {len(blocks)} blocks, {'' if closed else 'not '}closed")
    print(f"{len(pool)} transfers in the pool's log")
    return 0 if len(chain) == height else 1


if __name__ == "__main__":
    sys.exit(main())
