"""What can be proven of a whole pack: conditions that always come out the same, rules that never decide."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from rules.domains import Domain
from rules.facts import Effort, OutOfEffort
from rules.fields import FIELDS
from rules.findings import Ledger
from rules.models import Feature, Rule
from rules.proofs import Goal, Prover
from rules.scopes import Vocabulary, feature_input
from rules.sequences import StepCondition
from rules.shadows import Written, check_shadows
from rules.syntax import Condition, Input, Junction, Node, OneOf, Read, inputs_of
from rules.trees import Scalar, Table
from rules.verdicts import Checked, check_verdicts

EFFORT_MAX = 500_000
"""Steps for the proofs of one pack, about two seconds; 1,000 plain rules take a fifth."""


def check_currencies(vocabulary: Vocabulary, wheres: Mapping[str, Scalar], ledger: Ledger) -> None:
    """Reports features that take amounts of another currency than the pack's alone; `wheres` as they are written."""
    effort = Effort(EFFORT_MAX)
    for name, scalar in wheres.items():
        feature = vocabulary.features[name]
        if feature.where is not None:
            domain = Domain(vocabulary.currency, feature.events, vocabulary.features, vocabulary.rated)
            _check_currency(feature, feature.where, scalar, Prover(domain, effort), ledger)


def check_conditions(
    vocabulary: Vocabulary,
    wheres: Mapping[str, Scalar],
    steps: Sequence[StepCondition],
    rules: Sequence[tuple[Rule, Table]],
    ledger: Ledger,
) -> None:
    """Reports what is proven of the conditions of features, steps and rules; `wheres` has the features' as written."""
    features = vocabulary.features
    provers: dict[frozenset[str], Prover] = {}
    effort = Effort(EFFORT_MAX)

    def prover_of(events: frozenset[str]) -> Prover:
        domain = Domain(vocabulary.currency, events, features, vocabulary.rated)
        return provers.setdefault(events, Prover(domain, effort))

    for name, scalar in wheres.items():
        feature = features[name]
        if feature.where is not None:
            _check_written(
                Checked(feature.where, scalar, f"the `where` of `{name}`"), prover_of(feature.events), ledger
            )
    for step in steps:
        ledger.rule = step.rule
        checked = Checked(step.condition, step.scalar, f"the step `{step.word}`")
        _check_written(checked, prover_of(step.events), ledger)
        ledger.rule = None
    written: list[Written] = []
    came: dict[Feature, Input] = {}
    for rule, table in rules:
        when, named = table.get("when"), table.get("id")
        if isinstance(named, Scalar) and rule.sequence is not None:
            written.append(Written(_sharing(rule, rule.sequence, came), named.spot, prover_of(rule.events)))
        if not isinstance(when, Scalar) or not isinstance(named, Scalar):
            continue
        ledger.rule = rule.id
        before = len(ledger.findings)
        prover = prover_of(rule.events)
        check_verdicts(Checked(rule.when, when, "the rule", rule.on_missing), prover, ledger)
        ledger.rule = None
        if len(ledger.findings) == before:
            written.append(Written(rule, named.spot, prover))
    overriders: defaultdict[str, set[str]] = defaultdict(set)
    for rule, _ in rules:
        for overridden in rule.overrides if rule.mode == "live" else ():
            overriders[overridden].add(rule.id)
    with suppress(OutOfEffort):
        check_shadows(written, overriders, ledger)


def _check_written(checked: Checked, prover: Prover, ledger: Ledger) -> None:
    """Reports what is proven of a condition that lets events in; one that reads nothing of them lets in all or none."""
    if not inputs_of(checked.condition.tree):
        message = f"this reads nothing of the event, so {checked.subject} matches all that it looks at, or nothing"
        ledger.report("constant-condition", checked.scalar.spot, message)
    check_verdicts(checked, prover, ledger)


def _sharing(rule: Rule, sequence: Feature, came: dict[Feature, Input]) -> Rule:
    """The rule with a condition that reads one input for all sequences that are the same."""
    own = feature_input(sequence)
    shared = came.setdefault(replace(sequence, name=""), own)

    def put(node: Node) -> Node:
        if isinstance(node, Junction):
            return replace(node, operands=tuple(map(put, node.operands)))
        return Read(shared) if node == Read(own) else node

    return replace(rule, when=replace(rule.when, tree=put(rule.when.tree)))


def _check_currency(feature: Feature, where: Condition, scalar: Scalar, prover: Prover, ledger: Ledger) -> None:
    """Reports a `where` that lets in amounts of other currencies alone, which are all missing."""
    currency = prover.domain.currency
    passes: Goal = (where.tree, "true")
    own: Goal = (OneOf(Read(FIELDS["currency"].input), tuple(sorted(prover.domain.currencies))), "true")
    if feature.field != "amount" or not prover.possible([passes]) or prover.possible([passes, own]):
        return
    message = f"`{feature.name}` has no amount to take: this lets in no event with an amount in {currency}"
    hint = f"an amount in another currency than {currency} is missing, unless the pack's `rates` have it"
    ledger.report("wrong-currency", scalar.spot, message, hint)
