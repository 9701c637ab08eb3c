"""The online engine: mariadb-backup, or XtraBackup where the server is MySQL. I/O.

The tool streams to a pipe; nothing is staged on disk when taking. It succeeded only if it exited
with 0, said `completed OK!` last, and wrote its info file with a position.
"""

import logging
import os
import re
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from armillary.backup.content import STREAM_MODE, BackupReader, BackupWriter
from armillary.backup.engines.blame import LINES_MAX, blame_data, is_telling
from armillary.backup.engines.contract import Server, Taken
from armillary.backup.engines.datadir import database_names
from armillary.backup.engines.memory import prepare_memory
from armillary.backup.errors import BackupToolError, DamagedBackupError
from armillary.backup.leftovers import SCRATCH_PREFIX
from armillary.backup.manifest import XTRABACKUP, StreamContent
from armillary.backup.pipeline.pipes import Tool, running_tool, write_all
from armillary.base.errors import InputError, UnsupportedError
from armillary.model.gtid import MariadbGtidSet, MysqlGtidSet, Position
from armillary.mysqld.connection import MysqlParams
from armillary.mysqld.layout import TabletDir
from armillary.settings.backup import BackupFlags

logger = logging.getLogger(__name__)

COMPLETED = "completed OK!"
# In its last phase the tool blocks commits and waits for its redo copier, which sleeps this long.
# The default of 1000 stalls every writer for a second.
LOG_COPY_INTERVAL_MS = 10
# With less than this left on the disk, a failure is the disk's, whatever the tool says.
FREE_BYTES_MIN = 16 * 1024 * 1024
_INFO_FILES = ("xtrabackup_info", "mariadb_backup_info")
_CHECKPOINT_FILES = ("xtrabackup_checkpoints", "mariadb_backup_checkpoints")
_GTID = re.compile(r"GTID of the last change '([^']*)'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ToolNames:
    backup: str
    unpack: str
    gtid_set: type[MariadbGtidSet] | type[MysqlGtidSet]
    backup_arguments: tuple[str, ...]


MARIADB_TOOLS = ToolNames(
    "mariadb-backup", "mbstream", MariadbGtidSet, (f"--log-copy-interval={LOG_COPY_INTERVAL_MS}",)
)
MYSQL_TOOLS = ToolNames("xtrabackup", "xbstream", MysqlGtidSet, ())


class XtrabackupEngine:
    """Engine over the tool that fits the server."""

    method = XTRABACKUP

    def __init__(self, settings: BackupFlags) -> None:
        self._settings = settings

    async def take(self, server: Server, writer: BackupWriter) -> Taken:
        tools = tools_for(await server.control.version())
        settings = self._settings
        if settings.xtrabackup_stream_mode != STREAM_MODE:
            raise InputError(
                f"xtrabackup_stream_mode is {settings.xtrabackup_stream_mode!r}: wanted xbstream"
            )
        content = StreamContent(
            file_name=f"backup.{STREAM_MODE}{writer.codec.extension}",
            stripe_count=settings.xtrabackup_stripes,
            stripe_block_bytes=settings.xtrabackup_stripe_block_size,
            extra_params=settings.xtrabackup_backup_flags,
        )
        server.dirs.tmp.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=server.dirs.tmp) as scratch:
            argv = self._take_argv(tools, server, Path(scratch))
            writer.meter.start("copy")
            async with running_tool(argv, stdout=True, on_line=_log_line) as tool:
                await writer.write_stream(
                    tool.pipe_fd, content.stored_names, block_bytes=content.stripe_block_bytes
                )
                await _expect_success(tool)
            position = _read_position(Path(scratch), tools)
        return Taken(
            method=self.method,
            content=content,
            position=position,
            purged_position=position,
            upgrade_safe=True,
        )

    async def unpack(self, reader: BackupReader, staging: Path) -> None:
        content = reader.manifest.content
        assert isinstance(content, StreamContent)
        if content.stream_mode != STREAM_MODE:
            raise UnsupportedError(
                f"backup {reader.label} is a {content.stream_mode} stream: wanted xbstream"
            )
        tools = MARIADB_TOOLS if reader.manifest.is_mariadb else MYSQL_TOOLS
        integrity = reader.manifest.integrity
        reader.meter.start("unpack", raw_bytes_total=integrity.raw_bytes if integrity else None)
        argv = [
            self._program(tools.unpack),
            "-x",
            "-C",
            str(staging),
            *shlex.split(self._settings.xbstream_restore_flags),
        ]
        words = _Telling()
        async with running_tool(argv, stdin=True, on_line=words.hear) as tool:
            try:
                raw_bytes = await reader.read_stream(
                    content, lambda views: write_all(tool.pipe_fd, views)
                )
                tool.close_pipe()
            except BrokenPipeError:
                raw_bytes = 0
            if code := await tool.wait():
                await tool.drained()
                await words.expect_sound(reader, staging, code)
                raise BackupToolError(_ending(tool, code))
        if not any((staging / name).exists() for name in _CHECKPOINT_FILES):
            raise DamagedBackupError(reader.label, content.file_name, "the stream has no end")
        await self._prepare(tools, reader, staging, raw_bytes)

    def databases(self, staging: Path) -> frozenset[str]:
        return database_names(staging)

    async def install(self, staging: Path, dirs: TabletDir) -> None:
        tools = MARIADB_TOOLS if _is_mariadb_staging(staging) else MYSQL_TOOLS
        argv = [
            self._program(tools.backup),
            f"--defaults-file={dirs.my_cnf}",
            "--move-back",
            f"--target-dir={staging}",
        ]
        async with running_tool(argv, stdin=True, on_line=_log_line) as tool:
            tool.close_pipe()
            await _expect_success(tool)

    def _take_argv(self, tools: ToolNames, server: Server, scratch: Path) -> list[str]:
        defaults = scratch / "client.cnf"
        _write_defaults(defaults, server.params, include=server.dirs.my_cnf)
        return [
            self._program(tools.backup),
            f"--defaults-file={defaults}",
            "--backup",
            f"--stream={STREAM_MODE}",
            f"--target-dir={scratch}",
            f"--extra-lsndir={scratch}",
            "--parallel=2",
            *tools.backup_arguments,
            *shlex.split(self._settings.xtrabackup_backup_flags),
        ]

    async def _prepare(
        self, tools: ToolNames, reader: BackupReader, staging: Path, raw_bytes: int
    ) -> None:
        reader.meter.start("prepare")
        memory = await to_thread.run_sync(prepare_memory, raw_bytes)
        argv = [
            self._program(tools.backup),
            "--prepare",
            f"--use-memory={memory}",
            f"--target-dir={staging}",
            *shlex.split(self._settings.xtrabackup_prepare_flags),
        ]
        words = _Telling()
        async with running_tool(argv, stdin=True, on_line=words.hear) as tool:
            tool.close_pipe()
            try:
                await _expect_success(tool)
            except BackupToolError:
                await words.expect_sound(reader, staging, await tool.wait())
                raise

    def require_tools(self, version_line: str) -> None:
        """Raises: UnsupportedError: a program that this server's backups need is not installed."""
        tools = tools_for(version_line)
        self._program(tools.backup)
        self._program(tools.unpack)

    def _program(self, name: str) -> str:
        root = self._settings.xtrabackup_root_path
        path = shutil.which(name, path=f"{root}:{root}/bin" if root else None)
        if path is None:
            raise UnsupportedError(
                f"the program {name} is not installed{f' in {root}' if root else ''}: "
                f"the xtrabackup engine needs it (the builtin engine needs no program)"
            )
        return path


class _Telling:
    """What a tool says of the data and of the machine, of all its lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def hear(self, line: str) -> None:
        _log_line(line)
        if len(self._lines) < LINES_MAX and is_telling(line):
            self._lines.append(line)

    async def expect_sound(self, reader: BackupReader, staging: Path, code: int) -> None:
        """Raise DamagedBackupError if it is certain that the failure comes from the data."""
        if reason := blame_data(self._lines, code):
            free = await to_thread.run_sync(lambda: shutil.disk_usage(staging).free)
            if free >= FREE_BYTES_MIN:
                content = reader.manifest.content
                assert isinstance(content, StreamContent)
                raise DamagedBackupError(reader.label, content.file_name, reason)


def tools_for(version_line: str) -> ToolNames:
    """Return the programs for a server that says `version_line` about itself."""
    return MARIADB_TOOLS if "mariadb" in version_line.lower() else MYSQL_TOOLS


def parse_position(info: str, gtid_set: type[MariadbGtidSet] | type[MysqlGtidSet]) -> Position:
    """Return the position in the tool's info file; the empty one if it has none.

    Raises:
        InputError: a GTID that is none.
    """
    match = _GTID.search(info)
    return Position(gtid_set.parse(match[1].replace("\n", "")) or None) if match else Position()


async def _expect_success(tool: Tool) -> None:
    code = await tool.wait()
    # The exit arrives before the last lines do.
    await tool.drained()
    if code or not any(COMPLETED in line for line in list(tool.last_lines)[-2:]):
        raise BackupToolError(_ending(tool, code))


def _ending(tool: Tool, code: int) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
    lines = "; ".join(line.strip() for line in list(tool.last_lines)[-4:] if line.strip())
    return f"{tool.name} {how} without completing: {lines or 'it said nothing'}"


def _read_position(scratch: Path, tools: ToolNames) -> Position:
    for name in _INFO_FILES:
        path = scratch / name
        if path.exists():
            position = parse_position(path.read_text(), tools.gtid_set)
            if position.gtids is None:
                raise BackupToolError(
                    f"{tools.backup} found no GTID position: is the binary log of the server on, "
                    f"and was anything ever committed?"
                )
            return position
    raise BackupToolError(f"{tools.backup} left no {_INFO_FILES[0]}")


def _write_defaults(path: Path, params: MysqlParams, *, include: Path) -> None:
    """Write the option file that carries the password: it may be in no argument and no log."""
    lines = [f"!include {include}"] if include.exists() else []
    lines += ["[client]", f"user={_quoted(params.user)}"]
    if params.password:
        lines.append(f"password={_quoted(params.password)}")
    if params.socket is not None:
        lines.append(f"socket={_quoted(str(params.socket))}")
    else:
        lines += [f"host={params.host}", f"port={params.port}"]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    if "\n" in text or "\x00" in text:
        raise InputError("a user, password or socket path holds a line break")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_mariadb_staging(staging: Path) -> bool:
    return any(
        "maria" in (staging / name).read_text().lower()
        for name in _INFO_FILES
        if (staging / name).exists()
    )


def _log_line(line: str) -> None:
    logger.debug("backup tool", extra={"line": line})
