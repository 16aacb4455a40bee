"""However a condition comes out for a value in a range, the range says that it may come out so."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import Condition, Input
from rules.conditions import compile_scalar
from rules.intervals import Interval
from rules.ranges import Ranges
from support.expressions import FEATURES, LISTS, PARAMS, TEXTS, ExceptionText, conditions, exceptions_at, values_of
from support.rule_packs import load_text

NOW_MS = 1_790_000_000_000


def _body(text: str, exceptions: list[ExceptionText]) -> str:
    params = ", ".join(f"{name}: {written}" for name, (written, _) in PARAMS.items())
    explain = " ".join(f"{{params.{name}}}" for name in PARAMS)
    excepted = f"  exceptions: [{', '.join(each.yaml for each in exceptions)}]\n" if exceptions else ""
    head = f"  then: review\n  params: {{{params}}}\n  explain: '{explain}'\n{excepted}"
    return f"{FEATURES}rules:\n- id: r.n0\n  when: |-\n    {text}\n{head}"


def _outcome(when: Condition, values: Mapping[Input, Any], lists: Mapping[str, Mapping[str, int]]) -> bool | None:
    compiled = compile_scalar({0: when})
    hit, lack = compiled.evaluate([values[read] for read in compiled.inputs], lists, NOW_MS)
    return None if lack else bool(hit)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    text=conditions(),
    exceptions=st.lists(exceptions_at(NOW_MS), max_size=2),
    listed=st.sets(st.sampled_from(TEXTS), max_size=3),
)
def test_no_outcome_is_left_out(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    text: str,
    exceptions: list[ExceptionText],
    listed: set[str],
) -> None:
    loaded = load_text(tmp_path_factory.mktemp("pack"), _body(text, exceptions), LISTS)
    if loaded.pack is None:
        return
    (rule,) = loaded.pack.rules
    compiled = compile_scalar({0: rule.when})
    values = {read: data.draw(values_of(read)) for read in compiled.inputs}
    lists = {"blocked": dict.fromkeys(listed, NOW_MS + 1), "absent": {}}
    numbers = [read for read in compiled.inputs if read.type in ("number", "money", "duration")]
    if not numbers:
        return
    ranging = data.draw(st.sampled_from(numbers))
    one, other, inside = (data.draw(values_of(ranging).filter(lambda value: value is not None)) for _ in range(3))
    low, high = sorted((one, other))
    outcomes = Ranges(values, lists, NOW_MS, ranging, Interval(low, high)).outcomes(rule.when.tree)
    for value in {low, high, min(max(inside, low), high)}:
        assert _outcome(rule.when, {**values, ranging: value}, lists) in outcomes
    point = Ranges(values, lists, NOW_MS, ranging, Interval(low, low)).outcomes(rule.when.tree)
    assert _outcome(rule.when, {**values, ranging: low}, lists) in point
