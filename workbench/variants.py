"""Variants: one rule with other params, many times over the same features.

A variant evaluates only what its thresholds change: the rest of the condition is computed once for all of them. Scores
are taken as they were measured with the rule as it is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from engine import action_of
from rules import Condition, Literal, Rule
from rules.columns import Columns
from rules.literals import money_of
from rules.syntax import (
    Arithmetic,
    Call,
    Compare,
    InList,
    Junction,
    Negate,
    Node,
    Not,
    OneOf,
    walk,
)
from schemas import ACTIONS
from workbench.evaluation import SLICE_ROWS, Outcome
from workbench.feature_table import Progress, text_id
from workbench.measurement import View

_FRAUD, _GOOD, _DECIDES = 1, 2, 4


class VariantError(Exception):
    """A param that cannot be varied; the text says why."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a variant hits: events, and mature fraud and good among them, with their money in minor units.

    `deciding` ones are those that change the decision that all other rules would give.
    """

    hits: int
    fraud: int
    good: int
    fraud_minor: int
    good_minor: int
    deciding: int
    deciding_fraud: int
    deciding_good: int
    deciding_fraud_minor: int
    deciding_good_minor: int


def varied(rule: Rule, params: Mapping[str, Literal], currency: str) -> Condition:
    """The rule's condition with other values of its params, of the same types. Raises VariantError.

    A param must stand in the condition as it is: what became of one in a computation of constants is not found again.
    """
    standing = Counter(node.param for node in walk(rule.when.tree) if isinstance(node, Literal))
    for name, new in params.items():
        if name not in rule.params:
            known = ", ".join(rule.params) or "none"
            raise VariantError(f"the rule `{rule.id}` has no param `{name}`: it has {known}")
        old = rule.params[name]
        if new.type != old.type:
            raise VariantError(f"expected a {old.type} for `{name}` of `{rule.id}`, got a {new.type}")
        if any(isinstance(node, Literal) and node.param == name for node in _earlier(rule)):
            raise VariantError(f"`{name}` of `{rule.id}` cannot be varied: the features are made with it")
        mentioned = sum(rule.when.text[each.start : each.end] == f"params.{name}" for each in rule.when.mentions)
        if not mentioned or standing[name] != mentioned:
            raise VariantError(f"`{name}` of `{rule.id}` cannot be varied: the condition computes with it, or lacks it")
    return replace(rule.when, tree=_substituted(rule.when.tree, params, currency), mentions=())


def _earlier(rule: Rule) -> Iterator[Node]:
    """What stands in the conditions of steps that are no part of the rule's own."""
    feature = rule.absence.feature if rule.absence else rule.sequence
    for each in feature.filters if feature else ():
        if each.tree is not None:
            yield from walk(each.tree)


def _value(old: Literal, params: Mapping[str, Literal], currency: str) -> Literal:
    """What stands in the place of a literal: a bare number is an amount where it is compared with money."""
    new = None if old.param is None else params.get(old.param)
    if new is None:
        return old
    if new.type == old.type or isinstance(new.value, str):
        return new
    minor = money_of(new.value, currency)
    if minor is None:
        raise VariantError(f"{new.value} is no amount of {currency}")
    return Literal(minor, old.type, old.param)


def _substituted(node: Node, params: Mapping[str, Literal], currency: str) -> Node:
    """The tree with other values for params."""

    def put(node: Node) -> Node:
        match node:
            case Literal():
                return _value(node, params, currency)
            case Not() | Negate() | OneOf() | InList():
                return replace(node, operand=put(node.operand))
            case Compare() | Arithmetic():
                return replace(node, left=put(node.left), right=put(node.right))
            case Junction():
                return replace(node, operands=tuple(map(put, node.operands)))
            case Call():
                return replace(node, arguments=tuple(map(put, node.arguments)))
            case _:
                return node

    return put(node)


def sweep(
    view: View, outcome: Outcome, conditions: Sequence[Condition], progress: Progress = lambda _: None
) -> list[Counts]:
    """What the rule of the outcome would hit with each of the conditions, all other rules as they are.

    It is taken for live whatever its mode, and for not there in what the others decide.
    """
    table, rule = view.table, outcome.rule
    columns = Columns(conditions, text_id)
    lists, moments = view.evaluation.pack.entries_by_list, table.numbers("moment_ms")
    judged, codes = view.judged_by(outcome), _codes(view, outcome)
    sums = np.zeros((len(conditions), 8))
    money = np.zeros((len(conditions), 8))
    amounts = view.amount_minor.astype(np.float64)
    for start in range(0, len(table), SLICE_ROWS):
        rows = slice(start, min(start + SLICE_ROWS, len(table)))
        inputs = [table.column(read, rows) for read in columns.inputs]
        code, amount, among = codes[rows], amounts[rows], judged[rows]
        for number, (matched, missing) in enumerate(columns.one_by_one(inputs, lists, moments[rows])):
            hit = matched | missing if missing is not None and rule.on_missing == "match" else matched
            places = np.flatnonzero(hit & among)
            found = code[places]
            sums[number] += np.bincount(found, minlength=8)
            money[number] += np.bincount(found, weights=amount[places], minlength=8)
        progress(rows.stop / len(table))
    return [_counts(*pair) for pair in zip(sums, money, strict=True)]


def _codes(view: View, outcome: Outcome) -> NDArray[np.intp]:
    """For each event the bits of what is known of it, and of whether the rule would change its decision."""
    numbers, sets = view.evaluation.sets
    live = [each.rule for each in view.evaluation.live]
    others = [[live[number] for number in hit if live[number] is not outcome.rule] for hit in sets]
    decides = [ACTIONS.index(action_of(rules)) != ACTIONS.index(action_of([*rules, outcome.rule])) for rules in others]
    codes: NDArray[np.intp] = np.array(decides, dtype=np.intp)[numbers] * _DECIDES
    codes += view.truth.fraud * _FRAUD + view.truth.good * _GOOD
    return codes


def _counts(events: NDArray[np.float64], money: NDArray[np.float64]) -> Counts:
    """The counts from those by code."""
    every, fraud, good, decides = range(8), *([c for c in range(8) if c & bit] for bit in (_FRAUD, _GOOD, _DECIDES))
    figures = [
        events[list(every)].sum(), events[fraud].sum(), events[good].sum(), money[fraud].sum(), money[good].sum(),
        events[decides].sum(),
        *(part[[code for code in some if code in decides]].sum() for part in (events, money) for some in (fraud, good)),
    ]  # fmt: skip
    return Counts(*(int(figure) for figure in figures[: len(fields(Counts))]))
