"""The desk of an analyst: a pack, past events and labels, and the commands that put versions in force."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from riskgate.cli import cli
from rules import load
from support.minutes import fraud_labels, payments

PACK = """\
schema: 1
pack: small
owner: testers
currency: CNY
features: {n: {count: event, by: user_id, over: 1h}}
"""
RULES = """\
rules:
# the one that counts
- id: small.burst
  when: n > params.most  # in an hour
  params: {most: 2}
  then: block
  mode: off  # not yet
  tests:
  - {name: three, given: [{payment: {}, repeat: 3}], expect: {then: block}}
  - {name: two, given: [{payment: {}, repeat: 2}], expect: {then: allow}}
- id: small.ip
  when: ip == "10.0.0.1"
  then: review
  mode: shadow
  tests:
  - {name: there, given: [{payment: {ip: 10.0.0.1}}], expect: {then: review}}
  - {name: elsewhere, given: [{payment: {ip: 10.0.0.2}}], expect: {then: allow}}
"""


class Desk:
    """An analyst with a pack, past events and labels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pack = folder / "pack"
        self.rules = self.pack / "rules.yml"
        self.report = folder / "report.json"
        self.pack.mkdir()
        (self.pack / "pack.yml").write_text(PACK)
        self.rules.write_text(RULES)

    def command(self, *words: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words])

    def backtest(self, *options: str) -> dict[str, Any]:
        events = payments(40, users=4)
        (self.folder / "h.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
        labels = fraud_labels(range(10, 20))
        (self.folder / "labels.csv").write_text(labels)
        done = self.command(
            "backtest", self.pack, "--data", self.folder / "h.ndjson", "--labels", self.folder / "labels.csv",
            "--cache", self.folder / "cache", "--json", self.report, *options,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        report: dict[str, Any] = json.loads(self.report.read_text())
        return report

    def promote(self, rule: str, to: str, *options: str, who: str = "ann", why: str = "it is good") -> Result:
        return self.command(
            "promote", self.pack, rule, "--to", to, "--backtest", self.report, "--who", who, "--why", why, *options
        )

    def rollback(self, *options: str, who: str = "bob") -> Result:
        return self.command("rollback", self.pack, "--who", who, "--why", "too many", *options)

    def approve(self, number: int, who: str) -> Result:
        return self.command("approve", self.pack, str(number), "--who", who, "--why", "seen")

    def history(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.command("history", self.pack, "--format", "json").output)
        return document

    @property
    def modes(self) -> dict[str, str]:
        pack = load(self.pack).pack
        assert pack is not None
        return {rule.id: rule.mode for rule in pack.rules}

    @property
    def version(self) -> str:
        pack = load(self.pack).pack
        assert pack is not None
        return pack.hash


def refused(done: Result, code: int, *told: str) -> None:
    assert (done.exit_code, [each for each in told if each not in done.output]) == (code, []), done.output
    assert "Traceback" not in done.output
