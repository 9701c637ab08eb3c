"""Label and field selectors. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from armillary.base.errors import InputError
from armillary.local.apiserver.kinds.resource import Resource

_REQUIREMENT = re.compile(
    r"""\s*(?:
        !\s*(?P<absent>[^\s=!,()]+)
      | (?P<key>[^\s=!,()<>]+)\s*
        (?: (?P<op>==|=|!=)\s*(?P<value>[^\s,()=!<>]*)
          | (?P<order><|>)\s*(?P<bound>-?\d+)
          | (?P<set>in|notin)\s*\((?P<values>[^)]*)\)
        )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)

Match = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    values: frozenset[str] | None  # None: any value
    negated: bool
    above: int | None = None  # a value that is a greater number
    below: int | None = None

    def holds(self, labels: Mapping[str, str]) -> bool:
        if self.above is not None or self.below is not None:
            return self._is_between(labels.get(self.key, ""))
        if self.values is None:
            return (self.key in labels) is not self.negated
        # `!=` and `notin` hold for what has no such label.
        return (labels.get(self.key) in self.values) is not self.negated

    def _is_between(self, text: str) -> bool:
        try:
            number = int(text)
        except ValueError:
            return False
        above = self.above is None or number > self.above
        return above and (self.below is None or number < self.below)


def parse_label_selector(text: str) -> tuple[Requirement, ...]:
    """Parse `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`.

    Raises:
        InputError: another form.
    """
    requirements = []
    position = 0
    while position < len(text):
        match = _REQUIREMENT.match(text, position)
        if match is None or match.end() == position:
            raise InputError(f"unable to parse requirement: found '{text[position:]}'")
        requirements.append(_requirement(match))
        position = match.end()
    return tuple(requirements)


def _requirement(match: "re.Match[str]") -> Requirement:
    if match["absent"]:
        return Requirement(match["absent"], None, negated=True)
    if match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, negated=match["set"] == "notin")
    if match["order"] == ">":
        return Requirement(match["key"], None, negated=False, above=int(match["bound"]))
    if match["order"] == "<":
        return Requirement(match["key"], None, negated=False, below=int(match["bound"]))
    if match["op"]:
        return Requirement(match["key"], frozenset({match["value"]}), negated=match["op"] == "!=")
    return Requirement(match["key"], None, negated=False)


# What Kubernetes can select by besides metadata.name and metadata.namespace.
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset(
        (
            "spec.hostNetwork",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.nominatedNodeName",
            "status.phase",
            "status.podIP",
        )
    ),
    "events": frozenset(
        (
            "involvedObject.apiVersion",
            "involvedObject.fieldPath",
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.namespace",
            "involvedObject.resourceVersion",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "source",
            "type",
        )
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
}
_ALWAYS = frozenset({"metadata.name", "metadata.namespace"})


def parse_field_selector(text: str, resource: Resource) -> tuple[Requirement, ...]:
    """Parse `a.b=c,d!=e`.

    Raises:
        InputError: another form, or a field that one cannot select by.
    """
    known = _ALWAYS | _FIELDS.get(resource.storage_name, frozenset())
    requirements = []
    for term in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([^=!]+)(!=|==|=)(.*)", term)
        if match is None:
            raise InputError(f'invalid selector: "{text}"; can\'t understand "{term}"')
        if match[1] not in known:
            raise InputError(f"field label not supported: {match[1]}")
        value = match[3].replace("\\,", ",")
        requirements.append(Requirement(match[1], frozenset({value}), negated=match[2] == "!="))
    return tuple(requirements)


def build_match(labels: tuple[Requirement, ...], fields: tuple[Requirement, ...]) -> Match | None:
    """Return a predicate over objects; None when everything matches."""
    if not labels and not fields:
        return None

    def matches(value: Mapping[str, Any]) -> bool:
        found = value["metadata"].get("labels") or {}
        return all(r.holds(found) for r in labels) and all(
            r.holds({r.key: read_field(value, r.key)}) for r in fields
        )

    return matches


def read_field(value: Mapping[str, Any], path: str) -> str:
    """Return a field as selectors compare it: text, empty when absent."""
    node: Any = value
    if path == "source":
        path = "source.component"
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    if isinstance(node, bool):
        return "true" if node else "false"
    return "" if node is None else str(node)
