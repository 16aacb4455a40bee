"""What a report says of each rule against counts from live engines; labels, maturity, periods, what nobody measured."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from rules import Pack
from support.backtest_oracle import Judged, Said, as_shadow, changes, fraud_of, judged, money, turned
from support.random_packs import LIST_FILES, random_pack
from support.random_streams import steady_stream
from support.rule_packs import sound_pack
from workbench.feature_table import FeatureTable, compute
from workbench.history import History
from workbench.labels import read_labels, truth_of
from workbench.measurement import proportion
from workbench.reports import Report, RuleReport, report_of, view_of
from workbench.tabular import HistoryError


def _table(pack: Pack, path: Path) -> FeatureTable:
    return compute(pack, History(path), lambda _: None)


def _labels(draw: random.Random, judged_events: list[Judged], folder: Path) -> tuple[Path, list[Said]]:
    """A file of labels, some known late, some twice, some of nothing."""
    said = []
    for each in judged_events:
        if draw.random() < 0.5 and "transaction_id" in each.event:
            known_ms = each.event["timestamp"] + draw.choice((0, 5_000, 60_000, 10**7))
            said.append(Said(each.event["transaction_id"], draw.random() < 0.7, known_ms))
    said.append(Said("nothing", True, judged_events[0].event["timestamp"]))
    path = folder / "labels.ndjson"
    rows = [{"transaction_id": a, "fraud": b, "labelled_at": c} for a, b, c in said]
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    return path, said


@pytest.mark.parametrize("seed", range(8))
def test_a_report_says_what_can_be_counted(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    pack = sound_pack(tmp_path, random_pack(draw, scores=False).body, LIST_FILES)
    path = tmp_path / "h.ndjson"
    path.write_bytes(b"".join(each.raw + b"\n" for each in steady_stream(draw, 250)))
    everything, decided = judged(as_shadow(pack), path), judged(pack, path)
    label_file, said = _labels(draw, everything, tmp_path)
    table, maturity_ms = _table(pack, path), draw.choice((0, 30_000))
    said = [Said(*row) for row in table.labels.rows()] + said
    view = view_of(pack, table, read_labels(label_file), maturity_ms)
    report = report_of(view, str(path), maturity_ms)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    end_ms = table.account.end_ms
    truths = [fraud_of(each.event, said, end_ms, maturity_ms) for each in everything]
    assert (report.labels.fraud, report.labels.good) == (truths.count(True), truths.count(False))
    live = {rule.id for rule in pack.rules if rule.mode == "live"}
    for rule, found in zip(pack.rules, report.rules, strict=True):
        assert found.rule == rule.id
        if found.hits is not None:
            _assert_counts(found, everything, truths, live)
            if rule.events <= {kind for each in decided for kind in [each.event["type"]]}:
                effect = (
                    {(each.before, each.after): each.events for each in found.effect.changes} if found.effect else {}
                )
                assert effect == dict(changes(decided, judged(turned(pack, rule.id), path)))


def _assert_counts(found: RuleReport, everything: list[Judged], truths: list[bool | None], live: set[str]) -> None:
    hit = [(each, truth) for each, truth in zip(everything, truths, strict=True) if found.rule in each.decision.shadow]
    events = [each.event for each, _ in hit]
    fraud = [each.event for each, truth in hit if truth is True]
    good = [each.event for each, truth in hit if truth is False]
    only = [each for each, _ in hit if not (live - {found.rule}) & set(each.decision.shadow)]
    assert found.hits == len(hit) == sum(day.hits for day in found.trend)
    assert found.users == len({event["user_id"] for event in events})
    assert found.only == len(only)
    assert (found.fraud, found.good) == (len(fraud), len(good))
    assert Decimal(found.money_caught or "0") == money(fraud, "CNY")
    assert Decimal(found.good_money_stopped or "0") == money(good, "CNY")
    assert found.precision == proportion(len(fraud), len(fraud) + len(good))


def test_wilson_intervals_are_those_of_the_book() -> None:
    """Brown, Cai and DasGupta give these forms; the figures are of the formula worked by hand."""
    none, some, every = proportion(0, 10), proportion(5, 10), proportion(10, 10)
    assert none is not None
    assert some is not None
    assert every is not None
    assert (none.value, none.low, round(none.high, 4)) == (0.0, 0.0, 0.2775)
    assert (round(some.low, 4), round(some.high, 4)) == (0.2366, 0.7634)
    assert (round(every.low, 4), every.high) == (0.7225, 1.0)
    assert proportion(0, 0) is None


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5])
def test_wilson_intervals_hold_their_share(share: float) -> None:
    draw = random.Random(1)
    held = 0
    for _ in range(2_000):
        found = proportion(sum(draw.random() < share for _ in range(150)), 150)
        assert found is not None
        held += found.low <= share <= found.high
    assert held / 2_000 >= 0.92


BODY = """
features:
  n_1h: {count: event, by: user_id, over: 1h}
  cards: {distinct: card_id, by: user_id, over: 1h}
  spend: {sum: amount, by: device_id, over: 1h}
rules:
- id: a.many
  when: n_1h > 1
  then: review
- id: a.cards
  when: cards > 1
  then: block
- id: a.device
  when: spend > 5
  then: block
- id: a.either
  when: n_1h > 1 or has(ip)
  then: block
- id: a.login
  event: login
  when: not success
  then: review
  mode: 'off'
"""


def _pack(tmp_path: Path) -> Pack:
    return sound_pack(tmp_path, BODY, {})


def _file(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, events)))
    return path


DAY_MS = 86_400_000
T0 = 1_790_000_000_000


def _payment(number: int, day: float, **fields: Any) -> dict[str, Any]:
    payment = {"type": "payment", "transaction_id": f"t{number}", "user_id": "u1", "amount": 10, "currency": "CNY"}
    return payment | {"timestamp": T0 + int(day * DAY_MS)} | fields


def test_what_no_event_has_is_unmeasured_and_not_zero(tmp_path: Path) -> None:
    path = _file(tmp_path / "h.ndjson", [_payment(n, n / 100) for n in range(5)])
    pack = _pack(tmp_path)
    report = report_of(view_of(pack, _table(pack, path), None, 0), "h", 0)
    found = {each.rule: each for each in report.rules}
    assert report.unmeasured_features == ["cards", "spend"]
    assert {name: (each.hits, each.unmeasured) for name, each in found.items()} == {
        "a.many": (4, []),
        "a.cards": (None, ["cards"]),
        "a.device": (None, ["spend"]),
        "a.either": (4, ["ip"]),
        "a.login": (None, ["success"]),
    }
    assert found["a.many"].precision is None
    assert report.precision is None


def _labelled(tmp_path: Path, text: str, maturity_ms: int, events: list[dict[str, Any]]) -> Any:
    (tmp_path / "labels.csv").write_text(text)
    pack = _pack(tmp_path)
    table = _table(pack, _file(tmp_path / "h.ndjson", events))
    return truth_of(table, read_labels(tmp_path / "labels.csv"), maturity_ms)


HEAD = "transaction_id,fraud,labelled_at\n"


def test_a_label_counts_from_when_it_is_known(tmp_path: Path) -> None:
    events = [_payment(0, 0), _payment(1, 1), _payment(2, 2), _payment(3, 10)]
    text = f"{HEAD}t0,1,{T0 + 3 * DAY_MS}\nt1,true,{T0 + 11 * DAY_MS}\nt2,1,{T0 + 3 * DAY_MS}\nt2,0,{T0 + 4 * DAY_MS}\n"
    truth = _labelled(tmp_path, text, 5 * DAY_MS, events)
    assert truth.fraud.tolist() == [True, False, False, False]
    assert truth.good.tolist() == [False, True, True, False]
    assert truth.young.tolist() == [False, False, False, True]
    assert (truth.given, truth.late, truth.contrary, truth.strange) == (4, 1, 1, 0)
    assert truth.delay_ms == 3 * DAY_MS


def test_chargebacks_and_feedback_are_labels(tmp_path: Path) -> None:
    said = {"user_id": "u1", "original_transaction_id": "t0"}
    events = [
        _payment(0, 0),
        {"type": "chargeback", "event_id": "c1", "timestamp": T0 + 2 * DAY_MS} | said,
        {"type": "feedback", "event_id": "f1", "timestamp": T0 + 3 * DAY_MS, "fraud": False} | said,
    ]
    path, pack = tmp_path / "h.ndjson", _pack(tmp_path)
    none = pl.DataFrame(schema={"transaction_id": pl.String, "fraud": pl.Boolean, "known_ms": pl.Int64})
    fraud = truth_of(_table(pack, _file(path, events[:2])), none, 0)
    good = truth_of(_table(pack, _file(path, events)), none, 0)
    assert (fraud.fraud.tolist(), good.good.tolist()) == ([True], [True])


def test_a_period_is_a_part_with_the_windows_of_the_whole(tmp_path: Path) -> None:
    path = _file(tmp_path / "h.ndjson", [_payment(n, n / 48) for n in range(96)])
    pack = _pack(tmp_path)
    table = _table(pack, path)
    whole = report_of(view_of(pack, table, None, 0), "h", 0)
    part = report_of(view_of(pack, table, None, 0, T0 + DAY_MS, T0 + DAY_MS + DAY_MS // 2), "h", 0)
    assert (whole.period.events, part.period.events) == (96, 24)
    assert (whole.rules[0].hits, part.rules[0].hits) == (95, 24)
    assert part.rules[0].alerts_a_day == 24


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("transaction_id,fraud\nt0,1\n", "lacks the column `labelled_at`: it has `transaction_id`, `fraud`"),
        (f"{HEAD}t0,yes,{T0}\n", "expected 1 or 0, or true or false, in `fraud`, got `yes` in row 1"),
        (f"{HEAD}t0,1,soon\n", "expected epoch milliseconds or an RFC 3339 time in `labelled_at`, got `soon` in row 1"),
    ],
)
def test_labels_that_cannot_be_read_are_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(HistoryError) as caught:
        _labelled(tmp_path, text, 0, [_payment(0, 0)])
    assert said in str(caught.value)
