"""create, replace, edit, label, annotate, patch, scale, set, apply, diff."""

import json

import pytest

from tests.conformance.kubectl.box import (
    Box,
    config_map,
    deployment,
    manifest,
    unscheduled_pod,
)


@pytest.mark.parametrize(
    ("words", "kind", "path", "value"),
    [
        (("configmap", "x", "--from-literal=k=v"), "configmap", ".data.k", "v"),
        (("secret", "generic", "x", "--from-literal=k=v"), "secret", ".data.k", "dg=="),
        (("serviceaccount", "x"), "serviceaccount", ".metadata.name", "x"),
        (("deployment", "x", "--image=a:1"), "deployment", ".spec.replicas", "1"),
        (("job", "x", "--image=a:1", "--", "true"), "job", ".spec.completions", "1"),
        (("service", "clusterip", "x", "--tcp=80:8080"), "service", ".spec.ports[0].port", "80"),
    ],
    ids=["configmap", "secret", "serviceaccount", "deployment", "job", "service"],
)
def test_create_generators(
    box: Box, words: tuple[str, ...], kind: str, path: str, value: str
) -> None:
    """These send protobuf."""
    assert " created\n" in box.out("create", *words)
    assert box.path(kind, "x", path) == value


def test_create_takes_a_name_once(box: Box) -> None:
    box.out("create", "-f", "-", stdin=manifest(config_map("c")))
    complaint = box.error("create", "-f", "-", stdin=manifest(config_map("c")))
    assert (
        '(AlreadyExists): error when creating "STDIN": configmaps "c" already exists' in complaint
    )


def test_generated_names_differ(box: Box) -> None:
    value = config_map("unused")
    value["metadata"] = {"generateName": "made-"}
    names = {box.out("create", "-f", "-", "-o", "name", stdin=manifest(value)) for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("configmap/made-") for name in names)


def test_create_in_a_namespace_that_is_not(box: Box) -> None:
    complaint = box.error("--namespace=no-such-namespace", "create", "cm", "c")
    assert 'namespaces "no-such-namespace" not found' in complaint


def test_replace(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    box.out("replace", "-f", "-", stdin=manifest(config_map("c", b="2")))
    assert box.get("configmap", "c")["data"] == {"b": "2"}


def test_replace_of_an_old_version_is_refused(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    old = box.get("configmap", "c")
    box.out("label", "configmap", "c", "touched=yes")
    complaint = box.error("replace", "-f", "-", stdin=json.dumps(old))
    assert (
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; '
        "please apply your changes to the latest version and try again"
    ) in complaint


def test_edit(box: Box) -> None:
    box.apply(config_map("c", a="before"))
    editor = {"KUBE_EDITOR": "sed -i s/before/after/"}
    done = box.run("edit", "configmap", "c", env=editor)
    assert done.stdout == "configmap/c edited\n", done.stderr
    assert box.path("configmap", "c", ".data.a") == "after"


def test_label_and_annotate(box: Box) -> None:
    box.apply(config_map("c"))
    box.out("label", "cm", "c", "tier=web")
    assert "--overwrite is false" in box.error("label", "cm", "c", "tier=db")
    box.out("label", "cm", "c", "tier=db", "--overwrite")
    box.out("annotate", "cm", "c", "note=text with spaces")
    assert box.path("cm", "c", ".metadata.labels.tier") == "db"
    assert box.path("cm", "c", ".metadata.annotations.note") == "text with spaces"
    box.out("label", "cm", "c", "tier-")
    assert box.path("cm", "c", ".metadata.labels") == ""


def test_labels_are_checked(box: Box) -> None:
    box.apply(config_map("c"))
    complaint = box.error(
        "patch", "cm", "c", "--type=merge", "-p", '{"metadata":{"labels":{"a":"not valid!"}}}'
    )
    assert 'metadata.labels: Invalid value: "not valid!"' in complaint


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("merge", '{"data":{"b":"2","a":null}}'),
        ("strategic", '{"data":{"b":"2","a":null}}'),
        (
            "json",
            '[{"op":"add","path":"/data/b","value":"2"},{"op":"remove","path":"/data/a"}]',
        ),
    ],
    ids=["merge", "strategic", "json"],
)
def test_patch(box: Box, kind: str, patch: str) -> None:
    box.apply(config_map("c", a="1"))
    assert box.out("patch", "cm", "c", f"--type={kind}", "-p", patch) == "configmap/c patched\n"
    assert box.get("cm", "c")["data"] == {"b": "2"}


def test_a_patch_that_changes_nothing_writes_nothing(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    before = box.path("cm", "c", ".metadata.resourceVersion")
    patch = '{"data":{"a":"1"}}'
    told = box.out("patch", "cm", "c", "--type=merge", "-p", patch)
    assert told == "configmap/c patched (no change)\n"
    assert box.path("cm", "c", ".metadata.resourceVersion") == before


def test_a_failed_test_operation_refuses_the_whole_patch(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    patch = '[{"op":"add","path":"/data/b","value":"2"},{"op":"test","path":"/data/a","value":"9"}]'
    assert box.run("patch", "cm", "c", "--type=json", "-p", patch).returncode != 0
    assert box.get("cm", "c")["data"] == {"a": "1"}


def test_strategic_patch_merges_containers_by_name(box: Box) -> None:
    box.apply(deployment("d"))
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "main", "env": [{"name": "A", "value": "1"}]},
                        {"name": "second", "image": "busybox"},
                    ]
                }
            }
        }
    }
    box.out("patch", "deployment", "d", "-p", json.dumps(patch))
    containers = box.get("deployment", "d")["spec"]["template"]["spec"]["containers"]
    by_name = {container["name"]: container for container in containers}
    assert by_name["main"]["image"] == "busybox"
    assert by_name["main"]["env"] == [{"name": "A", "value": "1"}]
    removal = '{"spec":{"template":{"spec":{"containers":[{"name":"second","$patch":"delete"}]}}}}'
    box.out("patch", "deployment", "d", "-p", removal)
    assert box.path("deployment", "d", ".spec.template.spec.containers[*].name") == "main"


def test_scale_and_set(box: Box) -> None:
    """An image that nobody has: whatever pods the cluster makes do not matter."""
    box.apply(deployment("d"))
    assert box.out("scale", "deployment", "d", "--replicas=0") == "deployment.apps/d scaled\n"
    before = int(box.path("deployment", "d", ".metadata.generation"))
    assert "image updated" in box.out("set", "image", "deployment/d", "main=busybox:2")
    assert "env updated" in box.out("set", "env", "deployment/d", "A=1")
    assert int(box.path("deployment", "d", ".metadata.generation")) == before + 2
    assert box.path("deployment", "d", ".spec.template.spec.containers[0].image") == "busybox:2"


def test_apply_creates_changes_and_prunes_fields(box: Box) -> None:
    assert box.apply(config_map("c", a="1", b="2")) == "configmap/c created\n"
    assert box.apply(config_map("c", a="1", b="2")) == "configmap/c unchanged\n"
    box.out("patch", "cm", "c", "--type=merge", "-p", '{"data":{"other":"kept"}}')
    assert box.apply(config_map("c", a="9")) == "configmap/c configured\n"
    assert box.get("cm", "c")["data"] == {"a": "9", "other": "kept"}


def test_apply_of_a_workload_settles(box: Box) -> None:
    """Applying again must see no change, or defaults have crept into the comparison."""
    box.apply(deployment("d"), unscheduled_pod("p"))
    assert box.apply(deployment("d"), unscheduled_pod("p")) == (
        "deployment.apps/d unchanged\npod/p unchanged\n"
    )


def test_diff(box: Box) -> None:
    box.apply(config_map("c", a="1"))
    assert box.run("diff", "-f", "-", stdin=manifest(config_map("c", a="1"))).returncode == 0
    changed = box.run("diff", "-f", "-", stdin=manifest(config_map("c", a="2")))
    assert changed.returncode == 1
    assert '-  a: "1"' in changed.stdout
    assert '+  a: "2"' in changed.stdout
    assert box.path("cm", "c", ".data.a") == "1"


def test_dry_run_on_the_server_changes_nothing(box: Box) -> None:
    told = box.apply(config_map("c"), words=("--dry-run=server",))
    assert told == "configmap/c created (server dry run)\n"
    assert box.run("get", "cm", "c").returncode != 0


def test_unknown_fields_are_refused_by_name(box: Box) -> None:
    value = deployment("d")
    value["spec"]["template"]["spec"]["containers"][0]["imagge"] = "typo"
    complaint = box.error("apply", "-f", "-", stdin=manifest(value))
    assert 'unknown field "spec.template.spec.containers[0].imagge"' in complaint
    done = box.run("apply", "-f", "-", "--validate=warn", stdin=manifest(value))
    assert done.returncode == 0
    assert 'Warning: unknown field "spec.template.spec.containers[0].imagge"' in done.stderr


def test_invalid_objects_are_refused_by_field(box: Box) -> None:
    value = deployment("d")
    value["spec"]["template"]["metadata"]["labels"] = {"other": "labels"}
    complaint = box.error("create", "-f", "-", stdin=manifest(value))
    assert 'The Deployment "d" is invalid' in complaint
    assert "`selector` does not match template `labels`" in complaint
    value = unscheduled_pod("Bad_Name")
    complaint = box.error("create", "-f", "-", stdin=manifest(value))
    assert 'The Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"' in complaint


def test_a_pods_spec_is_fixed(box: Box) -> None:
    box.apply(unscheduled_pod("p"))
    complaint = box.error("patch", "pod", "p", "-p", '{"spec":{"restartPolicy":"Never"}}')
    assert "spec: Forbidden: pod updates may not change fields other than" in complaint


def test_services_get_an_address_and_keep_it(box: Box) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}]},
    }
    box.apply(service)
    address = box.path("service", "s", ".spec.clusterIP")
    assert address
    service["spec"] = {"ports": [{"port": 81}]}
    box.apply(service)
    assert box.path("service", "s", ".spec.clusterIP") == address
    complaint = box.error("patch", "service", "s", "-p", '{"spec":{"clusterIP":"None"}}')
    assert "may not change once set" in complaint
