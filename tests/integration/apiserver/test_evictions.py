"""Evictions obey disruption budgets, also when many come at once."""

from typing import Any

import anyio
import pytest

from tests.integration.apiserver.conftest import Api

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
MERGE = "application/merge-patch+json"


async def start(api: Api, name: str, *, ready: bool = True) -> None:
    containers = [{"name": "main", "image": "x", "command": ["x"]}]
    metadata = {"name": name, "labels": {"app": "x"}}
    await api.create(PODS, {"metadata": metadata, "spec": {"containers": containers}})
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    status = {"status": {"phase": "Running", "conditions": [condition]}}
    await api.call("PATCH", f"{PODS}/{name}/status", status, content_type=MERGE)


async def budget(api: Api, name: str = "b", **status: Any) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    await api.create(BUDGETS, {"metadata": {"name": name}, "spec": spec})
    whole = {"status": {"observedGeneration": 1, "desiredHealthy": 1, **status}}
    await api.call("PATCH", f"{BUDGETS}/{name}/status", whole, content_type=MERGE)


async def evict(api: Api, name: str, **options: Any) -> Any:
    body = {"metadata": {"name": name}, "deleteOptions": options}
    return await api.call("POST", f"{PODS}/{name}/eviction", body)


async def test_of_evictions_at_once_no_more_succeed_than_the_budget_allows(api: Api) -> None:
    names = [f"p{number}" for number in range(5)]
    for name in names:
        await start(api, name)
    await budget(api, disruptionsAllowed=2, currentHealthy=5)
    codes: list[int] = []

    async def try_one(name: str) -> None:
        codes.append((await evict(api, name)).status)

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(try_one, name)
    assert sorted(codes) == [201, 201, 429, 429, 429]
    assert len((await api.get(PODS))["items"]) == 3
    status = (await api.get(f"{BUDGETS}/b"))["status"]
    assert (status["disruptionsAllowed"], len(status["disruptedPods"])) == (0, 2)


async def test_a_refused_eviction_says_what_the_budget_needs(api: Api) -> None:
    await start(api, "p")
    await budget(api, disruptionsAllowed=0, currentHealthy=1)
    answer = await evict(api, "p")
    assert answer.status == 429
    assert answer.body["reason"] == "TooManyRequests"
    assert "would violate the pod's disruption budget" in answer.body["message"]
    (cause,) = answer.body["details"]["causes"]
    assert cause["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently"


async def test_a_dry_run_of_an_eviction_takes_nothing(api: Api) -> None:
    await start(api, "p")
    await budget(api, disruptionsAllowed=1, currentHealthy=2)
    assert (await evict(api, "p", dryRun=["All"])).status == 201
    assert (await api.get(f"{BUDGETS}/b"))["status"]["disruptionsAllowed"] == 1
    assert await api.get(f"{PODS}/p")


async def test_what_does_not_serve_may_go(api: Api) -> None:
    await start(api, "unready", ready=False)
    await budget(api, disruptionsAllowed=0, currentHealthy=1)
    assert (await evict(api, "unready")).status == 201


async def test_a_budget_that_nobody_has_counted_yet_forbids(api: Api) -> None:
    await start(api, "p")
    await budget(api, disruptionsAllowed=5, observedGeneration=0)
    assert (await evict(api, "p")).status == 429


async def test_two_budgets_for_one_pod_are_too_many(api: Api) -> None:
    await start(api, "p")
    await budget(api, "one", disruptionsAllowed=1)
    await budget(api, "two", disruptionsAllowed=1)
    answer = await evict(api, "p")
    assert answer.status == 500
    assert "more than one PodDisruptionBudget" in answer.body["message"]
