"""XML read into plain elements."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, tag: str) -> Iterator["Element"]:
        """The elements of this name below."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.all(tag)


def parse(document: str) -> Element:
    """The root of a document. Raises expat.ExpatError where it is not well formed."""
    opened = [Element("", {})]

    def start(tag: str, attributes: dict[str, str]) -> None:
        opened[-1].children.append(Element(tag, attributes))
        opened.append(opened[-1].children[-1])

    def end(_: str) -> None:
        opened.pop()

    def characters(text: str) -> None:
        opened[-1].text += text

    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.Parse(document.encode(), True)
    return opened[0].children[0]
