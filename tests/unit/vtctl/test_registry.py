"""How the words of a vtctl command are read."""

from datetime import timedelta

import pytest

from armillary.base.errors import InputError
from armillary.vtctld.commands import all_commands
from armillary.vtctld.registry import HelpAsked, Registry

REGISTRY = Registry(all_commands())


@pytest.mark.parametrize("dash", ["-", "--"])
@pytest.mark.parametrize("joined", [True, False])
def test_flags_take_one_or_two_dashes_and_either_form(dash: str, joined: bool) -> None:
    flag = [f"{dash}base_keyspace=main"] if joined else [f"{dash}base_keyspace", "main"]
    call = REGISTRY.parse(["CreateKeyspace", f"{dash}keyspace_type=SNAPSHOT", *flag, "restore"])
    assert call.flag("base_keyspace") == "main"
    assert call.flag("keyspace_type") == "SNAPSHOT"
    assert call.args == ("restore",)


def test_underscores_and_dashes_in_flags_are_the_same() -> None:
    assert REGISTRY.parse(["ChangeTabletType", "-dry_run", "a-1", "replica"]).flag("dry-run")


def test_a_boolean_takes_no_word_of_its_own() -> None:
    call = REGISTRY.parse(["DeleteKeyspace", "-recursive", "restore"])
    assert call.flag("recursive") is True and call.args == ("restore",)
    assert REGISTRY.parse(["DeleteKeyspace", "-recursive=false", "x"]).flag("recursive") is False


def test_old_and_new_names_are_the_same_flag_and_command() -> None:
    for name in ("avoid_master", "avoid_tablet"):
        call = REGISTRY.parse(["PlannedReparentShard", f"-{name}=zone1-1", "-keyspace_shard=a/0"])
        assert call.flag("avoid_tablet") == "zone1-1"
    assert REGISTRY.find("StartSlave") is REGISTRY.find("StartReplication")
    assert REGISTRY.find("InitShardPrimary") is REGISTRY.find("InitShardMaster")


def test_a_command_is_found_whatever_the_case() -> None:
    assert REGISTRY.find("listalltablets").name == "ListAllTablets"


def test_a_lone_double_dash_after_the_command_is_tolerated() -> None:
    assert REGISTRY.parse(["DeleteKeyspace", "--", "-recursive", "x"]).flag("recursive")


def test_durations_are_gos() -> None:
    words = ["PlannedReparentShard", "-wait_slave_timeout=1m30s", "main/-80"]
    assert REGISTRY.parse(words).flag("wait_replicas_timeout") == timedelta(seconds=90)


def test_an_unknown_command_is_named_with_the_closest() -> None:
    with pytest.raises(InputError, match="'ListAllTablet'; did you mean ListAllTablets"):
        REGISTRY.parse(["ListAllTablet"])


def test_an_unknown_flag_is_named_with_the_closest() -> None:
    with pytest.raises(InputError, match=r"not defined: -recursiv; did you mean -recursive\?"):
        REGISTRY.parse(["DeleteKeyspace", "-recursiv", "x"])


@pytest.mark.parametrize(
    "words", [["GetKeyspace"], ["GetKeyspace", "a", "b"], ["GetKeyspaces", "a"], []]
)
def test_the_wrong_number_of_arguments_is_refused(words: list[str]) -> None:
    with pytest.raises(InputError):
        REGISTRY.parse(words)


@pytest.mark.parametrize("word", ["-recursive=perhaps", "-recursive=2"])
def test_a_boolean_is_true_or_false(word: str) -> None:
    with pytest.raises(InputError, match="wanted true or false"):
        REGISTRY.parse(["DeleteKeyspace", word, "x"])


def test_asking_for_help_explains_the_command() -> None:
    with pytest.raises(HelpAsked, match="flag: help requested\nUsage: CreateKeyspace"):
        REGISTRY.parse(["CreateKeyspace", "-h"])


def test_every_command_explains_itself() -> None:
    for command in all_commands():
        assert command.help.endswith((".", "now."))
        assert all(flag.help for flag in command.flags)
        assert command.name in command.help_text()


def test_all_commands_of_the_procedure_exist() -> None:
    for name in ("ListAllTablets", "ApplyVSchema", "ApplySchema", "BackupShard", "DeleteKeyspace"):
        assert REGISTRY.find(name).name == name
