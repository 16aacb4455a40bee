"""Another mode of a rule is one changed line, and nothing else of the pack is touched."""

from dataclasses import replace
from difflib import ndiff
from pathlib import Path

import pytest

from rules import Rule, load
from rules.contents import load_files, read_contents
from rules.models import MODES
from support.commands import ROOT
from support.rule_packs import HEAD
from workbench.modes import ModeError, with_mode

PACKS = [*sorted((ROOT / "rules" / "packs").iterdir()), ROOT / "benchmarks" / "packs" / "w"]


def bare(rule: Rule) -> Rule:
    return replace(rule, tests=())


@pytest.mark.parametrize("pack", PACKS, ids=lambda path: path.name)
def test_one_line_changes_in_packs_that_are_used(pack: Path) -> None:
    contents = read_contents(pack)
    known = contents.loaded.pack
    assert known is not None
    for rule in known.rules[:40]:
        for mode in set(MODES) - {rule.mode}:
            files = with_mode(contents.files, rule.id, mode)
            loaded = load_files(files, "there").pack
            assert loaded is not None
            wanted = [replace(each, mode=mode) if each.id == rule.id else each for each in known.rules]
            assert list(map(bare, loaded.rules)) == list(map(bare, wanted))
            (changed,) = (name for name in files if files[name] != contents.files[name])
            old, new = (each[changed].decode().splitlines() for each in (contents.files, files))
            assert sum(line.startswith("+ ") for line in ndiff(old, new)) == 1


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("- {id: a.b, when: amount > 5, then: tag}\n", "then: tag", "then: tag, mode: live"),
        ("- {id: a.b, then: tag, when: amount > 5}", "then: tag", "then: tag, mode: live"),
        ("- id: a.b\n  when: amount > 5\n  then: tag  # so\n", "# so\n", "# so\n  mode: live\n"),
        ("- then: tag\n  id: a.b\n  when: amount > 5", "tag\n", "tag\n  mode: live\n"),
        ("- id: a.b\n  mode: 'off' # not yet\n  when: amount > 5\n  then: tag", "'off'", "live"),
        ('-   id: a.b\n    when: amount > 5\n    then: "tag"', '"tag"', '"tag"\n    mode: live'),
        ("- id: a.b\r\n  when: amount > 5\r\n  then: tag\r\n", "tag\r\n", "tag\r\n  mode: live\n"),
    ],
)
def test_however_it_is_written(text: str, old: str, new: str) -> None:
    head = HEAD.encode()
    files = {"pack.yml": head, "a.yml": f"# \u00e4\u7f51\nrules:\n{text}".encode()}
    changed = with_mode(files, "a.b", "live")
    assert changed["pack.yml"] == head
    assert changed["a.yml"].decode() == f"# \u00e4\u7f51\nrules:\n{text.replace(old, new)}"
    loaded = load_files(changed, "there").pack
    assert loaded is not None
    assert loaded.rules[0].mode == "live"


def test_a_rule_that_is_not_there(tmp_path: Path) -> None:
    assert load(tmp_path).pack is None
    with pytest.raises(ModeError, match=r"expected the rule `a\.b`"):
        with_mode({"pack.yml": HEAD.encode(), "notes/x.yml": b"rules: [{id: a.b, then: tag}]"}, "a.b", "live")
