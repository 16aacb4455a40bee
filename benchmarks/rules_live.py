"""Measurements of what many rules cost live: W decided by packs of the same features, one of few rules, one of many.

`python -m benchmarks.rules_live FILE BATCH` prints as JSON the CPU time of each pack by event, and the difference: the
cost of the rules that one has more. Both take turns within one process, so that they meet the same machine. With
`--often` the many are the rules of W, each forty times with other thresholds, so that an event hits hundreds of them.
"""

import argparse
import gc
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray

import rules
from benchmarks.inprocess import BATCH, Figures, Run, decide, warm_up
from benchmarks.variants import PACKS, PLAIN, load
from engine import Engine
from rules import Literal, Pack
from rules.columns import NumberColumn
from rules.findings import render
from rules.scopes import feature_input
from schemas.batches import decode
from workbench.variants import varied

MANY, FEW = 1_000, 10
TURN_EVENTS = 8_192
"""So many events are decided by one pack before the other has its turn with them."""

LOW, HIGH = 0.99, 0.9999
"""The shares of events between which thresholds are drawn that are to be exceeded seldom."""

HEAD = """\
schema: 1
pack: many
owner: benchmarks
currency: CNY
defaults: {event: transaction, mode: shadow, challenge: sms_otp}
macros:
  is_home: country in ("CN", "SG")
lists: {known: {type: string, file: known.csv}}
"""
FEATURES = """\
features:
  user_mean_7d: {mean: amount, by: user_id, over: 7d}
  user_max_24h: {max: amount, by: user_id, over: 24h}
  user_z: {zscore: amount, by: user_id, over: 7d}
  user_surge: {rate: amount, by: user_id, over: 10m, against: 24h}
  user_gap: {gap: user_id, over: 24h}
  user_age: {age: user_id, over: 7d}
  last_country: {last: country, by: user_id, over: 24h}
  is_new_device: {is_new: [user_id, device_id], over: 7d}
  is_new_payee: {is_new: [user_id, payee_id], over: 7d}
  merchant_count_10m: {count: event, by: merchant_id, over: 10m}
  merchant_sum_1h: {sum: amount, by: merchant_id, over: 1h}
  merchant_users_1h: {distinct: user_id, by: merchant_id, over: 1h}
  ip_devices_24h: {distinct: device_id, by: ip, over: 24h}
  pair_sum_24h: {sum: amount, by: [user_id, payee_id], over: 24h}
  refunds_24h: {count: event, by: user_id, over: 24h, event: refund}
"""
"""What the pack has beside the features of W; some of them are missing for a user's first events."""

COUNTS = (
    "user_count_1m", "user_count_10m", "user_count_1h", "user_count_24h", "user_merchants_1h", "device_count_10m",
    "device_count_1h", "ip_count_1m", "ip_count_10m", "payee_count_10m", "payee_users_1h", "pair_count_24h",
    "merchant_count_10m", "merchant_users_1h", "refunds_24h",
)  # fmt: skip
SUMS = (
    "user_sum_10m", "user_sum_1h", "user_sum_24h", "user_sum_7d", "device_sum_24h", "payee_sum_1h", "merchant_sum_1h",
    "pair_sum_24h", "user_max_24h",
)  # fmt: skip
FORMS = (
    "{count} > params.most and amount >= params.least",
    "{sum} > params.spent and not is_home and amount < params.below",
    "{count} >= params.most and ({sum} >= params.spent or channel == 'api')",
    "amount > params.times * user_mean_7d and {count} > params.most",
    "user_gap < params.soon and {sum} > params.spent and type == 'payment'",
    "user_z > params.odd and country != last_country",
    "(is_new_device or is_new_payee) and amount >= params.large and merchant_id not in lists.known",
    "user_age < params.young and {sum} > params.spent and user_surge > params.odd",
)


class _Hits(msgspec.Struct):
    """What is read of a decision."""

    rules: list[str]


_hits_of = msgspec.json.Decoder(_Hits).decode


class Thresholds:
    """Values that few events of a stream exceed, of each feature and of amounts, in major units."""

    def __init__(self, pack: Pack, lines: Sequence[bytes]) -> None:
        inputs = {name: feature_input(pack.features[name]) for name in (*COUNTS, *SUMS)}
        engine = Engine(pack, watched=inputs.values())
        seen: defaultdict[str, list[NDArray[np.int64]]] = defaultdict(list)
        for start in range(0, len(lines), BATCH):
            for part in engine.measure(decode(lines[start : start + BATCH]), {}):
                seen["amount"].append(part.amount_minor.values)
                for name, read in inputs.items():
                    column = part.columns[read]
                    assert isinstance(column, NumberColumn)
                    seen[name].append(column.values)
        self._seen = {name: np.concatenate(parts) for name, parts in seen.items()}

    def of(self, name: str, share: float) -> float:
        """What the share of the events does not exceed."""
        found = float(np.quantile(self._seen[name], share))
        return found if name in COUNTS else found / 100


def write_pack(folder: Path, thresholds: Thresholds | None) -> Pack:
    """The pack of MANY rules, with reasons told and exceptions made; without thresholds only its features."""
    (folder / "pack.yml").write_text(HEAD)
    (folder / "features.yml").write_text(FEATURES)
    (folder / "w.yml").write_text((PACKS / PLAIN / "features.yml").read_text())
    entries = "".join(f"m{number:05d},ann,trusted,\n" for number in range(0, 2_000, 2))
    (folder / "known.csv").write_text(f"value,added_by,reason,expires_at\n{entries}")
    if thresholds is not None:
        text = "".join(_rule(number, thresholds) for number in range(MANY))
        (folder / "rules.yml").write_text(f"rules:\n{text}")
    loaded = rules.load(folder)
    if loaded.pack is None:
        raise SystemExit(render(loaded.findings))
    return replace(loaded.pack, rules=tuple(replace(rule, mode="live") for rule in loaded.pack.rules))


def _rule(number: int, thresholds: Thresholds) -> str:
    form, turn = FORMS[number % len(FORMS)], number // len(FORMS)
    count_, sum_ = COUNTS[turn % len(COUNTS)], SUMS[turn % len(SUMS)]
    place = turn / (MANY // len(FORMS))
    seldom = 1 - (1 - LOW) ** (1 - place) * (1 - HIGH) ** place
    values = {
        "most": f"{thresholds.of(count_, seldom):.0f}",
        "spent": f"{thresholds.of(sum_, seldom):.2f} CNY",
        "least": f"{thresholds.of('amount', place):.2f} CNY",
        "below": f"{thresholds.of('amount', 1 - place / 2):.2f} CNY",
        "large": f"{thresholds.of('amount', seldom):.2f} CNY",
        "times": f"{2 + 5 * place:.3f}",
        "soon": f"{1 + turn}s",
        "odd": f"{3 + 5 * place:.3f}",
        "young": f"{1 + turn}m",
    }
    params = ", ".join(f"{name}: {value}" for name, value in values.items() if f"params.{name}" in form)
    exception = f"fields: [user_id, merchant_id], values: [[u_bot_{number}, m_test]], expires: 2030-01-01, note: -"
    excepted = "" if number % 10 else f"  exceptions: [{{{exception}}}]\n"
    return (
        f"- id: many.rule_{number}\n  when: {form.format(count=count_, sum=sum_)}\n  params: {{{params}}}\n"
        f"  then: {('review', 'step_up', 'block')[number % 3]}\n  reason: RULE_{number}\n"
        f'  explain: "{{amount}} with {{{count_}}} and {{{sum_}}}"\n{excepted}'
    )


def often_hit() -> Pack:
    """The rules of W, each forty times with thresholds that go up by a tenth; none tells a reason."""
    pack = load(PLAIN)
    turns = MANY // len(pack.rules)
    copies = []
    for turn in range(turns):
        for rule in pack.rules:
            (old,) = rule.params.values()
            assert isinstance(old.value, int)
            most = {"most": Literal(old.value + turn * max(1, old.value // 10), old.type)}
            copies.append(replace(rule, id=f"{rule.id}.{turn}", when=varied(rule, most, pack.currency)))
    return replace(pack, rules=tuple(copies))


def seldom_hit(lines: Sequence[bytes]) -> Pack:
    """MANY different rules with thresholds of which events exceed few."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        return write_pack(folder, Thresholds(write_pack(folder, None), lines))


def measure(pack: Pack, file: Path, batch: int) -> Figures:
    """CPU time by event of FEW of the pack's rules and of all of them, and how many of these hit an event."""
    packs = {"few": replace(pack, rules=pack.rules[:FEW]), "many": pack}
    for each in packs.values():
        warm_up(Run(each, file, batch))
    engines = {name: Engine(each) for name, each in packs.items()}
    spent_s, events, hits = dict.fromkeys(engines, 0.0), 0, 0
    decisions: list[list[bytes]] = []
    gc.collect()
    for turn in _turns(Run(pack, file, batch).batches(), TURN_EVENTS // batch):
        for name, engine in engines.items():
            started_s = time.process_time()
            decisions = [decide(engine, raws) for raws in turn]
            spent_s[name] += time.process_time() - started_s
        events += sum(map(len, turn))
        hits += sum(len(_hits_of(decision).rules) for part in decisions for decision in part)
    cpu_us = {name: seconds / events * 1e6 for name, seconds in spent_s.items()}
    return {
        "few_us": cpu_us["few"],
        "many_us": cpu_us["many"],
        "cost_us": cpu_us["many"] - cpu_us["few"],
        "hits": hits / events,
    }


def _turns(batches: Iterator[list[bytes]], size: int) -> Iterator[list[list[bytes]]]:
    while turn := list(islice(batches, max(1, size))):
        yield turn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules_live", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("--often", action="store_true")
    chosen = parser.parse_args()
    pack = often_hit() if chosen.often else seldom_hit(chosen.file.read_bytes().splitlines())
    print(json.dumps(measure(pack, chosen.file, chosen.batch)))


if __name__ == "__main__":
    main()
