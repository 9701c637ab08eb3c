"""What a lock says about its holder: the JSON that Vitess writes into it. I/O."""

import getpass
import json
import socket

from armillary.base.clock import utc_now


def lock_contents(action: str) -> str:
    """Return the text of a lock that is taken now for `action`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a uid without an account, as in a container
        user = "unknown"
    return json.dumps(
        {
            "Action": action,
            "HostName": socket.gethostname(),
            "UserName": user,
            "Time": utc_now().isoformat(timespec="seconds").replace("+00:00", "Z"),
            "Options": {},
            "Status": "Running",
        },
        indent=2,
    )
