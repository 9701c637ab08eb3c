"""At most one tablet of a shard is drained to the end, however stale the operator's view is.

Each step is decided on a view that lags behind by any number of changes, and only some of its
transitions are written; a write is refused when the pod has changed since the view. People start
and abort drains in between.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.model.tablet import TabletAlias
from armillary.operator.shard.drain import DrainState, drain_transitions

ALIASES = [TabletAlias("zone1", uid) for uid in (1, 2, 3)]
States = dict[TabletAlias, DrainState]


class World:
    """The shard's drains now, and all that they were before."""

    def __init__(self) -> None:
        self.history: list[States] = [dict.fromkeys(ALIASES, DrainState.NONE)]
        self.changed_at = dict.fromkeys(ALIASES, 0)

    @property
    def now(self) -> States:
        return self.history[-1]

    def change(self, alias: TabletAlias, state: DrainState) -> None:
        self.history.append({**self.now, alias: state})
        self.changed_at[alias] = len(self.history) - 1

    def write(self, alias: TabletAlias, state: DrainState, *, seen_at: int) -> None:
        if self.changed_at[alias] <= seen_at:
            self.change(alias, state)


@settings(max_examples=200)
@given(st.data())
def test_at_most_one_tablet_is_finished(data: st.DataObject) -> None:
    world = World()
    seen_at = 0
    for _ in range(data.draw(st.integers(1, 40))):
        if data.draw(st.booleans()):
            alias = data.draw(st.sampled_from(ALIASES))
            under_way = world.now[alias] is not DrainState.NONE
            world.change(alias, DrainState.NONE if under_way else DrainState.DRAINING)
        else:
            # A cache never goes back in time.
            seen_at = data.draw(st.integers(seen_at, len(world.history) - 1))
            for alias, state in drain_transitions(world.history[seen_at]).items():
                if data.draw(st.booleans()):
                    world.write(alias, state, seen_at=seen_at)
        finished = [a for a, state in world.now.items() if state is DrainState.FINISHED]
        assert len(finished) <= 1


@given(st.sets(st.sampled_from(ALIASES), min_size=1))
def test_every_drain_is_finished_once_the_one_before_it_is_over(wanted: set[TabletAlias]) -> None:
    states: States = {a: DrainState.DRAINING if a in wanted else DrainState.NONE for a in ALIASES}
    done: list[TabletAlias] = []
    for _ in range(10):
        states |= drain_transitions(states)
        for alias, state in states.items():
            if state is DrainState.FINISHED:
                done.append(alias)
                states[alias] = DrainState.NONE
    assert done == sorted(wanted)
