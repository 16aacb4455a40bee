"""Ids of texts against SipHash in plain integers, which is itself held to the paper's vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.siphash import siphash
from windows import Hasher

KEY = bytes(range(16))
HASHER = Hasher(KEY)


@pytest.mark.parametrize(
    ("length", "rounds", "expected"),
    [
        pytest.param(0, (2, 4), 0x726FDB47DD0E0E31, id="2-4, empty"),
        pytest.param(15, (2, 4), 0xA129CA6149BE45E5, id="2-4, appendix A"),
        pytest.param(0, (1, 3), 0xABAC0158050FC4DC, id="1-3, empty"),
    ],
)
def test_the_oracle_gives_the_published_vectors(length: int, rounds: tuple[int, int], expected: int) -> None:
    assert siphash(KEY, bytes(range(length)), *rounds) == expected


def expected_id(key: bytes, text: str | None) -> int:
    return (siphash(key, text.encode(), 1, 3) or 1) if text else 0


@pytest.mark.parametrize("length", range(64))
def test_every_length_of_the_reference_messages(length: int) -> None:
    text = bytes(range(length)).decode()
    assert HASHER.id(text) == expected_id(KEY, text)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.binary(min_size=16, max_size=16), st.lists(st.one_of(st.none(), texts), max_size=12))
def test_ids_equal_the_oracle(key: bytes, batch: list[str | None]) -> None:
    assert Hasher(key).ids(batch).tolist() == [expected_id(key, text) for text in batch]


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param([], id="nothing"),
        pytest.param([None], id="missing alone"),
        pytest.param([""], id="empty alone"),
        pytest.param(["a", None, "", "b"], id="missing and empty between others"),
        pytest.param(["a\0b", "a", "b"], id="separator within a text"),
        pytest.param(["a\0b", None, "\0"], id="separator and missing"),
        pytest.param(["\0"], id="separator alone"),
        pytest.param(["漢字", "naïve", "\U0001f3ae" * 3, "e\u0301"], id="non-ASCII"),
        pytest.param(["x" * 1000, "y" * 256], id="longer than the length byte"),
    ],
)
def test_awkward_batches(batch: list[str | None]) -> None:
    assert HASHER.ids(batch).tolist() == [expected_id(KEY, text) for text in batch]


def test_another_key_gives_other_ids() -> None:
    assert Hasher(bytes(16)).id("user-1") != HASHER.id("user-1")


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"expected a key of 16 bytes, got {length}"):
        Hasher(bytes(length))
