"""Edits of params: only the values change, and `git apply` takes the diff."""

import subprocess
from pathlib import Path

import pytest

import rules
from rules import Literal, Pack
from rules.literals import written
from support.rule_packs import write_pack
from workbench.rule_edits import EditError, broken_tests, edited

RULES = """\
# Rules of the house.
rules:
- id: a.one   # an older one
  when: amount > params.most
  params: {most: 5.00 CNY}   # as agreed
  then: block

- when: 'quantity > params.n and gap_1d < params.wait and country != params.home and amount > params.least'
  id: 'a.two'
  params:
    # how many
    n: 3      # not more
    wait:   10m

    home: "CN"
    least: 7
  then: review
  tests:
  - name: four
    given: [{payment: {quantity: 4, country: NO, amount: 8}, repeat: 2, every: 1m}]
    expect: {then: review}
  - name: three
    given: [{payment: {quantity: 3, country: NO, amount: 8}, repeat: 2, every: 1m}]
    expect: {then: allow}
"""
OTHERS = "rules:\n- {id: a.three, when: quantity > params.n, params: {n: 1}, then: tag}"
HEAD = "features: {gap_1d: {gap: user_id, over: 1d}}\n"


def _pack(folder: Path, text: str = RULES, overlays: dict[str, str] | None = None, overlay: str | None = None) -> Pack:
    write_pack(folder, HEAD, {"others.yml": OTHERS})
    (folder / "some.yml").write_bytes(text.encode())
    (folder / "overlays").mkdir(exist_ok=True)
    for name, content in (overlays or {}).items():
        (folder / "overlays" / f"{name}.yml").write_bytes(content.encode())
    loaded = rules.load(folder, overlay)
    assert loaded.pack is not None, loaded.findings
    return loaded.pack


def _params(pack: Pack, rule: str) -> dict[str, str]:
    (found,) = [each for each in pack.rules if each.id == rule]
    return {name: written(value, "CNY") for name, value in found.params.items()}


def _applied(pack: Pack, diff: str) -> Pack:
    done = subprocess.run(["git", "apply"], cwd=pack.path, input=diff.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = rules.load(pack.path, pack.overlay)
    assert loaded.pack is not None, loaded.findings
    return loaded.pack


CHANGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("a.one", {"most": "12.50 CNY"}),
    ("a.two", {"n": "17"}),
    ("a.two", {"wait": "90m", "n": "4", "home": '"N\\"O"', "least": "7.5"}),
    ("a.three", {"n": "2"}),
)


@pytest.mark.parametrize(("rule", "params"), CHANGES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_only_the_values_change(tmp_path: Path, rule: str, params: dict[str, str], line_end: str) -> None:
    pack = _pack(tmp_path, RULES.replace("\n", line_end))
    before = {each.id: _params(pack, each.id) for each in pack.rules}
    edit = edited(pack, rule, params)
    assert (pack.path / edit.name).read_bytes().decode() == edit.old
    changed = _applied(pack, f"a table of figures\n\n  and a title\n{edit.diff()}")
    assert (pack.path / edit.name).read_bytes().decode() == edit.new
    assert {each.id: _params(changed, each.id) for each in changed.rules} == {
        **before, rule: {**before[rule], **params}
    }  # fmt: skip
    expected = edit.old
    for name, value in params.items():
        old = {"12.50 CNY": "5.00 CNY", "90m": "10m", '"N\\"O"': '"CN"', "7.5": "7"}.get(
            value, "3" if rule == "a.two" else "1"
        )
        expected = expected.replace(f"{name}: {old}", f"{name}: {value}").replace(
            f"{name}:   {old}", f"{name}:   {value}"
        )
    assert edit.new == expected


def test_characters_of_several_bytes_do_not_move_the_place(tmp_path: Path) -> None:
    pack = _pack(tmp_path, RULES.replace("# Rules of the house.", "# 规则 \U0001f512 é"))
    edit = edited(pack, "a.two", {"n": "4"})
    assert edit.new == edit.old.replace("n: 3", "n: 4")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rules: {a.two: {params: {n: 5}}}", "rules: {a.two: {params: {n: 9}}}"),
        ("rules:\n  a.two:\n    params:\n      n: 5 # so\n", "rules:\n  a.two:\n    params:\n      n: 9 # so\n"),
        ("rules: {a.two: {params: {}}}", "rules: {a.two: {params: {n: 9}}}"),
        ("rules: {a.two: {params: {wait: 1h}}}", "rules: {a.two: {params: {n: 9, wait: 1h}}}"),
        (
            "rules:\n  a.two:\n    params:\n      wait: 1h\n",
            "rules:\n  a.two:\n    params:\n      n: 9\n      wait: 1h\n",
        ),
        ("rules:\n  a.two:\n    mode: live\n", "rules:\n  a.two:\n    params: {n: 9}\n    mode: live\n"),
        ("rules: {a.one: {mode: live}}", "rules: {a.two: {params: {n: 9}}, a.one: {mode: live}}"),
        ("rules:\n  a.one: {mode: live}", "rules:\n  a.two: {params: {n: 9}}\n  a.one: {mode: live}"),
        ("rules: {}", "rules: {a.two: {params: {n: 9}}}"),
    ],
)
def test_under_an_overlay_it_is_the_overlay_that_changes(tmp_path: Path, before: str, after: str) -> None:
    pack = _pack(tmp_path, overlays={"prod": before, "other": "rules: {}"}, overlay="prod")
    edit = edited(pack, "a.two", {"n": "9"})
    assert (edit.name, edit.new) == ("overlays/prod.yml", after)
    changed = _applied(pack, edit.diff())
    assert _params(changed, "a.two")["n"] == "9"


def test_several_params_that_an_overlay_lacks(tmp_path: Path) -> None:
    pack = _pack(tmp_path, overlays={"prod": "rules:\n  a.two:\n    params:\n      home: NO\n"}, overlay="prod")
    edit = edited(pack, "a.two", {"n": "9", "home": '"SE"', "wait": "2h"})
    params = _params(_applied(pack, edit.diff()), "a.two")
    assert params == {"n": "9", "home": '"SE"', "wait": "2h", "least": "7"}


def test_a_file_that_has_changed_meanwhile_is_told(tmp_path: Path) -> None:
    pack = _pack(tmp_path)
    (tmp_path / "some.yml").write_text("rules: []")
    with pytest.raises(EditError, match=r"expected the rule `a\.one` in `.*some\.yml.*write most: 1\.00 CNY there"):
        edited(pack, "a.one", {"most": "1.00 CNY"})


def test_tests_that_fail_with_the_change_are_named(tmp_path: Path) -> None:
    pack = _pack(tmp_path, overlays={"prod": "rules: {}"})
    assert [each.case.name for each in broken_tests(pack, edited(pack, "a.two", {"n": "4"}), "a.two")] == ["four"]
    assert [each.case.name for each in broken_tests(pack, edited(pack, "a.two", {"n": "2"}), "a.two")] == ["three"]
    assert broken_tests(pack, edited(pack, "a.two", {"wait": "5m"}), "a.two") == ()
    under = rules.load(tmp_path, "prod").pack
    assert under is not None
    assert [each.case.name for each in broken_tests(under, edited(under, "a.two", {"n": "4"}), "a.two")] == ["four"]
    assert (tmp_path / "some.yml").read_text() == RULES
    with pytest.raises(EditError, match=r"`some\.yml` would not load with the change: "):
        broken_tests(pack, edited(pack, "a.two", {"n": "5 m"}), "a.two")


def test_a_literal_reads_back_from_a_file(tmp_path: Path) -> None:
    """Texts that YAML or the language would take for something else."""
    pack = _pack(tmp_path)
    for text in ("NO", "5", "10m", "on", "", "#", "a: b", "{", "'", "\\", "网\n", "\u2028\x85", "true"):
        value = written(Literal(text, "text"), "CNY")
        edit = edited(pack, "a.two", {"home": value})
        (tmp_path / "some.yml").write_bytes(edit.new.encode())
        changed = rules.load(tmp_path).pack
        assert changed is not None
        assert changed.rules[-1].params["home"].value == text
        pack = changed
