"""Every few seconds: note how long each log has become, and bound it. I/O."""

from pathlib import Path

import anyio
from anyio import to_thread

from armillary.base.clock import utc_now
from armillary.local.kubelet.containers.logs import LogMarks, sweep_log
from armillary.local.kubelet.pods import PodSet

_SWEEP_S = 5.0


class LogSweep:
    def __init__(self, pods: PodSet, *, bytes_max: int) -> None:
        self._pods = pods
        self._bytes_max = bytes_max
        self._marks: dict[Path, LogMarks] = {}

    async def run(self) -> None:
        while True:
            await to_thread.run_sync(self._sweep, self._current())
            await anyio.sleep(_SWEEP_S)

    def _current(self) -> list[Path]:
        return [
            worker.directory.container(name).log(container.state.attempts)
            for worker in self._pods.workers()
            for name, container in worker.containers.items()
            if container.state.running
        ]

    def _sweep(self, logs: list[Path]) -> None:
        self._marks = {path: self._marks.get(path) or LogMarks(path) for path in logs}
        now_s = utc_now().timestamp()
        for path, marks in self._marks.items():
            sweep_log(path, marks, now_s=now_s, bytes_max=self._bytes_max)
