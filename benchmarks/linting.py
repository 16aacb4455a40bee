"""How long `riskgate lint` takes on a large pack: 1,000 rules with features, macros, lists, params and tests.

`python -m benchmarks.linting` prints as JSON the seconds of the whole process, in CPU and by the clock: the median of
several runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter

RULES = 1_000
RULES_A_FILE = 100
FEATURES = 240
RUNS = 7

_HEAD = """\
schema: 1
pack: large
owner: benchmarks
currency: CNY
defaults: {event: payment, mode: live, challenge: sms_otp}
macros:
  is_card: method == "card"
  is_foreign: country not in ("CN", "HK")
  is_known: card_id in lists.known
lists: {known: {type: string, file: known.csv}}
"""
_KEYS = ("user_id", "device_id", "card_id", "ip", "payee_id", "merchant_id")
_SPANS = ("10m", "1h", "6h", "1d", "7d")
_AGGREGATES = ("count: event", "sum: amount", "distinct: goods", "mean: amount")
_FORMS = (
    "is_card and {count} > params.most and amount >= params.least",
    "{spend} > params.spend and amount < params.below and not is_known",
    "{names} >= params.names and amount < params.below and (is_foreign or {count} > params.most)",
    "amount > 3 * {mean} and {count} >= params.most and amount < params.below and method in ('card', 'wallet')",
)
"""Thresholds pull in two directions, so that no rule implies another of the same features."""


def write_pack(folder: Path, rules: int = RULES) -> Path:
    """A sound pack of so many rules, in files of RULES_A_FILE."""
    features = [
        f"  f{n}: {{{_AGGREGATES[n % 4]}, by: {_key(n // 4)}, over: {_span(n // 4)}}}\n" for n in range(FEATURES)
    ]
    (folder / "pack.yml").write_text(_HEAD)
    (folder / "features.yml").write_text("features:\n" + "".join(features))
    entries = "".join(f"c{number},ann,trusted,\n" for number in range(1_000))
    (folder / "known.csv").write_text("value,added_by,reason,expires_at\n" + entries)
    for first in range(0, rules, RULES_A_FILE):
        text = "".join(_rule(number) for number in range(first, min(first + RULES_A_FILE, rules)))
        (folder / f"rules-{first // RULES_A_FILE:02}.yml").write_text(f"rules:\n{text}")
    return folder


def _key(number: int) -> str:
    return f"[{_KEYS[number % 6]}, {_KEYS[(number + 1) % 6]}]" if number >= 30 else _KEYS[number % 6]


def _span(number: int) -> str:
    return _SPANS[number // 6 % 5]


def _rule(number: int) -> str:
    at = 4 * (number // 4 * 7 % (FEATURES // 4))
    when = _FORMS[number % 4].format(count=f"f{at}", spend=f"f{at + 1}", names=f"f{at + 2}", mean=f"f{at + 3}")
    step = number // 4
    values = {
        "most": f"{3 + step}",
        "least": f"{1_000 - step}.00 CNY",
        "spend": f"{9_000 + step}.00 CNY",
        "below": f"{901 + step}.00 CNY",
        "names": f"{4 + step}",
    }
    params = ", ".join(f"{name}: {value}" for name, value in values.items() if f"params.{name}" in when)
    then = ("review", "step_up", "block")[number % 3]
    return f"""\
- id: large.rule_{number}
  title: What rule {number} is about
  when: {when}
  {f"params: {{{params}}}" if params else "severity: high"}
  then: {then}
  reason: RULE_{number}
  explain: "{{f{at}}} payments of {{amount}}"
  tests:
  - name: matches
    given: [{{payment: {{user_id: u1, method: card, amount: "900.50"}}, repeat: 6, every: 1m}}]
    expect: {{then: {then}, features: {{f{at}: 6}}}}
  - name: does not
    given: [{{payment: {{user_id: u1, method: card}}, repeat: 5, every: 1m}}]
    expect: {{then: allow}}
"""


def measure(count: int, runs: int = RUNS) -> dict[str, float]:
    """Seconds that the command takes on so many rules, its start included."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "riskgate", "lint", str(write_pack(Path(folder), count))]
        for _ in range(runs):
            before, started_s = getrusage(RUSAGE_CHILDREN), perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            walls.append(perf_counter() - started_s)
            after = getrusage(RUSAGE_CHILDREN)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"cpu_s": median(cpus), "wall_s": median(walls)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linting", description=__doc__)
    parser.add_argument("rules", type=int, nargs="?", default=RULES)
    print(json.dumps(measure(parser.parse_args().rules)))


if __name__ == "__main__":
    main()
