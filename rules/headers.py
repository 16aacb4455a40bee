"""Reading the head of a pack in `pack.yml`: who owns it, its currency, its defaults."""

from dataclasses import dataclass

from rules.features import read_events
from rules.fields import EVENT_WORDS
from rules.findings import did_you_mean, quoted
from rules.literals import duration_ms
from rules.models import APPROVALS, MODES, ON_MISSING, SEVERITIES, Approval, Fallback, Mode, OnMissing, Severity, Timing
from rules.shapes import PACK_NAME, Shapes, as_options
from rules.trees import Table
from schemas import ACTIONS, EXPONENTS

HEAD_KEYS = (
    "schema", "pack", "owner", "currency", "defaults", "fallback", "rates", "lateness", "skew", "dedupe", "approval",
)  # fmt: skip
DEFAULT_KEYS = ("event", "mode", "severity", "on_missing", "challenge")
FALLBACK_KEYS = ("deadline", "then")
SCHEMA_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a rule that does not say otherwise; `events` holds for features too."""

    events: frozenset[str] = EVENT_WORDS["payment"]
    mode: Mode = "shadow"
    severity: Severity = "medium"
    on_missing: OnMissing = "no_match"
    challenge: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    name: str
    owner: str
    currency: str
    defaults: Defaults
    fallback: Fallback | None
    timing: Timing
    approval: Approval | None


def read_head(table: Table, shapes: Shapes) -> Head:
    """The head of a pack; what is wrong is a finding, and a stand-in takes its place."""
    schema = shapes.scalar(shapes.required(table, "schema", "a pack"), f"`{SCHEMA_VERSION}` for `schema`")
    if schema is not None and schema.value != SCHEMA_VERSION:
        message = f"expected `schema: {SCHEMA_VERSION}`, got {quoted(schema.value)}"
        shapes.ledger.report("bad-value", schema.spot, message, "this version of riskgate reads schema 1")
    name = shapes.scalar(shapes.required(table, "pack", "a pack"), "a name for `pack`")
    if name is not None:
        shapes.name(name, "a pack name", PACK_NAME)
    owner = shapes.scalar(shapes.required(table, "owner", "a pack"), "a name for `owner`")
    return Head(
        name.value if name else "",
        owner.value if owner else "",
        _currency(table, shapes),
        _defaults(table, shapes),
        _fallback(table, shapes),
        _timing(table, shapes),
        shapes.choice(table, "approval", as_options(APPROVALS)),
    )


def _currency(table: Table, shapes: Shapes) -> str:
    scalar = shapes.scalar(shapes.required(table, "currency", "a pack"), "a currency code for `currency`")
    if scalar is None:
        return "CNY"
    if scalar.value not in EXPONENTS:
        message = f"expected an ISO 4217 currency code such as `CNY`, got {quoted(scalar.value)}"
        shapes.ledger.report("bad-value", scalar.spot, message, did_you_mean(scalar.value, EXPONENTS))
        return "CNY"
    return scalar.value


def _defaults(table: Table, shapes: Shapes) -> Defaults:
    standard = Defaults()
    node = table.get("defaults")
    given = None if node is None else shapes.table(node, "the pack's defaults", DEFAULT_KEYS)
    if given is None:
        return standard
    return Defaults(
        read_events(given.get("event"), standard.events, shapes),
        shapes.choice(given, "mode", as_options(MODES)) or standard.mode,
        shapes.choice(given, "severity", as_options(SEVERITIES)) or standard.severity,
        shapes.choice(given, "on_missing", as_options(ON_MISSING)) or standard.on_missing,
        shapes.text(given, "challenge"),
    )


def _fallback(table: Table, shapes: Shapes) -> Fallback | None:
    node = table.get("fallback")
    given = None if node is None else shapes.table(node, "the pack's fallback", FALLBACK_KEYS)
    if given is None:
        return None
    deadline = shapes.scalar(shapes.required(given, "deadline", "the fallback"), "a duration for `deadline`")
    deadline_ms = None if deadline is None else duration_ms(deadline, shapes.ledger)
    shapes.required(given, "then", "the fallback")
    then = shapes.choice(given, "then", as_options(ACTIONS)) or "review"
    return None if deadline_ms is None else Fallback(deadline_ms, then)


def _timing(table: Table, shapes: Shapes) -> Timing:
    standard = Timing()

    def given(key: str, otherwise_ms: int, least_ms: int = 0) -> int:
        node = table.get(key)
        scalar = None if node is None else shapes.scalar(node, f"a duration for `{key}`")
        found_ms = None if scalar is None else duration_ms(scalar, shapes.ledger, least_ms=least_ms)
        return otherwise_ms if found_ms is None else found_ms

    return Timing(
        given("lateness", standard.lateness_ms),
        given("skew", standard.skew_ms, least_ms=1),
        given("dedupe", standard.dedupe_ms),
    )
