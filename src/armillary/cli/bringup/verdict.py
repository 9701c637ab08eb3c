"""What the operator says of a cluster's spec: not looked at yet, refused, or carried out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armillary.kube.kinds import KubeObject

SPEC_VALID = "SpecValid"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The operator's word on the spec as it is now; on an earlier one, it says nothing."""

    subject: str  # "planetscalecluster/NAME"
    is_known: bool
    refusal: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.is_known and not self.refusal

    @property
    def problem(self) -> str:
        """What to tell a person; empty when there is nothing to tell."""
        if self.refusal:
            return f"{self.subject}: the operator refuses its spec. {self.refusal}"
        if not self.is_known:
            return f"{self.subject}: the operator has not looked at its spec yet"
        return ""


def read_verdict(cluster: KubeObject) -> Verdict:
    metadata = cluster.get("metadata") or {}
    status = cluster.get("status") or {}
    subject = f"{str(cluster.get('kind') or '?').lower()}/{metadata.get('name', '?')}"
    if int(status.get("observedGeneration") or 0) != int(metadata.get("generation") or 0):
        return Verdict(subject, is_known=False)
    condition = find_condition(cluster, SPEC_VALID)
    if not condition:
        return Verdict(subject, is_known=False)
    refused = condition.get("status") == "False"
    refusal = str(condition.get("message") or condition.get("reason") or "no reason given")
    return Verdict(subject, is_known=True, refusal=refusal if refused else "")


def read_verdicts(clusters: Iterable[KubeObject]) -> tuple[Verdict, ...]:
    return tuple(read_verdict(cluster) for cluster in clusters)


def find_condition(obj: KubeObject, kind: str) -> KubeObject:
    """Return a condition of an object's status; empty when it is not there.

    Most kinds have a list of them, a VitessShard has them by their names.
    """
    conditions = (obj.get("status") or {}).get("conditions") or ()
    if isinstance(conditions, Mapping):
        return dict(conditions.get(kind) or {})
    return next((c for c in conditions if c.get("type") == kind), {})
