"""Put definitions and a manifest into the API server. I/O; applying twice changes nothing."""

import json
from collections.abc import Sequence
from typing import Any

import anyio

from armillary.base.errors import AlreadyExistsError, ConflictError, NotFoundError
from armillary.base.retry import backoff_delays_s
from armillary.kube.client import KubeClient
from armillary.kube.kinds import CUSTOM_RESOURCE_DEFINITION, KubeObject, ResourceKind
from armillary.kube.objects import is_condition_true, name_of

FIELD_MANAGER = "armillary-up"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


async def apply_crds(client: KubeClient, crds: Sequence[KubeObject]) -> None:
    """Apply the definitions and return when the API server serves all of them."""
    async with anyio.create_task_group() as tg:
        for crd in crds:
            tg.start_soon(_apply_crd, client, crd)


async def apply_objects(client: KubeClient, objects: Sequence[KubeObject]) -> None:
    """Apply the objects in their order, Namespaces that they need first."""
    namespaces = dict.fromkeys(o["metadata"]["namespace"] for o in objects if _namespace(o))
    for name in namespaces:
        await _apply(client, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for obj in objects:
        await _apply(client, with_last_applied(obj))


async def _apply(client: KubeClient, obj: KubeObject) -> None:
    try:
        await client.apply(obj, FIELD_MANAGER)
    except (AlreadyExistsError, ConflictError):  # another `up` makes it at the same moment
        await client.apply(obj, FIELD_MANAGER)


def with_last_applied(obj: KubeObject) -> KubeObject:
    """Note the manifest as kubectl does, so that `kubectl apply` sees which fields left it later.

    Without it the first `kubectl apply` would keep every field that the user removed.
    """
    metadata = obj["metadata"]
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED
    }
    plain = obj | {"metadata": metadata | {"annotations": annotations}}
    note = json.dumps(plain, separators=(",", ":"), sort_keys=True) + "\n"
    return obj | {"metadata": metadata | {"annotations": annotations | {LAST_APPLIED: note}}}


def _namespace(obj: KubeObject) -> Any:
    return obj["metadata"].get("namespace")


async def _apply_crd(client: KubeClient, crd: KubeObject) -> None:
    await _apply(client, crd)
    for delay_s in backoff_delays_s(first_s=0.02, max_s=0.5):
        found = await client.get(CUSTOM_RESOURCE_DEFINITION, name_of(crd))
        if found is not None and is_condition_true(found, "Established"):
            break
        await anyio.sleep(delay_s)
    # Established says that the name is granted; a list says that it is served.
    names, group = crd["spec"]["names"], crd["spec"]["group"]
    for version in crd["spec"]["versions"]:
        kind = ResourceKind(group, version["name"], names["plural"], names["kind"])
        for delay_s in backoff_delays_s(first_s=0.02, max_s=0.5):
            try:
                await client.list(kind)
            except NotFoundError:
                await anyio.sleep(delay_s)
            else:
                break
