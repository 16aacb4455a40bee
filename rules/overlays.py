"""Overlays: files that change the params, mode or severity of a pack's rules, and nothing else."""

from rules.findings import did_you_mean, quoted
from rules.literals import literal, money_of
from rules.models import MODES, SEVERITIES, Mode, Severity
from rules.shapes import Shapes, as_options
from rules.sources import Source
from rules.syntax import Literal
from rules.trees import Scalar, Table

FOLDER = "overlays"
SUFFIX = ".yml"
OVERLAY_KEYS = ("rules",)
CHANGE_KEYS = ("params", "mode", "severity")

Params = dict[str, Literal | None]

_NOTHING = Table((), Source("", ""), 0)


class Overlay:
    """What an overlay says of each rule; nothing of any where there is none."""

    def __init__(self, table: Table | None, currency: str, shapes: Shapes) -> None:
        self._currency = currency
        self._shapes = shapes
        self._changes: dict[str, tuple[Scalar, Table]] = {}
        node = None if table is None else shapes.required(table, "rules", "an overlay")
        rules = None if node is None else shapes.table(node, "the rules of an overlay")
        for key, value in () if rules is None else rules.entries:
            change = shapes.table(value, "what an overlay changes of a rule", CHANGE_KEYS)
            if change is not None:
                self._changes[key.value] = key, change

    def mode(self, rule: str | None) -> Mode | None:
        return self._shapes.choice(self._change(rule), "mode", as_options(MODES))

    def severity(self, rule: str | None) -> Severity | None:
        return self._shapes.choice(self._change(rule), "severity", as_options(SEVERITIES))

    def params(self, rule: str | None, own: Params) -> Params:
        """The rule's own params with those that the overlay gives it."""
        node = self._change(rule).get("params")
        given = None if node is None else self._shapes.table(node, "params")
        changed = dict(own)
        for key, value in () if given is None else given.entries:
            scalar = self._shapes.scalar(value, "a value for a param")
            if key.value not in own:
                hint = did_you_mean(key.value, own) or "an overlay gives values to params that the rule has"
                message = f"the rule has no param {quoted(key.value)}"
                self._shapes.ledger.report("unknown-param", key.spot, message, hint)
            elif scalar is not None:
                changed[key.value] = self._param(key.value, scalar, own[key.value])
        return changed

    def check(self, ids: set[str]) -> None:
        """Whether the pack has all the rules."""
        for name, (key, _) in self._changes.items():
            if name not in ids:
                message = f"the pack has no rule with the id {quoted(name)}"
                self._shapes.ledger.report("unknown-rule", key.spot, message, did_you_mean(name, ids))

    def _change(self, rule: str | None) -> Table:
        found = None if rule is None else self._changes.get(rule)
        return _NOTHING if found is None else found[1]

    def _param(self, name: str, scalar: Scalar, own: Literal | None) -> Literal | None:
        """The value in the type that the rule's own has; None after findings."""
        found = literal(scalar, self._currency, self._shapes.ledger)
        if found is None or own is None or found.type == own.type:
            return found
        if own.type == "money" and found.type == "number" and not isinstance(found.value, str):
            minor = money_of(found.value, self._currency)
            if minor is not None:
                return Literal(minor, "money")
        message = f"expected a value of type {own.type} for `{name}`, as the rule has, got {quoted(scalar.value)}"
        self._shapes.ledger.report("type-mismatch", scalar.spot, message)
        return None
