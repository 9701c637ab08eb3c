"""Keep lookup tables in step with the rows they point to. I/O, through the session's own queries.

Plain lookups change in the statement's transaction. Consistent ones have transactions of their
own, committed before (what is added) and after (what is removed), so that a crash in between
leaves at most a row too many, which readers tolerate.
Source: vitess.md 7.1, 7.2.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from armillary.base.errors import MysqlError
from armillary.routing.lookup import LookupVindex
from armillary.sql.literals import NotAValue, literal_value
from armillary.vtgate.answers.output import CollectedOutput
from armillary.vtgate.errors import SqlError
from armillary.wire.errnos import DUP_ENTRY

LookupRow = tuple[tuple[bytes, ...], bytes]  # literals of the from columns, keyspace id


class Internal(Protocol):
    """Runs one of the gateway's own statements in the session; `?`s take the literals."""

    def __call__(
        self, sql: str, literals: Sequence[bytes], *, keyspace: str, group: str
    ) -> Awaitable[CollectedOutput]: ...


class Owner(Protocol):
    """The table whose lookup rows these are."""

    async def has(self, keyspace_id: bytes, values: Sequence[bytes]) -> bool:
        """Whether it has, or will have, a row of this id with these values."""
        ...

    async def equal(self, values: Sequence[bytes], others: Sequence[Sequence[bytes]]) -> list[bool]:
        """Which of other values the lookup table holds equal to these."""
        ...


class Lookups:
    def __init__(
        self,
        run: Internal,
        *,
        in_transaction: Callable[[], bool],
        goes_on: Callable[[], bool],
        created: set[object],
        standing: set[object],
        freed: dict[tuple[str, tuple[bytes, ...]], set[bytes]],
    ) -> None:
        self._run = run
        self._in_transaction = in_transaction
        self._goes_on = goes_on  # whether the transaction outlives this statement
        self._created = created  # consistent lookup rows that this transaction has added
        self._standing = standing  # and those that it has found there, and locked
        self._freed = freed  # values of those that it has taken away in `post`, and their ids
        self._ahead: set[tuple[str, bytes]] = set()  # those whose own rows are not written yet

    def begin_statement(self) -> None:
        """The rows of the statement before are written, or undone."""
        self._ahead.clear()

    async def map(
        self, vindex: LookupVindex, keyspace: str, values: Sequence[bytes], *, locking: bool = False
    ) -> set[bytes]:
        """Return the keyspace ids that the lookup table has for the values (SQL literals).

        Raises:
            SqlError: a unique lookup has several rows for one and the same value.
        """
        wanted = [value for value in values if value.upper() != b"NULL"]
        if not wanted:
            return set()
        lock = ""
        if locking and self._in_transaction():
            lock = {"exclusive": " for update", "shared": " lock in share mode"}.get(
                vindex.read_lock, ""
            )
        group = "pre" if vindex.consistent and self._in_transaction() else "normal"
        answer = await self._run(
            vindex.map_sql(len(wanted), locking=lock), wanted, keyspace=keyspace, group=group
        )
        texts = {value for value, _ in answer.rows}
        # Values that are equal but not the same may lie on several shards: see docs, "refuses".
        if vindex.unique and len(vindex.from_columns) == 1 and len(answer.rows) > len(texts):
            shown = wanted[0].decode("utf-8", "replace")
            raise SqlError(
                1105,
                f"Lookup.Map: unexpected multiple results from vindex {vindex.table}: {shown}",
            )
        return {vindex.keyspace_id(to) for _, to in answer.rows if to is not None}

    async def create(
        self,
        vindex: LookupVindex,
        keyspace: str,
        rows: Sequence[LookupRow],
        *,
        owner: Owner,
    ) -> None:
        """Add the rows; where one value may have many ids, a row that is there stays.

        Raises:
            SqlError: NULL in a lookup column.
            MysqlError: a duplicate, or another error of the server.
        """
        kept = []
        for row in rows:
            if any(value.upper() == b"NULL" for value in row[0]):
                if vindex.ignore_nulls:
                    continue
                raise SqlError(
                    1048, f"lookup vindex {vindex.name}: input has null values: {row[0]}"
                )
            kept.append(row)
        if not kept:
            return
        kept.sort()  # one order for everybody avoids deadlocks
        if vindex.consistent:
            for row in kept:
                await self._create_consistent(vindex, keyspace, row, owner)
            return
        literals = [literal for row in kept for literal in _literals(vindex, row)]
        await self._run(
            vindex.create_sql(len(kept), upsert=not vindex.unique),
            literals,
            keyspace=keyspace,
            group="normal",
        )

    async def _create_consistent(
        self, vindex: LookupVindex, keyspace: str, row: LookupRow, owner: Owner
    ) -> None:
        literals = _literals(vindex, row)
        if await self._was_freed(vindex, row, owner):
            await self._put_back(vindex, keyspace, literals)
            return
        if vindex.unique and self._goes_on():
            await self._refuse_taken(vindex, keyspace, row, owner)
        try:
            await self._run(vindex.create_sql(1), literals, keyspace=keyspace, group="pre")
        except MysqlError as duplicate:
            if duplicate.errno != DUP_ENTRY:
                raise
            if await self._stands(vindex, keyspace, row):
                return
            await self._settle(vindex, keyspace, row, duplicate, owner)
        self._created.add(_identity(vindex, row))
        self._ahead.add((vindex.name, row[1]))

    async def _was_freed(self, vindex: LookupVindex, row: LookupRow, owner: Owner) -> bool:
        """Whether this transaction has taken away what is put back: `pre` would wait for `post`.

        Raises:
            SqlError: another row wants a unique value. Its lookup row must be there before its own
                is, and the old one gone only after that: no order of two commits gives both.
        """
        values = [value for name, value in self._freed if name == vindex.name]
        if not values:
            return False
        equal = await owner.equal(row[0], values)
        ids = {
            keyspace_id
            for value, is_equal in zip(values, equal, strict=True)
            if is_equal
            for keyspace_id in self._freed[vindex.name, value]
        }
        if vindex.unique and ids - {row[1]}:
            shown = b", ".join(row[0]).decode("utf-8", "replace")
            raise SqlError(
                1205,
                f"lookup vindex {vindex.name}: {shown} was another row's until this transaction "
                "freed it; commit, and use it in the next one",
            )
        return row[1] in ids

    async def _put_back(
        self, vindex: LookupVindex, keyspace: str, literals: Sequence[bytes]
    ) -> None:
        try:
            await self._run(vindex.create_sql(1), literals, keyspace=keyspace, group="post")
        except MysqlError as duplicate:
            if vindex.unique or duplicate.errno != DUP_ENTRY:  # else another row has put it back
                raise

    async def _refuse_taken(
        self, vindex: LookupVindex, keyspace: str, row: LookupRow, owner: Owner
    ) -> None:
        """Find a duplicate without a lock.

        `pre` would keep that of a failed insert to the transaction's end, and a later statement
        that takes the same lookup row away in `post` would wait for it.

        Raises:
            MysqlError: another row has the value.
        """
        answer = await self._run(
            vindex.find_sql(vindex.from_columns), row[0], keyspace=keyspace, group="outside"
        )
        for (to,) in answer.rows:
            if to is not None and await owner.has(vindex.keyspace_id(to), row[0]):
                shown = b"-".join(row[0]).decode("utf-8", "replace")
                raise MysqlError(
                    DUP_ENTRY, "23000", f"Duplicate entry {shown} for lookup vindex {vindex.name}"
                )

    async def _stands(self, vindex: LookupVindex, keyspace: str, row: LookupRow) -> bool:
        """Whether a value that may have many ids has this one: rows with both share a lookup row.

        The insert that has failed keeps it locked, so that nobody takes it away meanwhile.
        """
        if vindex.unique:
            return False
        columns = (*vindex.from_columns, vindex.to)
        sql = vindex.find_sql(columns, locking=" lock in share mode")
        answer = await self._run(sql, _literals(vindex, row), keyspace=keyspace, group="pre")
        if answer.rows and _identity(vindex, row) not in self._created:
            self._standing.add(_identity(vindex, row))
        return bool(answer.rows)

    async def _settle(
        self,
        vindex: LookupVindex,
        keyspace: str,
        row: LookupRow,
        duplicate: MysqlError,
        owner: Owner,
    ) -> None:
        """There is a lookup row already: it stands if the row it points to does.

        Or will: two rows of one statement may want the same value.
        """
        values, new_id = row
        answer = await self._run(
            vindex.select_for_update_sql(), values, keyspace=keyspace, group="pre"
        )
        if not answer.rows or answer.rows[0][0] is None:
            await self._run(
                vindex.create_sql(1), _literals(vindex, row), keyspace=keyspace, group="pre"
            )
            return
        old_id = vindex.keyspace_id(answer.rows[0][0])
        ahead = vindex.unique and (vindex.name, old_id) in self._ahead
        if ahead or await owner.has(old_id, values):
            raise duplicate
        if old_id != new_id:
            await self._run(
                vindex.update_to_sql(),
                [vindex.to_literal(new_id), *values],
                keyspace=keyspace,
                group="pre",
            )

    async def delete(self, vindex: LookupVindex, keyspace: str, rows: Sequence[LookupRow]) -> None:
        for row in sorted(rows):
            if any(value.upper() == b"NULL" for value in row[0]):
                continue  # was never added
            group = "post" if vindex.consistent else "normal"
            if _identity(vindex, row) in self._standing:
                continue  # `post` would wait for `pre`; a lookup row too many does no harm
            if _identity(vindex, row) in self._created:
                group = "pre"  # another connection would wait for this one without end
            await self._run(
                vindex.delete_sql(), _literals(vindex, row), keyspace=keyspace, group=group
            )
            if group == "post":
                self._freed.setdefault((vindex.name, row[0]), set()).add(row[1])

    async def verify(self, vindex: LookupVindex, keyspace: str, row: LookupRow) -> bool:
        """Whether the lookup table has this row: for vindexes that another table owns."""
        answer = await self._run(
            vindex.find_sql((*vindex.from_columns, vindex.to)),
            _literals(vindex, row),
            keyspace=keyspace,
            group="pre" if vindex.consistent and self._in_transaction() else "normal",
        )
        return bool(answer.rows)


def _identity(vindex: LookupVindex, row: LookupRow) -> object:
    """What is the same for a row however its literals are written."""
    values: list[object] = []
    for literal in row[0]:
        try:
            values.append(literal_value(literal))
        except NotAValue:
            values.append(literal)
    return vindex.name, tuple(values), row[1]


def _literals(vindex: LookupVindex, row: LookupRow) -> list[bytes]:
    return [*row[0], vindex.to_literal(row[1])]
