"""Reasons: why each rule matched, with the values it saw, as the JSON that a decision has of them."""

from collections.abc import Callable, Sequence

import msgspec

from engine.frames import Frame
from rules import Pack, Rule
from rules.sentences import Show, compile_sentence
from schemas import Reason, Value


class RuleReason:
    """The reason of one rule: its JSON is written once, with holes where the sentence has values.

    JSON escapes each character by itself, so that texts can be escaped before they are put in.
    """

    def __init__(self, rule: Rule, code: str, pack: Pack) -> None:
        sentence = compile_sentence(rule, pack)
        self.inputs = sentence.inputs
        written = Reason(_without_holes(rule.id), _without_holes(code), sentence.template)
        self._fill: Callable[[str | tuple[str, ...]], str] = msgspec.json.encode(written).decode().__mod__
        self._shows = [
            (read, _escaping(show) if read.type == "text" else show)
            for read, show in zip(sentence.inputs, sentence.shows, strict=True)
        ]
        self._holes = sentence.holes

    def told(self, frame: Frame, positions: Sequence[int]) -> list[str]:
        """The JSON of the reason for the frame's events at `positions`."""
        if not self._holes:
            return [self._fill(())] * len(positions)
        if len(self._holes) == 1:
            ((read, show),) = self._shows
            return list(map(self._fill, map(show, frame.values(read, positions))))
        texts = [list(map(show, frame.values(read, positions))) for read, show in self._shows]
        return list(map(self._fill, zip(*[texts[hole] for hole in self._holes], strict=True)))


def _without_holes(text: str) -> str:
    return text.replace("%", "%%")


def _escaping(show: Show) -> Show:
    """Shows a text as it stands between the quotes of a JSON string."""

    def escaped(value: Value) -> str:
        text = show(value)
        if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
            return text
        return msgspec.json.encode(text)[1:-1].decode()

    return escaped
