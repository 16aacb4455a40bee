"""JSON Schemas of what crosses the boundary, written to `schemas/json` by `python -m schemas.jsonschema`."""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any, get_args

import msgspec

from schemas.decisions import DeadLetter, Decision, Place
from schemas.events import STRUCTS, Event

FOLDER = Path(__file__).parent / "json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """The text of each schema by the name of its file: one for each type of event, `decision` and `dead_letter`."""
    made = {name: _of_event(struct) for name, struct in STRUCTS.items()}
    made |= {"decision": msgspec.json.schema(Decision), "dead_letter": _of_dead_letter()}
    for definition in (each for schema in made.values() for each in schema["$defs"].values()):
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **schema}, indent=2, ensure_ascii=False) + "\n"
        for name, schema in made.items()
    }


def _of_event(struct: type[Event]) -> dict[str, Any]:
    """Unknown fields are welcome: decoding keeps them under `attributes`."""
    schema = msgspec.json.schema(struct)
    schema["$defs"][struct.__name__]["additionalProperties"] = True
    return schema


def _of_dead_letter() -> dict[str, Any]:
    """Nothing in a place says which one it is, which msgspec does not put into one schema by itself."""
    fields = [(each.name, Any if each.name == "place" else each.type) for each in msgspec.structs.fields(DeadLetter)]
    unplaced = msgspec.defstruct(DeadLetter.__name__, fields, namespace={"__doc__": DeadLetter.__doc__})
    (schema, *places), definitions = msgspec.json.schema_components(
        (unplaced, *get_args(Place)), ref_template="#/$defs/{name}"
    )
    definitions[DeadLetter.__name__]["properties"]["place"] = {"anyOf": places}
    return {**schema, "$defs": definitions}


def write() -> None:
    """Writes every schema, and removes what is none any more."""
    FOLDER.mkdir(exist_ok=True)
    made = documents()
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
