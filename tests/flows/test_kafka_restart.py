"""A broker of this test's own goes away in the middle of the work and comes back."""

from uuid import uuid4

from support.gates import DEADLINE_S, Gate, committed, decided, noted, running, send
from support.judges import Lingering
from support.own_broker import OwnBroker
from support.services import Topics, wait_until
from support.streams import payment


def test_a_broker_that_dies_and_comes_back_costs_no_decision(broker: OwnBroker) -> None:
    topic, group, judge = Topics(broker.bootstrap), f"group-{uuid4()}", Lingering()
    names = topic("in", partitions=4), topic("out", partitions=2), topic("dead")
    ids = [f"t{at:05}" for at in range(12_000)]
    send(broker.bootstrap, names[0], *map(payment, ids))
    gate = Gate(broker.bootstrap, names, group, judge=judge)
    with running(gate):
        wait_until(lambda: gate.tally.events > 2_000, DEADLINE_S, "the first decisions")
        broker.go_away()
        wait_until(noted(gate, "no broker at"), DEADLINE_S, "a line about the broker")
        judge.hurry.set()
        broker.come_back()
        wait_until(
            lambda: sum(committed(broker.bootstrap, names[0], group).values()) == len(ids), DEADLINE_S * 2, "commits"
        )
    assert gate.errors == []
    assert sorted(set(decided(broker.bootstrap, names[1], len(ids)))) == ids
    assert noted(gate, "works again")()
