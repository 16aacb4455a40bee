"""Workload W is the same bytes everywhere. The digests are those of its published generator's output."""

import hashlib
from itertools import islice, pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.workload import DELAY_MS, Scale, disturbed, out_of_step, user_of, write_lines, write_long
from schemas.batches import decode

PUBLISHED = {
    "64296219c4fabe71bf8ebc069ed8c278320936af5115b92609eee6b7039c24fc": Scale(),
    "f673053af56b49d2ea3482867d674ca6801163678a5e9acd6f5b8167e994648d": Scale(events=5_000, gap_ms=5_000),
    "917e2b113d1018df9a5bf182ebd44e9b6fb938f6b9bae0ad40c4ba388b4f815a": Scale(events=20_000, users=3, seed=3),
    "e07bdf72d08121986f6a3e589e9700e13868582c152a09678bb621074f48eb3b": Scale(events=9_000, users=50, gap_ms=0.3),
}


@pytest.mark.parametrize("sha256", PUBLISHED)
def test_published_bytes(sha256: str) -> None:
    digest = hashlib.sha256()
    for line in write_lines(PUBLISHED[sha256]):
        digest.update(line + b"\n")
    assert digest.hexdigest() == sha256


def test_every_event_can_be_read_and_is_in_order() -> None:
    batch = decode(list(islice(write_lines(Scale(events=3_000)), 2_000)))
    assert len(batch.events) == 2_000
    assert (batch.timestamp_ms[1:] >= batch.timestamp_ms[:-1]).all()


def test_command_writes_the_stream(tmp_path: Path) -> None:
    file = tmp_path / "w.ndjson"
    done = CliRunner().invoke(main, ["workload", str(file), "--events", "150", "--gap-ms", "5000", "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert file.read_bytes().splitlines() == list(write_lines(Scale(events=150, gap_ms=5_000, seed=3)))


def test_out_of_step_keeps_each_users_order() -> None:
    lines = list(write_lines(Scale(events=2_000)))
    mixed = list(out_of_step(lines, partitions=4, turn=100))
    assert mixed != lines
    assert sorted(mixed, key=user_of) == sorted(lines, key=user_of)


def test_long_stream_goes_on_with_other_users() -> None:
    lines = list(write_long(Scale(events=2_500, users=500), part=1_000, leaving=200))
    assert lines[:1_000] == list(write_lines(Scale(events=1_000, users=500)))
    events = decode(lines).events
    assert [event.id for event in events] == [f"t{number:09d}" for number in range(2_500)]
    assert all(one.timestamp_ms <= other.timestamp_ms for one, other in pairwise(events))
    users = [{int(event.user_id[1:]) for event in events[start : start + 1_000]} for start in (0, 1_000, 2_000)]
    assert all(200 * number <= min(part) and max(part) < 200 * number + 500 for number, part in enumerate(users))


def test_command_writes_a_long_stream() -> None:
    done = CliRunner().invoke(main, ["workload", "-", "--events", "300", "--part", "100", "--leaving", "9"])
    assert done.stdout_bytes.splitlines() == list(write_long(Scale(events=300), part=100, leaving=9))


def test_disturbed_stream_has_late_and_repeated_events() -> None:
    lines = list(write_lines(Scale(events=4_000, gap_ms=5_000)))
    late = list(disturbed(lines, late=0.1, again=0))
    assert sorted(late) == lines
    times = [event.timestamp_ms for event in decode(late).events]
    behind = [max(times[: at + 1]) - time for at, time in enumerate(times)]
    assert 300 < sum(lag > 0 for lag in behind) < 500
    assert max(behind) <= DELAY_MS
    again = list(disturbed(lines, late=0, again=0.1))
    assert list(dict.fromkeys(again)) == lines
    assert 300 < len(again) - len(lines) < 500
