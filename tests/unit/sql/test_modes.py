"""Modes of a server under which we would misread SQL."""

from armillary.sql.modes import foreign_modes


def test_modes_that_change_what_text_means_are_told() -> None:
    assert foreign_modes("STRICT_TRANS_TABLES,NO_ZERO_DATE") == []
    assert foreign_modes("") == []
    assert foreign_modes("strict_trans_tables,ansi_quotes,PIPES_AS_CONCAT") == [
        "ANSI_QUOTES",
        "PIPES_AS_CONCAT",
    ]
