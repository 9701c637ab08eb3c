"""A program of ours that a test runs many times: loaded once, and forked for each run.

Loading costs more than most runs do. Each run is a process of its own nevertheless, with its own
words, outputs and exit code; that programs start as a person starts them, other tests see.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# Loads the module, listens, says so, and lets a child answer each connection.
_SERVE = """
import importlib, json, os, signal, socket, sys, tempfile, traceback

def answer(connection):
    sys.argv = [sys.argv[1], *json.loads(connection.makefile().readline())]
    files = [tempfile.TemporaryFile() for _ in range(2)]
    for number, file in enumerate(files, start=1):
        os.dup2(file.fileno(), number)
    code = 0
    try:
        program()
    except SystemExit as ending:
        code = ending.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    said = []
    for file in files:
        file.seek(0)
        said.append(file.read().decode())
    connection.sendall(json.dumps([code, *said]).encode())

program = importlib.import_module(sys.argv[1]).main
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
listener.listen()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
print(flush=True)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            answer(connection)
        finally:
            os._exit(0)
    connection.close()
"""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


class ForkedProgram:
    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, *words: str) -> Answer:
        """Run the program to its end."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path))
            connection.sendall(json.dumps(words).encode() + b"\n")
            with connection.makefile() as answer:
                text = answer.read()
        assert text, f"no end was told of the run with {words}"
        return Answer(*json.loads(text))


@contextmanager
def forked_program(module: str, *, env: Mapping[str, str] | None = None) -> Iterator[ForkedProgram]:
    """Yield the program whose `main` is in the module, with our environment or another."""
    with tempfile.TemporaryDirectory(prefix="arf-", dir="/tmp") as folder:
        path = Path(folder) / "s"
        words = [sys.executable, "-c", _SERVE, module, str(path)]
        with subprocess.Popen(
            words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == b"\n", f"{module} cannot be loaded"
                yield ForkedProgram(path)
            finally:
                process.terminate()
