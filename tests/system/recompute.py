#!/usr/bin/env python3
"""Recomputes a whole chain from the document of GET /chain, sharing nothing with the node but docs/protocol.md.

    recompute.py FILE | recompute.py - | recompute.py --url http://HOST:PORT/chain

It prints height, head, work, supply and the number of accounts, and with --balances a JSON object of every account's
balance (the summary then goes to stderr). At the first fault it names block, transaction and rule and exits with 1; a
document that cannot be read at all exits with 2. The clock is not looked at: time-too-new is no property of a chain.

Standard library only; RIPEMD-160 and secp256k1 are written out below, because OpenSSL may lack the one and Python has
no library for the other.
"""

import argparse
import functools
import hashlib
import json
import math
import re
import struct
import sys
import urllib.request

NUMBER_MAX = MONEY_MAX = 2**53 - 1
MEMO_MAX = 256
MEDIAN_SPAN = 11
BLOCK_BYTES_MIN, BLOCK_BYTES_LIMIT = 1024, 4 << 20
BLOCK_PREFIX_SIZE = 100
REWARD_SENDER = "THE BLOCKCHAIN"


class Fault(Exception):
    """A rule that the chain breaks, and where."""

    def __init__(self, rule, text):
        super().__init__(text)
        self.rule, self.text, self.block, self.tx = rule, text, None, None

    def __str__(self):
        place = "" if self.block is None else f"block {self.block}"
        place += "" if self.tx is None else f", transaction {self.tx}"
        return f"{place or 'document'}: {self.rule}: {self.text}"


def require(holds, rule, text):
    if not holds:
        raise Fault(rule, text)


# Hashes --------------------------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def sha256d(data):
    return sha256(sha256(data))


RMD_WORDS = (
    "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 7 4 13 1 10 6 15 3 12 0 9 5 2 14 11 8 3 10 14 4 9 15 8 1 2 7 0 6 13 11 5 12 "
    "1 9 11 10 0 8 12 4 13 3 7 15 14 5 6 2 4 0 5 9 7 12 2 10 14 1 3 8 11 6 15 13",
    "5 14 7 0 9 2 11 4 13 6 15 8 1 10 3 12 6 11 3 7 0 13 5 10 14 15 8 12 4 9 1 2 15 5 1 3 7 14 6 9 11 8 12 2 10 0 4 13 "
    "8 6 4 1 3 11 15 0 5 12 2 13 9 7 10 14 12 15 10 4 1 5 8 7 6 2 13 14 0 3 9 11",
)
RMD_TURNS = (
    "11 14 15 12 5 8 7 9 11 13 14 15 6 7 9 8 7 6 8 13 11 9 7 15 7 12 15 9 11 7 13 12 11 13 6 7 14 9 13 15 14 8 13 6 5 "
    "12 7 5 11 12 14 15 14 15 9 8 9 14 5 6 8 6 5 12 9 15 5 11 6 8 13 12 5 12 13 14 11 8 5 6",
    "8 9 9 11 13 15 15 5 7 7 8 11 14 14 12 6 9 13 15 7 12 8 9 11 7 7 12 7 6 15 13 11 9 7 15 11 8 6 6 14 12 13 5 14 13 "
    "13 7 5 15 5 8 11 14 14 6 14 6 9 12 9 12 5 15 8 8 5 12 9 12 5 14 6 8 13 6 5 15 13 11 11",
)
RMD_ADD = ((0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E), (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0))
RMD_MIX = (
    lambda x, y, z: x ^ y ^ z,
    lambda x, y, z: (x & y) | (~x & z),
    lambda x, y, z: (x | ~y) ^ z,
    lambda x, y, z: (x & z) | (y & ~z),
    lambda x, y, z: x ^ (y | ~z),
)


def rmd_line(side, state, words):
    """One of the two lines of 80 steps; the right one mixes in reverse order."""
    order = [int(n) for n in RMD_WORDS[side].split()]
    turns = [int(n) for n in RMD_TURNS[side].split()]
    a, b, c, d, e = state
    for i in range(80):
        mix = RMD_MIX[i // 16 if side == 0 else 4 - i // 16]
        t = (a + mix(b, c, d) + words[order[i]] + RMD_ADD[side][i // 16]) & 0xFFFFFFFF
        t = ((t << turns[i] | t >> (32 - turns[i])) + e) & 0xFFFFFFFF
        a, b, c, d, e = e, t, b, (c << 10 | c >> 22) & 0xFFFFFFFF, d
    return a, b, c, d, e


def ripemd160(data):
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    for at in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[at : at + 64])
        left, right = rmd_line(0, state, words), rmd_line(1, state, words)
        state = tuple((state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & 0xFFFFFFFF for i in range(5))
    return struct.pack("<5I", *state)


@functools.lru_cache(maxsize=None)
def hash160(data):
    return ripemd160(sha256(data))


# Addresses -----------------------------------------------------------------------------------------------------------

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@functools.lru_cache(maxsize=None)
def address_format(hash20, version):
    data = bytes([version]) + hash20
    data += sha256d(data)[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


@functools.lru_cache(maxsize=None)
def address_parse(text, version):
    """The 20 bytes, None if text is not an address of this network."""
    number = 0
    for c in text:
        if c not in BASE58:
            return None
        number = number * 58 + BASE58.index(c)
    if number >> 200:
        return None
    hash20 = number.to_bytes(25, "big")[1:21]
    return hash20 if address_format(hash20, version) == text else None


# secp256k1: y^2 = x^3 + 7 modulo P, points in Jacobian coordinates --------------------------------------------------

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
INFINITY = (1, 1, 0)


def point_double(point):
    x, y, z = point
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def point_add(point, other):
    """Adds an affine point to a Jacobian one."""
    x, y, z = point
    if z == 0:
        return other[0], other[1], 1
    zz = z * z % P
    h = (other[0] * zz - x) % P
    r = (other[1] * z * zz - y) % P
    if h == 0:
        return point_double(point) if r == 0 else INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, x * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y * hhh) % P, z * h % P


def point_affine(point):
    x, y, z = point
    i = pow(z, -1, P)
    return x * i * i % P, y * i * i * i % P


@functools.lru_cache(maxsize=4096)
def odd_multiples(point, count):
    """The affine points 1, 3, 5, ... times point: what a signed-digit product adds up."""
    twice, table = point_affine(point_double((*point, 1))), [point]
    while len(table) < count:
        table.append(point_affine(point_add((*table[-1], 1), twice)))
    return table


def signed_digits(scalar, width):
    """Odd digits below 2^(width - 1) in magnitude, and zeros between, lowest first."""
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & ((1 << width) - 1)
            if digit >> (width - 1):
                digit -= 1 << width
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def point_sum(products):
    """The sum of scalar times point, doubling once for all of them."""
    lines = [(signed_digits(scalar, width), odd_multiples(point, 1 << (width - 2))) for scalar, point, width in products]
    total = INFINITY
    for i in reversed(range(max(len(digits) for digits, _ in lines))):
        total = point_double(total)
        for digits, table in lines:
            digit = digits[i] if i < len(digits) else 0
            if digit > 0:
                total = point_add(total, table[digit >> 1])
            elif digit < 0:
                x, y = table[-digit >> 1]
                total = point_add(total, (x, P - y))
    return total


@functools.lru_cache(maxsize=4096)
def key_parse(key):
    """The affine point of a compressed key, None if it is none."""
    x = int.from_bytes(key[1:], "big")
    if key[0] not in (2, 3) or x >= P:
        return None
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return x, y if y & 1 == key[0] & 1 else P - y


def signature_rule(key, digest, signature):
    """The rule that the signature breaks, None if it is good."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= N or s >= N:
        return "bad-signature"
    if s > N // 2:
        return "high-s-signature"
    point = key_parse(key)
    if point is None:
        return "bad-public-key"
    if r == 0 or s == 0:
        return "bad-signature"
    inverse = pow(s, -1, N)
    z = int.from_bytes(digest, "big")
    x, _, depth = point_sum([(z * inverse % N, G, 8), (r * inverse % N, point, 5)])
    if depth == 0:
        return "bad-signature"
    # x / depth^2 must be r modulo N; x may lie above N, where r has lost N.
    square = depth * depth % P
    good = r * square % P == x or (r + N < P and (r + N) * square % P == x)
    return None if good else "bad-signature"


# Merkle tree, targets, work ------------------------------------------------------------------------------------------


def merkle_root(leaves):
    """RFC 6962, section 2.1, over whole transactions."""
    if not leaves:
        return sha256(b"")
    row = [sha256(b"\0" + leaf) for leaf in leaves]
    while len(row) > 1:
        pairs = [sha256(b"\1" + row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def target_expand(compact):
    """The target, None if the form is not canonical."""
    exponent, mantissa = compact >> 24, compact & 0xFFFFFF
    if not 3 <= exponent <= 32 or mantissa == 0 or (exponent > 3 and mantissa < 1 << 16):
        return None
    return mantissa << 8 * (exponent - 3)


def target_compact(target):
    exponent = max(3, (target.bit_length() + 7) // 8)
    return exponent << 24 | target >> 8 * (exponent - 3)


def target_work(compact):
    return 2**256 // (target_expand(compact) + 1)


def roots_of_two(count):
    """2^63 times the square root of 2, the fourth root, the eighth, ... rounded down at each step."""
    root, roots = 1 << 64, []
    for _ in range(count):
        root = math.isqrt(root << 63)
        roots.append(root)
    return roots


ROOTS = roots_of_two(32)


def target_next(params, parent_height, parent_compact, parent_time, time):
    easiest = 2 ** (256 - params["difficulty"]) - 1
    if params["retarget"] == "fixed" or parent_height == 0:
        return target_compact(easiest)
    interval = params["target_interval"]
    exponent = ((time - parent_time - interval) << 32) // (60 * interval)
    whole = max(-256, min(256, exponent >> 32))
    factor = 1 << 63
    for i, root in enumerate(ROOTS):
        if exponent >> (31 - i) & 1:
            factor = factor * root >> 63
    target = target_expand(parent_compact) * factor >> 63
    target = target << whole if whole >= 0 else target >> -whole
    return target_compact(max(1, min(easiest, target)))


# The document --------------------------------------------------------------------------------------------------------


def member(owner, key, kind):
    """A member of that kind; true and false are no numbers."""
    require(isinstance(owner, dict), "json", "an object is missing")
    require(key in owner, "json", f"{key} is missing")
    value = owner[key]
    right = value is None if kind is None else isinstance(value, kind) and not isinstance(value, bool)
    require(right, "json", f"{key} has the wrong type: {json.dumps(value)[:80]}")
    return value


def member_u(owner, key, bits, rule="json"):
    value = member(owner, key, int)
    require(0 <= value < 1 << bits, rule, f"{key} is {value}, which is not from 0 to 2^{bits} - 1")
    return value


def member_hex(owner, key, size):
    text = member(owner, key, str)
    require(re.fullmatch(r"[0-9a-f]{%d}" % (2 * size), text), "json", f"{key} is not {2 * size} lower-case hex digits")
    return bytes.fromhex(text)


def member_address(owner, key, version):
    text = member(owner, key, str)
    hash20 = address_parse(text, version)
    require(hash20 is not None, "json", f"{key} is not an address of this network: {text}")
    return hash20


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    require(len(set(keys)) == len(keys), "json", f"an object has a member twice: {sorted(keys)}")
    return dict(pairs)


def params_bytes(p):
    """The canonical bytes of the network's parameters, which the genesis block's merkle root hashes."""
    name, retarget = member(p, "name", str), member(p, "retarget", str)
    require(re.fullmatch(r"[a-z0-9._-]{1,32}", name), "parameters", f"name is not one: {name!r}")
    require(retarget in ("fixed", "per-block"), "parameters", f"retarget is unknown: {retarget}")
    bounds = {
        "address_version": (0, 255, 1),
        "genesis_time": (0, NUMBER_MAX, 8),
        "target_interval": (100, 86400000, 8),
        "difficulty": (0, 64, 1),
        "reward": (0, MONEY_MAX, 8),
        "maturity": (0, 1000, 4),
        "minimum_fee": (0, MONEY_MAX, 8),
        "max_block_bytes": (BLOCK_BYTES_MIN, BLOCK_BYTES_LIMIT, 4),
    }
    coded = {"retarget": bytes([retarget == "per-block"])}
    for key, (low, high, size) in bounds.items():
        value = member(p, key, int)
        require(low <= value <= high, "parameters", f"{key} is {value}, which is not from {low} to {high}")
        coded[key] = value.to_bytes(size, "big")
    order = "address_version genesis_time target_interval retarget difficulty reward maturity minimum_fee max_block_bytes"
    return bytes([1, len(name)]) + name.encode() + b"".join(coded[key] for key in order.split())


def header_bytes(b):
    return (
        member_u(b, "version", 32).to_bytes(4, "big")
        + member_hex(b, "previous_hash", 32)
        + member_hex(b, "merkle_root", 32)
        + member_u(b, "timestamp", 64).to_bytes(8, "big")
        + member_hex(b, "target", 4)
        + member_u(b, "height", 64).to_bytes(8, "big")
        + member_u(b, "nonce", 64).to_bytes(8, "big")
    )


class Tx:
    """One transaction: its fields, its bytes, and what the document claims about it."""

    def __init__(self, doc, address_version):
        self.version = member_u(doc, "version", 8, "tx-version")
        self.is_reward = self.version == 0
        require(self.version <= 1, "tx-version", f"the version is {self.version}")
        self.network = member_hex(doc, "network", 32)
        self.recipient = member_address(doc, "recipient_blockchain_address", address_version)
        self.value, self.fee = member_u(doc, "value", 64), member_u(doc, "fee", 64)
        self.sequence = member_u(doc, "sequence", 64)
        try:
            self.memo = member(doc, "memo", str).encode()
        except UnicodeEncodeError:
            raise Fault("memo-not-utf8", "the memo holds half of a surrogate pair") from None
        if self.is_reward:
            for key in ("sender_public_key", "signature"):
                member(doc, key, None)
            require(doc["fee"] == 0 and doc["memo"] == "", "json", "a reward has no fee and no memo")
            self.sender, claimed = None, REWARD_SENDER
            signed = b"\0" + self.network + self.recipient + struct.pack(">QQ", self.value, self.sequence)
            self.bytes = signed
        else:
            require(len(self.memo) < 1 << 16, "tx-malformed", f"the memo has {len(self.memo)} bytes")
            self.key, self.signature = member_hex(doc, "sender_public_key", 33), member_hex(doc, "signature", 64)
            self.sender = hash160(self.key)
            claimed = address_format(self.sender, address_version)
            numbers = struct.pack(">QQQH", self.value, self.fee, self.sequence, len(self.memo))
            signed = b"\1" + self.network + self.key + self.recipient + numbers + self.memo
            self.bytes = signed + self.signature
        self.id = sha256d(signed)
        require(member_hex(doc, "id", 32) == self.id, "id-mismatch", f"the transaction hashes to {self.id.hex()}")
        sender = member(doc, "sender_blockchain_address", str)
        require(sender == claimed, "address-mismatch", f"the sender is {claimed}, not {sender}")

    def check_form(self, params, network):
        require(len(self.memo) <= MEMO_MAX, "memo-too-long", f"the memo has {len(self.memo)} bytes")
        require(not self.is_reward, "reward-repeated", "only the first transaction may be a reward")
        require(self.network == network, "wrong-network", "it was signed for another network")
        require(self.value > 0, "zero-value", "it moves nothing")
        require(max(self.value, self.fee) <= MONEY_MAX, "value-too-large", f"value {self.value}, fee {self.fee}")
        require(self.fee >= params["minimum_fee"], "below-minimum-fee", f"the fee is {self.fee}")
        require(self.sequence <= NUMBER_MAX, "sequence-too-large", f"the sequence is {self.sequence}")


# The chain -----------------------------------------------------------------------------------------------------------


class Chain:
    """What is known after the blocks so far."""

    def __init__(self, genesis):
        self.params = member(genesis, "parameters", dict)
        committed = sha256(params_bytes(self.params))
        easiest = target_compact(2 ** (256 - self.params["difficulty"]) - 1)
        expected = struct.pack(">I32x", 1) + committed
        expected += struct.pack(">QIQQ", self.params["genesis_time"], easiest, 0, 0)
        require(header_bytes(genesis) == expected, "genesis", f"the parameters give the header {expected.hex()}")
        require(member(genesis, "transactions", list) == [], "genesis", "a genesis block has no transactions")
        self.network = self.head = sha256d(expected)
        self.check_claim(genesis)
        self.height = self.work = self.supply = 0
        self.target, self.times = easiest, [self.params["genesis_time"]]
        self.balances, self.sequences = {}, {}
        self.rewards = [None]  # (recipient, value) by height

    def check_claim(self, b):
        require(member_hex(b, "hash", 32) == self.head, "hash-mismatch", f"the header hashes to {self.head.hex()}")

    def add(self, b):
        header = header_bytes(b)
        parent, self.head = self.head, sha256d(header)
        self.check_claim(b)
        self.check_header(b, parent)
        self.height += 1
        self.times.append(b["timestamp"])
        self.work += target_work(self.target)
        self.check_body(b, header)

    def check_header(self, b, parent):
        time, target = b["timestamp"], int(b["target"], 16)
        require(b["version"] == 1, "block-version", f"the version is {b['version']}")
        require(time <= NUMBER_MAX, "block-malformed", f"the timestamp is {time}")
        require(b["previous_hash"] == parent.hex(), "unknown-parent", f"the block before it is {parent.hex()}")
        require(b["height"] == self.height + 1, "wrong-height", f"the height should be {self.height + 1}")
        last = sorted(self.times[-MEDIAN_SPAN:])
        median = last[len(last) // 2]
        require(time > median, "time-too-old", f"the timestamp is not later than the median {median}")
        due = target_next(self.params, self.height, self.target, self.times[-1], time)
        require(target == due, "wrong-target", f"the target should be {due:08x}")
        require(b["nonce"] <= NUMBER_MAX, "nonce-too-large", f"the nonce is {b['nonce']}")
        number = int.from_bytes(self.head, "big")
        require(number <= target_expand(due), "insufficient-work", "the hash is above the target")
        self.target = due

    def check_body(self, b, header):
        txs = []
        for i, doc in enumerate(member(b, "transactions", list)):
            with_place(i, lambda: txs.append(Tx(doc, self.params["address_version"])))
        size = BLOCK_PREFIX_SIZE + sum(len(tx.bytes) for tx in txs)
        require(size <= self.params["max_block_bytes"], "block-too-large", f"the block has {size} bytes")
        root = merkle_root([tx.bytes for tx in txs])
        require(header[36:68] == root, "wrong-merkle-root", f"the merkle root should be {root.hex()}")
        require(txs and txs[0].is_reward, "reward-missing", "the first transaction is not a reward")
        with_place(0, lambda: require(txs[0].network == self.network, "wrong-network", "it is of another network"))
        fees = 0
        for i, tx in enumerate(txs[1:], 1):
            with_place(i, lambda: self.check_transfer(tx))
            fees += tx.fee
        with_place(0, lambda: self.check_reward(txs[0], fees))

    def check_transfer(self, tx):
        tx.check_form(self.params, self.network)
        broken = signature_rule(tx.key, tx.id, tx.signature)
        require(broken is None, broken, "the signature does not hold")
        due, balance = self.sequences.get(tx.sender, 0), self.balances.get(tx.sender, 0)
        require(tx.sequence >= due, "sequence-used", f"the sender's next sequence is {due}, not {tx.sequence}")
        require(tx.sequence <= due, "sequence-gap", f"the sender's next sequence is {due}, not {tx.sequence}")
        require(balance >= tx.value + tx.fee, "insufficient-funds", f"the sender has {balance}")
        self.balances[tx.sender] = balance - tx.value - tx.fee
        self.sequences[tx.sender] = due + 1
        self.balances[tx.recipient] = self.balances.get(tx.recipient, 0) + tx.value

    def check_reward(self, tx, fees):
        subsidy = min(self.params["reward"], MONEY_MAX - self.supply)
        require(tx.sequence == self.height, "reward-height", f"the reward says height {tx.sequence}")
        require(tx.value == subsidy + fees, "reward-amount", f"the reward should be {subsidy + fees}, not {tx.value}")
        self.supply += subsidy
        self.rewards.append((tx.recipient, tx.value))
        matured = self.height - self.params["maturity"]
        if matured >= 1:
            recipient, value = self.rewards[matured]
            self.balances[recipient] = self.balances.get(recipient, 0) + value

    def check_supply(self):
        """No rule of a block: what the rules together must bring about."""
        unripe = sum(value for _, value in self.rewards[max(1, self.height - self.params["maturity"] + 1) :])
        require(sum(self.balances.values()) + unripe == self.supply, "supply", "balances do not add up to the supply")


def with_place(tx, check):
    try:
        check()
    except Fault as fault:
        fault.tx = tx
        raise


def recompute(document):
    blocks = member(document, "chain", list)
    require(blocks, "json", "the chain is empty")
    chain = None
    for place, b in enumerate(blocks):
        try:
            if chain is None:
                require(member(b, "height", int) == 0, "json", "the first block is not the genesis block")
                chain = Chain(b)
            else:
                chain.add(b)
        except Fault as fault:
            fault.block = place
            raise
    chain.check_supply()
    return chain


def load(source, url):
    if url:
        with urllib.request.urlopen(url, timeout=60) as reply:
            text = reply.read()
    elif source == "-":
        text = sys.stdin.buffer.read()
    else:
        with open(source, "rb") as file:
            text = file.read()
    return json.loads(text, object_pairs_hook=no_duplicates)


def main():
    parser = argparse.ArgumentParser(description="Recompute a chain from the document of GET /chain.")
    parser.add_argument("source", nargs="?", default="-", metavar="FILE", help="the document; - for standard input")
    parser.add_argument("--url", help="fetch the document from here, e.g. http://127.0.0.1:5000/chain")
    parser.add_argument("--balances", action="store_true", help="print all balances as JSON, the summary on stderr")
    options = parser.parse_args()
    try:
        chain = recompute(load(options.source, options.url))
    except Fault as fault:
        print(f"recompute: {fault}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"recompute: the document cannot be read: {error}", file=sys.stderr)
        return 2
    version = chain.params["address_version"]
    summary = sys.stderr if options.balances else sys.stdout
    print(f"height {chain.height}", f"head {chain.head.hex()}", f"work {chain.work:064x}", sep="\n", file=summary)
    print(f"supply {chain.supply}", f"accounts {len(chain.balances)}", sep="\n", file=summary)
    if options.balances:
        json.dump({address_format(who, version): units for who, units in sorted(chain.balances.items())}, sys.stdout, indent=1)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
