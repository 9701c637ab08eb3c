"""ClusterIPs: unique, inside the range, given again when free."""

from typing import Any

import pytest

from armillary.local.apiserver.kinds.builtin import build_builtin_resources
from armillary.local.apiserver.objects.addresses import ServiceAddresses
from armillary.local.apiserver.status import StatusError
from armillary.local.apiserver.store.cache import CacheEvent
from armillary.local.apiserver.store.records import ObjectKey, StoredObject, encode_object

SERVICES = next(r for r in build_builtin_resources(lambda *_: None) if r.plural == "services")
CIDR = "127.11.128.0/29"  # six addresses


class Bench:
    def __init__(self) -> None:
        self.addresses = ServiceAddresses(CIDR)
        self._count = 0

    def create(self, name: str, **spec: Any) -> str:
        value = {"metadata": {"name": name}, "spec": spec}
        reserved = self.addresses.assign(value, SERVICES)
        self._count += 1
        stored = StoredObject(ObjectKey("services", "n", name), encode_object(value), self._count)
        self.addresses.follow(CacheEvent(self._count, None, stored))
        self.addresses.release(reserved)
        return str(value["spec"].get("clusterIP", ""))

    def delete(self, name: str) -> None:
        gone = StoredObject(ObjectKey("services", "n", name), b"", 0)
        self.addresses.follow(CacheEvent(99, gone, None))


def test_addresses_are_unique_until_the_range_is_full() -> None:
    bench = Bench()
    given = [bench.create(f"s{number}") for number in range(6)]
    assert sorted(given) == [f"127.11.128.{number}" for number in range(1, 7)]
    with pytest.raises(StatusError, match="range is full"):
        bench.create("one-too-many")
    bench.delete("s3")
    assert bench.create("again") == given[3]


def test_headless_and_external_services_hold_none() -> None:
    bench = Bench()
    assert bench.create("headless", clusterIP="None") == "None"
    assert bench.create("external", type="ExternalName") == ""
    assert len({bench.create(f"s{number}") for number in range(6)}) == 6


def test_an_address_can_be_asked_for_once() -> None:
    bench = Bench()
    assert bench.create("a", clusterIP="127.11.128.5") == "127.11.128.5"
    with pytest.raises(StatusError, match="already allocated"):
        bench.create("b", clusterIP="127.11.128.5")
    for wrong in ("10.0.0.1", "nonsense"):
        with pytest.raises(StatusError):
            bench.create("c", clusterIP=wrong)


def test_two_services_in_flight_do_not_get_the_same_address() -> None:
    addresses = ServiceAddresses(CIDR)
    first: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {}}
    second: dict[str, Any] = {"metadata": {"name": "b"}, "spec": {}}
    addresses.assign(first, SERVICES)
    addresses.assign(second, SERVICES)
    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
