"""Which protobuf field is which JSON field, for the kinds that kubectl's generators create. Pure.

Source: k8s.io/api/*/generated.proto. Forms: `s` text, `b` boolean, `i` integer, `z` integer whose
zero means absent, `I` int-or-string, `B` bytes (base64 in JSON), `raw` bytes, `-` not wanted; `[]`
before a form a list, `{}` a map from text; a table is a message, `("[]", table)` a list of them.
"""

from collections.abc import Mapping
from typing import Any

Table = Mapping[int, tuple[str, Any]]

TYPE_META: Table = {1: ("apiVersion", "s"), 2: ("kind", "s")}
_STATUS = ("status", "-")  # nobody sets it when creating
_OWNER: Table = {
    1: ("kind", "s"),
    3: ("name", "s"),
    4: ("uid", "s"),
    5: ("apiVersion", "s"),
    6: ("controller", "b"),
    7: ("blockOwnerDeletion", "b"),
}
_META: Table = {
    1: ("name", "s"),
    2: ("generateName", "s"),
    3: ("namespace", "s"),
    5: ("uid", "s"),
    6: ("resourceVersion", "s"),
    8: ("creationTimestamp", "-"),
    11: ("labels", "{}s"),
    12: ("annotations", "{}s"),
    13: ("ownerReferences", ("[]", _OWNER)),
    14: ("finalizers", "[]s"),
}
_REQUIREMENT: Table = {1: ("key", "s"), 2: ("operator", "s"), 3: ("values", "[]s")}
_SELECTOR: Table = {1: ("matchLabels", "{}s"), 2: ("matchExpressions", ("[]", _REQUIREMENT))}
_REFERENCE: Table = {1: ("kind", "s"), 2: ("namespace", "s"), 3: ("name", "s"), 4: ("uid", "s")}
_LOCAL: Table = {1: ("name", "s")}
_ATTRIBUTES: Table = {
    1: ("namespace", "s"),
    2: ("verb", "s"),
    3: ("group", "s"),
    4: ("version", "s"),
    5: ("resource", "s"),
    6: ("subresource", "s"),
    7: ("name", "s"),
}
_CONTAINER_PORT: Table = {
    1: ("name", "s"),
    2: ("hostPort", "z"),
    3: ("containerPort", "i"),
    4: ("protocol", "s"),
    5: ("hostIP", "s"),
}
_ENV: Table = {1: ("name", "s"), 2: ("value", "s")}
_CONTAINER: Table = {
    1: ("name", "s"),
    2: ("image", "s"),
    3: ("command", "[]s"),
    4: ("args", "[]s"),
    5: ("workingDir", "s"),
    6: ("ports", ("[]", _CONTAINER_PORT)),
    7: ("env", ("[]", _ENV)),
    13: ("terminationMessagePath", "s"),
    14: ("imagePullPolicy", "s"),
    20: ("terminationMessagePolicy", "s"),
}
_POD_SPEC: Table = {
    2: ("containers", ("[]", _CONTAINER)),
    3: ("restartPolicy", "s"),
    4: ("terminationGracePeriodSeconds", "i"),
    6: ("dnsPolicy", "s"),
    7: ("nodeSelector", "{}s"),
    8: ("serviceAccountName", "s"),
    9: ("serviceAccount", "s"),
    15: ("imagePullSecrets", ("[]", _LOCAL)),
    19: ("schedulerName", "s"),
}
_TEMPLATE: Table = {1: ("metadata", _META), 2: ("spec", _POD_SPEC)}
_SERVICE_PORT: Table = {
    1: ("name", "s"),
    2: ("protocol", "s"),
    3: ("port", "i"),
    4: ("targetPort", "I"),
    5: ("nodePort", "z"),
}
_RULE: Table = {
    1: ("verbs", "[]s"),
    2: ("apiGroups", "[]s"),
    3: ("resources", "[]s"),
    4: ("resourceNames", "[]s"),
    5: ("nonResourceURLs", "[]s"),
}
_SUBJECT: Table = {1: ("kind", "s"), 2: ("apiGroup", "s"), 3: ("name", "s"), 4: ("namespace", "s")}
_ROLE: Table = {1: ("metadata", _META), 2: ("rules", ("[]", _RULE))}
_ROLE_BINDING: Table = {
    1: ("metadata", _META),
    2: ("subjects", ("[]", _SUBJECT)),
    3: ("roleRef", {1: ("apiGroup", "s"), 2: ("kind", "s"), 3: ("name", "s")}),
}

KINDS: Mapping[str, Table] = {
    "ConfigMap": {
        1: ("metadata", _META),
        2: ("data", "{}s"),
        3: ("binaryData", "{}B"),
        4: ("immutable", "b"),
    },
    "Secret": {
        1: ("metadata", _META),
        2: ("data", "{}B"),
        3: ("type", "s"),
        4: ("stringData", "{}s"),
        5: ("immutable", "b"),
    },
    "Namespace": {1: ("metadata", _META), 2: ("spec", {1: ("finalizers", "[]s")}), 3: _STATUS},
    "ServiceAccount": {
        1: ("metadata", _META),
        2: ("secrets", ("[]", _REFERENCE)),
        3: ("imagePullSecrets", ("[]", _LOCAL)),
        4: ("automountServiceAccountToken", "b"),
    },
    "Deployment": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("replicas", "i"),
                2: ("selector", _SELECTOR),
                3: ("template", _TEMPLATE),
                4: ("strategy", {1: ("type", "s")}),
                5: ("minReadySeconds", "z"),
                6: ("revisionHistoryLimit", "i"),
                9: ("progressDeadlineSeconds", "i"),
            },
        ),
        3: _STATUS,
    },
    "Job": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("parallelism", "i"),
                2: ("completions", "i"),
                3: ("activeDeadlineSeconds", "i"),
                4: ("selector", _SELECTOR),
                5: ("manualSelector", "b"),
                6: ("template", _TEMPLATE),
                7: ("backoffLimit", "i"),
                8: ("ttlSecondsAfterFinished", "i"),
            },
        ),
        3: _STATUS,
    },
    "Service": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("ports", ("[]", _SERVICE_PORT)),
                2: ("selector", "{}s"),
                3: ("clusterIP", "s"),
                4: ("type", "s"),
                5: ("externalIPs", "[]s"),
                7: ("sessionAffinity", "s"),
                8: ("loadBalancerIP", "s"),
                10: ("externalName", "s"),
                11: ("externalTrafficPolicy", "s"),
                13: ("publishNotReadyAddresses", "b"),
            },
        ),
        3: _STATUS,
    },
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _ROLE_BINDING,
    "ClusterRoleBinding": _ROLE_BINDING,
    "PodDisruptionBudget": {
        1: ("metadata", _META),
        2: (
            "spec",
            {1: ("minAvailable", "I"), 2: ("selector", _SELECTOR), 3: ("maxUnavailable", "I")},
        ),
        3: _STATUS,
    },
    "PriorityClass": {
        1: ("metadata", _META),
        2: ("value", "i"),
        3: ("globalDefault", "b"),
        4: ("description", "s"),
        5: ("preemptionPolicy", "s"),
    },
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("resourceAttributes", _ATTRIBUTES),
                2: ("nonResourceAttributes", {1: ("path", "s"), 2: ("verb", "s")}),
            },
        ),
        3: _STATUS,
    },
    "SelfSubjectRulesReview": {
        1: ("metadata", _META),
        2: ("spec", {1: ("namespace", "s")}),
        3: _STATUS,
    },
    "SelfSubjectReview": {1: ("metadata", _META), 2: _STATUS},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "i"),
        2: ("preconditions", {1: ("uid", "s"), 2: ("resourceVersion", "s")}),
        3: ("orphanDependents", "b"),
        4: ("propagationPolicy", "s"),
        5: ("dryRun", "[]s"),
    },
}
