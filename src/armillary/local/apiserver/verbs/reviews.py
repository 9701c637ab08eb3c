"""Questions that are answered and not stored: who am I, may I do this? Pure."""

from typing import Any

from armillary.local.apiserver.status import bad_request
from armillary.local.apiserver.verbs.call import Json

USER = "armillary-admin"
_GROUPS = ["system:masters", "system:authenticated"]


def answer_review(kind: str, api_version: str, body: Any) -> Json:
    """Whoever got in holds the cluster's own token, and may do everything."""
    if not isinstance(body, dict):
        raise bad_request("the request body must be one object")
    body.update(kind=kind, apiVersion=api_version)
    body.setdefault("metadata", {})
    if kind == "SelfSubjectAccessReview":
        body["status"] = {"allowed": True, "reason": "the cluster's own user may do everything"}
    elif kind == "SelfSubjectRulesReview":
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        body["status"] = {
            "resourceRules": [everything],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
    else:
        body["status"] = {"userInfo": {"username": USER, "groups": _GROUPS}}
    return body
