"""The agent beside one mysqld: its role, its health, its replication, its backups.

`agent` holds what the tablet is; `start` brings it up; `health` watches mysqld and tells whoever
listens; `*_rpcs` answer the control daemon. Decisions are in `plan`.
"""
