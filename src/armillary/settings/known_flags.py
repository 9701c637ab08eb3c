"""What a flag does in one of our programs, for whoever renders command lines. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from armillary.settings import mysqlctld, vtbackup, vtctld, vtgate, vttablet
from armillary.settings.flags import names_of_flags, normal_name


class Effect(Enum):
    USED = "used"
    NONE = "accepted without effect"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Program:
    settings: type
    without_effect: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)


_PROGRAMS = {
    "vtgate": _Program(vtgate.VtgateSettings, vtgate.ACCEPTED_WITHOUT_EFFECT),
    "vtctld": _Program(vtctld.VtctldSettings, vtctld.ACCEPTED_WITHOUT_EFFECT),
    "vttablet": _Program(
        vttablet.VttabletSettings, vttablet.VTTABLET_WITHOUT_EFFECT, vttablet.VTTABLET_REFUSED
    ),
    "vtbackup": _Program(vtbackup.VtbackupSettings, vtbackup.VTBACKUP_WITHOUT_EFFECT),
    "mysqld_exporter": _Program(mysqlctld.ExporterSettings, mysqlctld.EXPORTER_WITHOUT_EFFECT),
}


def effect_of(program: str, name: str) -> Effect:
    """Return what the flag `name`, with `_` or `-` inside and no dashes before it, does.

    Args:
        program: vtgate, vtctld, vttablet, vtbackup or mysqld_exporter.
    """
    known = _PROGRAMS[program]
    name = normal_name(name)
    if name in names_of_flags(known.settings):
        return Effect.USED
    if name in {normal_name(other) for other in known.without_effect}:
        return Effect.NONE
    return Effect.REFUSED if name in known.refused else Effect.UNKNOWN
