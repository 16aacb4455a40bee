"""The page of a comparison in a real browser: its tables and its plot are there, and it asks nobody for anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import rules
from simulator import simulate
from support.browser import Page, page
from workbench.comparison import comparison_of
from workbench.contrast_pages import difference_page
from workbench.contrasts import Difference, difference_of
from workbench.feature_table import compute
from workbench.history import History

PACK = Path(rules.__file__).parent / "packs" / "game-points"

Drawn = tuple[Difference, Path, Page]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    """The pack against itself with milder rules, on a simulated stream, opened in a browser."""
    folder = tmp_path_factory.mktemp("page")
    pack = rules.load(PACK).pack
    assert pack is not None
    milder = replace(pack, rules=tuple(replace(r, then="review") if r.then == "block" else r for r in pack.rules))
    lines = [msgspec.json.encode(event) for event, _ in simulate(seed=5, users=150, days=10)]
    (folder / "h.ndjson").write_bytes(b"\n".join(lines))
    table = compute(pack, History(folder / "h.ndjson"), lambda _: None)
    comparison = comparison_of((pack, table), (milder, table), None, 0)
    found = difference_of(comparison, "<b>simulated</b>", ("A & one", "other"), (table.account, table.account), 0)
    path = folder / "page.html"
    path.write_text(difference_page(found, ["a note & <more>"]), encoding="utf-8")
    with page(folder / "profile") as opened:
        opened.open(path)
        yield found, path, opened


def test_the_page_asks_for_nothing(drawn: Drawn) -> None:
    _, path, opened = drawn
    assert [each for each in opened.requests if each != path.as_uri()] == []


def test_every_change_and_rule_has_its_row(drawn: Drawn) -> None:
    found, _, opened = drawn
    sections = opened.evaluate("[...document.querySelectorAll('h2')].map(each => each.textContent)")
    whys = [f"{turn.before} to {turn.after}: why" for turn in found.turns]
    assert sections == ["Data and labels", "Decisions", "What changes", "Changes by day", *whys, "Rules"]
    rows = opened.evaluate(
        "Object.fromEntries([...document.querySelectorAll('section')].map(each => ["
        "each.querySelector('h2').textContent, each.querySelectorAll('table tr').length]))"
    )
    assert rows["What changes"] == 1 + len(found.turns) > 1
    assert rows["Rules"] == 1 + len(found.rules)
    assert found.changed > 20


def test_the_plot_has_a_size_and_the_page_no_overflow(drawn: Drawn) -> None:
    _, _, opened = drawn
    ((width, height, paths),) = opened.evaluate(
        "[...document.querySelectorAll('svg')].map(each => { const box = each.getBoundingClientRect();"
        " return [box.width, box.height, each.querySelectorAll('path').length]; })"
    )
    assert (width > 300, height > 60, paths > 10) == (True, True, True)
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_texts_from_outside_are_no_markup(drawn: Drawn) -> None:
    _, _, opened = drawn
    assert opened.evaluate("document.querySelector('h1 + p').textContent").startswith("<b>simulated</b>: ")
    assert opened.evaluate("document.querySelector('p + p').textContent").startswith("A is A & one, ")
    assert opened.evaluate("document.querySelector('li').textContent") == "a note & <more>"
