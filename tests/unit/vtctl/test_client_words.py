"""What vtctlclient makes of its own words and files."""

import json
from pathlib import Path

import pytest

from armillary.base.errors import InputError
from armillary.cli.vtctlclient import find_credentials, is_this_machine, parse_words, run


def test_the_command_begins_after_the_clients_own_flags() -> None:
    words = parse_words(["-server", "h:1", "--action_timeout=5m", "Cmd", "-server", "x", "--", "y"])
    assert words.flags == {"server": "h:1", "action_timeout": "5m"}
    assert words.command == ("Cmd", "-server", "x", "--", "y")


def test_flags_of_vitesss_client_are_taken() -> None:
    assert parse_words(["-logtostderr", "-server=h:1", "Cmd"]).command == ("Cmd",)


@pytest.mark.parametrize("words", [["-sever", "h:1", "Cmd"], ["-server"]])
def test_a_wrong_flag_is_refused(words: list[str]) -> None:
    with pytest.raises(InputError):
        parse_words(words)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("localhost:16999", True),
        ("127.18.0.5:15999", True),
        ("[::1]:15999", True),
        ("10.0.0.1:15999", False),
        ("vtctld.example.com:15999", False),
        ("127.0.0.1.example.com:15999", False),
    ],
)
def test_only_this_machine_is_this_machine(server: str, expected: bool) -> None:
    assert is_this_machine(server) is expected


def test_a_password_that_nobody_named_stays_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "grpc-client.json"
    file.write_text(json.dumps({"Username": "armillary", "Password": "pw"}))
    environ = {"ARMILLARY_DIR": str(tmp_path)}
    found = find_credentials({"server": "localhost:1"}, environ)
    assert found is not None and found.password == "pw"
    assert find_credentials({"server": "db.example.com:1"}, environ) is None
    named = find_credentials({"server": "db.example.com:1"}, {"ARMILLARY_GRPC_CREDS": str(file)})
    assert named == found


def test_a_named_file_must_be_good_and_its_content_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "creds"
    file.write_text('{"Username": "a", "Password": secret}')
    with pytest.raises(InputError) as caught:
        find_credentials({"server": "x:1", "grpc_auth_static_client_creds": str(file)}, {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "-server flag is required"),
        (["GetKeyspaces"], "-server flag is required"),
        (["-server", "localhost:1"], "no command"),
        (["-server", "localhost:1", "-action_timeout", "soon", "X"], "invalid duration 'soon'"),
        (["-server", "localhost", "GetKeyspaces"], "wanted HOST:PORT"),
        (["-server", "127.16.9.9:1", "GetKeyspaces"], "connection refused"),
    ],
)
def test_wrong_use_exits_with_1_and_says_why(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words, {"ARMILLARY_DIR": "/nonexistent"}) == 1
    captured = capsys.readouterr()
    assert "Error: " in captured.out and said in captured.out
    assert said in captured.err


@pytest.mark.parametrize("words", [["help"], ["-h"], ["--help"], ["help", "CreateKeyspace"]])
def test_help_needs_no_server(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words, {}) == 0
    assert "CreateKeyspace" in capsys.readouterr().out
