"""Packs that mean harm, or are noise: refused with a finding, never with an exception, never slowly."""

import random
import re
from pathlib import Path
from types import FunctionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import load
from rules.conditions import compile_scalar
from rules.findings import render
from support.rule_packs import HEAD, errors, load_text

_CONDITIONS = {
    "dunder": "user_id.__class__.__mro__ == 1",
    "dunder name": "__builtins__ == 1",
    "call": "eval('1') == 1",
    "method": "user_id.lower() == 'u'",
    "call of a call": "lower(user_id)(1)",
    "lambda": "(lambda: True)()",
    "f-string": "user_id == f'{amount}'",
    "comprehension": "any([x for x in (1, 2)])",
    "generator": "max(x for x in (1, 2)) > 1",
    "walrus": "(x := 5) > 1",
    "conditional": "amount > 1 if True else False",
    "indexing": "user_id[0] == 'u'",
    "slicing": "user_id[::-1] == 'u'",
    "power": "9**9**9**9 > amount",
    "shift": "1 << 99999999999 > 1",
    "long text": "'a' * 10000000000 == user_id",
    "modulo": "'%999999999d' % 1 == user_id",
    "floor division": "amount // 0 > 1",
    "bytes": "user_id == b'u'",
    "complex": "amount > 1j",
    "none": "user_id == None",
    "ellipsis": "user_id == ...",
    "is": "user_id is user_id",
    "await": "await user_id",
    "yield": "(yield amount)",
    "dict": "{'a': 1} == {'a': 1}",
    "set": "user_id in {'a'}",
    "starred": "max(*attributes.x) > 1",
    "keywords": "max(1, 2, key=amount) > 1",
    "large integer": "amount > " + "9" * 400,
    "large float": "amount > 1e999",
    "infinity by arithmetic": "amount > 1e308 * 10",
    "division by zero": "amount > 1 / 0",
    "statement": "import os",
    "two expressions": "amount > 1; amount > 2",
    "unbalanced": "amount > 1) or (amount > 2",
    "parentheses": "(" * 500 + "amount > 1" + ")" * 500,
    "brackets": "[" * 900 + "]" * 900,
    "minus signs": "-" * 1900 + "1 > amount",
    "nots": "not " * 450 + "(amount > 1)",
    "sums": "+".join(["quantity"] * 200) + " > 1",
    "attributes of attributes": "attributes" + ".a" * 900 + " > 1",
    "null byte": "amount > 1\\0",
    "escape": "user_id == '\\d'",
    "line continuation": "amount > \\\\ 1",
    "invisible": "am\u200bount > 1",
    "wide letters": "\uff41mount > 1",
    "right to left": "amount > 1 \u202e",
}


@pytest.mark.parametrize("name", _CONDITIONS)
def test_a_hostile_condition_is_refused(name: str, tmp_path: Path) -> None:
    text = _CONDITIONS[name].replace("'", "''")
    loaded = load_text(tmp_path, f"rules:\n- id: a.rule\n  when: '{text}'\n  then: review\n")
    assert loaded.pack is None
    assert {finding.place.rule for finding in loaded.findings} <= {"a.rule", None}
    assert render(loaded.findings)


def test_macros_cannot_grow_without_bound(tmp_path: Path) -> None:
    macros = "".join(f"  m{i}: m{i - 1} or m{i - 1}\n" for i in range(1, 60))
    body = f"macros:\n  m0: amount > 5\n{macros}rules:\n- {{id: a.rule, when: m59, then: review}}\n"
    assert {finding.code for finding in errors(load_text(tmp_path, body))} == {"too-large"}


def test_macros_cannot_nest_without_bound(tmp_path: Path) -> None:
    macros = "".join(f"  m{i}: m{i + 1}\n" for i in range(250))
    body = f"macros:\n{macros}  m250: amount > 5\nrules:\n- {{id: a.rule, when: m0, then: review}}\n"
    assert {finding.code for finding in errors(load_text(tmp_path, body))} == {"too-large"}


_FILES: dict[str, bytes] = {
    "empty": b"",
    "nothing but a comment": b"# hello",
    "a scalar": b"pack",
    "a list": b"- a\n- b\n",
    "not UTF-8": HEAD.encode() + b"x: \xff\xfe\n",
    "UTF-16": HEAD.encode("utf-16"),
    "a null byte": HEAD.encode() + b"x: \x00\n",
    "an escape for terminals": HEAD.encode() + b"x: \x1b[2J\n",
    "a megabyte and more": HEAD.encode() + b"#" * (1 << 20),
    "a long key": HEAD.encode() + b"k" * 1000 + b": 1\n",
    "deep flow lists": HEAD.encode() + b"rules: " + b"[" * 100_000,
    "deep flow mappings": HEAD.encode() + b"rules: " + b"{a: " * 50_000,
    "deep block lists": HEAD.encode() + b"rules:\n" + b"- " * 50_000 + b"a\n",
    "a billion laughs": HEAD.encode()
    + b"a: &a [x, x]\n"
    + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i) for i in range(20)),
    "an endless alias": HEAD.encode() + b"rules: &a [*a]\n",
    "a merge key": HEAD.encode() + b"rules:\n- <<: {id: a.rule}\n",
    "a python tag": HEAD.encode() + b"rules: !!python/name:os.system\n",
    "a binary tag": HEAD.encode() + b"owner: !!binary aGk=\n",
    "a mapping as key": HEAD.encode() + b"? {a: b}\n: c\n",
    "an unknown directive": b"%FOO bar\n--- \n" + HEAD.encode() + b"x: 1\n",
    "a huge scalar": HEAD.encode() + b"rules:\n- id: a\n  title: " + b"x" * 500_000 + b"\n",
    "many findings in lines": HEAD.encode() + b"".join(b"k%d: 1\n" % i for i in range(5_000)),
    "many findings in one line": HEAD.encode() + b"lists: {" + b"".join(b"k%d: 1," % i for i in range(80_000)) + b"}\n",
}


@pytest.mark.parametrize("name", _FILES)
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "pack.yml").write_bytes(_FILES[name])
    loaded = load(tmp_path)
    assert loaded.pack is None
    assert "\x1b" not in render(loaded.findings)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        loaded = load(path)
        assert loaded.pack is None
        assert [finding.code for finding in loaded.findings] == ["unreadable-file"]


_SOUND = """\
rates: rates.csv
defaults: {event: payment, mode: live, challenge: sms_otp}
features:
  n_1h: {count: event, by: [user_id, device_id], over: 1h, where: method == "card"}
  device_age: {age: device_id, over: 90d}
macros: {large: amount >= 500}
lists: {blocked: {type: string, file: blocked.csv}}
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}}
rules:
- id: a.rule
  when: >-
    large and n_1h > params.n and device_age < params.young
    or card_id in lists.blocked or score.own.quantile > 0.99
  params: {n: 5, young: 24h}
  then: step_up
  reason: A_RULE
  explain: "{n_1h} of {params.n}"
  tests:
  - name: one
    given: [{payment: {user_id: u1, amount: "12.50"}, repeat: 6, every: 1m}]
    expect: {then: step_up, features: {n_1h: 6}}
- id: a.wait
  sequence: {by: user_id, within: 1h, steps: [login, {payment: amount > params.n}, {absent: [login]}], unless: [topup]}
  params: {n: 5}
  exceptions: [{fields: [user_id, amount], values: [[u1, 7.50]], expires: 2027-01-31, note: a}]
  then: review
"""
_LISTS = {
    "blocked.csv": "value,added_by,reason,expires_at\nx,ann,fraud,2027-01-31\n",
    "rates.csv": "currency,rate,from\nUSD,7.25,\nUSD,7.1,2026-01-01\n",
}
_SIGNS = "{}[]:,-#&*!|>'\"%@`\n \t\\()=<."
_PIECES = [*_SIGNS, "null", "~", "0", "9" * 30, "é", "\u2028", "\ufeff", "? ", "- ", "<<: "]


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_mutation_of_a_pack_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    text = HEAD + _SOUND
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.sampled_from(_PIECES) | st.text(max_size=6)) + text[end:]
    folder = tmp_path_factory.mktemp("pack")
    (folder / "pack.yml").write_bytes(text.encode(errors="surrogatepass"))
    for name, listed in _LISTS.items():
        (folder / name).write_text(listed)
    loaded = load(folder)
    assert (loaded.pack is None) == bool(errors(loaded))
    render(loaded.findings)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=200), listed=st.binary(max_size=200))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, raw: bytes, listed: bytes) -> None:
    folder = tmp_path_factory.mktemp("pack")
    (folder / "pack.yml").write_text(HEAD + _SOUND)
    (folder / "more.yml").write_bytes(raw)
    (folder / "blocked.csv").write_bytes(listed)
    (folder / "rates.csv").write_bytes(listed)
    render(load(folder).findings)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=60) | st.lists(st.sampled_from([*_PIECES, "amount", " and ", "n_1h", ">"])).map("".join))
def test_no_condition_raises(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    block = text.encode(errors="replace").decode().replace("\n", "\n    ")
    loaded = load_text(
        tmp_path_factory.mktemp("pack"), f"rules:\n- id: a.rule\n  then: review\n  when: |2-\n    {block}\n"
    )
    render(loaded.findings)


_TOKENS = [
    *("amount", "n_1h", "method", "user_id", "type", "is_card", "params.n", "lists.blocked", "score.own.quantile"),
    *("attributes.x", "attributes.__class__", "__builtins__", "eval", "exec", "open", "type.mro", "method.lower"),
    *("and", "or", "not", "in", "==", "!=", "<", ">=", "+", "-", "*", "/", "(", ")", ",", "if", "else", "lambda:", "."),
    *(
        "'card'",
        "'__import__'",
        "5",
        "1e308",
        "True",
        "has",
        "lower",
        "len",
        "max",
        "startswith",
        "abs",
        "round",
        "[0]",
    ),
]
_BODY = """\
features: {n_1h: {count: event, by: user_id, over: 1h}}
macros: {is_card: method == "card"}
lists: {blocked: {type: string, file: blocked.csv}}
detectors: {own: {kind: own_baseline, by: user_id, of: amount, half_life: 30 events}}
rules:
"""
_CALLED = {"get", "lower", "startswith", "endswith", "float", "round", "len", "abs", "min", "max"}
"""All names that a compiled condition looks up, beside its constants; its variables are its own."""


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_no_tokens_are_evaluated_beyond_the_language(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Thousands of expressions, most of them wrong; what is left calls nothing but the language's own functions."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(_TOKENS, k=draw.choice((1, 2, 3, 3, 3, 4, 5, 7, 7, 9)))) for _ in range(60)]
    conditions = []
    for text in texts:
        loaded = load_text(tmp_path_factory.mktemp("pack"), _BODY + _token_rule(text), _LISTS)
        render(loaded.findings)
        conditions += [] if loaded.pack is None else [loaded.pack.rules[0].when]
    evaluate = compile_scalar(dict(enumerate(conditions))).evaluate
    assert isinstance(evaluate, FunctionType)
    assert {name for name in evaluate.__code__.co_names if not re.fullmatch(r"k\d+", name)} <= _CALLED


def _token_rule(text: str) -> str:
    return f"- {{id: a.rule, when: \"{text}\", params: {{n: 5}}, explain: '{{params.n}}', then: review}}\n"
