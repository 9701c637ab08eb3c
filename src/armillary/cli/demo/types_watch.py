"""Watch the types of tablets while other commands run, as a second window would. I/O."""

import threading
from collections.abc import Mapping, Sequence

from armillary.cli.demo.outputs import CheckFailedError, parse_tablets
from armillary.cli.demo.shell import Shell

_LOOK_AGAIN_S = 0.1


class TypesWatch:
    """Lists all tablets again and again; remembers which types each of the watched had, in turn.

    A tablet may begin its restore at any moment after the snapshot keyspace was made: it need not
    wait for somebody to delete its pod. Whoever looks only afterwards can miss it.
    """

    def __init__(self, shell: Shell, command: str, aliases: Sequence[str]) -> None:
        self._shell = shell
        self._command = command
        self._lock = threading.Lock()
        self._seen: dict[str, list[str]] = {alias: [] for alias in aliases}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def histories(self) -> Mapping[str, Sequence[str]]:
        """Return the types of each tablet so far, oldest first, repetitions left out."""
        with self._lock:
            return {alias: tuple(types) for alias, types in self._seen.items()}

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_AGAIN_S):
            code, text, _ = self._shell.try_run(self._command)
            if code != 0:
                continue
            try:
                listed = {tablet.alias: tablet.type for tablet in parse_tablets(text)}
            except CheckFailedError:
                continue  # the steps parse the same output and report it
            with self._lock:
                for alias, types in self._seen.items():
                    now = listed.get(alias, "gone")
                    if not types or types[-1] != now:
                        types.append(now)
