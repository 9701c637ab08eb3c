"""The operator registers cells, prunes what left, and never touches a snapshot keyspace."""

from dataclasses import replace

import msgspec

from armillary.operator.cluster.topology_plan import (
    CellRecord,
    PruneCell,
    PruneKeyspace,
    PruneSrvKeyspace,
    PutAlias,
    PutCell,
    PutSrvKeyspace,
    PutSrvVSchema,
    TopologySeen,
    TopologyWanted,
    plan_topology,
)
from armillary.operator.crd.topology import TopologyReconciliation

CELL = CellRecord("etcd-client:2379", "/vitess/example/local/a")
WANTED = TopologyWanted(
    cells={"a": CELL},
    kept_cells={"a"},
    kept_keyspaces={"main", "restore"},
    reconciliation=TopologyReconciliation(),
)
SEEN = TopologySeen(cells={"a": CELL}, alias={"a"}, keyspaces={"main": False, "restore": False})


def test_a_topology_that_is_right_is_left_alone() -> None:
    assert plan_topology(WANTED, SEEN) == ()


def test_cells_come_before_the_alias_that_names_them() -> None:
    seen = TopologySeen(cells={}, alias=None, keyspaces={})
    assert plan_topology(WANTED, seen) == (
        PutCell("a", CELL, is_new=True),
        PutAlias(("a",), is_new=True),
    )


def test_a_changed_record_is_corrected() -> None:
    seen = replace(SEEN, cells={"a": CellRecord("elsewhere:2379", CELL.root)})
    assert plan_topology(WANTED, seen) == (PutCell("a", CELL, is_new=False),)


def test_a_keyspace_in_the_spec_is_never_touched_whatever_its_record_says() -> None:
    """The user deletes `restore` and makes it anew as a snapshot: both are none of our business."""
    gone = replace(SEEN, keyspaces={"main": False})
    snapshot = replace(SEEN, keyspaces={"main": False, "restore": True})
    assert plan_topology(WANTED, gone) == ()
    assert plan_topology(WANTED, snapshot) == ()


def test_a_keyspace_that_left_the_spec_is_pruned() -> None:
    seen = replace(SEEN, keyspaces={"main": False, "old": False})
    assert plan_topology(WANTED, seen) == (PruneKeyspace("old"),)


def test_a_snapshot_keyspace_outside_the_spec_is_the_users_own() -> None:
    seen = replace(SEEN, keyspaces={"main": False, "yesterday": True})
    assert plan_topology(WANTED, seen) == ()


def test_an_orphaned_cell_is_kept() -> None:
    seen = replace(SEEN, cells={"a": CELL, "b": CELL})
    assert plan_topology(WANTED, seen) == (PruneCell("b"),)
    assert plan_topology(replace(WANTED, kept_cells={"a", "b"}), seen) == ()


def test_every_step_can_be_switched_off() -> None:
    off = TopologyReconciliation(
        register_cells_aliases=False,
        register_cells=False,
        prune_cells=False,
        prune_keyspaces=False,
    )
    seen = TopologySeen(cells={"b": CELL}, alias=None, keyspaces={"old": False})
    assert plan_topology(replace(WANTED, reconciliation=off), seen) == ()
    assert msgspec.to_builtins(TopologyReconciliation()) == {}


def test_serving_records_keep_no_cell_from_going() -> None:
    """A cell that left the spec is idle only when no keyspace is served in it."""
    wanted = replace(WANTED, kept_cells={"a", "b"}, leaving_cells={"b": frozenset()})
    seen = replace(
        SEEN,
        cells={"a": CELL, "b": CELL},
        served={"a": {"main", "restore"}, "b": {"main", "restore"}},
    )
    assert plan_topology(wanted, seen) == (
        PruneSrvKeyspace("b", "main"),
        PruneSrvKeyspace("b", "restore"),
    )
    deployed = replace(wanted, leaving_cells={"b": {"main"}})
    assert plan_topology(deployed, seen) == (), "its vtgates serve tablets of other cells too"
    off = TopologyReconciliation(prune_srv_keyspaces=False)
    assert plan_topology(replace(wanted, reconciliation=off), seen) == ()


def test_vtgates_of_every_cell_serve_what_tablets_of_one_have() -> None:
    """Clients reach the vtgates of all cells by one address."""
    wanted = replace(WANTED, cells={"a": CELL, "b": CELL}, kept_cells={"a", "b"})
    seen = replace(
        SEEN,
        cells={"a": CELL, "b": CELL},
        alias={"a", "b"},
        keyspaces={"main": False, "restore": True},
        served={"a": {"main", "restore"}, "b": frozenset()},
        vschemas={"a": {"main", "restore"}, "b": {"main"}},
    )
    assert plan_topology(wanted, seen) == (
        PutSrvKeyspace("b", "main", is_snapshot=False),
        PutSrvKeyspace("b", "restore", is_snapshot=True),
        PutSrvVSchema("b"),
    )
    away = replace(seen, served={"a": {"main"}}, vschemas={"a": {"main"}})
    assert plan_topology(wanted, away) == (), "the lockserver of b does not answer"
    deleted = replace(seen, keyspaces={"main": False})
    assert PutSrvKeyspace("b", "restore", is_snapshot=True) not in plan_topology(wanted, deleted)
    leaving = replace(WANTED, cells=wanted.cells, kept_cells={"a", "b"}, leaving_cells={"b": {"x"}})
    assert PutSrvVSchema("b") not in plan_topology(leaving, seen)
    off = TopologyReconciliation(register_cells=False, register_cells_aliases=False)
    assert plan_topology(replace(wanted, reconciliation=off), seen) == ()
