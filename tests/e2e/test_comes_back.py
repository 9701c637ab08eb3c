"""`armillary up` again: twice in a row, after everything was killed, after an orderly stop."""

import json

from armillary.cli.demo.walk import Walk, ask
from tests.e2e.machine import Machine

USERS = {("101", "Jacques"), ("102", "Jacques")}


def users_of_main(walk: Walk) -> set[tuple[str, ...]]:
    _, *rows = ask(walk, "use main; select * from users where user_id in (101, 102)")
    return set(rows)


def test_up_twice_changes_nothing(machine: Machine, walked: Walk) -> None:
    before = machine.component_pids()
    machine.armillary("up")
    assert machine.component_pids() == before
    assert users_of_main(walked) == USERS


def test_killing_everything_loses_nothing(machine: Machine, walked: Walk) -> None:
    addresses = pod_addresses(walked)
    machine.kill(machine.all_pids())
    machine.armillary("up")
    assert users_of_main(walked) == USERS
    after = pod_addresses(walked)
    assert {name: after.get(name) for name in addresses if "vttablet" in name} == {
        name: address for name, address in addresses.items() if "vttablet" in name
    }


def test_down_and_up_bring_the_same_data(machine: Machine, walked: Walk) -> None:
    machine.armillary("down")
    assert list(machine.pod_processes()) == []
    assert machine.armillary("status", check=False).returncode == 5
    machine.armillary("up")
    assert users_of_main(walked) == USERS
    assert json.loads(machine.armillary("status", "-o", "json").stdout)["serves"] is True


def pod_addresses(walk: Walk) -> dict[str, str]:
    listed = json.loads(walk.shell.run(f"{walk.kubectl} get pods -o json", quiet=True))
    return {pod["metadata"]["name"]: pod["status"].get("podIP", "") for pod in listed["items"]}
