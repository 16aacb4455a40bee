"""A condition's text with the values that it saw written underneath."""

from collections.abc import Iterator, Mapping

from rules.literals import shown
from rules.syntax import Condition, Input, Literal, Mention
from schemas import Value

_WIDTH = 96


def annotated(condition: Condition, values: Mapping[Input, Value], currency: str) -> list[str]:
    """Lines: a row of the text, below it the values of what that row mentions, then the next row.

    An input without a value is missing, a list is `loaded` or missing. A value that does not fit under its name goes
    one line deeper.
    """
    lines: list[str] = []
    for start, end in _rows(condition.text):
        lines.append(condition.text[start:end].replace("\n", " "))
        depths: list[str] = []
        for mention in condition.mentions:
            if start <= mention.start < end:
                _place(depths, mention.start - start, _text(mention, values, currency))
        lines += depths
    return lines


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of at most _WIDTH characters where there is a space to break at."""
    start = 0
    while len(text) - start > _WIDTH:
        end = text.rfind(" ", start, start + _WIDTH)
        if end <= start:
            break
        yield start, end
        start = end + 1
    yield start, len(text)


def _text(mention: Mention, values: Mapping[Input, Value], currency: str) -> str:
    match mention.means:
        case Literal() as literal:
            return shown(literal.value, literal.type, currency)
        case Input(kind="list") as wanted:
            return "missing" if values.get(wanted) is None else "loaded"
        case Input() as wanted:
            return shown(values.get(wanted), wanted.type, currency)


def _place(depths: list[str], column: int, text: str) -> None:
    for index, line in enumerate(depths):
        if len(line) < column:
            depths[index] = line.ljust(column) + text
            return
    depths.append(" " * column + text)
