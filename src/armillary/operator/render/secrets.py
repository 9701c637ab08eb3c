"""How a secret gets into a pod: `/vt/secrets/<directory>/<key>`, read-only. Pure."""

from dataclasses import dataclass

from armillary.operator.crd.parts import Json, SecretSource

ROOT = "/vt/secrets"
AUTH_DIR = f"{ROOT}/auth"
GRPC_SERVER_FILE = f"{AUTH_DIR}/grpc-server.json"
GRPC_CLIENT_FILE = f"{AUTH_DIR}/grpc-client.json"
DB_CREDENTIALS_FILE = f"{AUTH_DIR}/db-credentials.json"

# Keys of the auth secrets with which a process shows itself to the lockservers.
ETCD_AUTHORITY = "etcd-ca.crt"
ETCD_CLIENT_CERT = "etcd-client.crt"
ETCD_CLIENT_KEY = "etcd-client.key"
# A name in every lockserver's certificate. It is checked whatever address was dialled, so an
# address may change, and a name may have been replaced by an address.
LOCKSERVER_TLS_NAME = "lockserver.armillary.internal"

_READ_BY_ALL = 0o444
_READ_BY_OWNER = 0o400


@dataclass(frozen=True, slots=True)
class SecretMount:
    directory: str  # such as s3-backup-auth
    source: SecretSource

    @property
    def file(self) -> str:
        return f"{ROOT}/{self.directory}/{self.source.key}"

    @property
    def _volume_name(self) -> str:
        return self.source.volume_name or f"{self.directory}-secret"

    def volumes(self) -> list[Json]:
        """Return the secret's volume; nothing when the source names a volume of the pod."""
        if self.source.volume_name or not self.source.name:
            return []
        secret = {
            "secretName": self.source.name,
            "defaultMode": _READ_BY_ALL,
            "items": [{"key": self.source.key, "path": self.source.key}],
        }
        return [{"name": self._volume_name, "secret": secret}]

    def mounts(self) -> list[Json]:
        path = f"{ROOT}/{self.directory}"
        return [{"name": self._volume_name, "mountPath": path, "readOnly": True}]


def auth_volume(secret_name: str) -> Json:
    return {
        "name": "auth-secret",
        "secret": {"secretName": secret_name, "defaultMode": _READ_BY_OWNER},
    }


def auth_mount() -> Json:
    return {"name": "auth-secret", "mountPath": AUTH_DIR, "readOnly": True}
