"""The documentation says what the code has."""

import re
from pathlib import Path

import pytest
from yaml import safe_load

from rules import CODES
from rules.models import AGGREGATES, MODES, ON_MISSING, SEVERITIES
from rules.overlays import OVERLAY_KEYS
from rules.shapes import PACK_NAME
from support.rule_packs import sound_pack

DOCS = Path(__file__).parents[2] / "docs" / "rules"
LANGUAGE = (DOCS / "language.md").read_text(encoding="utf-8")


def test_every_finding_has_its_paragraph() -> None:
    text = (DOCS / "findings.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    paragraphs = dict(section.split("\n", 1) for section in sections)
    assert list(paragraphs) == sorted(CODES)
    assert all(len(paragraph.strip()) > 30 for paragraph in paragraphs.values())


@pytest.mark.parametrize("word", [*AGGREGATES, *MODES, *SEVERITIES, *ON_MISSING])
def test_the_language_page_names_every_choice(word: str) -> None:
    assert f"`{word}" in LANGUAGE


def test_the_examples_of_the_language_page_load(tmp_path: Path) -> None:
    overlay, exceptions, allowing, breakers, features, sequences, absences, tests = re.findall(
        r"```yaml\n(.*?)```", LANGUAGE, flags=re.DOTALL
    )
    rule = "rules:\n- id: a.rule\n  when: tx_10m > 5\n  then: block\n"
    indented = "".join(f"  {line}\n" for line in (exceptions + tests).splitlines())
    allowed = allowing.replace("rules:\n", "").replace("game.large_gift", "a.rule")
    pack = sound_pack(tmp_path, features + rule + indented + allowed)
    assert set(safe_load(overlay)) == set(OVERLAY_KEYS)
    assert set(pack.features) == set(re.findall(r"^  (\w+): +{", features, flags=re.MULTILINE))
    assert [rule.id for rule in sound_pack(tmp_path / "sequences", sequences).rules] == ["game.reset_then_spend"]
    assert [rule.id for rule in sound_pack(tmp_path / "absences", absences).rules] == ["game.paid_not_delivered"]
    (guarded,) = sound_pack(tmp_path / "breakers", breakers).rules
    assert guarded.breaker is not None
    assert guarded.breaker.steps == ("block", "step_up", "review")
    assert [case.name for case in pack.rules[0].tests] == ["sixth blocks"]
    assert PACK_NAME.fullmatch(pack.name)
