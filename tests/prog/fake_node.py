"""A node that says whatever a test wants: an honest small chain by default, any bytes instead where a test asks for it.

It judges transfers with recompute.py, the independent reading of docs/protocol.md, so that a transfer which the client
signed wrongly is refused here.
"""

import hashlib
import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import recompute  # noqa: E402

COIN = 100_000_000


class Raw:
    """Bytes to send in place of a reply, then the connection closes."""

    def __init__(self, data):
        self.data = data


class Reply:
    def __init__(self, status, body, content_type="application/json"):
        self.status, self.content_type = status, content_type
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


def error(status, code, message):
    return Reply(status, {"error": {"code": code, "message": message}})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        reply = self.server.node.answer(self.command, self.path, body, dict(self.headers))
        if isinstance(reply, Raw):
            self.wfile.write(reply.data)
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up early is part of the tests


class FakeNode:
    version = 60
    genesis = hashlib.sha256(b"genesis of the fake node").hexdigest()

    def __init__(self):
        self.lock = threading.Lock()
        self.minimum_fee = 0
        self.outlook = None  # what /status says under mining
        self.has_miner_address = True
        self.accounts = {}  # address: [balance, next sequence]
        self.transfers = {}  # id: the answer of GET /transactions/{id}
        self.blocks = [self.block([])]
        self.requests = []  # (method, path, body, headers)
        # (method, path): replies to give instead, in turn; the last one stays. None: answer honestly.
        self.instead = {}
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.node = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def block(self, transactions):
        height = len(getattr(self, "blocks", []))
        return {
            "height": height,
            "hash": hashlib.sha256(b"block %d" % height).hexdigest() if height else self.genesis,
            "version": 1,
            "previous_hash": "00" * 32,
            "merkle_root": "11" * 32,
            "timestamp": 1_700_000_000_000 + 20_000 * height,
            "target": "1f0fffff",
            "nonce": 7,
            "transactions": transactions,
        }

    def params(self):
        return {"name": "rensa", "address_version": self.version, "minimum_fee": self.minimum_fee, "reward": COIN}

    def seen(self, method, path):
        return [r for r in self.requests if r[0] == method and r[1] == path]

    def answer(self, method, path, body, headers):
        with self.lock:
            self.requests.append((method, path, body, headers))
            queue = self.instead.get((method, path.split("?")[0])) or self.instead.get((method, "*"))
            if queue:
                reply = queue.pop(0) if len(queue) > 1 else queue[0]
                if callable(reply):
                    reply = reply(path, body)
                if reply is not None:
                    return reply
            return self.honest(method, urlsplit(path), body)

    def honest(self, method, url, body):
        parts = url.path.strip("/").split("/")
        if (method, url.path) == ("GET", "/status"):
            head = self.blocks[-1]
            status = {"node": "fake", "network": self.params(), "genesis": self.genesis, "height": head["height"]}
            status |= {"mining": self.outlook} if self.outlook else {}
            return Reply(200, {**status, "head": head["hash"], "work": "0fa0", "peers": {"up": 2, "known": 3}})
        if method == "GET" and parts[0] == "addresses":
            balance, sequence = self.accounts.get(parts[1], [0, 0])
            amounts = {"balance": balance, "pending": 0, "spendable": balance}
            return Reply(200, {"address": parts[1], **amounts, "next_sequence": sequence})
        if (method, url.path) == ("POST", "/transactions"):
            return self.admit(json.loads(body))
        if method == "GET" and parts[0] == "transactions":
            known = self.transfers.get(parts[1])
            return Reply(200, known) if known else error(404, "unknown-transaction", "no such transaction")
        if (method, url.path) == ("POST", "/mine"):
            return self.mine(json.loads(body))
        if (method, url.path) == ("GET", "/peers"):
            up = {"address": "127.0.0.3:5001", "state": "up", "reason": "", "height": 12}
            other = {"address": "10.0.0.9:5000", "state": "other-network", "reason": "difficulty is 13 there, 12 here"}
            return Reply(200, {"peers": [up, other]})
        if (method, url.path) == ("GET", "/blocks"):
            query = parse_qs(url.query)
            before = int(query.get("before", [len(self.blocks)])[0])
            newest = self.blocks[:before][::-1]
            return Reply(200, {"blocks": newest[: int(query["limit"][0])]})
        if method == "GET" and parts[0] == "blocks":
            for block in self.blocks:
                if parts[1] in (block["hash"], str(block["height"])):
                    return Reply(200, block)
            return error(404, "unknown-block", "there is no such block")
        return error(404, "unknown-route", "there is no such route")

    def admit(self, doc):
        try:
            tx = recompute.Tx(doc, self.version)
            tx.check_form({"minimum_fee": self.minimum_fee}, bytes.fromhex(self.genesis))
            rule = recompute.signature_rule(tx.key, tx.id, tx.signature)
            recompute.require(rule is None, rule, "the signature is wrong")
        except recompute.Fault as fault:
            return error(422, fault.rule, fault.text)
        txid, sender = doc["id"], doc["sender_blockchain_address"]
        if txid not in self.transfers:
            account = self.accounts.setdefault(sender, [0, 0])
            if tx.sequence < account[1]:
                return error(422, "sequence-taken", "another pending transfer of the sender has this sequence")
            if account[0] < tx.value + tx.fee:
                return error(422, "insufficient-funds", "the sender cannot pay value plus fee")
            account[0] -= tx.value + tx.fee
            account[1] = tx.sequence + 1
            self.transfers[txid] = {"transaction": doc, "status": "pending", "height": None, "confirmations": 0}
        return Reply(202, {"id": txid, "status": "pending"})

    def mine(self, order):
        if "address" not in order and not self.has_miner_address:
            return error(422, "no-address", 'name an address in the body, {"address":"..."}')
        mined = []
        for _ in range(order.get("blocks", 1)):
            pending = [t for t in self.transfers.values() if t["status"] == "pending"]
            for entry in pending:
                entry.update(status="confirmed", height=len(self.blocks), confirmations=1)
                self.credit(entry["transaction"]["recipient_blockchain_address"], entry["transaction"]["value"])
            self.credit(order.get("address", "nobody"), COIN)
            self.blocks.append(self.block([entry["transaction"] for entry in pending]))
            mined.append({"height": self.blocks[-1]["height"], "hash": self.blocks[-1]["hash"]})
        return Reply(200, {"blocks": mined})

    def credit(self, address, units):
        self.accounts.setdefault(address, [0, 0])[0] += units
