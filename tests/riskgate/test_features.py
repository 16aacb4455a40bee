"""`riskgate features`: each feature once, with what it is and who reads it."""

import json
from pathlib import Path

from rules import load
from support.commands import ROOT, riskgate
from support.rule_packs import write_pack

BODY = """\
features:
  n: {count: event, by: user_id, over: 90m, where: method == "card"}
  spent: {sum: amount, by: [user_id, device_id], over: 24h, delay: 10s}
  seen: {age: device_id, over: 30d, event: [login, payment]}
  surge: {rate: amount, by: user_id, over: 1h, against: 7d}
  high: {percentile: amount, at: 99.5, by: user_id, over: 30d}
  odd: {zscore: amount, by: user_id, over: 30d, min_events: 20}
  pace: {speed: geo, by: user_id, over: 24h}
rules:
- {id: a.both, when: n > 1 and spent > 5.00, then: tag, mode: live}
- {id: a.off, when: n > 2, then: tag, mode: off}
"""


def test_a_table_says_what_each_is_and_who_reads_it(tmp_path: Path) -> None:
    done = riskgate("features", write_pack(tmp_path / "pack", BODY))
    assert done.returncode == 0
    rows = [line.split(maxsplit=2) for line in done.stdout.decode().splitlines()]
    assert [row[0] for row in rows] == ["feature", "n", "spent", "seen", "surge", "high", "odd", "pace"]
    told = [" ".join(row[2].split()) for row in rows]
    assert told[1:] == [
        'count event user_id 90m payment where method == "card" a.both, a.off',
        "sum amount user_id, device_id 1d, 10s ago payment a.both",
        "age device_id 30d login, payment none",
        "rate amount user_id 1h against 7d payment none",
        "percentile amount at 99.5 user_id 30d payment none",
        "zscore amount min_events 20 user_id 30d payment none",
        "speed geo user_id 1d payment none",
    ]


def test_json_has_all_of_it(tmp_path: Path) -> None:
    done = riskgate("features", write_pack(tmp_path / "pack", BODY), "--format", "json")
    n, _, seen, surge, high, odd, pace = json.loads(done.stdout)
    assert (n["where"], n["rules"], n["events"]) == ('method == "card"', ["a.both", "a.off"], ["payment"])
    assert (seen["events"], seen["delay"], seen["where"]) == (["login", "payment"], "0", None)
    assert (n["against"], n["at"], n["min_events"], pace["where"]) == (None, None, None, None)
    assert (surge["over"], surge["against"], high["at"], odd["min_events"]) == ("1h", "7d", 99.5, 20)


def test_it_lists_all_of_the_pack_that_comes_along() -> None:
    folder = ROOT / "rules" / "packs" / "game-points"
    pack = load(folder).pack
    assert pack is not None
    done = riskgate("features", folder, "--format", "json")
    assert [row["name"] for row in json.loads(done.stdout)] == list(pack.features)


def test_findings_of_a_bad_pack_are_shown(tmp_path: Path) -> None:
    done = riskgate("features", write_pack(tmp_path / "pack", BODY.replace("spent >", "spend >")))
    assert done.returncode == 3
    assert "did you mean `spent`?" in done.stderr.decode()
