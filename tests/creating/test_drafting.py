"""The draft that is sent is rebuilt from rows, whole and in a fixed number of queries."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tasks_app.models import Push, Task
from tasks_app.services.drafting import drafts_for
from tasks_app.vendors.drafts import AssigneeDraft
from tasks_app.vendors.words import Priority
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db


def test_a_draft_holds_everything_the_task_holds() -> None:
    account = make_account("ysuite")
    prospect = make_prospect(account.team, first_name="Amara", last_name="Nwosu")
    link = make_link(prospect, account)
    person = make_vendor_user(account, external_id="37", email="elin@baton.example")
    starts_at = datetime(2026, 7, 16, 9, tzinfo=UTC)
    task = make_task(
        account=account,
        prospect=prospect,
        title="Quarterly review",
        note="Bring the figures.",
        priority=Priority.HIGH,
        starts_at=starts_at,
        due_on=date(2026, 7, 17),
        vendor_user=person,
        options={"tags": [14], "deal_id": "2071"},
    )
    push = make_push(task=task, marker="bt-7f3aq2kz")

    draft = drafts_for([push])[push.pk]

    assert draft.ref == str(push.pk)
    assert draft.type_code == task.type.code
    assert draft.prospect.external_id == link.external_id
    assert draft.prospect.full_name == "Amara Nwosu"
    assert (draft.title, draft.note) == ("Quarterly review", "Bring the figures.")
    assert draft.priority is Priority.HIGH
    assert (draft.starts_at, draft.due_at) == (starts_at, None)
    assert draft.due_on == date(2026, 7, 17)
    assert draft.assignee == AssigneeDraft("37", "elin@baton.example")
    assert draft.options == {"tags": [14], "deal_id": "2071"}
    assert draft.marker == "bt-7f3aq2kz"


def test_a_prospect_is_named_by_the_id_of_the_tasks_own_account() -> None:
    account, other = make_account(), make_account()
    prospect = make_prospect(account.team)
    link, _ = make_link(prospect, account), make_link(prospect, other)
    push = make_push(task=make_task(account=account, prospect=prospect))

    draft = drafts_for([push])[push.pk]

    assert draft.prospect.external_id == link.external_id


def test_a_task_without_prospect_or_link_has_no_external_id() -> None:
    account = make_account()
    unlinked = make_push(
        task=make_task(account=account, prospect=make_prospect(account.team))
    )
    nobody = make_push(
        task=make_task(account=account, prospect=None, origin=Task.Origin.VENDOR)
    )

    drafts = drafts_for([unlinked, nobody])

    assert drafts[unlinked.pk].prospect.external_id == ""
    assert drafts[unlinked.pk].prospect.first_name == "Ada"
    assert drafts[nobody.pk].prospect.full_name == ""


def test_a_change_carries_the_marker_of_the_creation() -> None:
    create = make_push(marker="bt-aaaaaaaa", state=Push.State.QUEUED)
    change = make_push(task=create.task, kind=Push.Kind.NOTE)

    drafts = drafts_for([change])

    assert drafts[change.pk].marker == "bt-aaaaaaaa"


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries) -> None:
    account = make_account()
    pushes = [make_push(account=account) for _ in range(12)]

    with django_assert_max_num_queries(2):
        drafts = drafts_for(pushes)

    assert len(drafts) == 12


def test_nothing_gives_nothing() -> None:
    assert drafts_for([]) == {}
