"""What a sound pack is read into."""

import shutil
from pathlib import Path

import pytest

from rules import NEVER, Case, DetectorSpec, Fallback, Literal, load
from rules.fields import FIELDS, STORED_FIELDS
from rules.syntax import inputs_of
from schemas import STRUCTS, TRANSACTION_TYPES
from support.commands import ROOT
from support.mounts import files_of, mount
from support.rule_packs import HEAD, errors, load_text, sound_pack

_RULE = "rules:\n- {id: a.rule, when: amount > 5, then: review}\n"


def test_features_are_read_with_their_types(tmp_path: Path) -> None:
    body = """\
defaults: {event: transaction}
features:
  n_1h: {count: event, by: user_id, over: 1h}
  spent: {sum: amount, by: [user_id, payee_id], over: 90m, delay: 1w, event: [payment, topup]}
  mean_quantity: {mean: quantity, by: user_id, over: 1d}
  spread: {std: amount, by: user_id, over: 1d}
  spend_z: {zscore: amount, by: user_id, over: 30d, min_events: 12}
  quantity_z: {zscore: quantity, by: user_id, over: 30d}
  surge: {rate: amount, by: user_id, over: 1h, against: 7d}
  rush: {rate: event, by: user_id, over: 1h, against: 2h}
  usual: {median: quantity, by: user_id, over: 1h}
  high: {percentile: amount, at: 99.95, by: user_id, over: 1h}
  one_shop: {top_share: merchant_id, by: user_id, over: 1d}
  travel_kmh: {speed: geo, by: user_id, over: 1d, event: [login, payment], where: country == "CN"}
  way: {distance: geo, by: user_id, over: 1d}
  devices: {distinct: device_id, by: user_id, over: 1d}
  last_goods: {last: goods, by: user_id, over: 1d}
  known_for: {age: [user_id, device_id], over: 90d}
  since: {gap: user_id, over: 1d}
  is_new_device: {is_new: device_id, over: 1d}
  fails: {count: event, by: user_id, over: 1h, event: login, where: not success}
"""
    features = sound_pack(tmp_path, body).features
    types = {name: (feature.aggregate, feature.type, feature.whole) for name, feature in features.items()}
    assert types == {
        "n_1h": ("count", "number", True),
        "spent": ("sum", "money", True),
        "mean_quantity": ("mean", "number", False),
        "spread": ("std", "money", False),
        "spend_z": ("zscore", "number", False),
        "quantity_z": ("zscore", "number", False),
        "surge": ("rate", "number", False),
        "rush": ("rate", "number", False),
        "usual": ("median", "number", False),
        "high": ("percentile", "money", False),
        "one_shop": ("top_share", "number", False),
        "travel_kmh": ("speed", "number", False),
        "way": ("distance", "number", False),
        "devices": ("distinct", "number", True),
        "last_goods": ("last", "text", False),
        "known_for": ("age", "duration", True),
        "since": ("gap", "duration", True),
        "is_new_device": ("is_new", "bool", False),
        "fails": ("count", "number", True),
    }
    spent, known_for, fails = features["spent"], features["known_for"], features["fails"]
    assert (spent.field, spent.by, spent.over_ms) == ("amount", ("user_id", "payee_id"), 5_400_000)
    assert (spent.delay_ms, spent.events) == (604_800_000, frozenset(("payment", "topup")))
    assert (known_for.field, known_for.by, known_for.events) == (
        None,
        ("user_id", "device_id"),
        frozenset(TRANSACTION_TYPES),
    )
    assert (features["spend_z"].min_events, features["quantity_z"].min_events) == (12, 10)
    assert [(each.field, each.against_ms) for each in (features["surge"], features["rush"])] == [
        ("amount", 604_800_000),
        (None, 7_200_000),
    ]
    assert (features["usual"].share, features["high"].share) == (50_000, 99_950)
    read = [
        each.where and {one.name for one in inputs_of(each.where.tree)}
        for each in (features["travel_kmh"], features["way"])
    ]
    assert read == [{"latitude", "longitude", "country"}, {"latitude", "longitude"}]
    assert fails.where is not None
    assert fails.where.text == "not success"


def test_params_are_typed_by_their_form(tmp_path: Path) -> None:
    params = 'a: 5, b: -0.5, c: 10m, d: 500.00 CNY, e: NO, f: "5", g: true, h: 1e3, i: -3.50 CNY'
    explain = " ".join(f"{{params.{name}}}" for name in "abcdefghi")
    body = f"rules:\n- id: a.rule\n  when: amount > 5\n  then: review\n  params: {{{params}}}\n  explain: '{explain}'\n"
    assert sound_pack(tmp_path, body).rules[0].params == {
        "a": Literal(5, "number"),
        "b": Literal(-0.5, "number"),
        "c": Literal(600_000, "duration"),
        "d": Literal(50_000, "money"),
        "e": Literal("NO", "text"),
        "f": Literal("5", "text"),
        "g": Literal(True, "bool"),
        "h": Literal(1000.0, "number"),
        "i": Literal(-350, "money"),
    }


def test_a_list_has_its_entries_and_when_they_expire(tmp_path: Path) -> None:
    body = "lists: {bins: {type: string, file: bins.csv}}\n"
    rows = """\
value,added_by,reason,expires_at
4111,ann,fraud,
4222,bob,"a, b",2027-01-31
4333,b,c,2027-01-31T08:00:00+08:00
""".replace("\n", "\r\n")
    spec = sound_pack(tmp_path, body, {"bins.csv": "\ufeff" + rows}).lists["bins"]
    assert spec.entries == {"4111": NEVER, "4222": 1_801_353_600_000, "4333": 1_801_353_600_000}
    assert spec.file == "bins.csv"


def test_a_detector_and_a_fallback_are_read(tmp_path: Path) -> None:
    body = """\
fallback: {deadline: 80ms, then: step_up}
detectors:
  own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events, warm_up: 1 event}
"""
    pack = sound_pack(tmp_path, body)
    assert pack.detectors["own"] == DetectorSpec(
        "own", "own_baseline", "user_id", "amount", {"half_life": 30, "warm_up": 1}
    )
    assert pack.fallback == Fallback(80, "step_up")


def test_defaults_hold_where_a_rule_says_nothing(tmp_path: Path) -> None:
    body = "defaults: {event: [login, payment], mode: live, severity: high, on_missing: match, challenge: sms_otp}\n"
    rules = "rules:\n- {id: a.rule, when: user_id == 'u1', then: step_up}\n"
    rule = sound_pack(tmp_path, body + rules).rules[0]
    assert (rule.events, rule.mode, rule.severity) == (frozenset(("login", "payment")), "live", "high")
    assert (rule.on_missing, rule.challenge) == ("match", "sms_otp")


def test_without_defaults_a_rule_never_acts(tmp_path: Path) -> None:
    rule = sound_pack(tmp_path, _RULE).rules[0]
    assert (rule.events, rule.mode, rule.severity, rule.on_missing) == (
        frozenset(("payment",)),
        "shadow",
        "medium",
        "no_match",
    )


def test_rules_come_by_name_of_file_and_then_as_written(tmp_path: Path) -> None:
    files = {
        "b.yml": "rules:\n- {id: b.two, when: amount > 5, then: tag}\n- {id: b.one, when: amount > 5, then: tag}\n",
        "a.yaml": "rules: [{id: a.one, when: n_1h > 5, then: tag}]\n",
        "z.yml": "features: {n_1h: {count: event, by: user_id, over: 1h}}\n",
    }
    assert [rule.id for rule in sound_pack(tmp_path, _RULE, files).rules] == ["a.one", "b.two", "b.one", "a.rule"]


def test_the_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    body = "lists: {bins: {type: string, file: bins.csv}}\n" + _RULE
    lists = {"bins.csv": "value,added_by,reason,expires_at\n", "more.yml": "{}\n"}
    first = sound_pack(tmp_path / "a", body, lists)
    assert first.version == f"test@{first.hash}"
    assert len(first.hash) == 12
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    second = load(tmp_path / "b").pack
    assert second is not None
    assert second.hash == first.hash
    changed = sound_pack(tmp_path / "c", body, lists | {"bins.csv": lists["bins.csv"] + "x,a,b,\n"})
    renamed = sound_pack(tmp_path / "d", body, {"bins.csv": lists["bins.csv"], "others.yml": "{}\n"})
    reworded = sound_pack(tmp_path / "e", body.replace("5", "6"), lists)
    assert len({first.hash, changed.hash, renamed.hash, reworded.hash}) == 4


def test_a_pack_that_kubernetes_mounts_is_the_same_pack(tmp_path: Path) -> None:
    pack = ROOT / "rules" / "packs" / "game-points"
    mount(files_of(pack), tmp_path)
    mounted, direct = load(tmp_path), load(pack)
    assert mounted.findings == ()
    assert mounted.pack is not None
    assert direct.pack is not None
    assert mounted.pack.hash == direct.pack.hash
    assert mounted.pack.lists == direct.pack.lists


def test_a_block_of_text_is_a_condition_too(tmp_path: Path) -> None:
    body = (
        "rules:\n- id: a.rule\n  when: |\n    amount > 5\n    and (quantity > 2\n      or quantity < 1)\n  then: tag\n"
    )
    assert sound_pack(tmp_path, body).rules[0].when.text.count("\n") == 3


def test_a_macro_may_use_macros_in_any_order(tmp_path: Path) -> None:
    body = "macros: {a_1: b_1 or amount > 9, b_1: not c_1, c_1: quantity > 2}\n"
    assert sound_pack(tmp_path, body + "rules: [{id: a.rule, when: a_1 and c_1, then: tag}]\n").rules


def test_fields_mean_the_same_in_every_event() -> None:
    assert {field.name for field in FIELDS.values() if field.required} == {"user_id", "type"}
    assert FIELDS["amount"].type == "money"
    assert FIELDS["quantity"].type == "number"
    assert {name for name, field in FIELDS.items() if field.type == "bool"} == {"success", "fraud", "delivered"}
    assert STORED_FIELDS["method"].events == {*TRANSACTION_TYPES, "mfa_verified"}
    unread = {"timestamp", "attributes", "metadata"}
    assert set(STORED_FIELDS) == {name for s in STRUCTS.values() for name in s.__struct_fields__} - unread


def test_all_findings_come_at_once_and_in_order(tmp_path: Path) -> None:
    body = (
        "rules:\n- {id: a.rule, when: amout > metod, then: block}\n- {id: a.rule, when: amount > 'x', then: reveiw}\n"
    )
    found = [(each.code, each.place.line, each.place.rule) for each in errors(load_text(tmp_path, body))]
    assert found == [
        ("unknown-field", 6, "a.rule"),
        ("unknown-field", 6, "a.rule"),
        ("duplicate-rule", 7, "a.rule"),
        ("type-mismatch", 7, "a.rule"),
        ("bad-value", 7, "a.rule"),
    ]


@pytest.mark.parametrize("owner", ["risk", "'risk'", '"risk"'])
def test_quotes_are_not_part_of_a_text(tmp_path: Path, owner: str) -> None:
    (tmp_path / "pack.yml").write_text(HEAD.replace("owner: tests", f"owner: {owner}"))
    pack = load(tmp_path).pack
    assert pack is not None
    assert pack.owner == "risk"


def _case(tmp_path: Path, given: str, expect: str = "{then: tag}") -> Case:
    tests = f"  tests:\n  - name: one\n    given: [{given}]\n    expect: {expect}\n"
    body = "features: {n_1h: {sum: amount, by: user_id, over: 1h}}\n"
    return sound_pack(tmp_path, f"{body}rules:\n- id: a.rule\n  when: n_1h > 5\n  then: tag\n{tests}").rules[0].tests[0]


def test_the_events_of_a_test_come_when_it_says(tmp_path: Path) -> None:
    given = (
        "{payment: {user_id: u2}, after: 1h, repeat: 3, every: 1m}, {login: {}}, {topup: {}, after: 10m}, "
        "{refund: {}, at: 90s}, {payment: {}, repeat: 2}"
    )
    events = list(_case(tmp_path, given).events("CNY", 1_000_000))
    assert [event["timestamp"] - 1_000_000 for event in events] == [
        *(0, 60_000, 120_000),
        *(121_000, 721_000, 90_000, 91_000, 92_000),
    ]
    assert [event["type"] for event in events][3:6] == ["login", "topup", "refund"]
    assert [event["user_id"] for event in events][2:4] == ["u2", "u1"]


@pytest.mark.parametrize("event", STRUCTS)
def test_an_event_of_a_test_can_be_decoded(tmp_path: Path, event: str) -> None:
    batches = pytest.importorskip("schemas.batches")
    encoding = pytest.importorskip("msgspec.json")
    given = f"{{{event}: {{country: 'NO', attributes: {{level: 5, tier: gold, vip: true}}}}, repeat: 2}}"
    events = list(_case(tmp_path, given).events("CNY", 1_790_000_000_000))
    batch = batches.decode([encoding.encode(each) for each in events])
    assert batch.rejections == []
    assert len({each.id for each in batch.events}) == 2
    assert batch.events[0].country == "NO"
    assert batch.events[0].attributes == {"level": 5, "tier": "gold", "vip": True}


def test_expected_features_are_in_their_own_type(tmp_path: Path) -> None:
    for text, value in (("12.50", 1250), ("12.50 CNY", 1250), ("missing", None)):
        case = _case(tmp_path / text, "{payment: {amount: 12.50}}", f"{{then: allow, features: {{n_1h: {text}}}}}")
        assert case.expect.features == {"n_1h": value}


def test_without_proofs_the_pack_is_the_same_and_nothing_proven_is_told(tmp_path: Path) -> None:
    condition = "amount < 5 and amount > 6"
    sound_pack(tmp_path, f"rules:\n- {{id: a.b, when: {condition}, then: review, mode: shadow}}\n")
    proven, unproven = load(tmp_path), load(tmp_path, proofs=False)
    assert unproven.pack == proven.pack
    assert "never-matches" in {each.code for each in proven.findings}
    assert unproven.findings == tuple(each for each in proven.findings if each.code != "never-matches")


def test_without_proofs_every_error_is_found(tmp_path: Path) -> None:
    """A run reads its pack so: what only proofs find is a warning."""
    text = "schema: 1\npack: p\nowner: o\ncurrency: CNY\nfeatures:\n"
    (tmp_path / "pack.yml").write_text(
        f'{text}  s: {{sum: amount, by: user_id, over: 1h, where: currency == "USD"}}\n'
        "rules:\n- {id: a.b, when: s > 5 and s < 3, then: review}\n"
    )
    assert {each.code for each in load(tmp_path, proofs=False).findings if each.severity == "error"} == {
        each.code for each in load(tmp_path).findings if each.severity == "error"
    }
    assert [each.code for each in load(tmp_path, proofs=False).findings] == ["wrong-currency"]
