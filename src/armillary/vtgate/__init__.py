"""One client query in, shard queries out, one result back.

A query flows through these packages, from the top, and none imports one above it:

- `workers`: one process, or several on one port under one that answers for them
- `client`: bytes become payloads (`listener`, `connection`, `transport`); `login` comes first; then
  one command of the protocol after another (`commands`, `prepared`)
- `statements`: which kind of statement it is decides who carries it out: `dispatch`, then
  `set_statement`, `transaction_commands`, `schema_changes`, `questions` (SHOW), `local_answers`,
  `processes` (SHOW PROCESSLIST), `named_locks` (GET_LOCK), `named_statements` (PREPARE),
  `assigning` (`@a := 1`), `as_they_are` with `kept_text` (what a server runs later), or a plan;
  `prepared` has what both kinds of prepared statements share
- `execution`: `planning` has the plan from the cache, or from `planner`; `executor` runs it, with
  `scatter_run` for several shards; `fast_path` sends a statement whose plan, shard and
  connection are at hand without a task
- `gateway`: what all sessions share
- `writes`: rows go where their values say, and lookup rows with them (`inserts`, `changes`,
  `owned_lookups`, `lookups`, `sequences`)
- `transactions`: the session's transaction over its shards (`transaction`, `pins`, `commits`), and
  the connections that it keeps because something of its is left there (`reserving`)
- `placement`: values become keyspace ids and shards (`resolve`, `rows`, `stored_values`)
- `rendering`: what a session puts into a statement's text
- `answers`: relayed raw or made here (`output`, `replies`); several shards' rows become one answer
  (`scatter`, `merge`)
- `session`: what belongs to one client; nothing of it stays on a connection that others use
- `tablets`: which tablet serves (`selection`, `cluster`, `discovery`); connections to it (`pool`,
  `backend`)
- `planner` (pure): `select` names tables, `routes` finds where rows live, `scatter` and `groups`
  how the answers of several shards become one, `insert` and `dml` what changes
"""
