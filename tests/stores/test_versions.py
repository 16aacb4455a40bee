"""What follows from the records of a pack, held to a plain stack."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stores import Record, version_before, versions_in_force
from support.versions import change


def record(number: int, action: str, before: str, after: str) -> Record:
    made = change(number, 0, 1)
    return Record(
        number=number,
        action="rollback" if action == "rollback" else "promote",
        before=before,
        after=after,
        who=made.who,
        why=made.why,
        at_ms=made.at_ms,
    )


STEPS = st.lists(st.sampled_from(["promote", "edit and promote", "rollback", "edit and rollback"]), max_size=30)


@given(STEPS)
def test_going_back_takes_back_one_promotion_after_the_other(steps: list[str]) -> None:
    records: list[Record] = []
    stack, now, made = ["v0"], "v0", 0
    for step in steps:
        if step.startswith("edit"):
            made += 1
            now = f"v{made}"
        if step.endswith("rollback"):
            back = version_before(records)
            expected = stack[-2] if len(stack) > 1 else None
            assert back == (expected if records else None)
            if back is None or back == now:
                continue
            records.append(record(len(records) + 1, "rollback", now, back))
            stack.pop()
        else:
            made += 1
            if stack[-1] != now:
                if records:
                    stack.append(now)
                else:
                    stack = [now]
            records.append(record(len(records) + 1, "promote", now, f"v{made}"))
            stack.append(f"v{made}")
        now = records[-1].after
    assert versions_in_force(records) == {each for one in records for each in (one.before, one.after)}


def test_what_was_only_proposed_was_never_in_force() -> None:
    records = [record(1, "promote", "a", "b"), replace(record(2, "promote", "b", "c"), action="propose")]
    assert version_before(records) == "a"
    assert versions_in_force(records) == {"a", "b"}


def test_a_version_that_was_left_long_ago_is_gone_back_to_by_its_name() -> None:
    records = [
        record(1, "promote", "a", "b"),
        record(2, "promote", "b", "c"),
        record(3, "promote", "c", "d"),
        record(4, "rollback", "d", "a"),
    ]
    assert version_before(records) is None
    records.append(record(5, "rollback", "a", "d"))
    assert version_before(records) == "a"
