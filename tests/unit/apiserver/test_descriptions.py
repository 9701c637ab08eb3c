"""What `kubectl explain` says of built-in fields."""

import json
from importlib.resources import files

from armillary.local.apiserver.schema.builtin import read_definitions

TEXTS = json.loads(
    files("armillary.local.apiserver.schema").joinpath("descriptions.json").read_text()
)


def test_each_text_is_of_one_definition_and_of_a_field_that_it_has() -> None:
    definitions = read_definitions()
    for name, texts in TEXTS.items():
        (found,) = [key for key in definitions if key.rpartition(".")[2] == name]
        assert set(texts) - {""} <= set(definitions[found]["properties"])


def test_every_text_is_a_sentence_and_arrives() -> None:
    definitions = read_definitions()
    told = [d["description"] for d in definitions.values() if "description" in d]
    assert len(told) == sum("" in texts for texts in TEXTS.values())
    for texts in TEXTS.values():
        assert all(text.endswith(".") and text[0].isupper() for text in texts.values())
