"""Keyspace ids are Vitess's, to the byte."""

import pytest

from armillary.base.errors import InputError
from armillary.routing.unicode_weights import weight_string
from armillary.routing.vindexes import Value, make_functional, null_key_decrypt

VECTORS: list[tuple[str, Value, str | None]] = [
    ("hash", 1, "166b40b44aba4bd6"),
    ("hash", 2, "06e7ea22ce92708f"),
    ("hash", 3, "4eb190c9a2fa169c"),
    ("hash", 4, "d2fd8867d50d2dfe"),
    ("hash", 5, "70bb023c810ca87a"),
    ("hash", 6, "f098480ac4c4be71"),
    ("hash", 0, "8ca64de9c1b123a7"),
    ("hash", -1, "355550b2150e2451"),
    ("hash", 2**64 - 1, "355550b2150e2451"),
    ("hash", 2**63 - 1, "f77d48aadda1f1bb"),
    ("hash", -(2**63), "95f8a5e5dd31d900"),
    ("hash", b"1", "166b40b44aba4bd6"),
    ("hash", b"x1", None),
    ("hash", None, None),
    ("xxhash", b"test1", "d01ab7e4d6978f0b"),
    ("xxhash", b"test2", "87eb11714c0a0e89"),
    ("xxhash", b"testaverylongvaluetomakesurethisworks", "81d8c38e0d850e6a"),
    ("xxhash", 1, "d46405367612b4b7"),
    ("xxhash", -1, "d8e2a6a7c8c7623d"),
    ("xxhash", 2**64 - 1, "477cfa8d6d8f1f8d"),
    ("xxhash", 2**63 - 1, "b37eb01f7bffafd8"),
    ("xxhash", -(2**63), "102c27ddb26a609e"),
    ("xxhash", None, "99e9d85137db46ef"),
    ("binary", b"test1", "7465737431"),
    ("binary", None, ""),
    ("binary_md5", b"test1", "5a105e8b9d40e1329780d62ea2265d8a"),
    ("binary_md5", b"TEST", "033bd94b1168d7e4f0d644c3c95e35bf"),
    ("binary_md5", b"Test", "0cbc6611f5540bd0809a388dc95a615b"),
    ("binary_md5", None, "d41d8cd98f00b204e9800998ecf8427e"),
    ("unicode_loose_md5", b"Test", "0b5edbb401fd7524393690491d64f1f5"),
    ("unicode_loose_md5", b"TEST", "0b5edbb401fd7524393690491d64f1f5"),
    ("unicode_loose_md5", b"Test ", "0b5edbb401fd7524393690491d64f1f5"),
    ("unicode_loose_md5", "Tést".encode(), "0b5edbb401fd7524393690491d64f1f5"),
    ("unicode_loose_md5", "Te\u0301st".encode(), "0b5edbb401fd7524393690491d64f1f5"),
    ("unicode_loose_md5", "Bést".encode(), "c2b2332e4f73d00741026249706f2fb6"),
    ("unicode_loose_md5", b" Test", "a2e3515c7e8df1ffd2ccfc11c6b19dd1"),
    ("unicode_loose_md5", b"Test\t", "82456dd87a9c7a02b1c2056b5abaa272"),
    ("unicode_loose_md5", "TéstLooong".encode(), "9683e12b80430cd453f5dfdfba81c9a5"),
    ("unicode_loose_md5", b"T", "ac0f9179f51db87fe8ecc0cf40cab97a"),
    ("unicode_loose_md5", None, "d41d8cd98f00b204e9800998ecf8427e"),
    ("unicode_loose_xxhash", b"Test", "42d21361087a4c07"),
    ("unicode_loose_xxhash", "Bést".encode(), "926975b9ce2ec316"),
    ("unicode_loose_xxhash", b" Test", "4fcb8be34ec05775"),
    ("unicode_loose_xxhash", b"Test\t", "20af87fc36e3fd51"),
    ("unicode_loose_xxhash", "TéstLooong".encode(), "d3ea873942b484a7"),
    ("unicode_loose_xxhash", b"T", "f81c3be2d501fe18"),
    ("unicode_loose_xxhash", None, "99e9d85137db46ef"),
    ("numeric", 1, "0000000000000001"),
    ("numeric", 8, "0000000000000008"),
    ("numeric", -1, None),
    ("reverse_bits", 1, "8000000000000000"),
    ("reverse_bits", 2, "4000000000000000"),
    ("reverse_bits", 3, "c000000000000000"),
    ("reverse_bits", 4, "2000000000000000"),
    ("reverse_bits", 5, "a000000000000000"),
    ("reverse_bits", 6, "6000000000000000"),
    ("null", 1, "00"),
    ("null", b"1234567890123", "00"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), VECTORS)
def test_a_value_maps_to_vitess_s_keyspace_id(
    kind: str, value: Value, expected: str | None
) -> None:
    vindex = make_functional(name="v", kind=kind, params={}, owner="")
    assert vindex is not None
    found = vindex.map(value)
    assert (None if found is None else found.hex()) == expected


WEIGHTS = [
    ("Test", "1816164c17f31816"),
    ("Bést", "1605164c17f31816"),
    (" Test", "01091816164c17f31816"),
    ("Test\t", "1816164c17f318160100"),
    ("TéstLooong", "1816164c17f318161711177117711771174f1691"),
]


@pytest.mark.parametrize(("text", "expected"), WEIGHTS)
def test_weights_are_those_of_the_frozen_table(text: str, expected: str) -> None:
    assert weight_string(text.encode()).hex() == expected


def test_ideographs_have_implicit_weights_of_three_bytes() -> None:
    assert weight_string("中".encode()).hex() == "814e2d"


def test_a_contraction_has_its_own_weight() -> None:
    """THAI CHARACTER SARA E before a consonant sorts after it."""
    swapped = weight_string("เก".encode())
    assert swapped == weight_string("ก".encode()) + weight_string("เ".encode())


def test_text_that_is_not_utf8_cannot_be_mapped() -> None:
    with pytest.raises(InputError):
        weight_string(b"\xff")


def test_unhash_is_the_inverse_of_hash() -> None:
    assert null_key_decrypt(bytes.fromhex("166b40b44aba4bd6")) == 1


@pytest.mark.parametrize("kind", ["hash", "numeric", "reverse_bits"])
def test_text_of_any_length_is_a_number_or_none(kind: str) -> None:
    vindex = make_functional(name="v", kind=kind, params={}, owner="")
    assert vindex is not None
    assert vindex.map(b"9" * 5000) is None
    assert vindex.map(b"-" + b"9" * 5000) is None
    assert vindex.map(b"0" * 5000 + b"7") == vindex.map(7)
