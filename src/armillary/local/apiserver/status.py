"""Refusals as Kubernetes writes them: an HTTP code and a Status object, in its words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from armillary.base.errors import ArmillaryError
from armillary.local.apiserver.kinds.resource import Resource


class StatusError(ArmillaryError):
    """A request that is answered with a Status object of failure."""

    def __init__(
        self, code: int, reason: str, message: str, *, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details is not None:
            status["details"] = self.details
        return {key: value for key, value in status.items() if value != ""}


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing wrong with one field: `text` is the sentence after the field's path."""

    field: str
    reason: str  # FieldValueRequired, FieldValueInvalid, ...
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}


def not_found(resource: Resource, name: str) -> StatusError:
    message = f'{resource.qualified_name} "{name}" not found'
    return StatusError(404, "NotFound", message, details=_details(resource, name))


def path_not_found() -> StatusError:
    """Details without a name: so `kubectl debug` sees that the path is missing, not the object."""
    message = "the server could not find the requested resource"
    return StatusError(404, "NotFound", message, details={})


def already_exists(resource: Resource, name: str) -> StatusError:
    message = f'{resource.qualified_name} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, details=_details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {resource.qualified_name} "{name}": {why}'
    return StatusError(409, "Conflict", message, details=_details(resource, name))


def modified_meanwhile(resource: Resource, name: str) -> StatusError:
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version "
        "and try again",
    )


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> StatusError:
    sentences = [str(cause) for cause in causes]
    listed = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    details = _details(resource, name) | {
        "kind": resource.kind,
        "causes": [{"reason": c.reason, "message": c.text, "field": c.field} for c in causes],
    }
    message = f'{resource.qualified_kind} "{name}" is invalid: {listed}'
    return StatusError(422, "Invalid", message, details=details)


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    message = f'{resource.qualified_name} "{name}" is forbidden: {why}'
    return StatusError(403, "Forbidden", message, details=_details(resource, name))


def method_not_allowed() -> StatusError:
    return StatusError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return StatusError(415, "UnsupportedMediaType", message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> StatusError:
    return StatusError(410, "Expired", message)


def too_new(wanted: int, current: int) -> StatusError:
    """The client has seen a version that this server has not: it should ask again."""
    message = f"Too large resource version: {wanted}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    details = {"causes": [cause], "retryAfterSeconds": 1}
    return StatusError(504, "Timeout", f"Timeout: {message}", details=details)


def too_many_disruptions(why: str) -> StatusError:
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    details = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    return StatusError(429, "TooManyRequests", message, details=details)


def unavailable(message: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", message)


def conflicts_of_apply(message: str, causes: Sequence[Cause]) -> StatusError:
    details = {
        "causes": [{"reason": c.reason, "message": c.text, "field": c.field} for c in causes]
    }
    return StatusError(409, "Conflict", message, details=details)
