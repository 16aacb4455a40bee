"""Reading rules."""

from collections.abc import Callable

from rules.bounds import PARAMS_MAX
from rules.breakers import read_breaker
from rules.cases import CaseReader
from rules.exceptions import read_exceptions
from rules.expressions import check_condition
from rules.features import read_events
from rules.findings import quoted
from rules.headers import Defaults
from rules.literals import literal
from rules.models import MODES, ON_MISSING, SEVERITIES, THENS, Case, Rule, Then, otherwise
from rules.overlays import Overlay
from rules.overrides import OVERRIDE_KEYS, Overrides
from rules.resolution import Resolver
from rules.scopes import Macro, Scope, Vocabulary, Where
from rules.sequences import Sequence, SequenceReader
from rules.shapes import REASON, RULE_ID, Shapes, as_options
from rules.syntax import Condition, Literal, Read, inputs_of
from rules.templates import TemplateError, parts
from rules.trees import Scalar, Table, Tree

RULE_KEYS = (
    "id",
    "title",
    "when",
    "sequence",
    "params",
    "then",
    "mode",
    "severity",
    "reason",
    "explain",
    "exceptions",
    "overrides",
    "expires",
    "breaker",
    "challenge",
    "runbook",
    "on_missing",
    "event",
    "tests",
)


class RuleReader:
    """Reads rules into the pack's vocabulary; what is wrong goes to the ledger with the rule's id."""

    def __init__(
        self,
        shapes: Shapes,
        vocabulary: Vocabulary,
        defaults: Defaults,
        macro: Callable[[str], Macro | None],
        overlay: Overlay,
    ) -> None:
        self.shapes = shapes
        self.ledger = shapes.ledger
        self.vocabulary = vocabulary
        self.defaults = defaults
        self.macro = macro
        self.sequences = SequenceReader(shapes, vocabulary, macro)
        self.overlay = overlay
        self.lines: dict[str, str] = {}
        self.overrides = Overrides(shapes)

    def read(self, node: Tree) -> Rule | None:
        """One rule; None after findings."""
        table = self.shapes.table(node, "a rule")
        if table is None:
            return None
        id_node = self.shapes.required(table, "id", "a rule")
        id_scalar = None if id_node is None else self.shapes.scalar(id_node, "an id for the rule")
        if id_scalar is not None and not self.shapes.name(id_scalar, "a rule id", RULE_ID):
            id_scalar = None
        self.ledger.rule = id_scalar.value if id_scalar else None
        try:
            return self._body(table, id_scalar)
        finally:
            self.ledger.rule = None

    def _body(self, table: Table, id_scalar: Scalar | None) -> Rule | None:
        self.shapes.table(table, "a rule", RULE_KEYS)
        if id_scalar is not None:
            self._check_unique(id_scalar)
        self.shapes.required(table, "then", "a rule")
        then = self.shapes.choice(table, "then", as_options(THENS))
        overrides, until = self.overrides.read(table, self.ledger.rule, then)
        own_mode = self.shapes.choice(table, "mode", as_options(MODES)) or self.defaults.mode
        mode = self.overlay.mode(self.ledger.rule) or own_mode
        params = self.overlay.params(self.ledger.rule, self._params(table))
        self.vocabulary.used -= {each for each in self.vocabulary.used if each[0] == "param"}
        node = table.get("sequence")
        sequence = None if node is None else self._sequence(node, table, id_scalar, params)
        events = sequence.events if sequence else read_events(table.get("event"), self.defaults.events, self.shapes)
        where: Where = "a step" if sequence and sequence.absence else "a rule"
        scope = Scope(where, self.vocabulary, None if node and not sequence else events, params, self.macro)
        when = sequence.when if sequence else None if node else self._when(table, scope)
        explain = self._explain(table, scope)
        if when is not None:
            self._check_params(table)
        exceptions = read_exceptions(table.get("exceptions"), events, self.vocabulary.currency, self.shapes)
        challenge = self._challenge(table, then)
        breaker = read_breaker(table.get("breaker"), then, challenge, self.shapes)
        tests = self._tests(table, then, has_features=not (sequence and sequence.absence))
        title, runbook = self.shapes.text(table, "title"), self.shapes.text(table, "runbook")
        own_severity = self.shapes.choice(table, "severity", as_options(SEVERITIES)) or self.defaults.severity
        severity = self.overlay.severity(self.ledger.rule) or own_severity
        on_missing = self.shapes.choice(table, "on_missing", as_options(ON_MISSING)) or self.defaults.on_missing
        reason = self._reason(table)
        if id_scalar is None or when is None or then is None:
            return None
        if mode == "live":
            self._check_sides(id_scalar, then, tests)
        known = {name: value for name, value in params.items() if value is not None}
        return Rule(
            id=id_scalar.value,
            title=title,
            when=when.restricted([*until, *exceptions]),
            sequence=sequence.feature if sequence else None,
            absence=sequence.absence if sequence else None,
            params=known,
            then=then,
            mode=mode,
            severity=severity,
            reason=reason,
            explain=explain,
            challenge=challenge,
            runbook=runbook,
            on_missing=on_missing,
            events=frozenset() if sequence and sequence.absence else events,
            tests=tests,
            overrides=overrides,
            breaker=breaker,
        )

    def _challenge(self, table: Table, then: Then | None) -> str | None:
        challenge = self.shapes.text(table, "challenge") or self.defaults.challenge
        if then == "step_up" and challenge is None:
            message = "a rule that asks for a second proof needs a `challenge`"
            hint = "name it in the rule or in the pack's defaults"
            self.ledger.report("missing-challenge", (table.get("then") or table).spot, message, hint)
        return challenge

    def _tests(self, table: Table, then: Then | None, *, has_features: bool) -> tuple[Case, ...]:
        node = table.get("tests")
        if node is None:
            return ()
        broken = {name for kind, name in self.vocabulary.broken if kind == "feature"}
        cases = CaseReader(self.shapes, self.vocabulary.currency, self.vocabulary.features, broken, then).read(node)
        if not has_features and any(case.expect.features for case in cases):
            message = "a rule on what does not come is decided later, where no features are to be expected"
            self.ledger.report("bad-test", node.spot, message, "leave `features` out")
        return cases

    def _check_unique(self, scalar: Scalar) -> None:
        line = f"{scalar.source.name}:{scalar.source.position(scalar.start)[0]}"
        first = self.lines.setdefault(scalar.value, line)
        if first != line:
            message = f"there are two rules with the id {quoted(scalar.value)}"
            self.ledger.report("duplicate-rule", scalar.spot, message, f"the other is at {first}")

    def _reason(self, table: Table) -> str | None:
        node = table.get("reason")
        scalar = None if node is None else self.shapes.scalar(node, "a reason code")
        if scalar is None or not self.shapes.name(scalar, "a reason code", REASON):
            return None
        return scalar.value

    def _params(self, table: Table) -> dict[str, Literal | None]:
        node = table.get("params")
        params = None if node is None else self.shapes.table(node, "params")
        if params is None:
            return {}
        self.shapes.count(len(params.entries), PARAMS_MAX, "params", params.spot)
        found: dict[str, Literal | None] = {}
        for key, value in params.entries:
            named = self.shapes.name(key, "a name for a param")
            if isinstance(value, Scalar):
                found[key.value] = literal(value, self.vocabulary.currency, self.ledger) if named else None
            else:
                found[key.value] = None
                self.ledger.report(
                    "wrong-shape", value.spot, "a param is one number, duration, amount of money or text"
                )
        return found

    def _check_params(self, table: Table) -> None:
        node = table.get("params")
        if not isinstance(node, Table):
            return
        used = {name for kind, name in self.vocabulary.used if kind == "param"}
        for key, _ in node.entries:
            if key.value not in used:
                message = f"the param {quoted(key.value)} is used nowhere in the rule"
                self.ledger.report("unused-param", key.spot, message, "use it in `when` or `explain`, or delete it")

    def _sequence(
        self, node: Tree, table: Table, id_scalar: Scalar | None, params: dict[str, Literal | None]
    ) -> Sequence | None:
        """The rule's sequence; None after findings, of which one is a key that would say what it says."""
        sequence = self.sequences.read(node, f"sequence.{id_scalar.value if id_scalar else ''}", params)
        reasons = {
            "when": "a rule has either `when` or `sequence`",
            "event": "a sequence is judged at the events of its last step",
        }
        if sequence is not None and sequence.absence is not None:
            alone = "what does not come is decided by itself"
            reasons["on_missing"] = f"{alone}: without a key, nothing is waited for"
            reasons |= dict.fromkeys(OVERRIDE_KEYS, f"{alone}: there is nothing else to override")
            reasons["breaker"] = f"{alone}: there is no share of events that it matches"
            self.overrides.wait(self.ledger.rule)
        others = [key for key, _ in table.entries if key.value in reasons]
        for key in others:
            self.ledger.report("bad-sequence", key.spot, reasons[key.value], f"delete {quoted(key.value)}")
        return None if others else sequence

    def _when(self, table: Table, scope: Scope) -> Condition | None:
        node = table.get("when")
        if node is None:
            self.ledger.report("missing-key", table.spot, "a rule needs the key `when` or `sequence`")
        scalar = None if node is None else self.shapes.scalar(node, "an expression for `when`")
        condition = None if scalar is None else check_condition(scalar, scope, self.ledger)
        if scalar is not None and condition is not None and not inputs_of(condition.tree):
            message = "this condition reads nothing of the event, so it always comes out the same"
            self.ledger.report("constant-condition", scalar.spot, message)
        return condition

    def _explain(self, table: Table, scope: Scope) -> str | None:
        node = table.get("explain")
        scalar = None if node is None else self.shapes.scalar(node, "a sentence for `explain`")
        if scalar is None:
            return None
        try:
            found = parts(scalar.value)
        except TemplateError as error:
            hint = "write `{{` or `}}` for a brace that is text"
            spot = scalar.spot_of(error.index, error.index + 1)
            self.ledger.report("bad-value", spot, "this brace has no partner", hint)
            return None
        resolver = Resolver(scope, self.ledger)
        for part in found:
            if not part.is_name:
                continue
            spot = scalar.spot_of(part.start, part.end)
            known = resolver.resolve(tuple(part.text.split(".")), spot)
            if known is not None and not isinstance(known, Read | Literal):
                message = f"{quoted(part.text)} cannot be shown: name a field, a feature, a score or a param"
                self.ledger.report("bad-value", spot, message)
        return scalar.value

    def _check_sides(self, id_scalar: Scalar, then: Then, tests: tuple[Case, ...]) -> None:
        """A live rule has a test that it must match and one that it must not."""
        answers = {case.expect.then for case in tests}
        sides = (("one that must match", then), ("one that must not", otherwise(then)))
        lacking = [side for side, answer in sides if answer not in answers]
        if lacking:
            message = f"the live rule {quoted(id_scalar.value)} lacks tests: {' and '.join(lacking)}"
            hint = "a test must match with `then` as in the rule"
            self.ledger.report("missing-test", id_scalar.spot, message, hint)
