"""Sealed replies: what a public check may know about wrong answers without carrying any answer in the open.

A student copy must be able to say "that is the SD; the question asks for the variance" without holding the SD, the
variance or the sentence. Each known wrong answer is put into a bucket on a log scale; a slow hash of the bucket is
kept, and the reply is enciphered with that hash. Only someone who typed the wrong answer can read its reply. The
right value of a guided step is sealed in the same way, so that the step can be confirmed.

This is a lock on a desk drawer, not on a bank: a program that tries every value would open it in minutes. It takes
longer than answering the question.
"""
import hashlib
import math
from functools import lru_cache

ROUNDS = 10_000
FORMAT = 1  # of the locks: another number when what opens them changes


def bucket(value, width):
    """Number of the log-scale bucket that `value` falls into, with its sign; four buckets to the relative `width`."""
    value = float(value)
    if abs(value) < 1e-12:
        return 0, 0
    return (1 if value > 0 else -1), round(4 * math.log(abs(value)) / math.log1p(width))


@lru_cache(maxsize=512)
def _key(place, width, salt):
    text = f"{place[0]}:{place[1]}:{width:g}".encode()
    return hashlib.pbkdf2_hmac("sha256", text, salt.encode(), ROUNDS)


def _cipher(key, data):
    stream = hashlib.shake_256(key).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream))


def veil(text, salt):
    """Put `text` out of plain sight: no secret, since the check tells it to whoever needs it."""
    return _cipher(salt.encode(), text.encode()).hex()


def unveil(veiled, salt):
    """The text behind `veil`."""
    return _cipher(salt.encode(), bytes.fromhex(veiled)).decode()


def seal(value, reply, *, width, salt):
    """Lock `reply` so that `unseal` opens it only for values within `width` (relative, give or take an eighth) of `value`."""
    key = _key(bucket(value, width), width, salt)
    return [width, key[:6].hex(), _cipher(key[6:], reply.encode()).hex()]


def unseal(value, sealed, *, salt):
    """Return the reply locked in `sealed` if `value` is near the value it was sealed with, else None."""
    width, token, locked = sealed
    sign, place = bucket(value, width)
    for near in sorted(range(place - 4, place + 5), key=lambda b: abs(b - place)):
        key = _key((sign, near), width, salt)
        if key[:6].hex() == token:
            return _cipher(key[6:], bytes.fromhex(locked)).decode()
    return None
