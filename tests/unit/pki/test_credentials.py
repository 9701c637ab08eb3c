"""Made once, private, and of one authority."""

import json
import ssl
import stat
import threading
from pathlib import Path

from armillary.local.pki import Pki, ensure_pki, write_kubeconfig


def test_everything_is_private_and_made_once(tmp_path: Path) -> None:
    pki = ensure_pki(tmp_path)
    before = {path.name: path.read_bytes() for path in pki.dir.iterdir()}
    assert stat.S_IMODE(pki.dir.stat().st_mode) == 0o700
    for path in pki.dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    ensure_pki(tmp_path)
    assert {path.name: path.read_bytes() for path in pki.dir.iterdir()} == before


def test_a_start_that_was_killed_half_way_is_done_anew(tmp_path: Path) -> None:
    pki = ensure_pki(tmp_path)
    pki.token_file.unlink()
    pki.apiserver_key.unlink()
    assert ensure_pki(tmp_path).apiserver_key.exists()
    load(pki)


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    tokens: list[str] = []
    starts = [
        threading.Thread(target=lambda: tokens.append(ensure_pki(tmp_path).read_token()))
        for _ in range(4)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(set(tokens)) == 1


def load(pki: Pki) -> None:
    for cert, key in (
        (pki.apiserver_cert, pki.apiserver_key),
        (pki.kubelet_cert, pki.kubelet_key),
        (pki.kubelet_client_cert, pki.kubelet_client_key),
    ):
        ssl.create_default_context(cafile=str(pki.ca_cert)).load_cert_chain(cert, key)


def test_keys_fit_their_certificates(tmp_path: Path) -> None:
    load(ensure_pki(tmp_path))


def test_the_kubeconfig_is_private_and_names_the_context(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path, port=1234)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = json.loads(path.read_text())
    assert config["current-context"] == "armillary"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1234"
    assert config["users"][0]["user"]["token"] == ensure_pki(tmp_path).read_token()
