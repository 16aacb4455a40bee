"""Resolving the names in an expression."""

from dataclasses import replace

from rules.fields import FIELDS
from rules.findings import Code, Ledger, did_you_mean, quoted
from rules.operators import Untyped
from rules.scopes import SCORE_PARTS, Kind, Macro, Scope, events_text, feature_input, score_input
from rules.sources import Spot
from rules.syntax import Input, InputKind, Literal, Node, Read, inputs_of

NAMESPACES = ("params", "lists", "score", "attributes", "profile")

_SEPARATE: dict[str, str] = {
    "timestamp": "an expression cannot read `timestamp`: how far events lie apart is what `gap` and `age` features say",
    "metadata": "an expression cannot read `metadata`: it is carried along unread",
}


class Resolver:
    """Resolves names in one scope."""

    type_input = FIELDS["type"].input

    def __init__(self, scope: Scope, ledger: Ledger) -> None:
        self.scope = scope
        self.ledger = ledger

    def resolve(self, path: tuple[str, ...], spot: Spot) -> Read | Literal | Untyped | Macro | None:
        match path:
            case (name,) if name in NAMESPACES:
                message = f"`{name}` needs a name after a dot, such as `{name}.x`"
                self.ledger.report("not-allowed", spot, message)
            case (name,):
                return self._alone(name, spot)
            case ("params", name):
                return self._param(name, spot)
            case ("attributes", name):
                return self._untyped(name, "attribute", spot)
            case ("profile", name):
                return self._untyped(name, "profile", spot)
            case ("score", name, *rest):
                return self._score(name, tuple(rest), spot)
            case ("lists", *_):
                self.ledger.report("type-mismatch", spot, "a list can only stand after `in` or `not in`")
            case _:
                self.ledger.report("not-allowed", spot, f"{quoted('.'.join(path))} has too many dots")
        return None

    def _alone(self, name: str, spot: Spot) -> Read | Macro | None:
        vocabulary = self.scope.vocabulary
        if name in FIELDS:
            return self._read(FIELDS[name].input, spot)
        if name in vocabulary.features or ("feature", name) in vocabulary.broken:
            return self._feature(name, spot)
        if name in vocabulary.macros:
            vocabulary.used.add(("macro", name))
            return self._macro(name, spot)
        if name in _SEPARATE:
            self.ledger.report("not-allowed", spot, _SEPARATE[name])
            return None
        of = events_text(self.scope.events)
        hint = did_you_mean(name, self.scope.names()) or "nor a feature or macro of the pack"
        if name in ("true", "false"):
            hint = f"did you mean `{name.capitalize()}`?"
        self.ledger.report("unknown-field", spot, f"{quoted(name)} is not a field of {of}", hint)
        return None

    def _read(self, named: Input, spot: Spot) -> Read | None:
        read = Read(named)
        return read if self._is_on_events(named.name, read, spot) else None

    def _is_on_events(self, name: str, tree: Node, spot: Spot) -> bool:
        """Whether every type of event here has the fields that what is named `name` needs."""
        for field, events in self.scope.lacking(tree).items():
            message = f"`{field}` is not a field of {events_text(events)}"
            if name != field:
                message = f"`{name}` needs the field `{field}`, which {events_text(events)} does not have"
            hint = "`event:` says which types of event are meant"
            self.ledger.report("field-not-on-event", spot, message, hint)
            return False
        return True

    def _feature(self, name: str, spot: Spot) -> Read | None:
        vocabulary = self.scope.vocabulary
        vocabulary.used.add(("feature", name))
        if self.scope.is_alone:
            self._report_alone(f"`{name}` is a feature", spot)
            return None
        feature = vocabulary.features.get(name)
        return None if feature is None else self._read(feature_input(feature), spot)

    def _report_alone(self, what: str, spot: Spot) -> None:
        self.ledger.report("not-allowed", spot, f"{what}: {self.scope.where} reads fields of the event alone")

    def _macro(self, name: str, spot: Spot) -> Macro | None:
        macro = self.scope.macro(name)
        if macro is None or not self._is_on_events(name, macro.tree, spot):
            return None
        others = [read for read in inputs_of(macro.tree) if read.kind != "field"]
        if others and self.scope.is_alone:
            self._report_alone(f"`{name}` reads the {others[0].kind} `{others[0].name}`", spot)
            return None
        return macro

    def _param(self, name: str, spot: Spot) -> Literal | None:
        params = self.scope.params
        if params is None:
            self.ledger.report("unknown-param", spot, f"{self.scope.where} has no params: they belong to a rule")
            return None
        if name not in params:
            hint = did_you_mean(name, params) or "name it under `params:` of the rule"
            self.ledger.report("unknown-param", spot, f"the rule has no param {quoted(name)}", hint)
            return None
        self.scope.vocabulary.used.add(("param", name))
        value = params[name]
        return None if value is None else replace(value, param=name)

    def _untyped(self, name: str, kind: InputKind, spot: Spot) -> Untyped | None:
        found = Untyped(name, kind)
        if self.scope.is_alone:
            self._report_alone(f"`{found.path}` is no field", spot)
            return None
        return found

    def _score(self, name: str, rest: tuple[str, ...], spot: Spot) -> Read | None:
        names = self.scope.vocabulary.detectors
        if not self._defined("detector", name, names, "unknown-detector", spot):
            return None
        if self.scope.is_alone:
            self._report_alone(f"`score.{name}` is a score", spot)
            return None
        if len(rest) != 1 or rest[0] not in SCORE_PARTS:
            hint = f"write `score.{name}.value` or `score.{name}.quantile`"
            self.ledger.report("not-allowed", spot, "a score is read by its `value` or its `quantile`", hint)
            return None
        return Read(score_input(name, rest[0]))

    def list_input(self, name: str, spot: Spot) -> Input | None:
        if not self._defined("list", name, self.scope.vocabulary.lists, "unknown-list", spot):
            return None
        if self.scope.is_alone:
            self._report_alone(f"`lists.{name}` is a list", spot)
            return None
        return Input("list", name, "text")

    def _defined(self, kind: Kind, name: str, names: set[str], code: Code, spot: Spot) -> bool:
        self.scope.vocabulary.used.add((kind, name))
        if (kind, name) in self.scope.vocabulary.broken:
            return False
        if name in names:
            return True
        hint = did_you_mean(name, names) or f"name it under `{kind}s:` of the pack"
        self.ledger.report(code, spot, f"the pack has no {kind} {quoted(name)}", hint)
        return False
