"""What is proven of conditions, held against their evaluation on thousands of random events."""

import random
from collections import Counter
from pathlib import Path

import pytest

from rules import Pack, Rule
from rules.conditions import compile_scalar
from rules.domains import Domain
from rules.facts import Effort
from rules.proofs import Prover
from rules.verdicts import Verdict, verdict_of
from support.constant_conditions import BODY, PARAMS, random_condition, random_values
from support.rule_packs import load_text, sound_pack

NOW_MS = 1_000
LISTS = {"blocked.csv": "value,added_by,reason,expires_at\n"}
CONDITIONS = 250
EVENTS = 150
COUNTER: dict[Verdict, bool] = {"never": True, "always": False}
"""The outcome that a verdict says does not come."""


def _pack(folder: Path, conditions: list[str], more: str = "") -> Pack:
    head = f"event: [payment, topup], params: {PARAMS}, explain: '{{params.short}} {{params.window}}'{more}"
    rules = "".join(f'- {{id: r.n{number}, when: "{text}", {head}}}\n' for number, text in enumerate(conditions))
    return sound_pack(folder, f"{BODY}rules:\n{rules}", LISTS)


def _prover(pack: Pack, rule: Rule) -> Prover:
    return Prover(Domain(pack.currency, rule.events, pack.features), Effort(10**9))


def _outcomes(pack: Pack, draw: random.Random) -> list[list[bool | None]]:
    """For each of many random events, what becomes of every condition."""
    scalar = compile_scalar({number: rule.when for number, rule in enumerate(pack.rules)})
    rows = []
    for number in range(EVENTS):
        lists = {"blocked": {"card": NOW_MS + 1} if number % 3 else None}
        hit, lack = scalar.evaluate(random_values(draw, scalar.inputs), lists, NOW_MS)
        rows.append([bool(hit >> at & 1) if not lack >> at & 1 else None for at in range(len(pack.rules))])
    return rows


@pytest.mark.parametrize("seed", range(24))
def test_what_is_proven_is_never_seen_otherwise(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    pack = _pack(tmp_path, [random_condition(draw, draw.randint(0, 2)) for _ in range(CONDITIONS)], ", then: review")
    verdicts = [verdict_of(rule.when.tree, _prover(pack, rule)) for rule in pack.rules]
    rows = _outcomes(pack, draw)
    for number, (rule, verdict) in enumerate(zip(pack.rules, verdicts, strict=True)):
        if verdict is not None:
            assert COUNTER[verdict] not in {row[number] for row in rows}, f"{verdict}: {rule.when.text}"
    assert Counter(verdicts)["never"] > 5
    assert Counter(verdicts)["always"] > 5


@pytest.mark.parametrize("seed", range(4))
def test_most_of_what_is_never_seen_is_proven(seed: int, tmp_path: Path) -> None:
    """Else the checker would say little."""
    draw = random.Random(seed)
    pack = _pack(tmp_path, [random_condition(draw, 1) for _ in range(CONDITIONS)], ", then: review")
    rows = [row for _ in range(8) for row in _outcomes(pack, draw)]
    unseen = {
        number: verdict
        for verdict, outcome in COUNTER.items()
        for number in range(CONDITIONS)
        if outcome not in {row[number] for row in rows}
    }
    proven = [
        number for number in unseen if verdict_of(pack.rules[number].when.tree, _prover(pack, pack.rules[number]))
    ]
    assert len(proven) > 0.7 * len(unseen)


@pytest.mark.parametrize("seed", range(12))
def test_a_shadowed_rule_never_matches_alone(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    texts = [random_condition(draw, 1) for _ in range(CONDITIONS)]
    texts = [draw.choice((text, text, f"({text}) and {draw.choice(texts)}")) for text in texts]
    thens = [draw.choice(("review", "block")) for _ in texts]
    missing = [draw.choice(("match", "no_match", "no_match")) for _ in texts]
    head = f"event: [payment, topup], mode: live, params: {PARAMS}, explain: '{{params.short}} {{params.window}}'"
    rules = "".join(
        f'- {{id: r.n{number}, when: "{text}", then: {then}, on_missing: {on_missing}, {head}}}\n'
        for number, (text, then, on_missing) in enumerate(zip(texts, thens, missing, strict=True))
    )
    loaded = load_text(tmp_path, f"{BODY}rules:\n{rules}", LISTS)
    assert loaded.pack is not None
    pairs = [finding.message.split("`")[1::2] for finding in loaded.findings if finding.code == "shadowed-rule"]
    numbers = {rule.id: number for number, rule in enumerate(loaded.pack.rules)}
    assert len(pairs) > 3
    hits = [
        [outcome or (outcome is None and missing[number] == "match") for number, outcome in enumerate(row)]
        for row in _outcomes(loaded.pack, draw)
    ]
    for weak, strong in ((numbers[one], numbers[other]) for one, other in pairs):
        assert thens[strong] == "block" or thens[weak] == "review"
        assert not any(row[weak] and not row[strong] for row in hits), f"{texts[weak]} without {texts[strong]}"


@pytest.mark.parametrize(
    ("overrides", "shadowed"), [("a.block", False), ("a.block, a.review", True), ("a.other", True)]
)
@pytest.mark.parametrize("trusted", ["user_id == 'u1'", "user_id == 'u1' and (amount >= 0 or quantity > 1)"])
def test_a_rule_decides_where_the_stronger_one_is_overridden(
    tmp_path: Path, overrides: str, shadowed: bool, trusted: str
) -> None:
    body = f"""\
defaults: {{mode: live}}
rules:
- {{id: a.block, when: amount > 5, then: block}}
- {{id: a.review, when: amount > 50, then: review}}
- {{id: a.other, when: quantity > 5, then: review}}
- {{id: a.trusted, when: {trusted}, then: allow, overrides: [{overrides}], expires: 2027-01-31}}
"""
    assert ("shadowed-rule" in {finding.code for finding in load_text(tmp_path, body).findings}) is shadowed
