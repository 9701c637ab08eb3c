"""Errors fit into the header that they travel in."""

from armillary.rpc.service import fit_header


def test_a_short_text_stays_as_it_is() -> None:
    assert fit_header("keyspace größe doesn't exist") == "keyspace größe doesn't exist"
    assert fit_header("x" * 6000) == "x" * 6000


def test_of_a_long_text_both_ends_are_kept() -> None:
    for text in ("a" + "x" * 50_000 + "z", "ä" + "𝄞" * 50_000 + "ü"):
        cut = fit_header(text)
        assert cut[0] == text[0] and cut[-1] == text[-1]
        assert "characters left out" in cut
        assert sum(3 if byte > 126 else 1 for byte in cut.encode()) < 8192
