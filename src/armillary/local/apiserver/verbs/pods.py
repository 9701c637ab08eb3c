"""Binding: a pod gets its node."""

from typing import Any

from armillary.local.apiserver.status import bad_request, conflict
from armillary.local.apiserver.verbs.call import Answer, Call, Json
from armillary.local.apiserver.verbs.prepare import timestamp
from armillary.local.apiserver.verbs.write import Writer

_SUCCESS: Json = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


async def bind_pod(writer: Writer, call: Call, body: Any) -> Answer:
    """Give a pod its node, once."""
    node = (body.get("target") or {}).get("name", "") if isinstance(body, dict) else ""
    if not node:
        raise bad_request("target.name: Required value")
    expected = (body.get("metadata") or {}).get("uid")

    def change(current: Json) -> tuple[Json, tuple[str, ...]]:
        bound = current["spec"].get("nodeName")
        if bound:
            raise conflict(
                call.resource, call.name, f'pod {call.name} is already assigned to node "{bound}"'
            )
        if expected and expected != current["metadata"]["uid"]:
            why = (
                f"Precondition failed: UID in precondition: {expected}, "
                f"UID in object meta: {current['metadata']['uid']}"
            )
            raise conflict(call.resource, call.name, why)
        current["spec"]["nodeName"] = node
        _set_scheduled(current)
        return current, ()

    await writer.modify(call, change)
    return Answer(value=_SUCCESS, code=201)


def _set_scheduled(pod: Json) -> None:
    status = pod.setdefault("status", {})
    others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": timestamp()}
    status["conditions"] = [*others, scheduled]
