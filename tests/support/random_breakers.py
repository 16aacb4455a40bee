"""Random breakers for the rules of a random pack, which trip now and then in the streams that there are."""

import random
from dataclasses import replace
from fractions import Fraction

from schemas import Action
from support.pack_texts import BreakerText, PackText, RuleText

STEPS: dict[str, tuple[tuple[Action, ...], ...]] = {
    "block": (("step_up", "review"), ("step_up", "review"), ("step_up", "review"), ("step_up",), ("review",)),
    "step_up": (("review",),),
}
EXPECTED = ("0.5%", "2%", "8.25%")
MULTIPLES = ("1.5", "3", "5")
MINUTE_MS = 60_000


def with_breakers(draw: random.Random, pack: PackText) -> PackText:
    """The pack with breakers on most of the rules that can have one; those that tag block instead, for more of them."""
    return replace(pack, rules=tuple(_with_breaker(draw, rule) for rule in pack.rules))


def _with_breaker(draw: random.Random, rule: RuleText) -> RuleText:
    if rule.then == "tag":
        rule = replace(rule, then="block", yaml=rule.yaml.replace("then: tag", "then: block"))
    if rule.then not in STEPS or rule.absence is not None or draw.random() < 0.2:
        return rule
    expected, multiple = draw.choice(EXPECTED), draw.choice(MULTIPLES)
    over_ms, min_hits = draw.choice((MINUTE_MS, MINUTE_MS, MINUTE_MS + 1, 60 * MINUTE_MS)), draw.choice((1, 2, 5))
    steps = draw.choice(STEPS[rule.then])
    challenge = rule.challenge or ("proof_9" if "step_up" in steps else None)
    given = f"expected: {expected}, multiple: {multiple}, over: {over_ms}ms, min_hits: {min_hits}"
    lines = [f"breaker: {{{given}, steps: [{', '.join(steps)}]}}"]
    lines += [f"challenge: {challenge}"] if challenge != rule.challenge else []
    limit = Fraction(expected.removesuffix("%")) / 100 * Fraction(multiple)
    own: Action = "block" if rule.then == "block" else "step_up"
    return replace(
        rule,
        challenge=challenge,
        yaml=rule.yaml + "".join(f"  {line}\n" for line in lines),
        breaker=BreakerText(limit, over_ms, min_hits, (own, *steps)),
    )
