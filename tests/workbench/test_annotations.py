from rules.syntax import Condition, Input, Literal, Mention
from workbench.annotations import annotated

CARDS = Input("feature", "cards", "number")
SPENT = Input("feature", "spent", "money")
METHOD = Input("field", "method", "text")


def condition(text: str, **means: Input | Literal) -> Condition:
    """A condition whose text mentions each of the names once; its tree plays no part here."""
    starts = {name: text.index(name) for name in means}
    mentions = tuple(Mention(starts[name], starts[name] + len(name), meant) for name, meant in means.items())
    return Condition(text, Literal(True, "bool"), tuple(sorted(mentions, key=lambda mention: mention.start)))


def test_values_stand_under_their_names_in_the_units_people_read() -> None:
    text = "method == 'card' and spent >= limit"
    wanted = condition(text, method=METHOD, spent=SPENT, limit=Literal(30_000, "money"))
    assert annotated(wanted, {METHOD: "card", SPENT: 32_800}, "CNY") == [
        "method == 'card' and spent >= limit",
        "card                 328.00 CNY",
        "                              300.00 CNY",
    ]


def test_what_has_no_value_is_missing() -> None:
    assert annotated(condition("cards > 3", cards=CARDS), {}, "CNY") == ["cards > 3", "missing"]


def test_a_long_text_is_broken_at_spaces_and_values_stay_below_their_row() -> None:
    text = "cards > 1000 or " + " or ".join(["cards2 < 0"] * 12) + " or spent > 5"
    lines = annotated(condition(text, cards=CARDS, spent=SPENT), {CARDS: 7, SPENT: 1}, "CNY")
    assert lines[0].startswith("cards > 1000 or")
    assert lines[1] == "7"
    spent_row = next(index for index, line in enumerate(lines) if "spent" in line)
    assert lines[spent_row + 1].strip() == "0.01 CNY"
    assert lines[spent_row + 1].index("0.01") == lines[spent_row].index("spent")
    assert all(len(line) <= 96 for line in lines if "or" in line)


def test_line_ends_in_the_text_do_not_break_the_rows() -> None:
    assert annotated(condition("cards > 3\nand true", cards=CARDS), {CARDS: 1}, "CNY") == ["cards > 3 and true", "1"]
