"""ClusterIPs: which addresses services hold, and the next free one. In memory, fed by the cache."""

import ipaddress
from typing import Any

from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.status import Cause, StatusError, invalid
from armillary.local.apiserver.store.cache import CacheEvent
from armillary.local.apiserver.store.records import ObjectKey

_FIRST_OFFSET = 1  # leave the network's own address alone


class ServiceAddresses:
    resource = "services"  # what this follows

    def __init__(self, cidr: str) -> None:
        self._network = ipaddress.ip_network(cidr)
        self._held: dict[ObjectKey, str] = {}
        self._reserved: set[str] = set()  # given to a service that is being written
        self._next = _FIRST_OFFSET

    def reset(self) -> None:
        self._held = {}

    def follow(self, event: CacheEvent) -> None:
        address = event.after.value["spec"].get("clusterIP", "") if event.after else ""
        if address and address != "None":
            self._held[event.key] = address
        else:
            self._held.pop(event.key, None)

    def assign(self, value: dict[str, Any], resource: Resource) -> str | None:
        """Give a service its address, in place; return what to `release` after the write.

        Raises:
            StatusError: the address that it asks for is taken or outside the range.
        """
        spec = value["spec"]
        if spec.get("type") == "ExternalName":
            return None
        wanted = spec.get("clusterIP", "")
        if wanted == "None":
            spec["clusterIPs"] = ["None"]
            return None
        address = wanted if wanted else self._choose(value, resource)
        if wanted:
            self._check(wanted, value, resource)
        spec["clusterIP"] = address
        spec["clusterIPs"] = [address]
        self._reserved.add(address)
        return address

    def release(self, address: str | None) -> None:
        if address is not None:
            self._reserved.discard(address)

    def _choose(self, value: dict[str, Any], resource: Resource) -> str:
        taken = self._reserved | set(self._held.values())
        size = self._network.num_addresses
        for step in range(size):
            offset = _FIRST_OFFSET + (self._next - _FIRST_OFFSET + step) % (size - 2)
            address = str(self._network[offset])
            if address not in taken:
                self._next = offset + 1
                return address
        raise _refuse(value, resource, "", "failed to allocate IP: range is full")

    def _check(self, wanted: str, value: dict[str, Any], resource: Resource) -> None:
        try:
            inside = ipaddress.ip_address(wanted) in self._network
        except ValueError:
            raise _refuse(value, resource, wanted, "must be a valid IP address") from None
        if not inside:
            why = (
                "failed to allocate IP "
                f"{wanted}: the provided IP is not in the valid range ({self._network})"
            )
            raise _refuse(value, resource, wanted, why)
        if wanted in self._reserved or wanted in self._held.values():
            why = f"failed to allocate IP {wanted}: provided IP is already allocated"
            raise _refuse(value, resource, wanted, why)


def _refuse(value: dict[str, Any], resource: Resource, wanted: str, why: str) -> StatusError:
    shown = f'["{wanted}"]' if wanted else "[]"
    cause = Cause("spec.clusterIPs", "FieldValueInvalid", f"Invalid value: {shown}: {why}")
    return invalid(resource, value["metadata"]["name"], [cause])
