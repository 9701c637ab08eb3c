"""Vindexes that compute: from a column value to a keyspace id. Pure.

The ids agree with Vitess's to the byte, for rows that Vitess placed must be found where they are.
A value is an int, bytes (text in UTF-8, or binary), or None for NULL.
Source: Vitess go/vt/vtgate/vindexes; vectors in tests/unit/routing.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import xxhash

from armillary.base.errors import InputError
from armillary.routing.unicode_weights import weight_string

Value = int | bytes | None

_UINT64 = 2**64
_DIGITS_MAX = 20  # of a number below it, after its leading zeros
_NO_ID: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionalVindex:
    """A vindex whose id is a function of the value alone; always unique."""

    name: str
    type: str
    cost: int
    by_number: bool  # the value is used as a number, not as text
    params: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    function: Callable[[Value], bytes | None]
    unhash: Callable[[bytes], int] | None = None

    unique = True

    def map(self, value: Value) -> bytes | None:
        """Return the keyspace id, or None when the value can be in no row.

        Raises:
            InputError: the value cannot be mapped at all (text that is not UTF-8).
        """
        return self.function(value)


def _whole(digits: bytes) -> int | None:
    """Return the number; None for other text, and for more digits than any id has."""
    if not digits.isdigit():
        return None
    significant = digits.lstrip(b"0")
    return int(significant or b"0") if len(significant) <= _DIGITS_MAX else None


def _uint64(value: Value) -> int | None:
    """Vitess's cast to uint64: integers and decimal text, not negative."""
    if isinstance(value, bytes):
        value = _whole(value)
    if value is None or not 0 <= value < _UINT64:
        return None
    return value


def _signed_or_unsigned(value: Value) -> int | None:
    """As `_uint64`, but negative numbers wrap around."""
    if isinstance(value, bytes):
        number = _whole(value.removeprefix(b"-"))
        value = -number if number is not None and value[:1] == b"-" else number
    if value is None or not -(2**63) <= value < _UINT64:
        return None
    return value % _UINT64


def text_of(value: Value) -> bytes:
    """The bytes that byte-hashing vindexes see."""
    if value is None:
        return b""
    return b"%d" % value if isinstance(value, int) else value


@cache
def _null_key_des() -> Any:
    """Return (encryptor, decryptor). In ECB blocks do not depend on each other: one serves all."""
    from cryptography.hazmat.primitives.ciphers import Cipher, modes  # noqa: PLC0415  heavy

    try:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES  # noqa: PLC0415
    except ImportError:  # older releases keep it elsewhere
        from cryptography.hazmat.primitives.ciphers.algorithms import (  # noqa: PLC0415
            TripleDES,
        )
    cipher = Cipher(TripleDES(b"\x00" * 24), modes.ECB())
    return cipher.encryptor(), cipher.decryptor()


def null_key_encrypt(number: int) -> bytes:
    """Single DES with a key of zeros, of the big-endian number. It hides nothing; it spreads."""
    block: bytes = _null_key_des()[0].update(number.to_bytes(8, "big"))
    return block


def null_key_decrypt(keyspace_id: bytes) -> int:
    """Raises: InputError: not 8 bytes."""
    if len(keyspace_id) != 8:
        raise InputError(f"a keyspace id of 8 bytes wanted, found {len(keyspace_id)}")
    return int.from_bytes(_null_key_des()[1].update(keyspace_id), "big")


def _hash(value: Value) -> bytes | None:
    number = _signed_or_unsigned(value)
    return _NO_ID if number is None else null_key_encrypt(number)


def _numeric(value: Value) -> bytes | None:
    number = _uint64(value)
    return _NO_ID if number is None else number.to_bytes(8, "big")


def _reverse_bits(value: Value) -> bytes | None:
    number = _uint64(value)
    return _NO_ID if number is None else int(f"{number:064b}"[::-1], 2).to_bytes(8, "big")


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _xxhash(value: Value) -> bytes:
    return xxhash.xxh64_intdigest(text_of(value)).to_bytes(8, "little")


def _unicode_loose_md5(value: Value) -> bytes:
    return _md5(weight_string(text_of(value)))


def _unicode_loose_xxhash(value: Value) -> bytes:
    return xxhash.xxh64_intdigest(weight_string(text_of(value))).to_bytes(8, "little")


@dataclass(frozen=True, slots=True)
class _Kind:
    cost: int
    by_number: bool
    function: Callable[[Value], bytes | None]
    unhash: Callable[[bytes], int] | None = None


def _decode_numeric(keyspace_id: bytes) -> int:
    return int.from_bytes(keyspace_id, "big")


FUNCTIONAL_KINDS: Mapping[str, _Kind] = {
    "binary": _Kind(0, False, text_of),
    "numeric": _Kind(0, True, _numeric, _decode_numeric),
    "hash": _Kind(1, True, _hash, null_key_decrypt),
    "reverse_bits": _Kind(1, True, _reverse_bits),
    "xxhash": _Kind(1, False, _xxhash),
    "binary_md5": _Kind(1, False, lambda value: _md5(text_of(value))),
    "unicode_loose_md5": _Kind(1, False, _unicode_loose_md5),
    "unicode_loose_xxhash": _Kind(1, False, _unicode_loose_xxhash),
    "null": _Kind(100, False, lambda value: b"\x00"),
}

# Equal under the column's collation, equal id: these ignore case and accents themselves.
LOOSE_KINDS = frozenset({"unicode_loose_md5", "unicode_loose_xxhash"})


def make_functional(
    *, name: str, kind: str, params: Mapping[str, str], owner: str
) -> FunctionalVindex | None:
    """Return the vindex, or None when `kind` is not a computing one."""
    made = FUNCTIONAL_KINDS.get(kind)
    if made is None:
        return None
    return FunctionalVindex(
        name=name,
        type=kind,
        cost=made.cost,
        by_number=made.by_number,
        params=tuple(sorted(params.items())),
        owner=owner,
        function=made.function,
        unhash=made.unhash,
    )
