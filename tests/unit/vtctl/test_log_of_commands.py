"""What vtctld's log holds of a command."""

from armillary.vtctld.service import loggable


def test_names_are_logged_as_they_are() -> None:
    assert [loggable(word) for word in ("main/-80", "zone1-0000000101", "")] == [
        "main/-80",
        "zone1-0000000101",
        "",
    ]


def test_of_a_statement_only_the_first_word_is_logged() -> None:
    assert loggable("CREATE USER app IDENTIFIED BY 'secret'") == "CREATE ..."
    assert loggable("\n set password = password('secret')\n") == "set ..."
