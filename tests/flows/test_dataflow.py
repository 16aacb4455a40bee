import pytest

from flows import Decider, FlowError, Stop, Tally, Verdicts, run
from support.judges import AllowAll
from support.streams import Handed, Kept, payment


def decider() -> Decider:
    return Decider(AllowAll(), {}, Tally())


def test_batches_stay_whole_and_in_order() -> None:
    arrivals = [[payment(f"t{batch}.{at}") for at in range(batch % 5)] for batch in range(50)]
    source, sink, judge = Handed(arrivals), Kept(), AllowAll()
    run(source, Decider(judge, {}, Tally()), sink, Stop())
    assert sink.ids == [f"t{batch}.{at}" for batch in range(50) for at in range(batch % 5)]
    assert judge.sizes == [batch % 5 for batch in range(50) if batch % 5]
    assert source.acknowledged == [50]
    assert source.closed
    assert sink.closed


def test_silence_reaches_the_decider_once() -> None:
    source, sink = Handed([[], [payment("t1")], [], [], [payment("t2")], []]), Kept()
    run(source, decider(), sink, Stop())
    assert [len(verdicts.decisions) for verdicts in sink.written] == [1, 0, 1, 0]


def test_only_what_was_delivered_is_acknowledged() -> None:
    clock = iter(float(second) for second in range(1_000))
    source, sink = Handed([[payment(f"t{at}")] for at in range(10)]), Kept()
    run(source, decider(), sink, Stop(), monotonic=lambda: next(clock))
    assert source.acknowledged
    assert all(out <= len(sink.written) for out in source.acknowledged)
    assert source.acknowledged[-1] == 10


def test_nothing_is_acknowledged_when_the_output_fails() -> None:
    class Full(Kept):
        def write(self, verdicts: Verdicts) -> None:
            if len(self.written) == 2:
                raise FlowError("disk full")
            super().write(verdicts)

    source, sink = Handed([[payment(f"t{at}")] for at in range(10)]), Full()
    with pytest.raises(FlowError, match="disk full"):
        run(source, decider(), sink, Stop())
    assert source.acknowledged == []
    assert source.taken == 3
    assert source.closed
    assert sink.closed


def test_an_output_that_does_not_settle_ends_without_acknowledgement() -> None:
    source, sink = Handed([[payment("t1")]]), Kept()
    sink.settled = False
    with pytest.raises(FlowError, match="will be decided again"):
        run(source, decider(), sink, Stop())
    assert source.acknowledged == []


def test_a_stop_ends_after_the_batch_under_way() -> None:
    stop = Stop()

    class Stopping(Kept):
        def write(self, verdicts: Verdicts) -> None:
            super().write(verdicts)
            if len(self.written) == 3:
                stop.request()

    source, sink = Handed([[payment(f"t{at}")] for at in range(10)]), Stopping()
    run(source, decider(), sink, stop)
    assert sink.ids == ["t0", "t1", "t2"]
    assert source.acknowledged == [3]


def test_progress_is_told_before_each_batch_and_in_silence() -> None:
    source, sink = Handed([[payment("t1")], [], [], [payment("t2")]]), Kept()
    written: list[int] = []
    run(source, decider(), sink, Stop(), progress=lambda: written.append(len(sink.ids)))
    assert written == [0, 1, 1, 1, 2]


def test_progress_that_cannot_be_told_ends_the_flow_without_acknowledgement() -> None:
    def fail() -> None:
        if sink.written:
            raise FlowError("no room for a sign of life")

    source, sink = Handed([[payment("t1")], [payment("t2")]]), Kept()
    with pytest.raises(FlowError, match="no room"):
        run(source, decider(), sink, Stop(), progress=fail)
    assert source.acknowledged == []
    assert sink.closed
