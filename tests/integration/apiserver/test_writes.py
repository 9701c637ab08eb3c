"""Writes over the wire: preconditions, races, dry runs, bodies that make no sense."""

import io
from typing import Any

import anyio
import pytest

from tests.integration.apiserver.conftest import CONFIG_MAPS, Api, config_map

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "i:1"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


async def test_one_of_many_racing_creates_wins(api: Api) -> None:
    statuses: list[int] = []

    async def create() -> None:
        statuses.append((await api.call("POST", CONFIG_MAPS, config_map("a"))).status)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(create)
    assert sorted(statuses) == [201] + [409] * 9


async def test_racing_patches_lose_nothing(api: Api) -> None:
    await api.create(CONFIG_MAPS, config_map("a"))

    async def patch(number: int) -> None:
        body = {"data": {f"k{number}": "v"}}
        answer = await api.call("PATCH", f"{CONFIG_MAPS}/a", body, content_type=MERGE)
        assert answer.status == 200

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(patch, number)
    assert len((await api.get(f"{CONFIG_MAPS}/a"))["data"]) == 20


async def test_a_write_is_seen_by_the_next_read(api: Api) -> None:
    for number in range(20):
        await api.create(CONFIG_MAPS, config_map(f"c{number}"))
        assert len((await api.get(CONFIG_MAPS))["items"]) == number + 1


async def test_nothing_is_deleted_that_is_not_what_the_caller_knows(api: Api) -> None:
    made = await api.create(CONFIG_MAPS, config_map("a"))
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        answer = await api.call("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": wrong})
        assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    right = {"uid": made["metadata"]["uid"]}
    assert (await api.call("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": right})).status == 200


async def test_a_pod_on_a_node_ends_in_two_steps(api: Api) -> None:
    await api.create(PODS, pod("p", nodeName="n", terminationGracePeriodSeconds=7))
    answer = await api.call("DELETE", f"{PODS}/p")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 7
    assert answer.body["kind"] == "Pod"
    again = await api.call("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 60})
    assert again.body["metadata"]["deletionGracePeriodSeconds"] == 7, "grace only gets shorter"
    assert (await api.call("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})).status == 200
    assert (await api.call("GET", f"{PODS}/p")).status == 404


async def test_a_pod_is_bound_once(api: Api) -> None:
    made = await api.create(PODS, pod("p"))
    binding = {"metadata": {"name": "p", "uid": "other"}, "target": {"name": "n1"}}
    assert (await api.call("POST", f"{PODS}/p/binding", binding)).status == 409
    binding["metadata"]["uid"] = made["metadata"]["uid"]
    assert (await api.call("POST", f"{PODS}/p/binding", binding)).status == 201
    assert (await api.call("POST", f"{PODS}/p/binding", binding)).status == 409
    bound = await api.get(f"{PODS}/p")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"


async def test_status_does_not_leak_into_spec_nor_back(api: Api) -> None:
    await api.create(PODS, pod("p"))
    body = {"status": {"phase": "Running"}, "spec": {"nodeName": "n"}}
    answer = await api.call("PATCH", f"{PODS}/p/status", body, content_type=MERGE)
    assert answer.body["status"]["phase"] == "Running"
    assert "nodeName" not in answer.body["spec"]
    back = {"status": {"phase": "Failed"}, "metadata": {"labels": {"a": "b"}}}
    answer = await api.call("PATCH", f"{PODS}/p", back, content_type=MERGE)
    assert answer.body["status"]["phase"] == "Running"
    assert answer.body["metadata"]["labels"] == {"a": "b"}


async def test_delete_collection_obeys_its_selector(api: Api) -> None:
    for name, part in (("a", "x"), ("b", "y"), ("c", "x")):
        await api.create(CONFIG_MAPS, config_map(name, {"part": part}))
    answer = await api.call("DELETE", f"{CONFIG_MAPS}?labelSelector=part%3Dx")
    assert answer.status == 200
    left = await api.get(CONFIG_MAPS)
    assert [item["metadata"]["name"] for item in left["items"]] == ["b"]


async def test_namespaces_are_not_deleted_at_a_stroke(api: Api) -> None:
    await api.create("/api/v1/namespaces", {"metadata": {"name": "a-first"}})
    assert (await api.call("DELETE", "/api/v1/namespaces")).status == 405
    assert "deletionTimestamp" not in (await api.get("/api/v1/namespaces/a-first"))["metadata"]
    listed = (await api.get("/api/v1"))["resources"]
    (verbs,) = [entry["verbs"] for entry in listed if entry["name"] == "namespaces"]
    assert "delete" in verbs and "deletecollection" not in verbs


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_dry_run_writes_nothing(api: Api, method: str) -> None:
    await api.create(CONFIG_MAPS, config_map("a", k="1"))
    before = await api.get(CONFIG_MAPS)
    name = "b" if method == "POST" else "a"
    path = CONFIG_MAPS if method == "POST" else f"{CONFIG_MAPS}/a"
    body = None if method == "DELETE" else config_map(name, k="2")
    content = MERGE if method == "PATCH" else "application/json"
    answer = await api.call(method, f"{path}?dryRun=All", body, content_type=content)
    assert answer.status in (200, 201)
    assert await api.get(CONFIG_MAPS) == before


REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"


def replica_set(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def _billion_laughs() -> bytes:
    """Return YAML of a few hundred bytes that stands for nine to the power of twelve values."""
    lines = ["a0: &a0 [x]"]
    for number in range(1, 13):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]")
    return "\n".join(lines).encode()


async def test_malformed_requests_are_told_what_is_wrong(api: Api) -> None:
    async def raw(method: str, path: str, data: bytes, content_type: str) -> int:
        headers = {"Content-Type": content_type}
        async with api.session.request(
            method, api.url + path, data=io.BytesIO(data), headers=headers
        ) as response:
            assert (await response.json())["kind"] == "Status"
            return response.status

    await api.create(CONFIG_MAPS, config_map("a"))
    one = f"{CONFIG_MAPS}/a"
    assert await raw("POST", CONFIG_MAPS, b"{", "application/json") == 400
    assert await raw("POST", CONFIG_MAPS, b"[]", "application/json") == 400
    assert await raw("POST", CONFIG_MAPS, b"", "application/json") == 400
    assert await raw("POST", CONFIG_MAPS, b"\xff\xfe", "application/json") == 400
    assert await raw("POST", CONFIG_MAPS, b"a: [", "application/yaml") == 400
    assert await raw("POST", CONFIG_MAPS, b"x", "text/plain") == 415
    assert await raw("PATCH", one, b"{}", "application/json") == 415
    assert await raw("PATCH", one, b"[]", MERGE) == 400
    assert await raw("PATCH", one, b'{"op":"add"}', "application/json-patch+json") == 422
    assert await raw("PATCH", one, b"{}", "application/apply-patch+yaml") == 422
    assert await raw("POST", f"{CONFIG_MAPS}?dryRun=Some", b'{"metadata":{"name":"x"}}', "") == 400
    assert await raw("POST", "/api/v1/configmaps", b'{"metadata":{"name":"x"}}', "") == 405
    assert await raw("PUT", CONFIG_MAPS, b"{}", "") == 405
    assert await raw("GET", "/apis/nothing/v1/things", b"", "") == 404
    assert await raw("POST", CONFIG_MAPS, b"x" * (4 * 2**20), "application/json") == 413
    assert await raw("POST", CONFIG_MAPS, b"[" * 100_000, "application/json") == 400
    assert await raw("POST", CONFIG_MAPS, _billion_laughs(), "application/yaml") == 400
    no_source = b'[{"op":"copy","path":"/data/x"}]'
    assert await raw("PATCH", one, no_source, "application/json-patch+json") == 422
    no_list = b'{"metadata":{"$retainKeys":5}}'
    assert await raw("PATCH", one, no_list, "application/strategic-merge-patch+json") == 400
    assert await raw("DELETE", one, b'{"preconditions":5}', "application/json") == 400
    assert await raw("DELETE", one, b'{"gracePeriodSeconds":"x"}', "application/json") == 400
    await api.create(REPLICA_SETS, replica_set("r"))
    for body in (b"5", b"[]", b'{"spec":5}', b'{"metadata":5,"spec":{"replicas":"x"}}'):
        assert await raw("PUT", f"{REPLICA_SETS}/r/scale", body, "application/json") == 400
        assert await raw("PATCH", f"{REPLICA_SETS}/r/scale", body, MERGE) == 400
    for body in (
        b'{"metadata":[]}',
        b'{"metadata":{"name":5}}',
        b'{"metadata":{"name":"x","labels":[]}}',
        b'{"metadata":{"name":"x","labels":{"a":1}}}',
        b'{"metadata":{"name":"x","ownerReferences":[5]}}',
        b'{"metadata":{"name":"x","finalizers":"no"}}',
        b'{"metadata":{"name":"x"},"data":5}',
        b'{"kind":"Secret","metadata":{"name":"x"}}',
        b'{"apiVersion":"v2","metadata":{"name":"x"}}',
    ):
        status = await raw("POST", CONFIG_MAPS, body, "application/json")
        assert status in (201, 400, 422) and status < 500, body


SHAPELESS: tuple[Any, ...] = (None, 5, "text", [], [5], {}, {"containers": 5})


@pytest.mark.parametrize(
    ("group", "plural", "name"),
    [
        ("api/v1", "pods", "p"),
        ("api/v1", "services", "s"),
        ("api/v1", "persistentvolumeclaims", "c"),
        ("apis/apps/v1", "deployments", "d"),
        ("apis/batch/v1", "jobs", "j"),
    ],
)
async def test_shapeless_specs_are_refused_not_broken(
    api: Api, group: str, plural: str, name: str
) -> None:
    path = f"/{group}/namespaces/default/{plural}"
    for spec in SHAPELESS:
        body = {"metadata": {"name": name}, "spec": spec}
        answer = await api.call("POST", path, body)
        assert answer.status in (400, 422), (spec, answer.body)
    shapeless_crds: tuple[dict[str, Any], ...] = (
        {},
        {"spec": 5},
        {"spec": {"names": []}},
        {"spec": {"versions": [5]}},
    )
    for crd in shapeless_crds:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        answer = await api.call("POST", path, {"metadata": {"name": "a.b"}, **crd})
        assert answer.status in (400, 422), (crd, answer.body)
