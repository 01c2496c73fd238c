"""Play both sides of a conversation: answers in, requests and the finding out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.findings import Page

Answers = Iterable[VendorResponse] | Callable[[VendorRequest], VendorResponse]


def drive(
    conversation: Generator[Any, Any, Any], responses: Answers
) -> tuple[list[VendorRequest], Any]:
    """Return the requests that were made and what the conversation returned.

    `responses` are used up in order, or a function makes each from its request.
    The pages of a reading are passed over; `read` keeps them.
    """
    requests, _, result = converse(conversation, responses)
    return requests, result


def read(
    reading: Generator[Any, Any, Any], responses: Answers
) -> tuple[list[VendorRequest], list[Page]]:
    """Return the requests that a reading made and the pages it gave."""
    requests, pages, _ = converse(reading, responses)
    return requests, pages


def converse(
    conversation: Generator[Any, Any, Any], responses: Answers
) -> tuple[list[VendorRequest], list[Page], Any]:
    answers = None if callable(responses) else iter(responses)
    requests: list[VendorRequest] = []
    pages: list[Page] = []
    answer: VendorResponse | None = None
    while True:
        try:
            said = conversation.send(answer)
        except StopIteration as end:
            return requests, pages, end.value
        if isinstance(said, Page):
            pages.append(said)
            answer = None
            continue
        assert isinstance(said, VendorRequest), said
        requests.append(said)
        if answers is None:
            answer = responses(said)  # type: ignore[operator]
        else:
            answer = next(answers, None)
            assert answer is not None, f"No answer is left for {said}"
