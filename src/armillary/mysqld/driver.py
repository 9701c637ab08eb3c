"""Load PyMySQL without `cryptography`, which costs 10 MB in each of a tablet's processes.

It is needed for one thing: RSA in `caching_sha2_password` logins over plain TCP. Our processes log
in through a unix socket; `with_rsa` loads it for the others.
"""

import importlib
import sys
from types import ModuleType

_loaded_before = "cryptography" in sys.modules
if not _loaded_before:
    sys.modules["cryptography"] = None  # type: ignore[assignment]
try:
    import pymysql
    import pymysql._auth as pymysql_auth
    import pymysql.connections
    from pymysql.constants import CLIENT, FIELD_TYPE
finally:
    if not _loaded_before:
        del sys.modules["cryptography"]


def with_rsa() -> ModuleType:
    """Make RSA logins work from now on. Again: does nothing."""
    if not getattr(pymysql_auth, "_have_cryptography", True):
        importlib.reload(pymysql_auth)
    return pymysql


__all__ = ["CLIENT", "FIELD_TYPE", "pymysql", "with_rsa"]
