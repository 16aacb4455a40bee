"""The JSON Schemas for editors are those of the code, and say what the reader says of keys and forms."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from rules import load
from rules.jsonschema import FOLDER, documents
from rules.rule_reader import RULE_KEYS
from support.commands import ROOT
from support.rule_packs import errors, load_text

FLAWS = Path(__file__).parent / "flaws"
REFUSED = ("unknown-key", "missing-key", "wrong-shape", "bad-name", "unknown-aggregate")
"""Findings about keys and forms, which a schema can tell."""

FEATURE = "features: {n_1h: {count: event, by: user_id, over: 1h}}\n"


class _Loader(yaml.SafeLoader):
    """Reads YAML as editors do: a day is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _problems(folder: Path, texts: Mapping[str, str], schema: str) -> dict[str, list[str]]:
    """What a checker of JSON Schemas says of each text in YAML, by its name; nothing of those that are no YAML."""
    folder.mkdir()
    for name, text in texts.items():
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506 it is a safe loader
        except yaml.YAMLError:
            continue
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    checker = Path(sys.executable).with_name("check-jsonschema")
    files = sorted(folder.iterdir())
    command: list[str | Path] = [checker, "--schemafile", FOLDER / schema, "--output-format", "json", *files]
    done = subprocess.run(command, capture_output=True, check=False)
    told = json.loads(done.stdout)
    assert told.get("parse_errors", []) == []
    problems: dict[str, list[str]] = {path.stem: [] for path in files}
    for error in told["errors"]:
        problems[Path(error["filename"]).stem].append(error["message"])
    return problems


def _schema_of(path: Path) -> str:
    return (
        "overlay.json" if path.parent.name == "overlays" else "pack.json" if path.name == "pack.yml" else "rules.json"
    )


def test_the_files_are_those_of_the_code() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert files == documents(), "run `make schemas`"


def test_the_packs_and_the_examples_are_welcome(tmp_path: Path) -> None:
    files = {path.stem: path for path in (ROOT / "rules" / "packs").glob("*/*.yml")}
    language = (ROOT / "docs" / "rules" / "language.md").read_text(encoding="utf-8")
    examples = dict(enumerate(re.findall(r"```yaml\n(.*?)```", language, re.DOTALL)))
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    texts |= {f"example {at}": text for at, text in examples.items() if re.match("rules:\n-|features:", text)}
    overlays = {f"example {at}": text for at, text in examples.items() if re.match("rules:\n  ", text)}
    assert len(texts) >= len(files) + 3
    head = {name: texts.pop(name) for name in list(texts) if name == "pack"}
    for schema, of in (("pack.json", head), ("rules.json", texts), ("overlay.json", overlays)):
        assert of
        assert not {name: found for name, found in _problems(tmp_path / schema, of, schema).items() if found}


@pytest.mark.parametrize("schema", ["pack.json", "overlay.json"])
def test_it_refuses_what_the_reader_refuses(tmp_path: Path, schema: str) -> None:
    """It refuses nothing that loads, and finds every wrong key and form that the reader finds."""
    files = {
        f"{folder.name} {path.stem}": (folder, path)
        for folder in sorted(FLAWS.iterdir())
        for path in sorted(folder.rglob("*.yml"))
        if _schema_of(path) == schema
    }
    texts = {name: path.read_text(encoding="utf-8", errors="replace") for name, (_, path) in files.items()}
    problems = _problems(tmp_path / "texts", texts, schema)
    assert any(problems.values())
    for name, found in problems.items():
        folder, path = files[name]
        overlay = "prod" if (folder / "overlays" / "prod.yml").exists() else None
        findings = load(folder, overlay).findings
        wanted = [each for each in findings if each.code in REFUSED and each.place.file == str(path)]
        assert found or not wanted, wanted
        assert not found or any(each.severity == "error" for each in findings), found


_SOUND = f"{FEATURE}rules:\n- {{id: a.rule, when: n_1h > 1, then: tag}}\n"
_CHANGES = [
    *(("then: tag", f"then: tag, {key}s_: 1") for key in RULE_KEYS),
    ("then: tag", "then: allow"),
    ("then: tag", "then: reveiw"),
    ("then: tag", "then: tag, overrides: [b.rule]"),
    ("when: n_1h > 1, ", ""),
    ("over: 1h", "over: 1 hour"),
    ("over: 1h", "over: 1h, sum: amount"),
    ("by: user_id", "by: usr_id"),
    ("id: a.rule", "id: A.rule"),
    ("n_1h: {", "N1h: {"),
]


def test_wrong_keys_and_forms_are_refused_by_both(tmp_path: Path) -> None:
    texts = {str(at): _SOUND.replace(old, new) for at, (old, new) in enumerate(_CHANGES)}
    problems = _problems(tmp_path / "texts", texts | {"sound": _SOUND}, "rules.json")
    assert problems.pop("sound") == []
    for name, found in problems.items():
        assert errors(load_text(tmp_path / name, texts[name])), texts[name]
        assert found, texts[name]
