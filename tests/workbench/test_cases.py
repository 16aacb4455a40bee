from pathlib import Path

from support.packs import load_pack, write_pack
from support.rule_packs import sound_pack
from workbench import Gap, Report, run_cases

BURST = """\
- id: small.burst
  when: tx_10m > params.max_n
  params: {max_n: 2}
  then: block
  tests:
"""


def report_of(folder: Path, rules_yaml: str) -> Report:
    return run_cases(load_pack(write_pack(folder, rules_yaml)))


def problem_of(folder: Path, tests_yaml: str) -> list[str]:
    (result,) = report_of(folder, BURST + tests_yaml).results
    return list(result.problem)


def test_tests_on_both_sides_pass(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        BURST
        + """\
  - name: third blocks
    given: [{payment: {user_id: u1, amount: 2.50}, repeat: 3, every: 1m}]
    expect: {then: block, features: {tx_10m: 3, spend_1h: 7.50 CNY, mean_1h: 2.50, user_age: 2m, odd: 0}}
  - name: three in half an hour pass
    given: [{payment: {user_id: u1}, repeat: 3, every: 10m}]
    expect: {then: allow, features: {tx_10m: 1}}
""",
    )
    assert [result.problem for result in report.results] == [(), ()]
    assert report.failures == ()
    assert report.gaps == ()
    assert report.live_rules == 1


def test_a_failure_shows_the_condition_with_its_values(tmp_path: Path) -> None:
    problem = problem_of(
        tmp_path,
        """\
  - name: second blocks
    given: [{payment: {user_id: u1}, repeat: 2}]
    expect: {then: block}
""",
    )
    assert problem == [
        "expected then: block, got allow",
        "when  tx_10m > params.max_n",
        "      2        2",
    ]


def test_a_failure_tells_every_feature_that_is_otherwise(tmp_path: Path) -> None:
    problem = problem_of(
        tmp_path,
        """\
  - name: wrong values
    given: [{payment: {user_id: u1, amount: 10}, repeat: 3, every: 5s}]
    expect: {then: block, features: {tx_10m: 4, spend_1h: 20.00 CNY, user_age: 10s, mean_1h: 9.99, odd: missing}}
""",
    )
    assert problem[:4] == [
        "expected tx_10m: 4, got 3",
        "expected spend_1h: 20.00 CNY, got 30.00 CNY",
        "expected mean_1h: 9.99 CNY, got 10.00 CNY",
        "expected odd: missing, got 0",
    ]


def test_durations_that_read_the_same_but_differ_are_told_apart(tmp_path: Path) -> None:
    problem = problem_of(
        tmp_path,
        """\
  - name: an hour and a bit
    given:
    - payment: {user_id: u1}
    - payment: {user_id: u1}
      after: 3661001ms
    expect: {then: allow, features: {user_age: 61m}}
""",
    )
    assert problem[0] == "expected user_age: 1h 1m, got 1h 1m (3,661,001 exactly)"


def test_a_rule_is_tested_alone_and_as_if_it_were_live(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        """\
- id: small.always
  when: amount >= 0
  then: block
- id: small.shadow
  when: tx_10m > 1
  then: review
  mode: shadow
  tests:
  - name: second is reviewed
    given: [{payment: {user_id: u1}, repeat: 2}]
    expect: {then: review}
- id: small.off
  when: tx_10m > 0
  then: review
  mode: off
  tests:
  - name: matches too
    given: [{payment: {user_id: u1}}]
    expect: {then: review}
""",
    )
    assert [result.problem for result in report.results] == [(), ()]
    assert report.gaps == (Gap("small.always", "match"), Gap("small.always", "not match"))


def test_tests_do_not_see_each_other(tmp_path: Path) -> None:
    one = "    given: [{payment: {user_id: u1}, repeat: 2}]\n    expect: {then: allow, features: {tx_10m: 2}}\n"
    report = report_of(tmp_path, BURST + "  - name: one\n" + one + "  - name: other\n" + one)
    assert report.failures == ()


def test_a_last_event_that_nobody_judges_is_a_problem(tmp_path: Path) -> None:
    problem = problem_of(
        tmp_path,
        """\
  - name: ends with a login
    given: [{payment: {user_id: u1}}, {login: {user_id: u1}}]
    expect: {then: allow}
""",
    )
    assert problem == ["expected a last event that gets a decision, got a `login` that no rule judges"]


def test_a_test_on_one_side_alone_is_a_gap(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        BURST + "  - name: passes\n    given: [{payment: {user_id: u1}}]\n    expect: {then: allow}\n",
    )
    assert report.gaps == (Gap("small.burst", "match"),)


def test_a_failure_of_a_sequence_shows_whether_its_earlier_steps_came(tmp_path: Path) -> None:
    rule = """\
- id: small.takeover
  sequence: {by: user_id, within: 12h, steps: [password_reset, {payment: amount >= 500}], unless: [mfa_verified]}
  then: block
  tests:
  - name: proved
    given: [password_reset: {}, mfa_verified: {}, payment: {amount: 600}]
    expect: {then: block}
  - name: small
    given: [password_reset: {}, payment: {amount: 6}]
    expect: {then: block}
  - name: large
    given: [password_reset: {}, payment: {amount: 600}]
    expect: {then: block}
"""
    proved, small, large = report_of(tmp_path, rule).results
    text = "sequence  password_reset, then payment (amount >= 500) within 12h, without mfa_verified"
    expected = "expected then: block, got allow"
    assert list(proved.problem) == [expected, text, "          false                         600.00 CNY"]
    assert list(small.problem) == [expected, text, "          true                          6.00 CNY"]
    assert large.problem == ()


def test_a_rule_that_allows_is_tested_on_both_sides(tmp_path: Path) -> None:
    body = """\
rules:
- {id: a.large, when: amount > 5, then: review}
- id: a.trusted
  when: user_id == "u1"
  then: allow
  overrides: [a.large]
  expires: 2026-02-01
  mode: live
  tests:
  - {name: hers, given: [{payment: {user_id: u1}}], expect: {then: allow}}
  - {name: his, given: [{payment: {user_id: u2}}], expect: {then: no_match}}
  - {name: too late, given: [{payment: {user_id: u1}}, {payment: {user_id: u1}, at: 31d}], expect: {then: no_match}}
  - {name: wrong, given: [{payment: {user_id: u2}}], expect: {then: allow}}
"""
    report = run_cases(sound_pack(tmp_path, body))
    assert report.gaps == ()
    assert [(failure.case.name, failure.problem[0]) for failure in report.failures] == [
        ("wrong", "expected then: allow, got no_match")
    ]


def test_a_test_says_what_profiles_have(tmp_path: Path) -> None:
    body = """\
rules:
- id: a.young
  when: profile.grade < 2 and not profile.vip and profile.tier == "new"
  then: review
  tests:
  - name: new
    profiles: {u1: {grade: 1.5, vip: false, tier: new}, u2: {grade: 3}}
    given: [{payment: {user_id: u1}}]
    expect: {then: review}
  - {name: old, profiles: {u1: {grade: 2, vip: false, tier: new}}, given: [{payment: {}}], expect: {then: allow}}
  - {name: nobody, given: [{payment: {}}], expect: {then: review}}
"""
    (failure,) = run_cases(sound_pack(tmp_path, body)).failures
    assert failure.case.name == "nobody"
    assert failure.problem[1:] == (
        'when  profile.grade < 2 and not profile.vip and profile.tier == "new"',
        "      missing                   missing         missing",
    )


def test_time_goes_on_after_a_test_of_what_does_not_come(tmp_path: Path) -> None:
    rule = """\
- id: small.lost
  sequence: {by: user_id, within: 2h, steps: [{order: has(device_id)}, {absent: delivery}]}
  then: review
  tests:
  - name: nothing comes
    given: [order: {device_id: d1}, login: {}]
    expect: {then: allow}
  - name: a delivery
    given: [order: {device_id: d1}, {delivery: {}, after: 2h}]
    expect: {then: review}
  - name: a late one
    given: [order: {device_id: d1}, {login: {}, after: 150m}, {delivery: {}, at: 119m}]
    expect: {then: allow}
  - name: too late a delivery
    given: [order: {device_id: d1}, {delivery: {}, after: 121m}]
    expect: {then: review}
  - name: of somebody else
    given: [order: {device_id: d1}, {delivery: {user_id: u2}, after: 1m}]
    expect: {then: review}
  - name: nothing to wait for
    given: [order: {}]
    expect: {then: allow}
"""
    nothing, delivery, *others = report_of(tmp_path, rule).results
    text = "sequence  order (has(device_id)), then no delivery within 2h"
    assert list(nothing.problem) == ["expected then: allow, got review", text]
    assert list(delivery.problem) == ["expected then: review, got allow", text]
    assert [each.problem for each in others] == [()] * 4
