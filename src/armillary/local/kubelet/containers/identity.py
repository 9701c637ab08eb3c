"""Which user a container runs as (`runAsUser`, `runAsGroup`, `runAsNonRoot`). I/O: one look-up.

The kubelet starts every container as its own user; one that asks for another becomes that inside
its sandbox, by setpriv. Pods of the operator ask for a user of Vitess's images, whom no machine
has: they run as the user who started the cluster, and their data is his.
"""

import os
import shutil

from armillary.local.kubelet.containers.environment import ConfigError
from armillary.local.kubelet.pod.spec import RunAs


def words_to_become(run_as: RunAs, *, sandboxed: bool) -> list[str]:
    """Return the words before a command of the container; none when it is our own user's.

    Raises:
        ConfigError: the container may not be root and would be, or cannot be who it asks for.
    """
    own, own_group = os.geteuid(), os.getegid()
    user = own if run_as.user is None else run_as.user
    if run_as.non_root and user == 0:
        if run_as.user == 0:
            raise ConfigError("container's runAsUser breaks non-root policy")
        raise ConfigError("container has runAsNonRoot and image will run as root")
    if run_as.user in (None, own) and run_as.group in (None, own_group):
        return []
    asked = f"user {user}" + (f", group {run_as.group}" if run_as.group is not None else "")
    if own != 0:
        raise ConfigError(
            f"container asks for {asked}: this cluster was started by user {own}, and only root's "
            "can run containers as others; leave runAsUser and runAsGroup out"
        )
    program = shutil.which("setpriv")
    if program is None or not sandboxed:
        raise ConfigError(f"container asks for {asked}: that needs bubblewrap and setpriv")
    groups = ",".join(map(str, run_as.more_groups))
    return [
        program,
        f"--reuid={user}",
        f"--regid={run_as.group or 0}",
        f"--groups={groups}" if groups else "--clear-groups",
        "--",
    ]
