"""Keys and signed transfers made with the arithmetic of recompute.py alone, never with code of the node."""

import hashlib
import itertools

import recompute as rc

ADDRESS_VERSION = 60
secrets = itertools.count(0xC0FFEE)


def public_key(secret):
    x, y = rc.point_affine(rc.point_sum([(secret, rc.G, 8)]))
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


def address(secret, version=ADDRESS_VERSION):
    return rc.address_format(rc.hash160(public_key(secret)), version)


def sign(secret, digest, high_s=False):
    """ECDSA with a nonce that is only unpredictable enough for a test."""
    k = int.from_bytes(hashlib.sha256(secret.to_bytes(32, "big") + digest).digest(), "big") % rc.N
    r = rc.point_affine(rc.point_sum([(k, rc.G, 8)]))[0] % rc.N
    s = pow(k, -1, rc.N) * (int.from_bytes(digest, "big") + r * secret) % rc.N
    if (s > rc.N // 2) != high_s:
        s = rc.N - s
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def u(number, size):
    return number.to_bytes(size, "big")


def signed_part(tx, version=ADDRESS_VERSION):
    """The bytes under the id, from the document alone: a second writing of the format beside the one of recompute.py."""
    recipient = rc.address_parse(tx["recipient_blockchain_address"], version)
    out = u(tx["version"], 1) + bytes.fromhex(tx["network"])
    if tx["version"] == 0:
        return out + recipient + u(tx["value"], 8) + u(tx["sequence"], 8)
    memo = tx["memo"].encode()
    out += bytes.fromhex(tx["sender_public_key"]) + recipient + u(tx["value"], 8) + u(tx["fee"], 8)
    return out + u(tx["sequence"], 8) + u(len(memo), 2) + memo


def whole(tx):
    return signed_part(tx) + bytes.fromhex(tx["signature"] or "")


def sealed(tx, secret, high_s=False):
    """Gives the transfer its id and signature."""
    digest = rc.sha256d(signed_part(tx))
    tx["id"], tx["signature"] = digest.hex(), sign(secret, digest, high_s).hex()
    return tx


class Wallet:
    """A key, and the sequence of the next transfer that it signs."""

    def __init__(self, secret=None):
        self.secret = next(secrets) if secret is None else secret
        self.public_key = public_key(self.secret)
        self.address = rc.address_format(rc.hash160(self.public_key), ADDRESS_VERSION)
        self.sequence = 0

    def transfer(self, network, to, value, fee=0, sequence=None, memo="", high_s=False):
        """A signed transfer to an address or a Wallet. network is the genesis hash, in hex. Without a sequence, the next one."""
        if sequence is None:
            sequence, self.sequence = self.sequence, self.sequence + 1
        tx = {
            "id": "",
            "version": 1,
            "network": network,
            "sender_public_key": self.public_key.hex(),
            "sender_blockchain_address": self.address,
            "recipient_blockchain_address": to.address if isinstance(to, Wallet) else to,
            "value": value,
            "fee": fee,
            "sequence": sequence,
            "memo": memo,
        }
        return sealed(tx, self.secret, high_s)
