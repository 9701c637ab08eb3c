"""Which accounts a server has and what each may do. Pure.

`vt_dba` and the other local ones log in through the unix socket only; `vt_app` (vtgate) and
`vt_repl` (the shard's other tablets) come over the network, and without a password they are local
too. Rights on the keyspace's database are granted by the tablet, which knows its name.
"""

from collections.abc import Sequence

from armillary.mysqld.flavors.flavor import Account, Flavor
from armillary.mysqld.spec import AccountNames, ServerSpec

APP_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER"
)


def plan_accounts(flavor: Flavor, spec: ServerSpec) -> tuple[Account, ...]:
    """Return every account that the server must have, with its rights outside the database."""
    names = spec.accounts
    everywhere: dict[str, tuple[str, ...]] = {
        names.dba: ("ALL PRIVILEGES",),
        names.app: (),
        names.appdebug: (),
        names.allprivs: (),
        names.repl: flavor.replication_privileges(),
        names.filtered: (),
        names.monitor: flavor.monitor_privileges(),
    }
    remote = {names.app, names.repl}
    return tuple(
        Account(
            user=user,
            host="%" if user in remote and spec.credentials.password(user) else "localhost",
            password=spec.credentials.password(user),
            privileges=privileges,
            with_grant=user == names.dba,
        )
        for user, privileges in everywhere.items()
    )


def init_file_text(flavor: Flavor, spec: ServerSpec) -> str:
    """Return the init-file of one server start: one statement a line, as MariaDB wants it.

    Nothing of it reaches the binlog: accounts belong to the server, not to the shard's data.
    """
    statements = ["SET sql_log_bin = 0"]
    if flavor.super_read_only:
        statements.append("SET GLOBAL super_read_only = OFF")
    for account in plan_accounts(flavor, spec):
        statements += flavor.account_statements(account)
    statements += [
        "DROP USER IF EXISTS ''@'localhost'",
        "DROP USER IF EXISTS 'mysql'@'localhost'",
        "FLUSH PRIVILEGES",
    ]
    if flavor.super_read_only:
        # An upgrade from --initialize-insecure leaves root without a password.
        statements.insert(-1, "ALTER USER IF EXISTS 'root'@'localhost' ACCOUNT LOCK")
        statements.append("SET GLOBAL super_read_only = ON")
    return "".join(f"{statement};\n" for statement in statements)


def database_grant_statements(names: AccountNames, app_host: str, database: str) -> Sequence[str]:
    """Return the statements that let the accounts use `database`, and no other."""
    pattern = "`" + database.replace("`", "``").replace("_", "\\_").replace("%", "\\%") + "`"
    app = f"'{names.app}'@'{app_host}'"
    return (
        f"GRANT {APP_PRIVILEGES} ON {pattern}.* TO {app}",
        f"GRANT SELECT, SHOW VIEW ON {pattern}.* TO '{names.appdebug}'@'localhost'",
        f"GRANT ALL PRIVILEGES ON {pattern}.* TO '{names.allprivs}'@'localhost'",
        f"GRANT {APP_PRIVILEGES} ON {pattern}.* TO '{names.filtered}'@'localhost'",
    )
