"""The beginning of a new rule: a commented text that loads and whose tests pass."""

import re
from textwrap import indent

from rules import Pack
from rules.findings import Ledger
from rules.shapes import REASON, RULE_ID
from rules.trees import Items, Table, parse_source

ID_CHARS_MAX = 128


class SkeletonError(Exception):
    """A rule that cannot be begun; says what was expected."""


def skeleton(pack: Pack, rule: str) -> str:
    """A rule with this id as an item of `rules:`, for the currency of the pack. Raises SkeletonError."""
    if len(rule) > ID_CHARS_MAX or not RULE_ID.fullmatch(rule):
        raise SkeletonError(f"expected an id such as `game.card_burst`, which matches {RULE_ID.pattern}, got `{rule}`")
    if any(each.id == rule for each in pack.rules):
        raise SkeletonError(f"expected a new id, but the pack has a rule `{rule}`")
    return f"""\
- id: {rule}  # never changes: decisions name it for ever
  title: Large payments  # what the rule is about
  event: payment  # what it judges: a type of event, a list of them, or transaction
  when: amount >= params.least  # the condition
  params: {{least: 1000 {pack.currency}}}  # thresholds stand here, so that overlays and sweeps can change them
  then: review  # block, step_up, review or tag
  mode: shadow  # shadow: computed and recorded, never acts; live when its tests and a backtest are good
  severity: medium  # low, medium, high or critical
  reason: {reason_of(rule)}
  explain: "a payment of {{amount}}, limit {{params.least}}"  # what a person reads, with the values
  tests:
  - name: a large payment matches
    given: [{{payment: {{amount: 1000}}}}]
    expect: {{then: review}}
  - name: a smaller one does not
    given: [{{payment: {{amount: 999}}}}]
    expect: {{then: allow}}
"""


def reason_of(rule: str) -> str:
    """A reason code from the last part of an id."""
    code = re.sub(r"[^A-Z0-9_]", "_", rule.rpartition(".")[2].upper())[:60]
    return code if REASON.fullmatch(code) else f"R_{code}"


def appended(text: str, name: str, item: str) -> str:
    """The text of a rule file with the item behind its last rule. Raises SkeletonError.

    `rules:` must be the last section of the file, if it has one, and a list with a line for each dash.
    """
    tree = parse_source(name, text.encode(), Ledger())
    if not isinstance(tree, Table):
        raise SkeletonError(f"expected a rule file that can be read, got `{name}`: see `riskgate lint`")
    start = text if not text or text.endswith("\n") else f"{text}\n"
    rules = tree.get("rules")
    if rules is None:
        return f"{start}rules:\n{item}"
    if (
        not isinstance(rules, Items)
        or tree.entries[-1][0].value != "rules"
        or text[rules.start : rules.start + 1] != "-"
    ):
        raise SkeletonError(
            f"expected `rules:` as the last section of `{name}`, with each rule behind a dash of its own"
        )
    return start + indent(item, " " * (rules.source.position(rules.start)[1] - 1))
