"""When a CRD is deleted: delete its objects first, then let it go. I/O through the API's verbs.

Kubernetes does this inside its API server too: nobody else may take the objects' API away.
"""

import logging
import math

import anyio

from armillary.base.errors import ArmillaryError
from armillary.local.apiserver.kinds.crd import CLEANUP_FINALIZER, CRDS
from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.store.cache import ExpiredError, ObjectCache
from armillary.local.apiserver.store.records import StoredObject
from armillary.local.apiserver.verbs.call import Call, Json
from armillary.local.apiserver.verbs.remove import Remover
from armillary.local.apiserver.verbs.write import Writer

logger = logging.getLogger(__name__)

_AGENT = "armillary-crd-cleanup/1"
_RETRY_S = 1.0  # while objects wait for their own finalizers


async def clean_up_custom_resources(cache: ObjectCache, registry: Registry, writer: Writer) -> None:
    """Follow the CRDs until cancelled; finish those that are being deleted."""
    remover = Remover(cache, writer)
    while True:
        try:
            with cache.watch(CRDS, "", after=cache.revision) as watcher:
                is_cut_off = False
                while not is_cut_off:
                    is_waiting = await _clean_up_once(cache, registry, writer, remover)
                    wait_s = _RETRY_S if is_waiting else math.inf
                    is_cut_off = await watcher.next_events(wait_s) is None
        except (ArmillaryError, ExpiredError) as error:
            logger.warning("CRD cleanup has to wait", extra={"error": str(error)})
            await anyio.sleep(_RETRY_S)


async def _clean_up_once(
    cache: ObjectCache, registry: Registry, writer: Writer, remover: Remover
) -> bool:
    """Do what can be done now; True when something has to wait for somebody else."""
    is_waiting = False
    for crd in cache.select(CRDS):
        metadata = crd.value["metadata"]
        if "deletionTimestamp" in metadata and CLEANUP_FINALIZER in metadata.get("finalizers", ()):
            is_waiting |= not await _clean_up(crd, cache, registry, writer, remover)
    return is_waiting


async def _clean_up(
    crd: StoredObject,
    cache: ObjectCache,
    registry: Registry,
    writer: Writer,
    remover: Remover,
) -> bool:
    """Delete the objects of one CRD; when none is left, release it. True when that is done."""
    resource = registry.custom(crd.key.name)[0]
    for stored in cache.select(resource.storage_name):
        if "deletionTimestamp" in stored.value["metadata"]:
            continue
        call = Call(
            resource=resource,
            namespace=stored.key.namespace,
            name=stored.key.name,
            query={},
            user_agent=_AGENT,
        )
        await remover.delete(call, None)
    if cache.select(resource.storage_name):
        return False

    def release(current: Json) -> tuple[Json, tuple[str, ...]]:
        finalizers = current["metadata"].get("finalizers") or []
        current["metadata"]["finalizers"] = [f for f in finalizers if f != CLEANUP_FINALIZER]
        return current, ()

    call = Call(resource=registry.builtin(CRDS), name=crd.key.name, query={}, user_agent=_AGENT)
    await writer.modify(call, release)
    return True
