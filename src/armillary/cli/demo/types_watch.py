"""Watch the types of tablets while other commands run, as a second window would. I/O."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import grpc

from armillary.cli.demo.outputs import CheckFailedError, parse_tablets
from armillary.cli.vtctlclient import events_of, find_credentials, open_channel
from armillary.pb import logutil_pb2

_LOOK_AGAIN_S = 0.1
_LOOK_S_MAX = timedelta(seconds=10)


class TypesWatch:
    """Lists all tablets again and again; remembers which types each of the watched had, in turn.

    A tablet may begin its restore at any moment after the snapshot keyspace was made: it need not
    wait for somebody to delete its pod. Whoever looks only afterwards can miss it; and so can
    who starts a program for each look: it may take longer than the restore of a small shard.
    """

    def __init__(self, server: str, env: Mapping[str, str], aliases: Sequence[str]) -> None:
        self._flags = {"server": server}
        self._credentials = find_credentials(self._flags, env)
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
        while not self._over.is_set():
            # A forwarded port that broke is tried again, at once.
            with suppress(grpc.RpcError), open_channel(self._flags) as channel:
                while not self._over.wait(_LOOK_AGAIN_S):
                    self._note(self._list(channel))

    def _list(self, channel: grpc.Channel) -> str:
        events = events_of(channel, ["ListAllTablets"], self._credentials, _LOOK_S_MAX)
        return "".join(event.value for event in events if event.level == logutil_pb2.CONSOLE)

    def _note(self, text: str) -> None:
        try:
            listed = {tablet.alias: tablet.type for tablet in parse_tablets(text)}
        except CheckFailedError:
            return  # the steps parse the same output and report it
        with self._lock:
            for alias, types in self._seen.items():
                now = listed.get(alias, "gone")
                if not types or types[-1] != now:
                    types.append(now)
