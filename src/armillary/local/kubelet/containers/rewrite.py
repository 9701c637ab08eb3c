"""Running without mounts: put host paths and addresses in place of the pod's. Pure.

Used where bubblewrap does not work. It reaches words and environment values, never the inside of
files; programs that compute paths of their own need the sandbox.
"""

import re
from collections.abc import Iterable, Mapping, Sequence


def rewrite_paths(text: str, paths: Mapping[str, str]) -> str:
    """Replace each mounted path, as a whole path or as the head of one; the longest one wins.

    `/vt/socket/x` follows a mount of `/vt/socket`; `/vt/sockets` and `/old/vt/socket` do not.
    """
    for inside in sorted(paths, key=len, reverse=True):
        if inside in text:
            break
    else:
        return text
    alternatives = "|".join(
        re.escape(path.rstrip("/")) for path in sorted(paths, key=len, reverse=True)
    )
    pattern = rf"(?<![\w./-])({alternatives})(?![\w.-])"
    by_path = {path.rstrip("/"): host for path, host in paths.items()}
    return re.sub(pattern, lambda match: by_path[match.group(1)], text)


def names_without_address(
    words: Iterable[str], subdomain: str, addresses: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return hosts `<hostname>.<subdomain>` in `words` that do not resolve yet, sorted.

    A pod's equals are such hosts. They are started together, and a word in which only some of them
    were replaced would differ from pod to pod: to etcd, another cluster each.
    """
    pattern = rf"(?<![\w.-])([\w-]+\.{re.escape(subdomain)})(?![\w-]|\.\w)"
    found = {name for word in words for name in re.findall(pattern, word)}
    return sorted(name for name in found if not addresses.get(name))


def rewrite_names(text: str, addresses: Mapping[str, Sequence[str]]) -> str:
    """Replace resolvable host names by addresses.

    `name:port` becomes every address with that port, joined by commas, as lists of servers are
    written; inside a URL, and without a port, it becomes the first address. Behind one slash it is
    a file's name.
    """
    if not any(name in text for name in addresses):
        return text
    names = "|".join(re.escape(name) for name in sorted(addresses, key=len, reverse=True))
    pattern = rf"(?<![\w./-])(//)?({names})(?:(:\d+))?(?![\w-]|\.\w)"

    def replacement(match: re.Match[str]) -> str:
        slashes, name, port = match.group(1) or "", match.group(2), match.group(3) or ""
        found = addresses[name]
        if not found:
            return match.group(0)
        if slashes or not port:
            return f"{slashes}{found[0]}{port}"
        return ",".join(f"{address}{port}" for address in found)

    return re.sub(pattern, replacement, text)
