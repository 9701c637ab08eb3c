"""Look whether the Secrets that a spec names are there. I/O."""

from armillary.kube import kinds
from armillary.operator.cluster.model import Cluster
from armillary.operator.cluster.spec_paths import secret_references
from armillary.operator.world import World


async def find_missing_secrets(world: World, cluster: Cluster) -> tuple[str, ...]:
    """Return a line for each Secret, or key in one, that is not there.

    Pods that mount it wait for it by themselves, so this only tells.
    """
    known: dict[str, frozenset[str] | None] = {}
    missing: dict[str, None] = {}
    for reference in secret_references(cluster.spec):
        if reference.name not in known:
            secret = await world.client.get(kinds.SECRET, reference.name, cluster.namespace)
            data = (secret or {}).get("data") or {}
            known[reference.name] = frozenset(data) if secret is not None else None
        found = known[reference.name]
        if found is None:
            missing[f"{reference.path}: there is no Secret {reference.name}"] = None
        elif reference.key not in found:
            missing[f"{reference.path}: Secret {reference.name} has no key {reference.key}"] = None
    return tuple(missing)
