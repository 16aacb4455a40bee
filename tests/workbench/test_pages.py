"""The page of a backtest in a real browser: its plots are there, and it asks nobody for anything."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import rules
from rules import Pack
from simulator import simulate
from support.browser import Page, page
from workbench.feature_table import compute
from workbench.history import History
from workbench.labels import read_labels
from workbench.pages import page_of
from workbench.reports import Report, report_of, view_of

PACK = Path(rules.__file__).parent / "packs" / "game-points"
HOUR_MS = 3_600_000
SECTIONS = ["Hits by day", "Precision and recall", "Distributions", "Overlap of rules"]

Drawn = tuple[Report, Path, Page]


@pytest.fixture(scope="module")
def pack() -> Pack:
    loaded = rules.load(PACK).pack
    assert loaded is not None
    return loaded


@pytest.fixture(scope="module")
def drawn(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    """The page of the pack on a simulated stream whose frauds become known after some hours, opened in a browser."""
    folder = tmp_path_factory.mktemp("page")
    draw, labels, lines = random.Random(3), ["transaction_id,fraud,labelled_at"], []
    for event, label in simulate(seed=5, users=150, days=10):
        lines.append(msgspec.json.encode(event))
        if label is not None and hasattr(event, "transaction_id"):
            labels.append(f"{event.id},1,{event.timestamp_ms + draw.randrange(20) * HOUR_MS}")
    (folder / "h.ndjson").write_bytes(b"\n".join(lines))
    (folder / "labels.csv").write_text("\n".join(labels))
    table = compute(pack, History(folder / "h.ndjson"), lambda _: None)
    view = view_of(pack, table, read_labels(folder / "labels.csv"), 24 * HOUR_MS)
    report = report_of(view, "<b>simulated</b>", 24 * HOUR_MS)
    path = folder / "page.html"
    path.write_text(page_of(report, view, ["a note & <more>"], lambda _: None), encoding="utf-8")
    with page(folder / "profile") as opened:
        opened.open(path)
        yield report, path, opened


def test_the_page_asks_for_nothing(drawn: Drawn, tmp_path: Path) -> None:
    _, path, opened = drawn
    assert [each for each in opened.requests if each != path.as_uri()] == []
    with page(tmp_path / "profile") as other:
        asking = tmp_path / "asking.html"
        asking.write_text("<img src='http://127.0.0.1:9/nobody.png'>")
        other.open(asking)
        assert "http://127.0.0.1:9/nobody.png" in other.requests


def test_every_plot_is_there_and_has_shapes(drawn: Drawn) -> None:
    _, _, opened = drawn
    headings = opened.evaluate("[...document.querySelectorAll('section:has(svg) h2')].map(each => each.textContent)")
    assert headings == SECTIONS
    boxes = opened.evaluate(
        "[...document.querySelectorAll('svg')].map(each => { const box = each.getBoundingClientRect();"
        " const count = name => each.querySelectorAll(name).length;"
        " return [box.width, box.height, count('path'), count('text')]; })"
    )
    assert all(width > 300 and height > 100 and paths > 20 and texts > 5 for width, height, paths, texts in boxes)
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_every_rule_has_its_row(drawn: Drawn, pack: Pack) -> None:
    report, _, opened = drawn
    rows = opened.evaluate(
        "[...document.querySelectorAll('.wide tr')].slice(1).map(row => [row.cells[0].firstChild.textContent,"
        " row.cells[3].textContent])"
    )
    hits = ["UNMEASURED" if each.hits is None else f"{each.hits:,}" for each in report.rules]
    assert rows == [[rule.id, count] for rule, count in zip(pack.rules, hits, strict=True)]
    assert sum(each.hits or 0 for each in report.rules) > 100


def test_texts_from_outside_are_no_markup(drawn: Drawn) -> None:
    _, _, opened = drawn
    assert opened.evaluate("document.querySelector('h1 + p').textContent").startswith("<b>simulated</b>: ")
    assert opened.evaluate("document.querySelector('li').textContent") == "a note & <more>"


def test_the_page_can_be_looked_at(drawn: Drawn) -> None:
    _, path, opened = drawn
    picture = opened.screenshot()
    path.with_suffix(".png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 50_000
