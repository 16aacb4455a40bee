"""Sentences: why a rule matched, with the values it saw."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.fields import FIELDS
from rules.literals import shown
from rules.models import Pack, Rule
from rules.scopes import feature_input, score_input
from rules.syntax import Input, Literal
from rules.templates import parts
from schemas import Value

Piece = str | Input


@dataclass(frozen=True, slots=True)
class Sentence:
    """`inputs` are what it reads, each once; a list is never among them."""

    inputs: tuple[Input, ...]
    pieces: tuple[Piece, ...]
    currency: str

    def render(self, values: Sequence[Value]) -> str:
        """The sentence with `values`, one for each of `inputs`; None is shown as `missing`."""
        texts = {read: shown(value, read.type, self.currency) for read, value in zip(self.inputs, values, strict=True)}
        return "".join(piece if isinstance(piece, str) else texts[piece] for piece in self.pieces)


def compile_sentence(rule: Rule, pack: Pack) -> Sentence:
    """The sentence of a rule: its `explain`, else the text of its condition with each value after its name."""
    pieces = _condition_pieces(rule, pack) if rule.explain is None else _explain_pieces(rule, rule.explain, pack)
    inputs = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, Input)))
    return Sentence(inputs, tuple(pieces), pack.currency)


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
    pieces: list[Piece] = []
    at = 0
    for mention in rule.when.mentions:
        if isinstance(mention.means, Input) and mention.means.kind == "list":
            continue
        value = mention.means if isinstance(mention.means, Input) else _literal(mention.means, pack)
        pieces += [_one_line(text[at : mention.end]), " (", value, ")"]
        at = mention.end
    return [*pieces, _one_line(text[at:]).rstrip()]


def _literal(literal: Literal, pack: Pack) -> str:
    return shown(literal.value, literal.type, pack.currency)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
