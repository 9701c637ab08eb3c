"""Nobody gets in without the token or a certificate of our authority."""

import ssl
import tempfile
from pathlib import Path

import aiohttp
import pytest

from armillary.local.pki import ensure_pki
from tests.integration.apiserver.conftest import Api

pytestmark = pytest.mark.anyio

PATHS = ("/", "/version", "/healthz", "/readyz", "/api", "/apis", "/openapi/v3", "/openapi/v2",
         "/api/v1/secrets", "/api/v1/namespaces/default/pods/p/exec", "/nothing")  # fmt: skip


async def status(api: Api, path: str, context: ssl.SSLContext, **headers: str) -> int:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(api.url + path, headers=headers) as response,
    ):
        return response.status


def trusting(api: Api) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(api.pki.ca_cert))


@pytest.mark.parametrize("path", PATHS)
async def test_strangers_are_refused_everywhere(api: Api, path: str) -> None:
    assert await status(api, path, trusting(api)) == 401
    token = api.pki.read_token()
    for wrong in ("Bearer wrong", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Basic {token}"):
        assert await status(api, path, trusting(api), Authorization=wrong) == 401


async def test_the_token_opens(api: Api) -> None:
    token = f"Bearer {api.pki.read_token()}"
    assert await status(api, "/version", trusting(api), Authorization=token) == 200


async def test_nobody_acts_in_the_name_of_another(api: Api) -> None:
    token = f"Bearer {api.pki.read_token()}"
    asked = {"Authorization": token, "Impersonate-User": "one-who-may-read"}
    assert await status(api, "/api/v1/secrets", trusting(api), **asked) == 403
    asked["Authorization"] = "Bearer wrong"
    assert await status(api, "/api/v1/secrets", trusting(api), **asked) == 401


async def test_a_certificate_of_our_authority_opens(api: Api) -> None:
    context = trusting(api)
    context.load_cert_chain(api.pki.kubelet_client_cert, api.pki.kubelet_client_key)
    assert await status(api, "/version", context) == 200


async def test_a_certificate_of_another_authority_does_not(api: Api) -> None:
    with tempfile.TemporaryDirectory(prefix="akp-", dir="/tmp") as directory:
        other = ensure_pki(Path(directory))
        context = trusting(api)
        context.load_cert_chain(other.kubelet_client_cert, other.kubelet_client_key)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await status(api, "/version", context)


async def test_plain_http_gets_nothing(api: Api) -> None:
    url = api.url.replace("https", "http") + "/version"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.get(url):
                pass
