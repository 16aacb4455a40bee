"""Reasons: why each rule matched, with the values it saw, as the JSON that a decision has of them."""

from collections.abc import Sequence

import msgspec

from engine.frames import Frame
from rules import Pack, Rule
from rules.sentences import compile_sentence
from schemas import Reason


class RuleReason:
    """The reason of one rule: its JSON is written once, with holes where the sentence has values.

    JSON escapes each character by itself, so that texts can be escaped before they are put in.
    """

    def __init__(self, rule: Rule, code: str, pack: Pack) -> None:
        sentence = compile_sentence(rule, pack)
        self.inputs = sentence.inputs
        written = Reason(_without_holes(rule.id), _without_holes(code), sentence.template)
        self._template = msgspec.json.encode(written).decode()
        self._shows = sentence.shows
        self._holes = sentence.holes

    def told(self, frame: Frame, positions: Sequence[int]) -> list[str]:
        """The JSON of the reason for the frame's events at `positions`."""
        if not self._holes:
            return [self._template % ()] * len(positions)
        texts = []
        for read, show in zip(self.inputs, self._shows, strict=True):
            shown = map(show, frame.values(read, positions))
            texts.append(list(map(_escaped, shown) if read.type == "text" else shown))
        return list(map(self._template.__mod__, zip(*[texts[hole] for hole in self._holes], strict=True)))


def _without_holes(text: str) -> str:
    return text.replace("%", "%%")


def _escaped(text: str) -> str:
    """The text as it stands between the quotes of a JSON string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return msgspec.json.encode(text)[1:-1].decode()
