import os
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import FlowError, LineSink, LineSource, OutputClosedError, Verdicts
from flows.pump import PATIENCE_S
from schemas import DeadLetter, FilePlace


def drained(source: LineSource) -> list[tuple[int, bytes, int]]:
    """Line number, bytes and true length of every line that is left."""
    lines = []
    while (arrival := source.take(PATIENCE_S)) is not None:
        assert len(arrival.raws) <= 1_024
        for at, raw in enumerate(arrival.raws):
            place = arrival.place_of(at)
            assert isinstance(place, FilePlace)
            lines.append((place.line, bytes(raw), arrival.cut_bytes.get(at, len(raw))))
    return lines


def lines_of(content: bytes) -> list[tuple[int, bytes, int]]:
    lines = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return [(number, line, len(line)) for number, line in enumerate(lines, 1) if line.strip()]


@given(chunks=st.lists(st.text("ab \r\n", min_size=1, max_size=8).map(str.encode), max_size=8))
def test_a_pipe_gives_the_lines_of_its_content_however_it_comes(chunks: list[bytes]) -> None:
    reading, writing = os.pipe()
    lines = []
    with closing(LineSource(f"/dev/fd/{reading}")) as source:
        os.close(reading)
        for chunk in chunks:
            os.write(writing, chunk)
            arrival = source.take(PATIENCE_S)
            assert arrival is not None
            for at, raw in enumerate(arrival.raws):
                place = arrival.place_of(at)
                assert isinstance(place, FilePlace)
                lines.append((place.line, bytes(raw), len(raw)))
        os.close(writing)
        lines += drained(source)
    assert lines == lines_of(b"".join(chunks))


def test_a_file_gives_all_its_lines(tmp_path: Path) -> None:
    content = b"\n\r\n".join(b'{"line": %d}' % number for number in range(100_000))
    path = tmp_path / "in"
    path.write_bytes(content)
    with closing(LineSource(str(path))) as source:
        assert drained(source) == lines_of(content)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\nlast\n"])
def test_the_rest_of_an_endless_line_is_read_past(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"first\n" + b"x" * 3_000_000 + end)
    with closing(LineSource(str(path))) as source:
        first, endless, *last = drained(source)
    assert first == (1, b"first", 5)
    assert endless[0] == 2
    assert set(endless[1]) == {ord("x")}
    assert 500_000 < len(endless[1]) < 1_000_000
    assert endless[2] - 3_000_000 in (0, 1)
    assert last == ([(3, b"last", 4)] if b"last" in end else [])


def test_an_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"got `.*nowhere`: No such file"):
        LineSource(str(tmp_path / "nowhere"))
    with pytest.raises(FlowError, match="got the directory"):
        LineSource(str(tmp_path))


def letter(line: int) -> DeadLetter:
    place = FilePlace("in", line)
    return DeadLetter(reason="not_json", message="no JSON", place=place, original=b"\xff", original_bytes=1)


def test_decisions_and_dead_letters_are_lines(tmp_path: Path) -> None:
    out, dead = tmp_path / "out", tmp_path / "dead"
    with closing(LineSink(str(out), str(dead), pytest.fail)) as sink:
        sink.write(Verdicts([b"1", b"2"], [letter(3)]))
        sink.write(Verdicts([], []))
        sink.write(Verdicts([b"4"], []))
    assert out.read_bytes() == b"1\n2\n4\n"
    assert msgspec.json.decode(dead.read_bytes()) == {
        "reason": "not_json",
        "message": "no JSON",
        "place": {"path": "in", "line": 3},
        "original": "/w==",
        "original_bytes": 1,
    }


def test_without_a_file_for_them_ten_dead_letters_are_told(tmp_path: Path) -> None:
    notes: list[str] = []
    with closing(LineSink(str(tmp_path / "out"), None, notes.append)) as sink:
        sink.write(Verdicts([], [letter(line) for line in range(1, 7)]))
        sink.write(Verdicts([], [letter(line) for line in range(7, 20)]))
        sink.write(Verdicts([], [letter(20)]))
    assert notes[:2] == ["dead letter in:1: not_json: no JSON", "dead letter in:2: not_json: no JSON"]
    assert notes[10:] == ["further dead letters are only counted; --dead-letters F keeps them all"]


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"got `.*out`: No such file"):
        LineSink(str(tmp_path / "nowhere" / "out"), None, pytest.fail)


def test_a_reader_that_goes_away_is_told_from_a_full_disk() -> None:
    reading, writing = os.pipe()
    with closing(LineSink(f"/dev/fd/{writing}", None, pytest.fail)) as sink:
        os.close(writing)
        os.close(reading)
        with pytest.raises(OutputClosedError):
            sink.write(Verdicts([b"1"], []))


def test_a_full_disk_is_told() -> None:
    if not Path("/dev/full").exists():
        return
    with closing(LineSink("/dev/full", None, pytest.fail)) as sink, pytest.raises(FlowError, match="No space left"):
        sink.write(Verdicts([b"1"], []))
