"""Reads a Dockerfile, and the folder that docker would be given with it."""

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One line with its continuations: `RUN`, and all that stands behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, of either form: JSON or as a shell would split them."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return shlex.split(self.text)

    @property
    def options(self) -> dict[str, str]:
        """What is given as `--key=value` before the arguments."""
        return dict(re.findall(r"(?:^|\s)--([a-z-]+)=(\S+)", self.text.partition("CMD")[0]))

    @property
    def operands(self) -> list[str]:
        """The arguments without options."""
        return [word for word in self.words if not word.startswith("--")]


class Stage(NamedTuple):
    """What stands from one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction]

    def all(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]

    def only(self, name: str) -> Instruction:
        (instruction,) = self.all(name)
        return instruction

    @property
    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for each in self.all("ENV") for word in each.words)


def stages(dockerfile: Path) -> list[Stage]:
    """The stages in their order."""
    lines = [line for line in dockerfile.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, text = line.partition(" ")
            if name == "FROM":
                base, _, alias = text.partition(" AS ")
                found.append(Stage(base, alias, []))
            else:
                found[-1].instructions.append(Instruction(name, text.strip()))
    return found


def context(folder: Path, paths: list[str]) -> list[str]:
    """Those of the files' relative paths that `.dockerignore` lets through; the last pattern that matches decides."""
    lines = (folder / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [path for path in paths if not _ignored(path, patterns)]


def _ignored(path: str, patterns: list[str]) -> bool:
    parts = path.split("/")
    folders = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        anywhere = wanted.removeprefix("**/")
        names = parts if anywhere != wanted else folders
        if any(fnmatch(name, anywhere) for name in names):
            ignored = not pattern.startswith("!")
    return ignored
