"""Random packs as text, with what each of their parts means written beside it for the oracle."""

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from rules import ValueType
from schemas import TRANSACTION_TYPES
from support.expression_oracle import Typed
from support.expressions import ExceptionText, exception_text, rfc3339
from support.pack_texts import (
    LISTS,
    AbsenceText,
    Entering,
    FeatureText,
    PackText,
    RuleText,
    SequenceText,
)
from windows import Kind

NOW_MS = 1_790_000_000_000
TRANSACTION = frozenset(TRANSACTION_TYPES)
PLACE = ("latitude", "longitude")
COMMON: dict[str, ValueType] = {
    **dict.fromkeys(("user_id", "device_id", "ip", "country", "channel", "platform", "type"), "text"),
    **dict.fromkeys(PLACE, "number"),
}
OF_TRANSACTIONS: dict[str, ValueType] = {
    "amount": "money",
    "quantity": "number",
    **dict.fromkeys(("merchant_id", "payee_id", "method", "goods"), "text"),
}
SCOPES: tuple[tuple[str, frozenset[str], dict[str, ValueType]], ...] = (
    ("payment", frozenset({"payment"}), COMMON | OF_TRANSACTIONS),
    ("transaction", TRANSACTION, COMMON | OF_TRANSACTIONS),
    ("[topup, payment]", frozenset({"topup", "payment"}), COMMON | OF_TRANSACTIONS),
    ("login", frozenset({"login"}), COMMON | {"success": "bool"}),
    ("[payment, login]", frozenset({"payment", "login"}), COMMON),
    ("[chargeback, order]", frozenset({"chargeback", "order"}), COMMON),
    ("[payment, correction]", frozenset({"payment", "correction"}), COMMON | {"amount": "money"}),
    ("reversal", frozenset({"reversal"}), COMMON),
)
POOLS: dict[str, tuple[str, ...]] = {
    "user_id": ("u1", "u2", "u3", 'u"4\\\n', "网\0卡"),
    "device_id": ("d1", "d2", "d3"),
    "ip": ("10.0.0.1", "10.0.0.2"),
    "country": ("CN", "HK", "NO"),
    "channel": ("app", "web"),
    "platform": ("ios", "Android"),
    "merchant_id": ("m1", "m2", "m\u01c5"),
    "payee_id": ("p1", "p2"),
    "method": ("card", "Card", "wallet"),
    "goods": ("points", "\x7f", "skins"),
}
ATTRIBUTES: dict[str, ValueType] = {"attributes.level": "number", "attributes.tier": "text", "attributes.vip": "bool"}
PROFILE: dict[str, ValueType] = {"profile.grade": "number", "profile.tier": "text", "profile.vip": "bool"}
PROFILES = {
    "u1": {"grade": "2", "tier": "gold", "vip": "true"},
    "u2": {"grade": "-0.5", "tier": "", "vip": "false"},
    "u3": {"grade": "two", "tier": "3", "vip": "yes"},
    'u"4\\\n': {"grade": "1e400", "vip": "True"},
}
"""Facts about users, as texts that are not always of the type that rules need."""

NUMERIC: tuple[Kind, ...] = ("sum", "mean", "min", "max", "std", "zscore", "percentile")
PLAIN: tuple[Kind, ...] = (
    "count",
    "rate",
    "top_share",
    "distinct",
    "first",
    "last",
    "age",
    "gap",
    "is_new",
    "distance",
    "speed",
)
HUGE = 10**400
"""An integer that no float can hold."""

LATENESS_MS = (0, 20_000, 600_000, 3_600_000, 3_600_000)
SKEW_MS = (1, 1_000, 30_000, 300_000, 300_000)
DEDUPE_MS = (0, 20_000, 300_000, 86_400_000)

EXPIRIES = (NOW_MS - 1, *(NOW_MS + after_ms for after_ms in (20_000, 60_000, 200_000, 600_000, 2_000_000)), 2**62)


LIST_FILES = {"empty.csv": "value,added_by,reason,expires_at\n"}


@dataclass
class Names:
    """Names by type that a random expression may use, and the params it came to use."""

    by_type: dict[ValueType, list[str]]
    present: list[str]
    params: dict[str, tuple[str, Typed]] = field(default_factory=dict)
    in_rule: bool = True


def random_pack(draw: random.Random, *, scores: bool) -> PackText:
    features = tuple(_feature(draw, f"f{number}") for number in range(draw.randint(2, 9)))
    detector = None
    if scores:
        of = draw.choice(("amount", "amount", "quantity"))
        detector = (draw.choice(("user_id", "device_id")), of, draw.randint(1, 30), draw.randint(1, 6))
    thens = {f"r.n{number}": draw.choice(("review", "step_up", "block", "tag")) for number in range(draw.randint(1, 8))}
    acting = [name for name, then in thens.items() if then != "tag"]
    for name in draw.sample(acting, len(acting) // 3):
        thens[name] = "allow"
    decided_later = _waiting(draw, thens)
    rules = tuple(_rule(draw, name, features, scores, thens, decided_later) for name in thens)
    waits = any(rule.absence is not None for rule in rules)
    lateness_ms = draw.choice(LATENESS_MS[:2] if waits else LATENESS_MS)
    timing = lateness_ms, draw.choice(SKEW_MS), draw.choice(DEDUPE_MS)
    return PackText(*timing, features, rules, detector)


def _feature(draw: random.Random, name: str) -> FeatureText:
    word, events, fields = draw.choice(SCOPES)
    texts = [each for each, kind in fields.items() if kind == "text" and each != "type"]
    numbers = [each for each, kind in fields.items() if kind in ("money", "number") and each not in PLACE]
    kinds = list(PLAIN)
    if numbers:
        kinds += NUMERIC
    kind = draw.choice(kinds)
    by = tuple(draw.sample(texts, draw.choice((1, 1, 1, 2, 3))))
    of = None
    if kind in NUMERIC:
        of = draw.choice(numbers)
    elif kind in ("distance", "speed"):
        of = "geo"
    elif kind == "rate":
        of = draw.choice((*numbers, None))
    elif kind in ("distinct", "top_share"):
        of = draw.choice(texts)
    elif kind in ("first", "last"):
        of = draw.choice(texts + numbers)
    over_ms = draw.choice((1, 1_000, 5_000, 30_000, 60_000, 3_600_000))
    delay_ms = draw.choice((0, 0, 0, 1, 10_000))
    where = None
    if draw.random() < 0.4:
        names = _names(fields, (), scores=False, attributes=False)
        names.in_rule = False
        where = _condition(draw, names, 2)
    head = f"{kind}: [{', '.join(by)}]" if kind in ("age", "gap", "is_new") else f"{kind}: {of or 'event'}"
    lines = [head, f"over: {over_ms}ms", f"event: {word}"]
    lines += [f"by: [{', '.join(by)}]"] if not head.startswith(("age", "gap", "is_new")) else []
    lines += [f"delay: {delay_ms}ms"] if delay_ms else []
    least, against_ms = draw.randint(2, 4), over_ms * draw.choice((2, 5)) + 1
    share, share_text = draw.choice(((0, "0"), (95_000, "95"), (99_900, "99.9"), (50_000, "50")))
    if kind == "percentile" and share == 50_000:
        lines[0] = f"median: {of}"
    elif kind == "percentile":
        lines.append(f"at: {share_text}")
    lines += [f"against: {against_ms}ms"] if kind == "rate" else []
    lines += [f"min_events: {least}"] if kind == "zscore" else []
    lines += [f"where: |-\n      {where}"] if where is not None else []
    yaml = f"  {name}:\n" + "".join(f"    {line}\n" for line in lines)
    of_type = fields.get(of, "number") if of is not None else "number"
    plain: dict[str, ValueType] = {"age": "duration", "gap": "duration", "is_new": "bool", "distinct": "number"}
    plain |= {"top_share": "number", "zscore": "number", "rate": "number"}
    of_kind = plain.get(kind, of_type)
    return FeatureText(name, kind, of, by, over_ms, delay_ms, where, events, of_kind, yaml, least, against_ms, share)


def _waiting(draw: random.Random, thens: Mapping[str, str]) -> frozenset[str]:
    """Rules that are to wait for what does not come: not the last one that could be overridden."""
    others = [name for name, then in thens.items() if then not in ("allow", "tag")]
    able = [*others[1:], *(name for name, then in thens.items() if then == "tag")]
    share = draw.choice((0, 0, 0, 0.2, 0.9))
    return frozenset(name for name in able if draw.random() < share)


def _rule(
    draw: random.Random,
    name: str,
    features: Sequence[FeatureText],
    scores: bool,
    thens: Mapping[str, str],
    decided_later: Set[str],
) -> RuleText:
    word, events, fields = draw.choice(SCOPES)
    sequence, absence, when, condition = None, None, "", f"event: {word}"
    if name in decided_later:
        absence, events, fields, condition = _absence(draw)
        features, scores = (), False
    elif draw.random() < 0.2:
        sequence, when, events, fields, condition = _sequence(draw, name)
    usable = [each for each in features if set(each.by) <= set(fields)]
    names = _names(fields, usable, scores=scores, attributes=True)
    if sequence is None and absence is None:
        when = _condition(draw, names, 3)
        condition += f"\n  when: |-\n    {when}"
    used = {each: param for each, param in names.params.items() if f"params.{each}" in when}
    then = thens[name]
    mode = draw.choice(("live", "live", "live", "shadow", "off"))
    on_missing = draw.choice(("no_match", "match", "degraded"))
    reason = draw.choice((None, "SOME_REASON", "OTHER_2"))
    shown = [each for kind in ("number", "money", "duration", "text", "bool") for each in names.by_type[kind]]
    shown = [each for each in shown if not each.startswith(("attributes.", "profile.", "is_card", "params."))]
    explain = ("saw ", draw.choice(shown), ' "and" ', draw.choice(shown), " \\ 网")
    challenge = f"proof_{draw.randint(1, 3)}" if then == "step_up" else None
    template = "".join(f"{{{each}}}" if index % 2 else each for index, each in enumerate(explain))
    lines = [f"id: {name}", condition, f"then: {then}", f"mode: {mode}"]
    lines += [f"explain: '{template}'"]
    lines += [f"on_missing: {on_missing}"] if absence is None else []
    lines += [f"reason: {reason}"] if reason else []
    lines += [f"challenge: {challenge}"] if challenge else []
    if used:
        lines.append("params: {" + ", ".join(f"{each}: {text}" for each, (text, _) in used.items()) + "}")
    exceptions = tuple(_exception(draw, fields) for _ in range(draw.choice((0, 0, 1, 2))))
    if exceptions:
        lines.append(f"exceptions: [{', '.join(each.yaml for each in exceptions)}]")
    overrides: tuple[str, ...] = ()
    expires_ms = draw.choice(EXPIRIES[:-1])
    if then == "allow":
        others = [other for other, each in thens.items() if each not in ("allow", "tag") and other not in decided_later]
        overrides = tuple(draw.sample(others, draw.randint(1, len(others))))
        lines += [f"overrides: [{', '.join(overrides)}]", f"expires: '{rfc3339(expires_ms)}'"]
    yaml = "- " + "\n  ".join(lines) + "\n"
    params = {each: typed for each, (_, typed) in used.items()}
    return RuleText(
        name, when, sequence, absence, params, then, mode, on_missing, reason, explain, challenge,
        exceptions, overrides, expires_ms, events, yaml,
    )  # fmt: skip


STEPS = (
    *SCOPES[:2],
    SCOPES[3],
    ("order", frozenset({"order"}), COMMON),
    ("registration", frozenset({"registration"}), COMMON),
)


def _sequence(draw: random.Random, rule: str) -> tuple[SequenceText, str, frozenset[str], dict[str, ValueType], str]:
    """A sequence, what is to hold at its last step, that step's events with their fields, and all of it as YAML."""
    drawn = [_step(draw, *draw.choice(STEPS[:3])) for _ in range(draw.choice((2, 2, 3)))]
    taken = frozenset[str]().union(*(events for _, (events, _), _ in drawn[:-1]))
    unless = [_step(draw, *each) for each in draw.sample(STEPS, 2) if not taken & each[1]]
    by = tuple(
        draw.sample(
            [each for each, kind in COMMON.items() if kind == "text" and each != "type"], draw.choice((1, 1, 2))
        )
    )
    within_ms = draw.choice((1, 5_000, 30_000, 60_000, 3_600_000))
    lines = ["sequence:", f"  by: [{', '.join(by)}]", f"  within: {within_ms}ms", "  steps:"]
    lines += [f"  - {text}" for text, _, _ in drawn]
    lines += ["  unless:", *(f"  - {text}" for text, _, _ in unless)] if unless else []
    (events, where), fields = drawn[-1][1:]
    name = f"sequence.{rule}"
    before, ends = [tuple(entering for _, entering, _ in each) for each in (drawn[:-1], unless)]
    when = name if where is None else f"({where}) and {name}"
    return SequenceText(name, by, within_ms, before, ends), when, events, fields, "\n  ".join(lines)


def _absence(draw: random.Random) -> tuple[AbsenceText, frozenset[str], dict[str, ValueType], str]:
    """An absence, the events that begin it with their fields, and all of it as YAML."""
    words = (STEPS[0], STEPS[2], STEPS[3])
    drawn = [_step(draw, *draw.choice(words)) for _ in range(draw.choice((1, 2, 2, 3)))]
    absent = [_step(draw, *draw.choice((*STEPS[2:], STEPS[0]))) for _ in range(draw.choice((1, 1, 2)))]
    taken = frozenset[str]().union(*(events for _, (events, _), _ in drawn[:-1]))
    unless = [_step(draw, *each) for each in draw.sample(STEPS[2:], 1) if not taken & each[1]]
    texts = [each for each, kind in COMMON.items() if kind == "text" and each != "type"]
    by = tuple(draw.sample(texts, draw.choice((1, 1, 1, 2))))
    within_ms = draw.choice((1, 5_000, 10_000, 30_000, 60_000))
    lines = ["sequence:", f"  by: [{', '.join(by)}]", f"  within: {within_ms}ms", "  steps:"]
    lines += [f"  - {text}" for text, _, _ in drawn]
    lines += ["  - absent:", *(f"    - {text.replace(chr(10), chr(10) + '  ')}" for text, _, _ in absent)]
    lines += ["  unless:", *(f"  - {text}" for text, _, _ in unless)] if unless else []
    (start, _), fields = drawn[-1][1:]
    steps, ends, without = (tuple(entering for _, entering, _ in each) for each in (drawn, absent, unless))
    return AbsenceText(by, within_ms, steps, without, (*ends, *without)), start, fields, "\n  ".join(lines)


def _step(
    draw: random.Random, word: str, events: frozenset[str], fields: dict[str, ValueType]
) -> tuple[str, Entering, dict[str, ValueType]]:
    """A step as YAML, what it means, and the fields of its events."""
    if draw.random() < 0.6:
        return word, (events, None), fields
    names = _names(fields, (), scores=False, attributes=False)
    names.in_rule = False
    where = _condition(draw, names, 1)
    return f"{word}: |-\n          {where}", (events, where), fields


def _exception(draw: random.Random, fields: dict[str, ValueType]) -> ExceptionText:
    values = {name: pool for name, pool in POOLS.items() if name in fields} | {
        name: pool for name, pool in (("quantity", (1, 2, 3)), ("success", (True, False))) if name in fields
    }
    names = tuple(draw.sample(list(values), draw.choice((1, 1, 2))))
    tuples = tuple(tuple(draw.choice(values[name]) for name in names) for _ in range(draw.randint(1, 3)))
    return exception_text(names, tuples, draw.choice(EXPIRIES[:-1]))


def _names(fields: dict[str, ValueType], features: Sequence[FeatureText], *, scores: bool, attributes: bool) -> Names:
    by_type: dict[ValueType, list[str]] = {"number": [], "money": [], "duration": [], "text": [], "bool": []}
    for name, kind in (*fields.items(), *((each.name, each.type) for each in features)):
        by_type[kind].append(name)
    present = [name for names in by_type.values() for name in names]
    if scores:
        by_type["number"] += ["score.own.value", "score.own.quantile"] * 3
        present += ["score.own.value"]
    if attributes:
        for name, kind in (ATTRIBUTES | PROFILE).items():
            by_type[kind].append(name)
    if "method" in fields:
        by_type["bool"].append("is_card")
    return Names(by_type, present)


def _condition(draw: random.Random, names: Names, depth: int) -> str:
    if depth and draw.random() < 0.6:
        parts = [_condition(draw, names, depth - 1) for _ in range(2)]
        return draw.choice((f"({parts[0]} and {parts[1]})", f"({parts[0]} or {parts[1]})", f"not ({parts[0]})"))
    kind = draw.choice([each for each, found in names.by_type.items() if found])
    name = draw.choice(names.by_type[kind])
    order = draw.choice(("<", "<=", ">", ">=", "==", "!="))
    if kind == "bool":
        return name
    if name in names.present and draw.random() < 0.15:
        return f"has({name})"
    if kind == "text":
        return _of_text(draw, name, names)
    if kind == "duration":
        return f"{name} {order} {_param(names, 'young', '10s', Typed(10_000, 'duration'))}"
    limit = draw.choice(("0", "1", "2", "3", "40", "2.5"))
    other = draw.choice(
        [each for each in names.by_type[kind] if not each.startswith(("attributes.", "profile."))] or [limit]
    )
    if kind == "money" and draw.random() < 0.4 and names.in_rule:
        limit = _param(names, "large", "25.50 CNY", Typed(2_550, "money"))
    if kind == "number" and draw.random() < 0.3 and names.in_rule:
        limit = _param(names, "most", "2", Typed(2, "number", bare=True))
    forms = [f"{name} {order} {limit}", f"1 < {name} <= {limit}"]
    if not name.startswith(("attributes.", "profile.")):
        forms += [
            f"{name} / {other} {order} 0.5",
            f"max({name}, {other}) - {name} {order} {limit}",
            f"{name} {order} {other}",
        ]
        forms[2] = forms[2] if other != limit else forms[0]
    return draw.choice(forms)


def _of_text(draw: random.Random, name: str, names: Names) -> str:
    literals = [f"'{each}'" for each in ("card", "CN", "u1", "d2", "web", "payment", "gold", "m1")]
    forms = [
        f"{name} == {draw.choice(literals)}",
        f"{name} != {draw.choice(literals)}",
        f"lower({name}) in ({', '.join(draw.sample(literals, 3))})",
        f"{name} not in ({', '.join(draw.sample(literals, 2))},)",
        f"startswith({name}, 'c')",
        f"len({name}) > 2",
    ]
    if name == "type":
        return draw.choice(("startswith(type, 'p')", "endswith(type, 'n')", "len(type) > 6"))
    if names.in_rule:
        forms += [f"{name} {draw.choice(('in', 'not in'))} lists.{each}" for each in LISTS]
    return draw.choice(forms)


def _param(names: Names, name: str, text: str, typed: Typed) -> str:
    names.params[name] = (text, typed)
    return f"params.{name}"


def random_lists(draw: random.Random) -> dict[str, dict[str, int] | None]:
    """What the lists hold: one is known, one could not be loaded, one nobody mentions."""
    texts = [text for pool in POOLS.values() for text in pool]
    return {"blocked": {text: draw.choice(EXPIRIES) for text in draw.sample(texts, 15)}, "gone": None}
