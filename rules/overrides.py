"""Reading rules that allow: which rules each overrides, and until when."""

from rules.bounds import OVERRIDES_MAX
from rules.expiry import read_expiry
from rules.findings import did_you_mean, quoted
from rules.models import Then
from rules.shapes import Shapes
from rules.syntax import Before, Node
from rules.trees import Items, Scalar, Table

OVERRIDE_KEYS = ("overrides", "expires")


class Overrides:
    """Reads what rules say of overriding, and checks it when the rules of all files have been read."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._ledger = shapes.ledger
        self._thens: dict[str, Then | None] = {}
        self._named: list[tuple[str | None, Scalar]] = []
        self._waiting: set[str | None] = set()

    def wait(self, rule: str | None) -> None:
        """The rule is decided later, and by itself."""
        self._waiting.add(rule)

    def read(self, table: Table, rule: str | None, then: Then | None) -> tuple[tuple[str, ...], list[Node]]:
        """The rules that the one in `table` overrides, and what must hold for it besides its condition."""
        if rule is not None:
            self._thens.setdefault(rule, then)
        if then != "allow":
            self._refuse(table, then)
            return (), []
        node = self._shapes.required(table, "overrides", "a rule that allows")
        items = () if node is None else self._shapes.items(node, "rules under `overrides`", OVERRIDES_MAX)
        if isinstance(node, Items) and not items:
            self._ledger.report("bad-value", node.spot, "expected at least one rule to override")
        named = [scalar for item in items if (scalar := self._shapes.scalar(item, "the id of a rule")) is not None]
        self._named += [(rule, scalar) for scalar in named]
        expires = self._shapes.required(table, "expires", "a rule that allows")
        expires_ms = read_expiry(expires, "this rule", self._shapes)
        return tuple(scalar.value for scalar in named), [] if expires_ms is None else [Before(expires_ms)]

    def _refuse(self, table: Table, then: Then | None) -> None:
        for key, _ in table.entries if then is not None else ():
            if key.value in OVERRIDE_KEYS:
                message = f"`{key.value}` belongs to a rule with `then: allow`, but this one says `{then}`"
                self._ledger.report("bad-override", key.spot, message)

    def check(self) -> None:
        """Whether all that is overridden is there and acts."""
        seen: set[tuple[str | None, str]] = set()
        for rule, scalar in self._named:
            self._ledger.rule = rule
            self._check(rule, scalar, (rule, scalar.value) in seen)
            seen.add((rule, scalar.value))
        self._ledger.rule = None

    def _check(self, rule: str | None, scalar: Scalar, is_second: bool) -> None:
        name = quoted(scalar.value)
        if scalar.value not in self._thens:
            hint = did_you_mean(scalar.value, self._thens)
            self._ledger.report("unknown-rule", scalar.spot, f"the pack has no rule with the id {name}", hint)
            return
        then = self._thens[scalar.value]
        problem, hint = None, "name rules that review, step up or block"
        if scalar.value == rule:
            problem = "a rule cannot override itself"
        elif then == "allow":
            problem = f"{name} allows too, so there is nothing to override"
        elif then == "tag":
            problem = f"{name} only tags, so there is nothing to override"
        elif scalar.value in self._waiting:
            problem = f"{name} waits for what does not come, and is decided later, by itself"
            hint = "its `exceptions` say which events begin no wait"
        elif is_second:
            problem = f"{name} is named twice"
        if problem is not None:
            self._ledger.report("bad-override", scalar.spot, problem, hint)
