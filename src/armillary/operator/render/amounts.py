"""Kubernetes' amounts as numbers. Pure."""

_UNITS = {
    "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
}  # fmt: skip


def cpu_count(quantity: int | str | None) -> float:
    """Return a CPU quantity such as `100m` or 2 as a number; 0 when absent or unreadable."""
    text = str(quantity or "0")
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return 0.0


def byte_count(quantity: int | str | None) -> float:
    """Return an amount of memory such as `1Gi` as a number; 0 when absent or unreadable."""
    text = str(quantity or "0")
    unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)) * _UNITS.get(unit, 1)
    except ValueError:
        return 0.0
