"""A node in Python that serves a given chain, true to docs/protocol.md or not; for real nodes to meet."""

import dataclasses
import hashlib
import http.client
import http.server
import json
import struct
import sys
import threading
import time

import recompute as rc
from chainmaker import pack_blocks, pack_compact, pack_list

OCTETS = "application/octet-stream"
HEADERS_MAX = 2000


def unpack_hashes(body):
    count = struct.unpack(">H", body[:2])[0]
    return [body[2 + 32 * k : 34 + 32 * k] for k in range(count)]


class Served:
    """A chain as it goes over the wire, its blocks found by their hashes at once however long it is."""

    def __init__(self, chain):
        self.chain = chain
        self.headers = [block.header.bytes for block in chain.blocks]
        self.heights = {rc.sha256d(header): height for height, header in enumerate(self.headers)}

    def find(self, hash):
        return self.heights.get(hash)


@dataclasses.dataclass
class Claim:
    """What a hello says of a chain that need not be."""

    height: int
    hash: bytes
    work: int


def claim_of(chain, more=0):
    """The truth, or that and some work more."""
    return Claim(chain.height + more, rc.sha256d(b"a head nobody has") if more else chain.head.hash, chain.work + more)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A node hangs up on whoever misbehaves."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakePeer:
    """Serves on host:port until closed. Override headers(), blocks() or hello() to serve what is wrong, reply() to serve it
    in a wrong way. `asked` counts requests, `sent` the bytes of our replies."""

    def __init__(self, host, port, chain, claims=None):
        self.host, self.port, self.chain = host, port, chain
        self.address = f"{host}:{port}"
        self.claims = claims  # a Chain or a Claim whose head the hello shows; None: that of the chain
        words = ("hello", "headers", "blocks", "compact", "parts", "block", "announce", "inventory", "transactions", "peers")
        self.asked = dict.fromkeys(words, 0)
        self.sent = 0
        self.is_closed = False
        self.lock = threading.Lock()
        self.last_served = None
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                word = self.path.removeprefix("/peer/")
                with peer.lock:
                    peer.asked[word] += 1
                peer.reply(self, word, getattr(peer, word)(body))

            def log_message(self, *_):
                pass

        self.server = Server((host, port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.is_closed = True
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def send(self, handler, data):
        handler.wfile.write(data)
        with self.lock:
            self.sent += len(data)

    def reply(self, handler, word, body):
        """A good answer with this body."""
        self.send(handler, self.head(word, f"Content-Length: {len(body)}") + body)

    def head(self, word, *lines):
        kind = "application/json" if word in ("hello", "peers") else self.content_type()
        return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", *lines, "", ""]).encode()

    def served(self):
        """The chain of this moment, as it is served."""
        chain = self.chain
        with self.lock:
            if self.last_served is None or self.last_served.chain is not chain:
                self.last_served = Served(chain)
            return self.last_served

    def content_type(self):
        return OCTETS

    @property
    def nonce(self):
        """A node's own: another at each address."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:16]

    def hello(self, _):
        claims = self.claims or self.chain
        head = claims if isinstance(claims, Claim) else claim_of(claims)
        return json.dumps(
            {
                "protocol": 1,
                "software": "fake/1",
                "node": "fake",
                "nonce": self.nonce,
                "genesis": self.chain.network.hex(),
                "parameters": self.chain.params,
                "port": self.port,
                "advertise": "",
                "head": {"height": head.height, "hash": head.hash.hex(), "work": f"{head.work:064x}"},
                "timestamp": int(time.time() * 1000),
            }
        ).encode()

    def headers(self, body):
        served = self.served()
        known = (served.find(h) for h in unpack_hashes(body))
        common = next((height for height in known if height is not None), 0)
        return pack_list(served.headers[common + 1 : common + 1 + HEADERS_MAX])

    def blocks(self, body):
        served = self.served()
        found = (served.find(h) for h in unpack_hashes(body))
        return pack_blocks([served.chain.blocks[height].bytes for height in found if height is not None])

    def compact(self, body):
        return pack_compact(self.chain.blocks[self.chain.find(body)])

    def parts(self, body):
        positions = struct.unpack(f">{(len(body) - 34) // 2}H", body[34:])
        block = self.chain.blocks[self.chain.find(body[:32])]
        return b"".join(block.txs[at].bytes for at in positions)

    def block(self, _):
        return b"{}"

    def peers(self, _):
        return b'{"peers":[]}'

    def announce(self, _):
        return b"{}"

    def inventory(self, _):
        return b"\0\0"

    def push(self, node, word, body):
        """Tells a node something, from our own address. Returns the status."""
        headers = {"Rensa-Port": str(self.port), "Content-Type": OCTETS}
        connection = http.client.HTTPConnection(node.host, node.port, timeout=60, source_address=(self.host, 0))
        try:
            connection.request("POST", f"/peer/{word}", body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def transactions(self, _):
        return b"{}"
