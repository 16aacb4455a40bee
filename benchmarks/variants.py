"""The packs that are measured: workload W as it is, with detectors on, and with reasons told."""

from dataclasses import replace
from pathlib import Path

import rules
from rules import Pack
from rules.findings import render

PACKS = Path(__file__).parent / "packs"
PLAIN = "w"
WITH_DETECTORS = "w-detectors"
WITH_REASONS = "w-reasons"


def load(name: str) -> Pack:
    """The pack of this name.

    `w-detectors` is W with the detectors and the rules of the folder of that name, `w-reasons` is W with a reason code
    for each rule, told in a sentence with its values.
    """
    plain = _loaded(PLAIN)
    if name == WITH_REASONS:
        return replace(plain, rules=tuple(replace(rule, reason=f"HIT_{rule.id}") for rule in plain.rules))
    if name == WITH_DETECTORS:
        more = _loaded(WITH_DETECTORS)
        return replace(plain, detectors=more.detectors, rules=(*plain.rules, *more.rules))
    return _loaded(name)


def _loaded(name: str) -> Pack:
    loaded = rules.load(PACKS / name)
    if loaded.pack is None:
        raise SystemExit(render(loaded.findings))
    return loaded.pack
