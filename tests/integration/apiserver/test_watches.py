"""Watches over the wire: order, selections, bookmarks, expiry, initial events."""

import anyio
import pytest

from armillary.local.apiserver.verbs import read as read_verb
from armillary.local.apiserver.verbs import watch as watch_verb
from tests.integration.apiserver.conftest import CONFIG_MAPS, Api, config_map

pytestmark = pytest.mark.anyio


async def test_a_list_and_a_watch_after_it_miss_nothing(api: Api) -> None:
    await api.create(CONFIG_MAPS, config_map("before"))
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    await api.create(CONFIG_MAPS, config_map("between"))
    async with api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}") as stream:
        assert await stream.told() == ("ADDED", "between")
        await api.call("DELETE", f"{CONFIG_MAPS}/before")
        event = await stream.next()
        assert event is not None
        assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "before")
        assert int(event["object"]["metadata"]["resourceVersion"]) > int(version)


async def test_objects_enter_and_leave_a_selection(api: Api) -> None:
    await api.create(CONFIG_MAPS, config_map("a"))
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    path = f"{CONFIG_MAPS}?watch=true&resourceVersion={version}&labelSelector=in%3Dyes"

    async def label(value: str | None) -> None:
        patch = {"metadata": {"labels": {"in": value}}}
        content = "application/merge-patch+json"
        await api.call("PATCH", f"{CONFIG_MAPS}/a", patch, content_type=content)

    async with api.watch(path) as stream:
        await label("no")
        await label("yes")
        assert await stream.told() == ("ADDED", "a")
        await label(None)
        event = await stream.next()
        assert event is not None
        assert event["type"] == "DELETED"
        assert event["object"]["metadata"]["labels"] == {"in": "yes"}


async def test_an_expired_version_is_told_as_410(api: Api) -> None:
    first = await api.create(CONFIG_MAPS, config_map("a"))
    for number in range(1005):
        patch = {"data": {"n": str(number)}}
        await api.call(
            "PATCH", f"{CONFIG_MAPS}/a", patch, content_type="application/merge-patch+json"
        )
    old = first["metadata"]["resourceVersion"]
    async with api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={old}") as stream:
        event = await stream.next()
        assert event is not None
        assert event["type"] == "ERROR"
        assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
        assert await stream.next() is None


async def test_an_expired_page_is_refused_with_410(api: Api) -> None:
    for number in range(3):
        await api.create(CONFIG_MAPS, config_map(f"c{number}"))
    page = await api.get(f"{CONFIG_MAPS}?limit=1")
    assert page["metadata"]["remainingItemCount"] == 2
    for number in range(1005):
        patch = {"data": {"n": str(number)}}
        await api.call(
            "PATCH", f"{CONFIG_MAPS}/c0", patch, content_type="application/merge-patch+json"
        )
    answer = await api.call("GET", f"{CONFIG_MAPS}?limit=1&continue={page['metadata']['continue']}")
    assert (answer.status, answer.body["reason"]) == (410, "Expired")


async def test_bookmarks_carry_the_newest_version(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_verb, "BOOKMARK_INTERVAL_S", 0.05)
    query = "watch=true&allowWatchBookmarks=true"
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    async with api.watch(f"{CONFIG_MAPS}?{query}&resourceVersion={version}") as stream:
        made = await api.create("/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}})
        wanted = made["metadata"]["resourceVersion"]
        with anyio.fail_after(40):
            while True:
                event = await stream.next()
                assert event is not None
                assert event["type"] == "BOOKMARK"
                if event["object"]["metadata"]["resourceVersion"] == wanted:
                    break


async def test_initial_events_end_with_an_annotated_bookmark(api: Api) -> None:
    await api.create(CONFIG_MAPS, config_map("a"))
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    async with api.watch(f"{CONFIG_MAPS}?{query}&allowWatchBookmarks=true") as stream:
        assert await stream.told() == ("ADDED", "a")
        event = await stream.next()
        assert event is not None
        assert event["type"] == "BOOKMARK"
        annotations = event["object"]["metadata"]["annotations"]
        assert annotations == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_ends_when_its_time_is_over(api: Api) -> None:
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    path = f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={version}"
    async with api.watch(path) as stream:
        with anyio.fail_after(40):
            assert await stream.next() is None


@pytest.mark.parametrize(
    "query",
    ["resourceVersion=abc", "labelSelector=a%3D%3D%3Db", "fieldSelector=x%3Dy", "timeoutSeconds=x"],
)
async def test_bad_watches_are_refused_before_they_begin(api: Api, query: str) -> None:
    answer = await api.call("GET", f"{CONFIG_MAPS}?watch=true&{query}")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("query", ["", "&resourceVersionMatch=NotOlderThan", "&watch=true"])
async def test_a_version_that_never_comes_is_not_waited_for(
    api: Api, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that was put back to an earlier state counts from there: its clients list again."""
    monkeypatch.setattr(read_verb, "VERSION_WAIT_S", 0.1)
    answer = await api.call("GET", f"{CONFIG_MAPS}?resourceVersion=999999999{query}")
    told = answer.body.get("object", answer.body)
    assert (told["code"], told["reason"]) == (504, "Timeout")
    assert told["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_a_list_can_be_had_as_it_was(api: Api) -> None:
    first = await api.create(CONFIG_MAPS, config_map("a"))
    await api.create(CONFIG_MAPS, config_map("b"))
    version = first["metadata"]["resourceVersion"]
    query = f"resourceVersion={version}&resourceVersionMatch=Exact"
    page = await api.get(f"{CONFIG_MAPS}?{query}")
    assert [item["metadata"]["name"] for item in page["items"]] == ["a"]
    assert page["metadata"]["resourceVersion"] == version


async def test_bookmarks_come_while_others_change(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that stands still expires, and then everything has to be listed again."""
    monkeypatch.setattr(watch_verb, "BOOKMARK_INTERVAL_S", 0.2)
    version = (await api.create(CONFIG_MAPS, config_map("other")))["metadata"]["resourceVersion"]
    path = f"{CONFIG_MAPS}?watch=true&resourceVersion={version}&allowWatchBookmarks=true"
    async with (
        api.watch(f"{path}&labelSelector=mine") as stream,
        anyio.create_task_group() as tasks,
    ):

        async def change_others() -> None:
            for number in range(10_000):
                patch = {"data": {"n": str(number)}}
                content = "application/merge-patch+json"
                await api.call("PATCH", f"{CONFIG_MAPS}/other", patch, content_type=content)

        tasks.start_soon(change_others)
        event = await stream.next()
        tasks.cancel_scope.cancel()
    assert event is not None
    assert event["type"] == "BOOKMARK"
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(version)


async def test_a_watch_in_a_websocket_tells_each_event_and_ends_with_its_client(api: Api) -> None:
    """Client libraries in Java ask for it, and take no other answer while it lasts."""
    await api.create(CONFIG_MAPS, config_map("first"))
    for _ in range(2):  # the one that went has left nothing behind
        async with api.session.ws_connect(f"{api.url}{CONFIG_MAPS}?watch=1") as socket:
            event = await socket.receive_json(timeout=20)
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "first")
            await api.create(CONFIG_MAPS, {"metadata": {"generateName": "next-"}})
            while not event["object"]["metadata"]["name"].startswith("next-"):
                event = await socket.receive_json(timeout=20)
            assert event["type"] == "ADDED"
    async with api.session.ws_connect(f"{api.url}{CONFIG_MAPS}?watch=1&timeoutSeconds=1") as socket:
        types = [message.type async for message in socket]
    assert len(types) == 3 and socket.close_code == 1000
