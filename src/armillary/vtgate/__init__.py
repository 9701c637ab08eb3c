"""One client query in, shard queries out, one result back.

A query flows through these modules, from the top:

- `listener`, `client_connection`, `client_transport`: bytes become payloads; `login` comes first
- `commands`, `prepared`: one command of the protocol after another
- `fast_path`: a statement whose plan, shard and connection are at hand goes there without a task
- `session`: what belongs to one client, and nothing of which stays on a connection
- `statements`: which kind of statement it is decides who carries it out: `set_statement`,
  `transaction_commands`, `schema_changes`, `questions` (SHOW), `local_answers`, `as_they_are`
- `planning`, `gateway`: the plan from the cache, or from `planner/` (pure): `planner.select` names
  tables, `planner.routes` finds where rows live, `planner.scatter` and `planner.groups` how the
  answers of several shards become one, `planner.insert` and `planner.dml` what changes
- `executor`: runs a plan; `resolve` turns values into shards, `rendering` fills a template in
- `inserts`, `changes`, `placement`, `stored_values`, `owned_lookups`, `lookups`, `sequences`: rows
  go where their values say, and lookup rows with them
- `transactions`, `pins`, `commits`: the session's transaction over its shards
- `scatter_run`, `scatter`, `merge` (pure): several shards' rows become one answer
- `tablets`, `cluster`, `discovery`: which tablet serves; `pool`, `backend`: connections to it
- `output`, `replies`: the answer, relayed raw or made here
"""
