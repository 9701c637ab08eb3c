"""Label and field selectors."""

import pytest

from armillary.base.errors import InputError
from armillary.local.apiserver.kinds.builtin import build_builtin_resources
from armillary.local.apiserver.selectors import (
    build_match,
    parse_field_selector,
    parse_label_selector,
)

PODS = next(r for r in build_builtin_resources(lambda *_: None) if r.plural == "pods")


@pytest.mark.parametrize(
    ("selector", "labels", "wanted"),
    [
        ("a=1", {"a": "1"}, True),
        ("a==1", {"a": "2"}, False),
        ("a!=1", {}, True),
        ("a!=1", {"a": "1"}, False),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("! a", {}, True),
        ("a in (1, 2),b", {"a": "2", "b": "x"}, True),
        ("a in (1,2)", {}, False),
        ("a notin (1,2)", {}, True),
        ("a notin (1,2)", {"a": "2"}, False),
        ("planetscale.com/shard=x-80, k8s.io/y", {"planetscale.com/shard": "x-80"}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a>1,a<10", {"a": "9"}, True),
        ("a > 9", {"a": "10"}, True),
        ("a>1", {"a": "1"}, False),
        ("a<1", {"a": "x"}, False),
        ("a<1", {}, False),
        ("", {}, True),
    ],
)
def test_labels(selector: str, labels: dict[str, str], wanted: bool) -> None:
    matches = build_match(parse_label_selector(selector), ())
    assert (matches is None or matches({"metadata": {"labels": labels}})) is wanted


@pytest.mark.parametrize("selector", ["a=b=c", "in (x)", "a in x", "=b", "a in (x"])
def test_malformed_label_selectors(selector: str) -> None:
    with pytest.raises(InputError):
        parse_label_selector(selector)


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("metadata.name=p", True),
        ("spec.nodeName=", True),
        ("spec.nodeName!=n", True),
        ("status.phase=Running,metadata.name=p", True),
        ("status.phase!=Running", False),
    ],
)
def test_fields(selector: str, wanted: bool) -> None:
    matches = build_match((), parse_field_selector(selector, PODS))
    assert matches is not None
    pod = {"metadata": {"name": "p"}, "spec": {}, "status": {"phase": "Running"}}
    assert matches(pod) is wanted


@pytest.mark.parametrize("selector", ["spec.colour=red", "nonsense"])
def test_unknown_fields(selector: str) -> None:
    with pytest.raises(InputError):
        parse_field_selector(selector, PODS)
