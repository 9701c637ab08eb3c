"""Kubernetes' quantities: `64Mi`, `500m`, `1e3`. Pure."""

import re

from armillary.base.errors import InputError

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([eE][+-]?[0-9]+|[A-Za-z]*)")
_FACTORS = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}


def parse_quantity(text: str | float) -> float:
    """Return the number that a quantity stands for.

    Raises:
        InputError: not a quantity.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise InputError(f"wanted a quantity such as 64Mi, got {text!r}")
    number, suffix = match.groups()
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix not in _FACTORS:
        return float(number + suffix)
    if suffix not in _FACTORS:
        raise InputError(f"wanted a quantity such as 64Mi, got {text!r}")
    return float(number) * _FACTORS[suffix]
