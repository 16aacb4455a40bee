"""The templates of `explain`: text with names in braces, such as `{tx_10m} payments, limit {params.max_n}`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Characters `start:end` of a template: a text, or the name between braces."""

    text: str
    start: int
    end: int
    is_name: bool


@dataclass(frozen=True, slots=True)
class TemplateError(Exception):
    """A brace at `index` without its partner."""

    index: int


def parts(template: str) -> tuple[Part, ...]:
    """The texts and names of a template in order; `{{` and `}}` stand for braces. Raises TemplateError."""
    found: list[Part] = []
    at = 0
    while at < len(template):
        char = template[at]
        if template[at : at + 2] in ("{{", "}}"):
            found.append(Part(char, at, at + 2, False))
            at += 2
        elif char == "{":
            end = template.find("}", at)
            if end < 0 or "{" in template[at + 1 : end]:
                raise TemplateError(at)
            found.append(Part(template[at + 1 : end].strip(), at + 1, end, True))
            at = end + 1
        elif char == "}":
            raise TemplateError(at)
        else:
            end = min((i for i in (template.find("{", at), template.find("}", at)) if i >= 0), default=len(template))
            found.append(Part(template[at:end], at, end, False))
            at = end
    return tuple(found)
