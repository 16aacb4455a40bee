"""Sentences: why a rule matched, with the values it saw."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.fields import FIELDS
from rules.literals import shown
from rules.models import Pack, Rule
from rules.scopes import feature_input, score_input
from rules.syntax import Input, Literal, ValueType
from rules.templates import parts
from schemas import EXPONENTS, Value

Piece = str | Input
Show = Callable[[Value], str]

PLAIN_MINOR_MAX = 10**18
"""Amounts beyond it, and below 0, are rare and take the long way."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`inputs` are what it reads, each once; a list is never among them.

    `template % texts` is the sentence, where `texts` has a text for each of `holes`: `shows[hole]` of the value of
    `inputs[hole]`.
    """

    inputs: tuple[Input, ...]
    shows: tuple[Show, ...]
    template: str
    holes: tuple[int, ...]

    def render(self, values: Sequence[Value]) -> str:
        """The sentence with `values`, one for each of `inputs`; None is shown as `missing`."""
        texts = [show(value) for show, value in zip(self.shows, values, strict=True)]
        return self.template % tuple([texts[hole] for hole in self.holes])


def compile_sentence(rule: Rule, pack: Pack) -> Sentence:
    """The sentence of a rule: its `explain`, else the text of its condition with each value after its name."""
    pieces = _condition_pieces(rule, pack) if rule.explain is None else _explain_pieces(rule, rule.explain, pack)
    inputs = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, Input)))
    return Sentence(
        inputs,
        tuple(show_of(read.type, pack.currency) for read in inputs),
        "".join("%s" if isinstance(piece, Input) else piece.replace("%", "%%") for piece in pieces),
        tuple(inputs.index(piece) for piece in pieces if isinstance(piece, Input)),
    )


def show_of(kind: ValueType, currency: str) -> Show:
    """A function that shows values of one type as `rules.literals.shown` does, in less time."""
    if kind == "money":
        return _show_of_money(currency)
    if kind == "text":
        return _show_text
    return _show_number if kind == "number" else lambda value: shown(value, kind, currency)


def _show_text(value: Value) -> str:
    return value if isinstance(value, str) else shown(value, "text", "")


def _show_number(value: Value) -> str:
    if type(value) is int:
        return str(value)
    return f"{value:.6g}" if type(value) is float else shown(value, "number", "")


def _show_of_money(currency: str) -> Show:
    unit = 10 ** EXPONENTS[currency]
    endings = [shown(minor, "money", currency)[1:] for minor in range(unit)]

    def show(value: Value) -> str:
        minor = round(value) if type(value) is float else value
        if type(minor) is int and 0 <= minor <= PLAIN_MINOR_MAX:
            return f"{minor // unit}{endings[minor % unit]}"
        return shown(value, "money", currency)

    return show


def _explain_pieces(rule: Rule, template: str, pack: Pack) -> list[Piece]:
    return [_named(part.text, rule, pack) if part.is_name else part.text for part in parts(template)]


def _named(name: str, rule: Rule, pack: Pack) -> Piece:
    """What a name in a checked template stands for."""
    match name.split("."):
        case ["params", param]:
            return _literal(rule.params[param], pack)
        case ["score", detector, part]:
            return score_input(detector, part)
    return FIELDS[name].input if name in FIELDS else feature_input(pack.features[name])


def _condition_pieces(rule: Rule, pack: Pack) -> list[Piece]:
    text = rule.when.text
    came = None if rule.sequence is None else feature_input(rule.sequence)
    pieces: list[Piece] = []
    at = 0
    for mention in rule.when.mentions:
        if isinstance(mention.means, Input) and (mention.means.kind == "list" or mention.means == came):
            continue
        value = mention.means if isinstance(mention.means, Input) else _literal(mention.means, pack)
        pieces += [_one_line(text[at : mention.end]), " (", value, ")"]
        at = mention.end
    return [*pieces, _one_line(text[at:]).rstrip()]


def _literal(literal: Literal, pack: Pack) -> str:
    return shown(literal.value, literal.type, pack.currency)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
