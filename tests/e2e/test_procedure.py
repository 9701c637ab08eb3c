"""The procedure, command by command, with the real clients; each step checks what it sees."""

from armillary.cli.demo.steps import compare_the_data, list_the_tablets
from armillary.cli.demo.walk import Walk


def test_the_whole_procedure_holds(forwarded: Walk) -> None:
    """The fixture walked through it; what it ends with still holds now."""
    list_the_tablets(forwarded)
    compare_the_data(forwarded)
    assert forwarded.snapshot_time is not None
