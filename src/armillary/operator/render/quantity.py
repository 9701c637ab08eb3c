"""Amounts as Kubernetes writes them, such as 10Gi or 100m. Pure."""

import re
from typing import Any

_QUANTITY = re.compile(
    r"(?P<number>\+?[0-9]+(?:\.[0-9]*)?|\+?\.[0-9]+)"
    r"(?:(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|m|k|M|G|T|P|E)|[eE](?P<exponent>[+-]?[0-9]{1,3}))?",
    re.ASCII,
)
_FACTORS = {
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
    "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
}  # fmt: skip


def is_quantity(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | str) and _QUANTITY.fullmatch(str(value)) is not None


def quantity(text: str) -> float:
    """Return a quantity as a number; 0 when it is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return 0.0
    number = float(match["number"])
    if match["exponent"] is not None:
        return number * 10.0 ** int(match["exponent"])
    return number * _FACTORS.get(match["suffix"] or "", 1.0)
