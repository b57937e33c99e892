"""Peers that answer in ways no node does, most of them below the level of messages. Those in ROGUES commit an offence, for
which a node leaves them alone, and say in WORDS what it logs of it."""

import gzip
import itertools
import struct
import time

from chainmaker import pack_blocks, pack_list
from fakepeer import FakePeer


class Rogue(FakePeer):
    """Misbehaves in its replies to WORD by wrong(); all else it does as it should."""

    WORD, WORDS = "headers", "malformed"

    def reply(self, handler, word, body):
        if word != self.WORD:
            super().reply(handler, word, body)
            return
        handler.close_connection = True
        self.wrong(handler, word, body)

    def wrong(self, handler, word, body):
        raise NotImplementedError

    def flood(self, handler, start, more):
        """Sends until the node hangs up."""
        self.send(handler, start)
        for _ in itertools.takewhile(lambda _: not self.is_closed, itertools.count()):
            self.send(handler, more)


class EndlessBody(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.flood(handler, self.head(word, "Connection: close"), bytes(65536))


class EndlessChunks(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.flood(handler, self.head(word, "Transfer-Encoding: chunked"), b"1000\r\n" + bytes(4096) + b"\r\n")


class EndlessChunkSize(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.flood(handler, self.head(word, "Transfer-Encoding: chunked") + b"2;", b"x" * 65536)


class EndlessContinue(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.flood(handler, b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 1000)


class EndlessHeader(Rogue):
    WORDS = "no plain HTTP"

    def wrong(self, handler, word, body):
        self.flood(handler, b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536)


class OneChunkTooLarge(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.send(handler, self.head(word, "Transfer-Encoding: chunked") + b"7fffffff\r\n" + body)


class LengthTooLarge(Rogue):
    WORDS = "too long"

    def wrong(self, handler, word, body):
        self.send(handler, self.head(word, f"Content-Length: {1 << 62}") + body)


class LengthTooSmall(Rogue):
    def wrong(self, handler, word, body):
        self.send(handler, self.head(word, f"Content-Length: {len(body) - 7}") + body)


class LengthNegative(Rogue):
    WORDS = "no plain HTTP"

    def wrong(self, handler, word, body):
        self.send(handler, self.head(word, "Content-Length: -1") + body)


class LengthTwice(Rogue):
    WORDS = "no plain HTTP"

    def wrong(self, handler, word, body):
        self.send(handler, self.head(word, f"Content-Length: {len(body)}", "Content-Length: 2") + body)


class Compressed(Rogue):
    WORDS = "no plain HTTP"

    def wrong(self, handler, word, body):
        packed = gzip.compress(body)
        self.send(handler, self.head(word, f"Content-Length: {len(packed)}", "Content-Encoding: gzip") + packed)


class CompressedInSecret(Rogue):
    def wrong(self, handler, word, body):
        packed = gzip.compress(body)
        self.send(handler, self.head(word, f"Content-Length: {len(packed)}") + packed)


class Mutant(FakePeer):
    """Answers rightly, but for a few bytes changed, lost, doubled or moved, head included; `random` says which."""

    random = None

    def reply(self, handler, word, body):
        good = bytearray(self.head(word, f"Content-Length: {len(body)}") + body)
        # The hello stays right until somebody has asked for more, which nobody would otherwise.
        if word != "hello" or (self.asked["headers"] and self.asked["hello"] > 8):
            for _ in range(self.random.randint(1, 3)):
                at, length = self.random.randrange(len(good)), self.random.choice([1, 1, 1, 2, 4, 8, 100])
                piece = good[at : at + length]
                how = self.random.randrange(4)
                if how == 0:
                    good[at : at + length] = self.random.randbytes(len(piece))
                elif how == 1:
                    del good[at : at + length]
                elif how == 2:
                    good[at:at] = piece
                else:
                    to = self.random.randrange(len(good))
                    good[to : to + len(piece)] = piece
        handler.close_connection = True
        self.send(handler, bytes(good))


class Page(FakePeer):
    WORDS = "it answered with status 200 and type"

    def content_type(self):
        return "text/html"


class NotHttp(Rogue):
    WORDS = "no plain HTTP"

    def wrong(self, handler, word, body):
        self.send(handler, b"SSH-2.0-OpenSSH_9.2\r\n")


class NoHeaders(FakePeer):
    WORDS = "less work than it says"

    def headers(self, body):
        return pack_list([])


class CountBeyondHeaders(FakePeer):
    WORDS = "headers are malformed"

    def headers(self, body):
        return struct.pack(">H", 2000) + super().headers(body)[2:]


class CountBeyondBodies(FakePeer):
    WORDS = "bodies are malformed"

    def blocks(self, body):
        return b"\xff\xff" + super().blocks(body)[2:]


class LengthBeyondBody(FakePeer):
    WORDS = "bodies are malformed"

    def blocks(self, body):
        good = super().blocks(body)
        return good[:2] + b"\xff\xff\xff\xff" + good[6:]


class SameBodyForEver(FakePeer):
    WORDS = "another block than it was asked for"

    def blocks(self, body):
        return pack_blocks([self.chain.head.bytes] * struct.unpack(">H", body[:2])[0])


class EmptyBodies(FakePeer):
    WORDS = "bodies are malformed"

    def blocks(self, body):
        return pack_blocks([b""] * 65535)


class EndlessBodies(EndlessChunks):
    WORD = "blocks"


class WithheldBodies(FakePeer):
    WORDS = "withholds the bodies"

    def blocks(self, body):
        return pack_blocks([])


class Dripping(FakePeer):
    """Once it drips, its replies to WORD come byte by byte."""

    WORD = "blocks"
    is_dripping = False
    begun = cut = 0

    def reply(self, handler, word, body):
        if word != self.WORD or not self.is_dripping:
            super().reply(handler, word, body)
            return
        handler.close_connection = True
        self.send(handler, self.head(word, f"Content-Length: {len(body)}"))
        self.begun += 1
        try:
            for n in range(len(body)):
                if self.is_closed:
                    return
                self.send(handler, body[n : n + 1])
                time.sleep(0.1)
        finally:
            self.cut += 1


ROGUES = [kind for kind in list(globals().values()) if isinstance(kind, type) and "WORDS" in vars(kind) and kind is not Rogue]
ROGUES += [LengthTooSmall, CompressedInSecret, EndlessBodies]
