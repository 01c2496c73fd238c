"""What is said of a create that failed."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push
from tasks_app.services.recording import failed

EARLIER = (
    "An earlier call may still have created it: look in Reply.io before you send it "
    "again."
)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Refused. Nothing was created.", f"Refused. {EARLIER}"),
        (
            "It could not take it. Nothing was created. Last answer: none",
            f"It could not take it. Last answer: none. {EARLIER}",
        ),
    ],
)
def test_what_may_be_there_is_said_in_a_sentence_of_its_own(sentence, said):
    push = Push(account=ConnectedAccount(vendor="reply"), watch_at=timezone.now())

    assert failed(push, "gave_up", sentence).error == said


def test_what_was_sent_once_keeps_its_sentence():
    push = Push(account=ConnectedAccount(vendor="reply"))

    assert failed(push, "rejected", "Refused.").error == "Refused."
