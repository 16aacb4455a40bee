from schemas import Action, Decision, Event, Login, Payment
from simulator import Label, Scores

CASE = Label("card_testing", "card_testing-1")


def payment(number: int, amount: str) -> Payment:
    return Payment(timestamp=number, user_id="u1", transaction_id=f"t{number}", amount=amount, currency="CNY")


def decided(number: int, action: Action, *rules: str) -> Decision:
    return Decision(transaction_id=f"t{number}", timestamp=number, action=action, rules=rules, pack="p@1")


def entries() -> list[tuple[Event, Label | None]]:
    return [
        (payment(1, "6"), CASE),
        (payment(2, "648.00"), CASE),
        (payment(3, "30"), Label("card_testing", "card_testing-2")),
        (payment(4, "12.50"), None),
        (payment(5, "68"), None),
        (payment(6, "6"), None),
        (Login(timestamp=7, user_id="u1", event_id="t7"), CASE),
    ]


def test_fraud_and_mistakes_are_counted_apart() -> None:
    scores = Scores(entries())
    for decision in (
        decided(1, "review", "a"),
        decided(2, "block", "a", "b"),
        decided(4, "step_up", "b"),
        decided(5, "review", "a"),
        decided(6, "allow"),
        decided(7, "block", "a"),
    ):
        scores.record(decision)
    fraud = scores.fraud["card_testing"]
    assert fraud.transactions == {"allow": 1, "review": 1, "block": 1}
    assert (fraud.total, fraud.stopped) == (3, 1)
    assert (fraud.total_minor, fraud.stopped_minor) == (68_400, 64_800)
    assert scores.cases("card_testing") == (2, 1)
    assert scores.cases("cash_out") == (0, 0)
    assert (scores.honest.total, scores.honest.stopped) == (3, 1)
    assert scores.honest.stopped_minor == 1_250
    assert scores.mistakes == {"b": 1}


def test_what_gets_no_decision_counts_as_allowed() -> None:
    scores = Scores(entries())
    assert scores.fraud["card_testing"].transactions == {"allow": 3}
    assert scores.honest.stopped == 0
