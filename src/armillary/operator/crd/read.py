"""From objects to models and back. Pure."""

from typing import Any, TypeVar

import msgspec

from armillary.base.errors import InputError
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import key_of
from armillary.operator.crd.parts import Json, Model

M = TypeVar("M", bound=Model)


def read_spec(obj: KubeObject, model: type[M]) -> M:
    """Read `spec`; unknown fields are left out.

    Raises:
        InputError: a value that does not fit; names the field.
    """
    return _read(obj, "spec", model)


def read_status(obj: KubeObject, model: type[M]) -> M:
    """Read `status`; an absent one is the model's default.

    Raises:
        InputError: a value that does not fit; names the field.
    """
    return _read(obj, "status", model)


def _read(obj: KubeObject, part: str, model: type[M]) -> M:
    try:
        return msgspec.convert(obj.get(part) or {}, model)
    except msgspec.ValidationError as error:
        found = f"{obj.get('kind')} {key_of(obj)}"
        raise InputError(f"{found}: {part}: {error}") from error


def to_json(model: Model) -> Json:
    """Return the model as JSON, without fields that have their default."""
    plain: Any = msgspec.to_builtins(model)
    _fill_list_keys(plain)
    return dict(plain)


def _fill_list_keys(value: Any) -> None:
    """Write out names that are empty: server-side apply finds list elements by them."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name in ("locations", "backupLocations", "tabletPools"):
                for element in child:
                    element.setdefault("name", "")
            _fill_list_keys(child)
    elif isinstance(value, list):
        for child in value:
            _fill_list_keys(child)
