"""A client of GET /events: it reads in a thread of its own and keeps what it was told."""

import contextlib
import http.client
import json
import socket
import threading

from net import DEADLINE, wait_until


class Listener:
    def __init__(self, node, last_id=None, query=""):
        self.node = node
        self.events, self.comments, self.last_id, self.is_ended = [], 0, last_id, False
        self.connection = http.client.HTTPConnection(node.host, node.port, timeout=DEADLINE)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        self.connection.request("GET", f"/events{query}", headers=headers)
        self.reply = self.connection.getresponse()
        self.socket = self.connection.sock  # http.client forgets it with a reply that ends the connection
        assert self.reply.status == 200, (self.reply.status, self.reply.read())
        assert self.reply.getheader("Content-Type") == "text/event-stream"
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        # Its place is the first thing that it is told.
        wait_until("the stream begins", lambda: self.last_id)

    def read(self):
        name = data = None
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            for line in iter(self.reply.readline, b""):
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = json.loads(value)
                elif field == "id":
                    self.last_id = value
                elif field == ":":
                    self.comments += 1
                elif field == "" and data is not None:
                    self.events.append((name, data))
                    name = data = None
        self.is_ended = True

    def told(self, kind):
        return [data for name, data in self.events if name == kind]

    def wait(self, what, condition, seconds=DEADLINE):
        return wait_until(f"the listener of {self.node.label} is told {what}", condition, seconds)

    def wait_block(self, block):
        """Until a block, as {height, hash}, was told."""
        self.wait(f"of block {block['height']}", lambda: block in self.told("block"))

    def wait_transaction(self, txid, status):
        def is_told():
            return any(tx["id"] == txid and tx["status"] == status for tx in self.told("transaction"))

        self.wait(f"that {txid} is {status}", is_told)

    def leave(self):
        """Goes, and returns the id to come back with."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self.connection.close()
        return self.last_id
