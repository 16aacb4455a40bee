"""Slips: what people write in a condition who think of YAML's literals or of other languages."""

import re

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_UNDER_PARAMS = "stands under `params` of the rule, and is read as `params.NAME`"
_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b\d+(ms|s|m|h|d|w)\b", re.ASCII), f"a duration {_UNDER_PARAMS}"),
    (re.compile(r"\b\d+(\.\d+)? +[A-Z]{3}\b", re.ASCII), f"money {_UNDER_PARAMS}, or without its currency here"),
    (re.compile(r"&&|\|\||!(?!=)"), "write `and`, `or` and `not`"),
    (re.compile(r"(?<![<>=!])=(?!=)"), "`==` compares"),
)


def slip_in(text: str) -> str | None:
    """What is meant to be written instead, if the text, which is no expression, has such a slip outside of quotes."""
    plain = _QUOTED.sub("", text)
    return next((hint for form, hint in _FOREIGN if form.search(plain)), None)
