"""A node in Python that serves a given chain, true to docs/protocol.md or not; for real nodes to meet."""

import http.client
import http.server
import json
import struct
import threading
import time

from chainmaker import pack_blocks, pack_compact, pack_headers

OCTETS = "application/octet-stream"


def unpack_hashes(body):
    count = struct.unpack(">H", body[:2])[0]
    return [body[2 + 32 * k : 34 + 32 * k] for k in range(count)]


class FakePeer:
    """Serves on host:port until closed. Override headers(), blocks() or hello() to misbehave; `asked` counts requests."""

    def __init__(self, host, port, chain, claims=None):
        self.host, self.port, self.chain = host, port, chain
        self.address = f"{host}:{port}"
        self.claims = claims or chain  # whose head the hello shows
        words = ("hello", "headers", "blocks", "compact", "parts", "block", "announce", "inventory", "transactions", "peers")
        self.asked = dict.fromkeys(words, 0)
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                word = self.path.removeprefix("/peer/")
                peer.asked[word] += 1
                reply = getattr(peer, word)(body)
                kind = "application/json" if word in ("hello", "peers") else peer.content_type()
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def content_type(self):
        return OCTETS

    def hello(self, _):
        head = self.claims
        return json.dumps(
            {
                "protocol": 1,
                "software": "fake/1",
                "node": "fake",
                "nonce": f"{self.port:016x}",
                "genesis": self.chain.network.hex(),
                "parameters": self.chain.params,
                "port": self.port,
                "advertise": "",
                "head": {"height": head.height, "hash": head.head.hash.hex(), "work": f"{head.work:064x}"},
                "timestamp": int(time.time() * 1000),
            }
        ).encode()

    def headers(self, body):
        known = (self.chain.find(h) for h in unpack_hashes(body))
        common = next((height for height in known if height is not None), 0)
        return pack_headers(self.chain.blocks[common + 1 : common + 2001])

    def blocks(self, body):
        found = (self.chain.find(h) for h in unpack_hashes(body))
        return pack_blocks([self.chain.blocks[height].bytes for height in found if height is not None])

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
