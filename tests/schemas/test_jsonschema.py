"""The JSON Schemas in the repository are those of the code, and say what decoding does."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import EVENT_TYPES, STRUCTS
from schemas.batches import decode
from schemas.jsonschema import FOLDER, documents, write
from support.raw_events import fields_of


def definition(name: str) -> dict[str, Any]:
    document = json.loads(documents()[f"{name}.json"])
    found: dict[str, Any] = document["$defs"][document["$ref"].rpartition("/")[2]]
    return found


def test_the_files_are_those_of_the_code() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert files == documents(), "run `make schemas`"
    assert set(files) == {f"{name}.json" for name in (*STRUCTS, "decision", "dead_letter")}


@pytest.mark.parametrize("kind", list(STRUCTS))
def test_required_is_what_decoding_asks_for(kind: str) -> None:
    schema = definition(kind)
    for name in schema["properties"]:
        fields = {each: value for each, value in fields_of(kind).items() if each != name}
        refused = [each.message for each in decode([json.dumps(fields).encode()]).rejections]
        asked = [f"Object missing required field `{name}`"] if name in schema["required"] else []
        assert refused == asked, name
    assert schema["additionalProperties"] is True
    assert schema["properties"]["type"] == {"enum": [EVENT_TYPES[STRUCTS[kind]]]}


def test_a_dead_letter_says_both_places() -> None:
    schema = definition("dead_letter")
    places = {place["$ref"] for place in schema["properties"]["place"]["anyOf"]}
    assert places == {"#/$defs/TopicPlace", "#/$defs/FilePlace"}
    assert schema["properties"]["original"] == {"type": "string", "contentEncoding": "base64"}
    assert set(schema["required"]) == {"reason", "message", "place", "original", "original_bytes"}


def test_a_decision_has_what_users_are_promised() -> None:
    promised = {"transaction_id", "action", "origin", "rules", "shadow", "missing", "reasons", "pack"}
    assert promised <= set(definition("decision")["properties"])


def test_writing_makes_the_folder_and_removes_what_is_none_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "json"
    monkeypatch.setattr("schemas.jsonschema.FOLDER", folder)
    write()
    (folder / "old.json").write_text("{}")
    write()
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == documents()
