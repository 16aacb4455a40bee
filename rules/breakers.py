"""Reading the breakers of rules: how often a rule should match, and what it does instead where it matches far more."""

import re
from fractions import Fraction

from rules.bounds import BREAKER_MULTIPLE_MAX, BREAKER_OVER_MS_MIN, MIN_HITS_MAX
from rules.findings import quoted
from rules.literals import duration_ms, whole_number
from rules.models import Breaker, Then
from rules.shapes import Shapes, as_options
from rules.trees import Items, Scalar, Table, Tree
from schemas import ACTIONS, Action

BREAKER_KEYS = ("expected", "multiple", "over", "min_hits", "steps")
STEPS: tuple[Action, ...] = ("step_up", "review")
"""What a rule can be demoted to, each weaker than the one before."""

MULTIPLE = Fraction(5)
OVER_MS = 3_600_000
MIN_HITS = 20
"""By chance, a rule that keeps to its share reaches it in one of a hundred million windows, with the usual multiple."""

SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
TIMES = re.compile(r"\d{1,4}(?:\.\d{1,3})?", re.ASCII)


def read_breaker(node: Tree | None, then: Then | None, challenge: str | None, shapes: Shapes) -> Breaker | None:
    """The breaker of a rule with this `then` and `challenge`; None where it has none, or after findings."""
    table = None if node is None else shapes.table(node, "a breaker", BREAKER_KEYS)
    if table is None or then is None:
        return None
    own = next((action for action in ACTIONS if action == then), ACTIONS[0])
    weaker = tuple(step for step in STEPS if ACTIONS.index(step) < ACTIONS.index(own))
    if not weaker:
        message = f"a breaker is for a rule that blocks or steps up: there is nothing weaker than `{then}` to demote to"
        shapes.ledger.report("bad-breaker", table.spot, message, "delete `breaker`")
        return None
    expected = _expected(shapes.required(table, "expected", "a breaker"), shapes)
    multiple = _multiple(table.get("multiple"), shapes)
    over_ms = _over_ms(table.get("over"), shapes)
    min_hits = _min_hits(table.get("min_hits"), shapes)
    steps = _steps(table, weaker, challenge, shapes)
    if expected is None or multiple is None or over_ms is None or min_hits is None or steps is None:
        return None
    if expected * multiple >= 1:
        message = f"this breaker never trips: no more than all events can match, and {_times(multiple, expected)}"
        shapes.ledger.report("bad-breaker", table.spot, message, "lower `expected` or `multiple`")
        return None
    return Breaker(expected, multiple, over_ms, min_hits, (own, *steps))


def _times(multiple: Fraction, expected: Fraction) -> str:
    return f"{float(multiple):g} times {float(100 * expected):g}% is {float(100 * multiple * expected):g}%"


def _expected(node: Tree | None, shapes: Shapes) -> Fraction | None:
    scalar = None if node is None else shapes.scalar(node, "a share such as `0.2%` for `expected`")
    if scalar is None:
        return None
    match = SHARE.fullmatch(scalar.value)
    share = None if match is None else Fraction(match[1]) / 100
    if share is None or not 0 < share < 1:
        message = f"expected a share of the judged events above 0% and below 100%, got {quoted(scalar.value)}"
        shapes.ledger.report("bad-literal", scalar.spot, message, "write it like 0.2%")
        return None
    return share


def _multiple(node: Tree | None, shapes: Shapes) -> Fraction | None:
    if node is None:
        return MULTIPLE
    scalar = shapes.scalar(node, "a number for `multiple`")
    if scalar is None:
        return None
    times = Fraction(scalar.value) if TIMES.fullmatch(scalar.value) else None
    if times is None or not 1 < times <= BREAKER_MULTIPLE_MAX:
        message = f"expected a number above 1 and up to {BREAKER_MULTIPLE_MAX:,}, got {quoted(scalar.value)}"
        shapes.ledger.report("bad-literal", scalar.spot, message)
        return None
    return times


def _over_ms(node: Tree | None, shapes: Shapes) -> int | None:
    if node is None:
        return OVER_MS
    scalar = shapes.scalar(node, "a duration for `over`")
    return None if scalar is None else duration_ms(scalar, shapes.ledger, least_ms=BREAKER_OVER_MS_MIN)


def _min_hits(node: Tree | None, shapes: Shapes) -> int | None:
    if node is None:
        return MIN_HITS
    scalar = shapes.scalar(node, "a number for `min_hits`")
    return None if scalar is None else whole_number(scalar, shapes.ledger, 1, MIN_HITS_MAX)


def _steps(
    table: Table, weaker: tuple[Action, ...], challenge: str | None, shapes: Shapes
) -> tuple[Action, ...] | None:
    """The steps as they are given, or all that are `weaker`; a step-up only where it has a challenge."""
    node = table.get("steps")
    if node is None:
        return tuple(step for step in weaker if step != "step_up" or challenge is not None)
    scalars = [shapes.scalar(item, "a step") for item in shapes.items(node, "steps", len(STEPS))]
    if isinstance(node, Items) and not scalars:
        shapes.ledger.report("bad-breaker", node.spot, "expected at least one step to demote to")
    steps = [_step(scalar, weaker, shapes) for scalar in scalars if scalar is not None]
    found = tuple(step for step in steps if step is not None)
    if not found or len(found) < len(scalars):
        return None
    if list(found) != [step for step in weaker if step in found]:
        message = "each step must be weaker than the one before: `step_up`, then `review`"
        shapes.ledger.report("bad-breaker", node.spot, message)
        return None
    if "step_up" in found and challenge is None:
        message = "a breaker that asks for a second proof needs a `challenge`"
        hint = "name it in the rule or in the pack's defaults"
        shapes.ledger.report("missing-challenge", node.spot, message, hint)
        return None
    return found


def _step(scalar: Scalar, weaker: tuple[Action, ...], shapes: Shapes) -> Action | None:
    step = as_options(weaker).get(scalar.value)
    if step is None:
        message = f"expected a step weaker than the rule's own action, got {quoted(scalar.value)}"
        hint = f"there {'is' if len(weaker) == 1 else 'are'} {', '.join(f'`{each}`' for each in weaker)}"
        shapes.ledger.report("bad-breaker", scalar.spot, message, hint)
    return step
