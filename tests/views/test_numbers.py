"""A number in an address is read in one way, whatever else stands there."""

from __future__ import annotations

import pytest

from tasks_app.services.numbers import number_or_none, number_or_zero


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), ("9" * 15, 10**15 - 1)],
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert number_or_none(text) == number_or_zero(text) == number


@pytest.mark.parametrize("text", ["", " 7", "-1", "1.5", "x", "²", "٣", "9" * 16, "\0"])
def test_anything_else_is_no_number(text: str) -> None:
    assert number_or_none(text) is None
    assert number_or_zero(text) == 0
