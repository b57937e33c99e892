"""Chains made in Python, valid or broken in exactly one place; for fake peers to serve.

Everything is bytes of docs/protocol.md, made with the arithmetic of recompute.py alone, never with code of the node. A
Chain is a list of sealed blocks; `draft` gives the next valid one unsealed, a Break changes one thing in it, and `seal`
makes right again all that depends on the change (merkle root, signature, proof of work), so that one rule is broken.
"""

import copy
import dataclasses
import struct

import recompute as rc
from wallet import public_key, sign

PARAMS = {
    "name": "rensa",
    "genesis_time": 1767225600000,
    "target_interval": 20000,
    "retarget": "per-block",
    "difficulty": 12,
    "reward": 100_000_000,
    "address_version": 60,
    "maturity": 0,
    "minimum_fee": 0,
    "max_block_bytes": 1 << 20,
}


def u(number, size):
    return number.to_bytes(size, "big")


def pack_list(pieces):
    return u(len(pieces), 2) + b"".join(pieces)


def pack_hashes(hashes):
    return pack_list(hashes)


def pack_headers(blocks):
    return pack_list([block.header.bytes for block in blocks])


def pack_blocks(blobs):
    return pack_list([u(len(blob), 4) + blob for blob in blobs])


def pack_compact(block):
    """The compact form of a block: its transfers by their names."""
    names = [tx.id + rc.sha256(b"\0" + tx.bytes)[:4] for tx in block.txs[1:]]
    return block.header.bytes + u(len(block.txs), 4) + block.txs[0].bytes + b"".join(names)


@dataclasses.dataclass
class Transfer:
    """A transfer; `secret` signs it, at once and again after any change of it by `sign`."""

    secret: int
    network: bytes
    recipient: bytes
    value: int
    fee: int = 0
    sequence: int = 0
    memo: bytes = b""
    version: int = 1
    key: bytes = b""
    signature: bytes = b""

    def __post_init__(self):
        self.key = self.key or public_key(self.secret)
        self.sign()

    def sign(self, high_s=False):
        self.signature = sign(self.secret, self.id, high_s)
        return self

    @property
    def signed_part(self):
        numbers = struct.pack(">QQQH", self.value, self.fee, self.sequence, len(self.memo))
        return u(self.version, 1) + self.network + self.key + self.recipient + numbers + self.memo

    @property
    def bytes(self):
        return self.signed_part + self.signature

    @property
    def id(self):
        return rc.sha256d(self.signed_part)

    @property
    def sender(self):
        return rc.hash160(self.key)


@dataclasses.dataclass
class Reward:
    network: bytes
    recipient: bytes
    value: int
    height: int

    @property
    def bytes(self):
        return b"\0" + self.network + self.recipient + struct.pack(">QQ", self.value, self.height)


@dataclasses.dataclass
class Header:
    version: int
    previous: bytes
    root: bytes
    time: int
    target: int
    height: int
    nonce: int = 0

    @property
    def bytes(self):
        head = u(self.version, 4) + self.previous + self.root
        return head + struct.pack(">QIQQ", self.time, self.target, self.height, self.nonce)

    @property
    def hash(self):
        return rc.sha256d(self.bytes)


@dataclasses.dataclass
class Block:
    header: Header
    txs: list
    is_sealed: bool = False

    @property
    def hash(self):
        return self.header.hash

    @property
    def bytes(self):
        return self.header.bytes + u(len(self.txs), 4) + b"".join(tx.bytes for tx in self.txs)

    def set_root(self):
        self.header.root = rc.merkle_root([tx.bytes for tx in self.txs])
        return self

    def mine(self, meets=True, target=None, wanted=lambda hash: True):
        """Searches a nonce from the present one on: the hash meets the target, or with meets=False does not."""
        limit = rc.target_expand(target or self.header.target)
        head, nonce = self.header.bytes[:-8], self.header.nonce
        while True:
            hash = rc.sha256d(head + u(nonce, 8))
            if (int.from_bytes(hash, "big") <= limit) == meets and wanted(hash):
                break
            nonce += 1
        self.header.nonce, self.is_sealed = nonce, True
        return self

    def seal(self):
        return self if self.is_sealed else self.set_root().mine()


class Chain:
    """Blocks from the genesis block on. What a Chain is given to extend need not be valid, so that others can follow a broken
    block; what it makes by itself is."""

    def __init__(self, params, blocks=None):
        self.params = params
        self.easiest = rc.target_compact(2 ** (256 - params["difficulty"]) - 1)
        root = rc.sha256(rc.params_bytes(params))
        genesis = Block(Header(1, bytes(32), root, params["genesis_time"], self.easiest, 0), [], True)
        self.blocks = blocks or [genesis]
        self.network = self.blocks[0].hash

    @property
    def head(self):
        return self.blocks[-1]

    @property
    def height(self):
        return len(self.blocks) - 1

    @property
    def work(self):
        return sum(rc.target_work(block.header.target) for block in self.blocks[1:])

    def up_to(self, height):
        """The same chain, ending at this height."""
        return Chain(self.params, self.blocks[: height + 1])

    def find(self, hash):
        return next((height for height, block in enumerate(self.blocks) if block.hash == hash), None)

    def median(self):
        times = sorted(block.header.time for block in self.blocks[-rc.MEDIAN_SPAN :])
        return times[len(times) // 2]

    def supply(self):
        return min(self.height * self.params["reward"], rc.MONEY_MAX)

    def account(self, who):
        """(balance, sequence) of an address of 20 bytes; rewards count at once."""
        balance = sequence = 0
        for block in self.blocks:
            for tx in block.txs:
                if tx.recipient == who:
                    balance += tx.value
                if isinstance(tx, Transfer) and tx.sender == who:
                    balance -= tx.value + tx.fee
                    sequence += 1
        return balance, sequence

    def transfer(self, wallet, to, value, fee=None, sequence=None, **changes):
        """Of a wallet.Wallet, good for the next block. `to` is a Wallet too."""
        if sequence is None:
            sequence = self.account(rc.hash160(wallet.public_key))[1]
        fee = self.params["minimum_fee"] if fee is None else fee
        return Transfer(wallet.secret, self.network, rc.hash160(to.public_key), value, fee, sequence, **changes)

    def due_target(self, time):
        parent = self.head.header
        return rc.target_next(self.params, parent.height, parent.target, parent.time, time)

    def draft(self, miner, transfers=(), time=None):
        """The next block, valid but for its merkle root and proof of work. By default it comes when it is due."""
        parent = self.head.header
        time = parent.time + self.params["target_interval"] if time is None else time
        subsidy = min(self.params["reward"], rc.MONEY_MAX - self.supply())
        fees = sum(tx.fee for tx in transfers)
        reward = Reward(self.network, rc.hash160(miner.public_key), subsidy + fees, self.height + 1)
        header = Header(1, self.head.hash, bytes(32), time, self.due_target(time), self.height + 1)
        return Block(header, [reward, *transfers])

    def plus(self, *blocks):
        """A new chain, longer by these, which are sealed."""
        return Chain(self.params, self.blocks + [block.seal() for block in blocks])

    def mined(self, miner, count=1, transfers=(), time=None):
        """A new chain, longer by so many valid blocks; the first has the transfers."""
        chain = Chain(self.params, list(self.blocks))
        for _ in range(count):
            chain.blocks.append(chain.draft(miner, transfers, time).seal())
            transfers, time = (), None
        return chain


# Breaks ----------------------------------------------------------------------------------------------------------------

BREAKS = []  # Break rows, in the order of docs/protocol.md


@dataclasses.dataclass
class Break:
    """One way to break one rule. `apply(block, chain, actor)` changes a draft that holds one valid transfer, at block.txs[1],
    from `actor`, who has sent before (so that a sequence can be used again) and has two coins or more."""

    rule: str
    how: str
    apply: object
    is_header: bool = False  # judged before any body is asked for

    @property
    def name(self):
        return f"{self.rule}: {self.how}"


def breaks(rule, how, is_header=False):
    def add(apply):
        BREAKS.append(Break(rule, how, apply, is_header))
        return apply

    return add


def broken(chain, row, miner, actor, friend):
    """A new chain whose head breaks just that rule."""
    block = chain.draft(miner, [chain.transfer(actor, friend, 1000)])
    row.apply(block, chain, actor)
    return chain.plus(block)


def change(block, **fields):
    """Changes the transfer and signs it anew."""
    tx = dataclasses.replace(block.txs[1], **fields)
    block.txs[1] = tx.sign()
    block.txs[0].value += fields.get("fee", 0)
    return tx


def retimed(block, chain, time):
    block.header.time, block.header.target = time, chain.due_target(time)


@breaks("block-version", "2", is_header=True)
def version_two(block, chain, actor):
    block.header.version = 2


@breaks("block-version", "0", is_header=True)
def version_zero(block, chain, actor):
    block.header.version = 0


@breaks("block-malformed", "a time of 2^53", is_header=True)
def time_beyond_numbers(block, chain, actor):
    retimed(block, chain, rc.NUMBER_MAX + 1)


@breaks("unknown-parent", "the block before the last", is_header=True)
def grandparent(block, chain, actor):
    block.header.previous = chain.head.header.previous


@breaks("wrong-height", "one too low", is_header=True)
def height_low(block, chain, actor):
    block.header.height -= 1


@breaks("wrong-height", "one too high", is_header=True)
def height_high(block, chain, actor):
    block.header.height += 1


@breaks("time-too-old", "the median itself", is_header=True)
def time_at_median(block, chain, actor):
    retimed(block, chain, chain.median())


@breaks("wrong-target", "harder than due", is_header=True)
def target_harder(block, chain, actor):
    block.header.target = rc.target_compact(rc.target_expand(block.header.target) // 2)


@breaks("wrong-target", "easier than due", is_header=True)
def target_easier(block, chain, actor):
    due = block.header.target
    block.header.target = rc.target_compact(rc.target_expand(due) * 2)
    block.set_root().mine(target=due)


@breaks("wrong-target", "not canonical", is_header=True)
def target_not_canonical(block, chain, actor):
    due = block.header.target
    block.header.target = ((due >> 24) + 1) << 24 | (due & 0xFFFFFF) >> 8
    block.set_root().mine(target=due)


@breaks("wrong-target", "the parent's, a minute too early", is_header=True)
def target_of_parent(block, chain, actor):
    retimed(block, chain, block.header.time - 3 * chain.params["target_interval"] + 1)
    assert block.header.target != chain.head.header.target and block.header.time > chain.median()
    due, block.header.target = block.header.target, chain.head.header.target
    block.set_root().mine(target=due)


@breaks("nonce-too-large", "2^53", is_header=True)
def nonce_large(block, chain, actor):
    block.header.nonce = rc.NUMBER_MAX + 1


@breaks("insufficient-work", "a hash above the target", is_header=True)
def no_work(block, chain, actor):
    block.set_root().mine(meets=False)


@breaks("block-malformed", "a byte too many")
def byte_too_many(block, chain, actor):
    block.txs[1].signature += b"\0"


@breaks("block-malformed", "an unknown version of a transaction")
def transaction_version(block, chain, actor):
    change(block, version=2)


@breaks("block-too-large", "above max_block_bytes")
def too_large(block, chain, actor):
    memo, sequence = b"m" * rc.MEMO_MAX, block.txs[1].sequence
    while len(block.bytes) <= chain.params["max_block_bytes"]:
        sequence += 1
        block.txs.append(dataclasses.replace(block.txs[1], sequence=sequence, memo=memo))
        block.txs[0].value += block.txs[-1].fee


@breaks("wrong-merkle-root", "a bit turned")
def root_bit(block, chain, actor):
    block.set_root()
    block.header.root = bytes([block.header.root[0] ^ 1]) + block.header.root[1:]
    block.mine()


@breaks("wrong-merkle-root", "the root of other transactions")
def root_of_others(block, chain, actor):
    block.set_root().mine()
    block.txs.pop()


@breaks("reward-missing", "no transactions")
def no_transactions(block, chain, actor):
    block.txs.clear()


@breaks("reward-missing", "a transfer first")
def transfer_first(block, chain, actor):
    block.txs.pop(0)


@breaks("wrong-network", "of the reward")
def network_of_reward(block, chain, actor):
    block.txs[0].network = bytes(32)


@breaks("reward-height", "one too low")
def reward_height(block, chain, actor):
    block.txs[0].height -= 1


@breaks("reward-amount", "one too much")
def reward_more(block, chain, actor):
    block.txs[0].value += 1


@breaks("reward-amount", "one too little")
def reward_less(block, chain, actor):
    block.txs[0].value -= 1


@breaks("reward-amount", "everything there can be")
def reward_all(block, chain, actor):
    block.txs[0].value = 2**64 - 1


@breaks("memo-too-long", "257 bytes")
def memo_long(block, chain, actor):
    change(block, memo=b"m" * (rc.MEMO_MAX + 1))


@breaks("memo-too-long", "65535 bytes")
def memo_longest(block, chain, actor):
    change(block, memo=b"m" * 65535)


@breaks("reward-repeated", "a second reward")
def reward_twice(block, chain, actor):
    block.txs.append(copy.copy(block.txs[0]))


@breaks("wrong-network", "of a transfer")
def network_of_transfer(block, chain, actor):
    change(block, network=rc.sha256(b"another network"))


@breaks("zero-value", "0")
def value_zero(block, chain, actor):
    change(block, value=0)


@breaks("value-too-large", "2^53")
def value_large(block, chain, actor):
    change(block, value=rc.MONEY_MAX + 1)


@breaks("value-too-large", "a sum that wraps")
def value_wraps(block, chain, actor):
    change(block, value=2**64 - block.txs[1].fee)


@breaks("value-too-large", "a fee of 2^53")
def fee_large(block, chain, actor):
    change(block, fee=rc.MONEY_MAX + 1)


@breaks("below-minimum-fee", "one too little")
def fee_small(block, chain, actor):
    block.txs[0].value -= 1
    tx = block.txs[1]
    block.txs[1] = dataclasses.replace(tx, fee=tx.fee - 1)


@breaks("sequence-too-large", "2^53")
def sequence_large(block, chain, actor):
    change(block, sequence=rc.NUMBER_MAX + 1)


@breaks("memo-not-utf8", "a stray byte")
def memo_stray(block, chain, actor):
    change(block, memo=b"\xff")


@breaks("memo-not-utf8", "an overlong form")
def memo_overlong(block, chain, actor):
    change(block, memo=b"\xc0\xaf")


@breaks("memo-not-utf8", "half a surrogate pair")
def memo_surrogate(block, chain, actor):
    change(block, memo=b"\xed\xa0\x80")


@breaks("memo-not-utf8", "cut short")
def memo_cut(block, chain, actor):
    change(block, memo=b"\xe2\x82")


@breaks("bad-signature", "a byte changed")
def signature_changed(block, chain, actor):
    tx = block.txs[1]
    tx.signature = tx.signature[:31] + bytes([tx.signature[31] ^ 1]) + tx.signature[32:]


@breaks("bad-signature", "of another key")
def signature_foreign(block, chain, actor):
    block.txs[1].signature = sign(0xBAD, block.txs[1].id)


@breaks("bad-signature", "value changed after signing")
def signature_stale(block, chain, actor):
    block.txs[1].value += 1


@breaks("bad-signature", "zeros")
def signature_zeros(block, chain, actor):
    block.txs[1].signature = bytes(64)


@breaks("bad-signature", "r is the group order")
def signature_range(block, chain, actor):
    block.txs[1].signature = u(rc.N, 32) + block.txs[1].signature[32:]


@breaks("high-s-signature", "the other s")
def signature_high(block, chain, actor):
    block.txs[1].sign(high_s=True)


@breaks("bad-public-key", "no point of the curve")
def key_off_curve(block, chain, actor):
    key = next(b"\2" + u(x, 32) for x in range(1, 100) if rc.key_parse(b"\2" + u(x, 32)) is None)
    change(block, key=key)


@breaks("bad-public-key", "not compressed")
def key_not_compressed(block, chain, actor):
    change(block, key=b"\4" + block.txs[1].key[1:])


@breaks("sequence-used", "a transfer of an earlier block")
def replay(block, chain, actor):
    who = rc.hash160(actor.public_key)
    old = next(tx for b in chain.blocks for tx in b.txs[1:] if tx.sender == who)
    block.txs[1], block.txs[0].value = old, block.txs[0].value - block.txs[1].fee + old.fee


@breaks("sequence-used", "the same transfer twice")
def twice(block, chain, actor):
    block.txs.append(block.txs[1])
    block.txs[0].value += block.txs[1].fee


@breaks("sequence-gap", "one left out")
def gap(block, chain, actor):
    change(block, sequence=block.txs[1].sequence + 1)


@breaks("insufficient-funds", "one unit too much")
def funds(block, chain, actor):
    balance = chain.account(block.txs[1].sender)[0]
    change(block, value=balance - block.txs[1].fee + 1)


@breaks("insufficient-funds", "the fee cannot be paid")
def funds_for_fee(block, chain, actor):
    change(block, value=chain.account(block.txs[1].sender)[0])


@breaks("insufficient-funds", "the balance spent twice in one block")
def funds_twice(block, chain, actor):
    balance = chain.account(block.txs[1].sender)[0]
    first = change(block, value=balance - 2 * block.txs[1].fee - 500)
    block.txs.append(dataclasses.replace(first, sequence=first.sequence + 1, value=501))
    block.txs[0].value += first.fee
