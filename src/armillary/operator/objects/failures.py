"""Tell a person, as an event of the object, why it cannot be made as wanted. I/O."""

from collections.abc import Iterator
from contextlib import contextmanager

from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    ConflictError,
    NotFoundError,
    UnavailableError,
)
from armillary.kube import kinds
from armillary.operator.objects.writer import FormerOwnerError
from armillary.operator.world import ObjectKey, World

_KINDS = {
    kind.kind: kind
    for kind in (
        kinds.PLANETSCALE_CLUSTER,
        kinds.VITESS_CLUSTER,
        kinds.VITESS_CELL,
        kinds.VITESS_KEYSPACE,
        kinds.VITESS_SHARD,
        kinds.VITESS_BACKUP_STORAGE,
        kinds.ETCD_LOCKSERVER,
    )
}


@contextmanager
def telling_failures(world: World, key: ObjectKey) -> Iterator[None]:
    """Record what a pass over the object failed of, if it is not of the kind that passes."""
    try:
        yield
    except (ArmillaryError, LookupError, TypeError, ValueError, AttributeError) as error:
        kind = _KINDS.get(key.kind)
        obj = world.get(kind, key.namespace, key.name) if kind is not None else None
        if obj is not None and not _passes(error):
            is_ours = not isinstance(error, ArmillaryError)
            what = f"internal error, {type(error).__name__}: {error}" if is_ours else str(error)
            # What a former owner has goes soon, as a rule.
            warning = not isinstance(error, FormerOwnerError)
            world.recorder.record(obj, "ReconcileFailed", what, warning=warning)
        raise


def _passes(error: Exception) -> bool:
    """Whether trying again helps: a lost race, or somebody who does not answer yet."""
    if isinstance(error, FormerOwnerError):
        return False
    return isinstance(error, ConflictError | UnavailableError | NotFoundError | AlreadyExistsError)
