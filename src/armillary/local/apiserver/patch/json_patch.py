"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386). Pure."""

import copy
from typing import Any

from armillary.base.errors import InputError, PreconditionError


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` changed by an RFC 7386 patch; parts that do not change are shared."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(target: Any, operations: Any) -> Any:
    """Return `target` changed by the operations of an RFC 6902 patch.

    Raises:
        InputError: the patch is malformed, or a path does not exist.
        PreconditionError: a `test` operation does not hold.
    """
    if not isinstance(operations, list):
        raise InputError("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    result = copy.deepcopy(target)
    for operation in operations:
        result = _apply(result, operation)
    return result


def _apply(document: Any, operation: Any) -> Any:
    name = operation.get("op") if isinstance(operation, dict) else None
    path = operation.get("path") if isinstance(operation, dict) else None
    if not isinstance(path, str):
        raise InputError(f"json patch: operation without a path: {operation}")
    match name:
        case "add":
            return _add(document, path, copy.deepcopy(operation.get("value")))
        case "remove":
            _remove(document, path)
        case "replace":
            return _replace(document, path, copy.deepcopy(operation.get("value")))
        case "test":
            _test(document, path, operation.get("value"))
        case "copy":
            return _add(document, path, copy.deepcopy(_get(document, _from(operation))))
        case "move":
            return _add(document, path, _remove(document, _from(operation)))
        case _:
            raise InputError(f"json patch: Unexpected kind: {name}")
    return document


def _from(operation: dict[str, Any]) -> str:
    source = operation.get("from")
    if not isinstance(source, str):
        raise InputError(f"json patch: {operation['op']} operation without a from: {operation}")
    return source


def _tokens(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise InputError(f"json patch: path must begin with a slash: {path}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _step(node: Any, token: str, path: str) -> Any:
    if isinstance(node, dict) and token in node:
        return node[token]
    if isinstance(node, list):
        return node[_index(node, token, path, last=len(node) - 1)]
    raise _missing(path)


def _missing(path: str) -> InputError:
    return InputError(f'doc is missing path: "{path}": missing value')


def _index(node: list[Any], token: str, path: str, *, last: int) -> int:
    if not token.isdigit() or int(token) > last:
        raise InputError(f"Unable to access invalid index: {token} in {path}: missing value")
    return int(token)


def _get(document: Any, path: str) -> Any:
    for token in _tokens(path):
        document = _step(document, token, path)
    return document


def _parent(document: Any, path: str) -> tuple[Any, str]:
    tokens = _tokens(path)
    for token in tokens[:-1]:
        document = _step(document, token, path)
    return document, tokens[-1]


def _add(document: Any, path: str, value: Any) -> Any:
    if path == "":
        return value
    parent, token = _parent(document, path)
    if isinstance(parent, dict):
        parent[token] = value
    elif isinstance(parent, list):
        at = len(parent) if token == "-" else _index(parent, token, path, last=len(parent))
        parent.insert(at, value)
    else:
        raise _missing(path)
    return document


def _replace(document: Any, path: str, value: Any) -> Any:
    if path == "":
        return value
    parent, token = _parent(document, path)
    _step(parent, token, path)
    if isinstance(parent, list):
        parent[int(token)] = value
    else:
        parent[token] = value
    return document


def _remove(document: Any, path: str) -> Any:
    if path == "":
        raise InputError("json patch: cannot remove the whole document")
    parent, token = _parent(document, path)
    _step(parent, token, path)
    return parent.pop(int(token) if isinstance(parent, list) else token)


def _test(document: Any, path: str, wanted: Any) -> None:
    try:
        found = _get(document, path)
    except InputError:
        found = None
    if found != wanted:
        raise PreconditionError(f'testing path "{path}" value failed: test failed')
