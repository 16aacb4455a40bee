"""Rules with a sequence, as they are read."""

from pathlib import Path

import pytest

from rules import Input, Pack
from rules.sentences import compile_sentence
from rules.syntax import inputs_of
from support.rule_packs import errors, load_text, sound_pack

RULE = "rules:\n- id: a.rule\n  then: review\n  sequence: "
LOST = "{by: user_id, within: 1h, steps: [order, {absent: delivery}]}"
TAKEOVER = "{by: user_id, within: 12h, steps: [password_reset, payment], unless: [mfa_verified]}"


def pack_of(folder: Path, sequence: str, rest: str = "") -> Pack:
    return sound_pack(folder, f"{RULE}{sequence}\n{rest}")


def said(folder: Path, sequence: str, *values: int) -> str:
    """The sentence of the rule, with the values of the fields it reads."""
    pack = pack_of(folder, sequence)
    sentence = compile_sentence(pack.rules[0], pack)
    return sentence.render(values)


def test_a_sequence_becomes_a_feature_and_a_condition_on_its_last_step(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, TAKEOVER)
    (rule,) = pack.rules
    assert rule.events == {"payment"}
    assert rule.sequence is not None
    assert pack.features == {"sequence.a.rule": rule.sequence}
    assert (rule.sequence.by, rule.sequence.over_ms) == (("user_id",), 12 * 3_600_000)
    assert [each.events for each in rule.sequence.steps] == [{"password_reset"}]
    assert [each.events for each in rule.sequence.unless] == [{"mfa_verified"}]
    (mention,) = rule.when.mentions
    assert rule.when.text[mention.start : mention.end] == "password_reset"
    assert mention.means == Input("feature", "sequence.a.rule", "bool")


def test_a_sequence_reads_aloud(tmp_path: Path) -> None:
    assert said(tmp_path, TAKEOVER) == "password_reset, then payment within 12h, without mfa_verified"
    steps = "steps: [{login: not success}, password_reset, payout]"
    text = "login (not success), then password_reset, then payout within 90m"
    assert said(tmp_path, f"{{by: [user_id, device_id], within: 90m, {steps}}}") == text


def test_the_last_step_has_its_values(tmp_path: Path) -> None:
    steps = "steps: [password_reset, {payment: amount >= 500}]"
    unless = "unless: [transfer, {login: not success}]"
    text = (
        "password_reset, then payment (amount (612.50 CNY) >= 500) within 12h, without transfer or login (not success)"
    )
    assert said(tmp_path, f"{{by: user_id, within: 12h, {steps}, {unless}}}", 61_250) == text
    steps = "steps: [password_reset, {payment: '  amount\n     >= 500 '}]"
    text = "password_reset, then payment (amount (612.50 CNY) >= 500) within 12h"
    assert said(tmp_path, f"{{by: user_id, within: 12h, {steps}}}", 61_250) == text


def test_what_ends_a_sequence_without_a_condition_is_one_filter(tmp_path: Path) -> None:
    unless = "unless: [mfa_verified, {login: success}, transaction]"
    pack = pack_of(tmp_path, f"{{by: user_id, within: 12h, steps: [password_reset, order], {unless}}}")
    plain, conditioned = pack.features["sequence.a.rule"].unless
    assert {"mfa_verified", "payment", "payout"} < plain.events
    assert conditioned.events == {"login"}
    assert conditioned.where is not None
    assert conditioned.where.text == "success"


@pytest.mark.parametrize(
    "sequence",
    [
        "{by: user_id, within: 12h, steps: [password_reset, payment], unless: [payment]}",
        "{by: user_id, within: 12h, steps: [{login: not success}, payment], unless: [login]}",
        "{by: user_id, within: 12h, steps: [password_reset, login, payment], unless: [{login: not success}]}",
        "{by: user_id, within: 12h, steps: [payment, payment]}",
        "{by: user_id, within: 12h, steps: [transaction, login, payment], unless: [topup]}",
    ],
)
def test_what_can_match_is_taken(tmp_path: Path, sequence: str) -> None:
    pack_of(tmp_path, sequence)


@pytest.mark.parametrize(
    ("sequence", "code"),
    [
        ("text", "wrong-shape"),
        ("{}", "missing-key"),
        ("{by: user_id, within: 12h, steps: login}", "wrong-shape"),
        ("{by: user_id, within: 12h, steps: []}", "bad-sequence"),
        ("{by: user_id, within: 12h, steps: [login, [payment]]}", "wrong-shape"),
        ("{by: user_id, within: 12h, steps: [login, {}]}", "bad-sequence"),
        ("{by: user_id, within: 12h, steps: [login, {payment: }]}", "bad-value"),
        ("{by: user_id, within: 12h, steps: [login, {payment: [a]}]}", "wrong-shape"),
        ("{by: user_id, within: 12h, steps: [login, {payment: amount}]}", "type-mismatch"),
        ("{by: user_id, within: 12h, steps: [login, {payment: amount > params.x}]}", "unknown-param"),
        ("{by: user_id, within: 12h, steps: [login, {payment: attributes.x == 1}]}", "not-allowed"),
        ("{by: user_id, within: 12h, steps: [login, {payment: not success}]}", "field-not-on-event"),
        ("{by: user_id, within: 12, steps: [login, payment]}", "bad-literal"),
        ("{by: amount, within: 12h, steps: [payment, payment]}", "type-mismatch"),
        ("{by: user_id, within: 12h, steps: [payment, payment, payment], unless: [payment]}", "bad-sequence"),
        ("{by: user_id, within: 12h, steps: [login, payment], unless: [login]}", "bad-sequence"),
        (
            "{by: user_id, within: 12h, steps: [login, order, payment], unless: [{order: has(ip)}, order]}",
            "bad-sequence",
        ),
        (
            "{by: user_id, within: 12h, steps: [{login: success}, payment], unless: [{login: (success)}]}",
            "bad-sequence",
        ),
    ],
)
def test_what_cannot_is_refused(tmp_path: Path, sequence: str, code: str) -> None:
    assert {finding.code for finding in errors(load_text(tmp_path, f"{RULE}{sequence}\n"))} >= {code}


def test_an_absence_is_what_a_feature_counts_in_vain(tmp_path: Path) -> None:
    steps = "steps: [{order: has(device_id)}, {absent: {delivery: has(ip)}}]"
    pack = pack_of(
        tmp_path, f"{{by: [user_id, order_id], within: 3d, {steps}}}", "  explain: '{user_id} of {order_id}'\n"
    )
    (rule,) = pack.rules
    assert rule.sequence is None
    assert rule.absence is not None
    assert rule.absence.start.events == {"order"}
    assert rule.events == frozenset()
    assert rule.absence.within_ms == 3 * 86_400_000
    asked = pack.features["sequence.a.rule"]
    assert asked.aggregate == "absence"
    assert asked.over_ms == 3 * 86_400_000 + 1
    assert [each.events for each in (*asked.steps, *asked.ends)] == [{"order"}, {"delivery"}]
    assert rule.when.text == "order (has(device_id)), then no delivery (has(ip)) within 3d"
    other = pack_of(tmp_path, "{by: user_id, within: 1h, steps: [login, {absent: [order, payment]}]}")
    assert [each.events for each in other.features["sequence.a.rule"].ends] == [{"order", "payment"}]
    assert other.rules[0].when.text == "login, then no order or payment within 1h"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{by: user_id, within: 1h, steps: [{absent: delivery}]}", "bad-sequence"),
        ("{by: user_id, within: 1h, steps: [{absent: delivery}, order]}", "bad-sequence"),
        ("{by: user_id, within: 1h, steps: [login, {absent: delivery}, {absent: order}]}", "bad-sequence"),
        ("{by: user_id, within: 1h, steps: [login, order, {absent: delivery}], unless: [login]}", "bad-sequence"),
        ("{by: user_id, within: 1h, steps: [order, {absent: delivry}]}", "unknown-event"),
        ("{by: user_id, within: 1h, steps: [order, {absent: }]}", "bad-value"),
        ("{by: user_id, steps: [order, {absent: delivery}]}", "missing-key"),
        ("{within: 1h, steps: [order, {absent: delivery}]}", "missing-key"),
        ("{by: order_id, within: 1h, steps: [order, {absent: payment}]}", "field-not-on-event"),
        (f"{LOST}\n  on_missing: match", "bad-sequence"),
        (
            f"{LOST}\n  exceptions: [{{fields: [success], values: [[true]], expires: 2027-01-31, note: a}}]",
            "field-not-on-event",
        ),
        (LOST + "\n  explain: '{n}'", "not-allowed"),
        (
            f"{LOST}\n  tests: [{{name: a, given: [order: {{}}], expect: {{then: allow, features: {{n: 1}}}}}}]",
            "bad-test",
        ),
        ("{by: user_id, within: 1h, steps: [login, {absent: []}]}", "bad-sequence"),
    ],
)
def test_an_absence_that_cannot_be_is_refused(tmp_path: Path, body: str, code: str) -> None:
    features = "features: {n: {count: event, by: user_id, over: 1h}}\n"
    loaded = load_text(tmp_path, f"{features}{RULE}{body}\n")
    assert {finding.code for finding in errors(loaded)} >= {code}


def test_an_absence_follows_several_steps_and_may_be_ended(tmp_path: Path) -> None:
    steps = "steps: [login, {payment: amount >= params.least}, {absent: [delivery, {topup: amount > 5}]}]"
    more = """\
  params: {least: 5.00 CNY}
  exceptions: [{fields: [merchant_id], values: [[m1]], expires: 2027-01-31, note: a}]
"""
    pack = pack_of(tmp_path, f"{{by: user_id, within: 1h, {steps}, unless: [refund, payment]}}", more)
    (rule,) = pack.rules
    assert rule.absence is not None
    asked = rule.absence.feature
    assert asked.over_ms == 2 * 3_600_000 + 1, "the steps before the last may be as long before it"
    assert [each.events for each in asked.steps] == [{"login"}, {"payment"}]
    assert [each.events for each in asked.unless] == [{"refund", "payment"}]
    assert [each.events for each in asked.ends] == [{"delivery", "refund", "payment"}, {"topup"}]
    assert rule.absence.start == asked.steps[-1]
    assert [read.name for read in inputs_of(rule.when.tree)] == ["merchant_id"]
    assert rule.when.text == (
        "login, then payment (amount >= params.least), then no delivery or topup (amount > 5) within 1h, "
        "without refund or payment"
    )


def test_what_waits_cannot_be_overridden(tmp_path: Path) -> None:
    allow = "- {id: a.allow, when: amount > 5, then: allow, overrides: [a.rule], expires: 2027-01-31}\n"
    (finding,) = errors(load_text(tmp_path, f"{RULE}{LOST}\n{allow}"))
    assert (finding.code, finding.place.rule) == ("bad-override", "a.allow")


def test_a_rule_with_a_broken_sequence_gives_no_other_findings(tmp_path: Path) -> None:
    rest = "  explain: '{success}'\n"
    loaded = load_text(tmp_path, f"{RULE}{{by: user_id, within: 1h, steps: [payment, logon]}}\n{rest}")
    assert [finding.code for finding in errors(loaded)] == ["unknown-event"]


def test_sequences_count_as_features(tmp_path: Path) -> None:
    rules = "".join(f"- {{id: a.n{number}, then: tag, sequence: {TAKEOVER}}}\n" for number in range(513))
    (finding,) = errors(load_text(tmp_path, f"rules:\n{rules}"))
    assert (finding.code, finding.message) == (
        "too-large",
        "expected at most 512 features and sequences in a pack, got 513",
    )
