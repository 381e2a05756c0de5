"""A log tail is redacted as a whole: a private key that was printed line by line is struck out."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.redact import MARK, redact, redact_lines

_BODY = base64.b64encode(random.Random(7).randbytes(400)).decode()
BODY = [_BODY[i : i + 64] for i in range(0, len(_BODY), 64)]
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([BEGIN, *BODY, END], id="whole"),
        pytest.param([*BODY, END], id="cut at the start"),
        pytest.param([BEGIN, *BODY], id="cut at the end"),
        pytest.param(BODY, id="cut at both ends"),
        pytest.param([BEGIN, "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,AB12", "", *BODY, END], id="encrypted"),
        pytest.param([f"07:30:00 INFO {line}" for line in (BEGIN, *BODY, END)], id="each line with a time"),
        pytest.param([f"    {line}\r" for line in (BEGIN, *BODY, END)], id="indented"),
        pytest.param([f"key = '{BEGIN}", *BODY, f"{END}'"], id="in an assignment"),
    ],
)
def test_a_private_key_over_several_lines_is_struck_out(lines: list[str]) -> None:
    got = redact_lines(["starting", *lines, "Traceback (most recent call last):"])
    assert len(got) == len(lines) + 2
    assert (got[0], got[-1]) == ("starting", "Traceback (most recent call last):")
    shown = "\n".join(got)
    assert not any(line[:12] in shown or line[-12:] in shown for line in BODY)


def test_a_short_line_in_the_middle_of_a_key_goes_too() -> None:
    assert redact_lines([BEGIN, "QUJD", END, "on"]) == [MARK, MARK, MARK, "on"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["expected -----BEGIN PRIVATE KEY----- in /run/key.pem", "exit 1"], id="a mention"),
        pytest.param(["QUJD", "value", "done"], id="short words"),
        pytest.param([f"{BEGIN} {BODY[0]} {END}", "exit 1"], id="a whole key in one line"),
        pytest.param(["/ecs/shop/checkout-service-production-eu-central-1/and/on/and/on"] * 3, id="long paths"),
        pytest.param(["0123456789abcdef" * 4] * 3, id="digests"),
    ],
)
def test_other_lines_stay(lines: list[str]) -> None:
    got = redact_lines(["starting", *lines])
    assert (got[0], got[-1]) == ("starting", lines[-1])


def test_what_stands_before_a_mention_of_the_end_stays() -> None:
    assert redact_lines(["starting", f"no {END} in file"])[0] == "starting"


def test_known_values_are_struck_out_of_each_line() -> None:
    assert redact_lines(["a red hat", "b"], ["red"]) == [f"a {MARK} hat", "b"]


@given(st.lists(st.text(max_size=80), max_size=8))
def test_there_is_one_line_for_each(lines: list[str]) -> None:
    got = redact_lines(lines)
    assert len(got) == len(lines)
    assert all(line in (redact(raw), MARK) or MARK in line for line, raw in zip(got, lines, strict=True))
