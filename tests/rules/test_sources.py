"""Places of characters of YAML scalars in their file."""

from hypothesis import assume, given
from hypothesis import strategies as st

from rules.findings import Finding, Ledger, Place, render
from rules.sources import Source, Spot
from rules.trees import Items, Scalar, parse_source

_WRITTEN = {
    "plain": "- ab xy cd\n",
    "plain on two lines": "- ab\n  xy cd\n",
    "single quotes": "- 'a''b xy'\n",
    "double quotes": '- "a\\"\\u00e9\\x41 xy"\n',
    "double quotes on lines": '- "ab \\\n   cd\n  xy"\n',
    "literal block": "- |-\n  ab\n    cd xy\n",
    "folded block": "- >-\n  ab\n  cd\n\n  xy\n",
    "after wide letters": "- '网卡' \n- 'ab xy'\n",
    "after a byte order mark": "\ufeff- ab xy\n",
    "after a carriage return": "- a\r\n- b xy\r\n",
}


def _scalars(text: str) -> list[Scalar]:
    tree = parse_source("x.yml", text.encode(), Ledger())
    assert isinstance(tree, Items)
    return [each for each in tree.values if isinstance(each, Scalar)]


def test_a_word_is_found_where_it_is_written() -> None:
    for name, text in _WRITTEN.items():
        scalar = _scalars(text)[-1]
        start = scalar.value.index("xy")
        spot = scalar.spot_of(start, start + 2)
        assert (spot.index, spot.width) == (text.index("xy"), 2), name


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\x85\u2028\u2029"), min_size=1))
def test_quoted_texts_map_character_by_character(value: str) -> None:
    assume(value.isprintable())
    text = "- 'x" + value.replace("'", "''") + "y'\n"
    scalar = _scalars(text)[0]
    assume(scalar.value == f"x{value}y")
    for index, char in enumerate(scalar.value):
        assert text[scalar.spot_of(index, index + 1).index] == char


def test_lines_and_columns_count_from_one() -> None:
    source = Source("x", "ab\r\ncd\n\nef")
    assert [source.position(index) for index in (0, 1, 4, 7, 8, 9)] == [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (4, 2)]
    assert [source.line(number) for number in range(6)] == ["", "ab", "cd", "", "ef", ""]


def _reported(line: str, index: int, width: int, hint: str | None = None) -> Finding:
    ledger = Ledger()
    ledger.report("bad-value", Spot(Source("f", line), index, width), "no", hint)
    return ledger.findings[0]


def test_the_caret_stands_under_wide_letters() -> None:
    assert render([_reported("网卡xy", 2, 2)]).splitlines()[-1] == "  |     ^^"


def test_a_long_line_is_shown_around_the_place() -> None:
    finding = _reported("a" * 500 + "xy" + "b" * 500, 500, 2, "hint")
    line, caret = render([finding]).splitlines()[-2:]
    assert len(line) < 180
    assert line[caret.index("^") :].startswith("xyb")
    assert caret.endswith("^^ hint")
    assert finding.place.column == 501


def test_colors_are_only_used_when_asked_for() -> None:
    finding = Finding("bad-value", "error", "no", Place("f", 1, 1))
    assert "\x1b" not in render([finding])
    assert "\x1b[1;31m" in render([finding], color=True)
