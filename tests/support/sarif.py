"""The parts of SARIF 2.1.0 that riskgate writes, as the standard defines them (section 3 and its JSON Schema)."""

from importlib import import_module
from typing import Any


def _object(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties alone; `required` names those that must be there."""
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 1}
_MESSAGE = _object("text", text=_TEXT)
_REGION = _object("startLine", startLine=_COUNT, startColumn=_COUNT, endLine=_COUNT, endColumn=_COUNT)
_ARTIFACT = _object("uri", uri={"type": "string", "pattern": r"^(file:///)?[A-Za-z0-9._~%/!$&'()*+,;=@-]+$"})
_LOCATION = _object(
    "physicalLocation",
    physicalLocation=_object("artifactLocation", artifactLocation=_ARTIFACT, region=_REGION),
    logicalLocations={
        "type": "array",
        "uniqueItems": True,
        "items": _object("name", name=_TEXT, fullyQualifiedName=_TEXT, kind=_TEXT),
    },
)
_RESULT = _object(
    "message",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    message=_MESSAGE,
    locations={"type": "array", "items": _LOCATION},
)
_DESCRIPTOR = _object("id", id=_TEXT, defaultConfiguration=_object("", level=_LEVEL))
_DRIVER = _object("name", name=_TEXT, version=_TEXT, rules={"type": "array", "uniqueItems": True, "items": _DESCRIPTOR})
_RUN = _object(
    "tool",
    tool=_object("driver", driver=_DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT},
)
_LOG = _object(
    "version runs", version={"const": "2.1.0"}, runs={"type": "array", "items": _RUN}, **{"$schema": {"type": "string"}}
)


def problems_of(log: Any) -> list[str]:
    """What is wrong with a log; nothing if it is valid."""
    validator = import_module("jsonschema").Draft202012Validator(_LOG)
    return [error.message for error in validator.iter_errors(log)]
