"""How results are printed: the dialect of Vitess in August 2020, the only place of `master`. Pure.

`GetKeyspace` prints the fields that existed then; tablets are lines of eight words.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from armillary.model.tablet import TabletType
from armillary.pb import topodata_pb2
from armillary.topo.convert import alias_of, is_set, primary_term_of, type_of

_TYPE_NAMES = {TabletType.PRIMARY: "master"}


def type_name(tablet_type: TabletType) -> str:
    return _TYPE_NAMES.get(tablet_type, tablet_type.name.lower())


def tablet_line(tablet: topodata_pb2.Tablet) -> str:
    """Return alias, keyspace, shard, type, address, MySQL address, tags and primary term."""
    term = primary_term_of(tablet)
    tags = " ".join(f"{key}: {json.dumps(tablet.tags[key])}" for key in sorted(tablet.tags))
    words = (
        str(alias_of(tablet)),
        tablet.keyspace or "<null>",
        tablet.shard or "<null>",
        type_name(type_of(tablet)),
        _address(tablet.hostname, tablet.port_map.get("vt", 0)),
        _address(tablet.mysql_hostname, tablet.mysql_port),
        f"[{tags}]",
        rfc3339(term) if term else "<null>",
    )
    return " ".join(words)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message_json(message: Message) -> str:
    """Return protobuf JSON: snake_case, enums as numbers, every field there, int64 quoted."""
    return json_text(_full_dict(message))


def _full_dict(message: Message) -> dict[str, object]:
    printed = MessageToDict(
        message,
        preserving_proto_field_name=True,
        use_integers_for_enums=True,
        always_print_fields_with_no_presence=True,
    )
    return {field.name: _value(message, field, printed) for field in message.DESCRIPTOR.fields}


def _value(message: Message, field: Any, printed: dict[str, object]) -> object:
    """Return one field's value; the library leaves absent messages out, Vitess prints null."""
    if field.message_type is None:
        return printed.get(field.name)
    if field.message_type.GetOptions().map_entry:
        entries = printed.get(field.name) or {}
        assert isinstance(entries, dict)
        return dict(sorted(entries.items()))
    if field.is_repeated:
        return [_full_dict(item) for item in getattr(message, field.name)]
    return _full_dict(getattr(message, field.name)) if message.HasField(field.name) else None


def keyspace_json(keyspace: topodata_pb2.Keyspace) -> str:
    """Return a keyspace as vtctlclient printed it in 2020."""
    fields: dict[str, object] = {
        "sharding_column_name": "",
        "sharding_column_type": 0,
        "served_froms": [],
        "keyspace_type": int(keyspace.keyspace_type),
        "base_keyspace": keyspace.base_keyspace,
        "snapshot_time": None,
    }
    if is_set(keyspace.snapshot_time):
        fields["snapshot_time"] = {
            "seconds": str(keyspace.snapshot_time.seconds),
            "nanoseconds": keyspace.snapshot_time.nanoseconds,
        }
    return json_text(fields)


def shard_json(shard: topodata_pb2.Shard) -> str:
    """Return a shard with the field names of 2020."""
    text = message_json(shard)
    for new, old in (
        ("primary_alias", "master_alias"),
        ("primary_term_start_time", "master_term_start_time"),
        ("is_primary_serving", "is_master_serving"),
    ):
        text = text.replace(f'"{new}":', f'"{old}":', 1)
    return text


def tablet_json(tablet: topodata_pb2.Tablet) -> str:
    """Return a tablet with the fields and names of 2020."""
    fields = _full_dict(tablet)
    del fields["default_conn_collation"]
    old = {"primary_term_start_time": "master_term_start_time"}
    return json_text({old.get(name, name): value for name, value in fields.items()})


def vschema_json(vschema: Message) -> str:
    """Return a vschema as it is written in vschema.json: camelCase, defaults left out."""
    return json.dumps(_with_sorted_maps(vschema, MessageToDict(vschema)), indent=2)


def _with_sorted_maps(message: Message, printed: dict[str, Any]) -> dict[str, Any]:
    """Order what maps hold by its keys, as Go does: what is printed twice can be compared."""
    for field in message.DESCRIPTOR.fields:
        value = printed.get(field.json_name)
        if field.message_type is None or value is None:
            continue
        held = getattr(message, field.name)
        if field.message_type.GetOptions().map_entry:
            is_message = field.message_type.fields_by_name["value"].message_type is not None
            printed[field.json_name] = {
                key: _with_sorted_maps(held[key], value[key]) if is_message else value[key]
                for key in sorted(value)
            }
        elif field.is_repeated:
            for item, printed_item in zip(held, value, strict=True):
                _with_sorted_maps(item, printed_item)
        else:
            _with_sorted_maps(held, value)
    return printed


def json_text(value: object) -> str:
    """Return JSON with two spaces; an empty list or object takes two lines, as Go's marshaler."""
    text = json.dumps(value, indent=2)
    return re.sub(r"^( *)(.*)(\[\]|\{\})(,?)$", _open_empty, text, flags=re.MULTILINE)


def _open_empty(match: re.Match[str]) -> str:
    indent, before, empty, comma = match.groups()
    return f"{indent}{before}{empty[0]}\n{indent}{empty[1]}{comma}"
