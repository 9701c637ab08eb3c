"""How a request for a pod's logs, exec or port-forward is put to its kubelet."""

from typing import Any

import pytest

from armillary.local.apiserver.kinds.builtin import build_builtin_resources
from armillary.local.apiserver.relay import build_kubelet_path
from armillary.local.apiserver.status import StatusError
from armillary.local.apiserver.verbs.call import Call

PODS = next(r for r in build_builtin_resources(lambda *_: None) if r.plural == "pods")


def path(subresource: str, *query: tuple[str, str], containers: str = "main") -> str:
    spec = {"containers": [{"name": name} for name in containers.split()]}
    pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": spec}
    call = Call(resource=PODS, namespace="n", name="p", subresource=subresource, query=dict(query))
    return build_kubelet_path(pod, call, query)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (path("log"), "/containerLogs/n/p/main"),
        (
            path("log", ("container", "b"), ("follow", "true"), containers="a b"),
            "/containerLogs/n/p/b?follow=true",
        ),
        (
            path(
                "exec", ("command", "sh"), ("command", "a b"), ("stdin", "true"), ("tty", "false")
            ),
            "/exec/n/p/main?command=sh&command=a+b&input=1",
        ),
        (path("attach", ("stdout", "1"), ("stderr", "true")), "/attach/n/p/main?output=1&error=1"),
        (path("portforward"), "/portForward/n/p"),
        (path("portforward", ("ports", "80")), "/portForward/n/p?port=80"),
    ],
)
def test_paths(made: str, wanted: str) -> None:
    assert made == wanted


def test_a_container_must_be_named_when_there_are_several() -> None:
    with pytest.raises(StatusError, match=r"must be specified for pod p, choose one of: \[a b\]"):
        path("log", containers="a b")


def test_a_container_must_exist() -> None:
    with pytest.raises(StatusError, match="container nope is not valid for pod p"):
        path("exec", ("container", "nope"))
