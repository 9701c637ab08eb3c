"""What happens to objects whose owners go."""

from typing import Any

from armillary.local.controllers.garbage.plan import (
    DeleteDependents,
    DeleteObject,
    DropReferences,
    Nothing,
    OrphanDependents,
    ReleaseOwner,
    plan_garbage,
)


def make(uid: str, *owners: str, finalizers: tuple[str, ...] = (), deleting: bool = False) -> Any:
    references = [{"uid": owner, "blockOwnerDeletion": True} for owner in owners]
    metadata: dict[str, Any] = {"uid": uid, "ownerReferences": references}
    metadata["finalizers"] = list(finalizers)
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata}


FOREGROUND = ("foregroundDeletion",)


def test_an_object_with_a_living_owner_stays() -> None:
    assert plan_garbage(make("c", "o"), owners={"o": make("o")}, dependents=[]) == Nothing()
    assert plan_garbage(make("c"), owners={}, dependents=[]) == Nothing()


def test_an_object_whose_owners_are_all_gone_goes() -> None:
    plan = plan_garbage(make("c", "o", "p"), owners={"o": None, "p": None}, dependents=[])
    assert plan == DeleteObject("Background")


def test_one_living_owner_keeps_it_and_the_gone_one_is_forgotten() -> None:
    plan = plan_garbage(make("c", "o", "p"), owners={"o": None, "p": make("p")}, dependents=[])
    assert plan == DropReferences(frozenset({"o"}))


def test_an_owner_that_goes_in_the_background_is_not_gone_yet() -> None:
    owner = make("o", deleting=True, finalizers=("example.com/x",))
    assert plan_garbage(make("c", "o"), owners={"o": owner}, dependents=[]) == Nothing()


def test_dependents_of_a_foreground_deletion_go_first_and_deepest() -> None:
    owner = make("o", deleting=True, finalizers=FOREGROUND)
    child = make("c", "o")
    assert plan_garbage(owner, owners={}, dependents=[child]) == DeleteDependents(("c",))
    plan = plan_garbage(child, owners={"o": owner}, dependents=[make("g", "c")])
    assert plan == DeleteObject("Foreground")
    plan = plan_garbage(child, owners={"o": owner}, dependents=[])
    assert plan == DeleteObject("Background")


def test_a_foreground_owner_waits_for_what_blocks_it() -> None:
    owner = make("o", deleting=True, finalizers=FOREGROUND)
    going = make("c", "o", deleting=True)
    assert plan_garbage(owner, owners={}, dependents=[going]) == Nothing()
    going["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = False
    assert plan_garbage(owner, owners={}, dependents=[going]) == ReleaseOwner("foregroundDeletion")
    assert plan_garbage(owner, owners={}, dependents=[]) == ReleaseOwner("foregroundDeletion")


def test_orphans_are_let_go_before_their_owner() -> None:
    owner = make("o", deleting=True, finalizers=("orphan",))
    plan = plan_garbage(owner, owners={}, dependents=[make("c", "o")])
    assert plan == OrphanDependents(("c",))
    assert plan_garbage(owner, owners={}, dependents=[]) == ReleaseOwner("orphan")


def test_an_object_that_is_going_anyway_is_left_alone() -> None:
    going = make("c", "o", deleting=True)
    assert plan_garbage(going, owners={"o": None}, dependents=[]) == Nothing()
