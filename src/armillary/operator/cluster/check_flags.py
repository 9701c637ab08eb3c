"""What the flags that a spec adds to processes do there: something, nothing, or harm. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from armillary.operator.cluster.spec_paths import shard_templates
from armillary.operator.crd.cluster import ClusterSpec
from armillary.settings.known_flags import Effect, effect_of

_PROGRAMS_OF_ALL = ("vtctld", "vtgate", "vttablet")


@dataclass(frozen=True, slots=True)
class _Given:
    path: str
    flags: Mapping[str, str]
    programs: tuple[str, ...]


def flags_without_effect(spec: ClusterSpec) -> list[str]:
    """Return the paths of flags that every process they are given to accepts and passes over."""
    return [
        f"{given.path}.{name}"
        for given in _given(spec)
        for name in sorted(given.flags)
        if all(effect_of(program, name) is Effect.NONE for program in given.programs)
    ]


def flags_that_stop_processes(spec: ClusterSpec) -> list[str]:
    """Return, for people, the flags with which our processes do not start, and which processes."""
    found = []
    for given in _given(spec):
        for name in sorted(given.flags):
            bad = [
                f"{program} ({effect.value})"
                for program in given.programs
                if (effect := effect_of(program, name)) in (Effect.UNKNOWN, Effect.REFUSED)
            ]
            if bad:
                found.append(f"{given.path}.{name}: no start with this flag: {', '.join(bad)}")
    return found


def _given(spec: ClusterSpec) -> Iterator[_Given]:
    yield _Given("spec.extraVitessFlags", spec.extra_vitess_flags, _PROGRAMS_OF_ALL)
    yield _Given("spec.vitessDashboard.extraFlags", spec.vitess_dashboard.extra_flags, ("vtctld",))
    for cell in spec.cells:
        path = f"spec.cells[{cell.name}].gateway.extraFlags"
        yield _Given(path, cell.gateway.extra_flags, ("vtgate",))
    for keyspace in spec.keyspaces:
        for shard in shard_templates(f"spec.keyspaces[{keyspace.name}]", keyspace):
            for index, pool in enumerate(shard.template.tablet_pools):
                path = f"{shard.path}.tabletPools[{index}]"
                vttablet = pool.vttablet
                yield _Given(f"{path}.extraFlags", pool.extra_flags, ("vttablet",))
                yield _Given(f"{path}.vttablet.extraFlags", vttablet.extra_flags, ("vttablet",))
                yield _Given(
                    f"{path}.vttablet.vtbackupExtraFlags",
                    vttablet.vtbackup_extra_flags,
                    ("vtbackup",),
                )
                if pool.mysqld_exporter is not None:
                    yield _Given(
                        f"{path}.mysqldExporter.extraFlags",
                        pool.mysqld_exporter.extra_flags,
                        ("mysqld_exporter",),
                    )
