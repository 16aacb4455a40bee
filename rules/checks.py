"""What can be proven of a whole pack: conditions that always come out the same, rules that never decide."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rules.domains import Domain
from rules.facts import Effort, OutOfEffort
from rules.findings import Ledger
from rules.models import Feature, Rule
from rules.proofs import Prover
from rules.shadows import Written, check_shadows
from rules.trees import Scalar, Table
from rules.verdicts import Checked, check_verdicts

EFFORT_MAX = 500_000
"""Steps for the proofs of one pack, about two seconds; 1,000 plain rules take a fifth."""


def check_conditions(
    currency: str,
    features: Mapping[str, Feature],
    wheres: Mapping[str, Scalar],
    rules: Sequence[tuple[Rule, Table]],
    ledger: Ledger,
) -> None:
    """Reports what is proven of the conditions of features and rules; `wheres` has the features' as written."""
    provers: dict[frozenset[str], Prover] = {}
    effort = Effort(EFFORT_MAX)

    def prover_of(events: frozenset[str]) -> Prover:
        return provers.setdefault(events, Prover(Domain(currency, events, features), effort))

    for name, scalar in wheres.items():
        feature = features[name]
        if feature.where is not None:
            checked = Checked(feature.where, scalar, f"the `where` of `{name}`")
            check_verdicts(checked, prover_of(feature.events), ledger)
    written: list[Written] = []
    for rule, table in rules:
        when, named = table.get("when"), table.get("id")
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
