"""Reading task types and people from the vendor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, VendorUser
from tasks_app.services import directory, sweeping
from tasks_app.services.accounts import read_types, read_users
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import CredentialsRejected
from tasks_app.vendors.findings import RemoteUser
from tasks_app.vendors.offers import TypeInfo
from tasks_app.vendors.words import Channel
from tests.factories import make_account, make_task, make_user, make_vendor_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists(monkeypatch):
    """Let the LeadSquared adapter answer with what is put into this dict."""
    found = {"types": [], "users": []}

    def conversation(name):
        def read(self):
            return found[name]
            yield

        return read

    for name in found:
        monkeypatch.setattr(
            f"tasks_app.vendors.leadsquared.LeadSquaredAdapter.read_{name}",
            conversation(name),
        )
    return found


def shown(account):
    return list(
        account.task_types.filter(active=True)
        .order_by("position")
        .values_list("code", flat=True)
    )


def test_refused_key_changes_nothing(fake_transport):
    account = make_account("leadsquared")
    fake_transport.default = VendorResponse(401, body={})

    with pytest.raises(CredentialsRejected):
        read_types(account, transport=fake_transport)

    account.refresh_from_db()
    assert shown(account) == ["Meeting"]
    assert account.types_read_at is None


def test_types_are_added_renewed_and_put_away(lists, fake_transport):
    account = make_account("leadsquared")
    lists["types"] = [
        TypeInfo("Visit", "Visit", Channel.MEETING, {"mandatory": ["Location"]}),
        TypeInfo("Call", "Phone call", Channel.CALL),
    ]

    assert read_types(account, transport=fake_transport) == 2

    assert shown(account) == ["Visit", "Call"]
    assert account.task_types.get(code="Visit").fields == {"mandatory": ["Location"]}
    assert account.task_types.filter(code="Meeting", active=False).exists()
    account.refresh_from_db()
    assert account.types_read_at is not None


def test_type_that_comes_back_is_offered_again(lists, fake_transport):
    account = make_account("leadsquared")
    account.task_types.update(active=False)
    lists["types"] = [TypeInfo("Meeting", "Meeting", Channel.MEETING)]

    read_types(account, transport=fake_transport)

    assert shown(account) == ["Meeting"]


def test_empty_answer_puts_nothing_away(lists, fake_transport):
    account = make_account("leadsquared")
    make_vendor_user(account)

    assert read_types(account, transport=fake_transport) == 0
    assert read_users(account, transport=fake_transport) == 0

    assert shown(account) == ["Meeting"]
    assert account.vendor_users.filter(active=True).count() == 1


def test_people_are_added_renewed_and_put_away(lists, fake_transport):
    account = make_account("leadsquared")
    make_vendor_user(account, external_id="1", name="Old name")
    make_vendor_user(account, external_id="2", name="Gone")
    lists["users"] = [
        RemoteUser("1", "Ravi Menon", "ravi@baton.example"),
        RemoteUser("3", "Elin Berg", "", active=False),
        RemoteUser("", "Without an id"),
    ]

    assert read_users(account, transport=fake_transport) == 2

    rows = account.vendor_users.order_by("external_id")
    assert [(r.external_id, r.name, r.active) for r in rows] == [
        ("1", "Ravi Menon", True),
        ("2", "Gone", False),
        ("3", "Elin Berg", False),
    ]


def test_people_are_mapped_to_members_by_email(lists, fake_transport):
    account = make_account("leadsquared")
    member = make_user(account.team, username="ravi")
    make_user(username="outsider")
    lists["users"] = [
        RemoteUser("1", "Ravi", "RAVI@baton.example"),
        RemoteUser("2", "Outsider", "outsider@baton.example"),
    ]

    read_users(account, transport=fake_transport)

    assert account.vendor_users.get(external_id="1").user == member
    assert account.vendor_users.get(external_id="2").user is None


def test_mapping_by_hand_wins_over_the_email(lists, fake_transport):
    account = make_account("leadsquared")
    make_user(account.team, username="ravi")
    chosen = make_user(account.team)
    make_vendor_user(account, external_id="1", user=chosen)
    lists["users"] = [RemoteUser("1", "Ravi", "ravi@baton.example")]

    read_users(account, transport=fake_transport)

    assert account.vendor_users.get().user == chosen


def test_address_of_two_members_maps_to_neither(lists, fake_transport):
    account = make_account("leadsquared")
    for name in ("one", "two"):
        user = make_user(account.team, username=name)
        user.email = "shared@baton.example"
        user.save()
    lists["users"] = [RemoteUser("1", "Shared", "shared@baton.example")]

    read_users(account, transport=fake_transport)

    assert account.vendor_users.get().user is None


def test_person_known_by_email_gets_the_id(lists, fake_transport):
    account = make_account("leadsquared")
    known = make_vendor_user(account, external_id="", email="ravi@baton.example")
    lists["users"] = [RemoteUser("1", "Ravi", "Ravi@baton.example")]

    read_users(account, transport=fake_transport)

    assert account.vendor_users.get().pk == known.pk
    assert account.vendor_users.get().external_id == "1"


def test_a_renamed_type_keeps_its_tasks_and_gets_its_new_name(lists, fake_transport):
    account = make_account("leadsquared")
    kind = account.task_types.get()
    kind.fields = {"id": "t-1"}
    kind.save()
    lists["types"] = [TypeInfo("Site visit", "Site visit", Channel.TODO, {"id": "t-1"})]

    read_types(account, transport=fake_transport)

    kind.refresh_from_db()
    assert (kind.code, kind.name, kind.active) == ("Site visit", "Site visit", True)
    assert account.task_types.count() == 1


def test_two_types_that_swap_names_are_left_as_they_are(lists, fake_transport):
    account = make_account("leadsquared")
    account.task_types.update(fields={"id": "t-1"})
    account.task_types.create(code="Visit", name="Visit", fields={"id": "t-2"})
    lists["types"] = [
        TypeInfo("Visit", "Visit", Channel.TODO, {"id": "t-1"}),
        TypeInfo("Meeting", "Meeting", Channel.TODO, {"id": "t-2"}),
    ]

    read_types(account, transport=fake_transport)

    assert set(shown(account)) == {"Meeting", "Visit"}


# -- daily -----------------------------------------------------------------------------


def checked(vendor="leadsquared", **values):
    return make_account(vendor, checked_at=timezone.now(), **values)


def due():
    return set(directory.due(timezone.now()).values_list("pk", flat=True))


def test_only_accounts_whose_vendor_has_a_call_are_due():
    wanted = {checked("leadsquared").pk, checked("saleshandy").pk}
    for vendor in ("reply", "ysuite"):
        checked(vendor)

    assert due() == wanted
    assert sweeping.work_of(timezone.now())["directory"] == sorted(wanted)


@pytest.mark.parametrize(
    "values",
    [
        {"state": ConnectedAccount.State.NEEDS_NEW_KEY},
        {"state": ConnectedAccount.State.PAUSED},
        {"deleted_at": timezone.now()},
        {"checked_at": None},
        {"held_until": timezone.now() + timedelta(hours=1)},
        {"directory_tried_at": timezone.now() - timedelta(minutes=20)},
        {"types_read_at": timezone.now(), "users_read_at": timezone.now()},
    ],
)
def test_an_account_that_cannot_or_need_not_be_read_is_not_due(values):
    make_account("leadsquared", **{"checked_at": timezone.now(), **values})

    assert due() == set()


def test_both_are_read_once_a_day(lists, fake_transport):
    account = checked()
    lists["types"] = [TypeInfo("Visit", "Visit", Channel.MEETING)]
    lists["users"] = [RemoteUser("u-1", "Elin Berg", "elin@baton.example")]

    first = directory.read_when_due(account.pk, transport=fake_transport)
    again = directory.read_when_due(account.pk, transport=fake_transport)

    assert (first, again) == (True, False)
    assert shown(account) == ["Visit"]
    assert account.vendor_users.get().name == "Elin Berg"
    account.refresh_from_db()
    assert account.types_read_at and account.users_read_at
    yesterday = timezone.now() - timedelta(hours=25)
    ConnectedAccount.objects.update(users_read_at=yesterday, directory_tried_at=None)
    assert directory.read_when_due(account.pk, transport=fake_transport)


def test_a_failure_is_kept_and_tried_again_an_hour_later(fake_transport):
    account = checked()
    fake_transport.default = VendorResponse(200, body={"not": "a list"}, text="{}")

    assert not directory.read_when_due(account.pk, transport=fake_transport)

    account.refresh_from_db()
    assert "list of types" in account.directory_error
    assert due() == set()
    ConnectedAccount.objects.update(
        directory_tried_at=timezone.now() - timedelta(minutes=61),
        state=ConnectedAccount.State.CONNECTED,
        held_until=None,
    )
    assert due() == {account.pk}


def test_after_a_refusal_the_types_are_read_again(lists, fake_transport):
    two_hours_ago = timezone.now() - timedelta(hours=2)
    account = checked(types_read_at=two_hours_ago, users_read_at=two_hours_ago)
    lists["types"] = [TypeInfo("Visit", "Visit", Channel.MEETING)]

    directory.doubt(account)

    assert due() == {account.pk}
    assert directory.read_when_due(account.pk, transport=fake_transport)
    assert shown(account) == ["Visit"]
    assert due() == set()


# -- who is who ------------------------------------------------------------------------


def test_who_is_mapped_gets_the_tasks_they_hold_at_the_vendor(lists, fake_transport):
    account = make_account("leadsquared")
    elin = make_user(account.team, username="elin", role="rep")
    person = make_vendor_user(account, external_id="u-1", email="")
    task = make_task(account=account, vendor_user=person)
    lists["users"] = [RemoteUser("u-1", "Elin Berg", elin.email)]

    read_users(account, transport=fake_transport)

    task.refresh_from_db()
    assert task.assignee == elin


def test_mapping_by_hand_moves_the_tasks_and_unmapping_takes_them_away():
    account = make_account("reply")
    elin = make_user(account.team, username="elin", role="rep")
    jonas = make_user(account.team, username="jonas", role="rep")
    person = make_vendor_user(account, user=elin)
    task = make_task(account=account, vendor_user=person, assignee=elin)
    other = make_task(account=account, assignee=elin)
    chosen = make_user(account.team, username="chosen", role="rep")
    given = make_task(account=account, vendor_user=person, assignee=chosen)

    for user, former in ((jonas, elin), (None, jonas)):
        VendorUser.objects.filter(pk=person.pk).update(user=user)
        person.refresh_from_db()
        assert directory.map_person(person, former.pk) == 1
        task.refresh_from_db()
        assert task.assignee == user
    other.refresh_from_db()
    given.refresh_from_db()
    assert (other.assignee, given.assignee) == (elin, chosen)


def test_whom_a_lead_chose_stays_when_people_are_read(lists, fake_transport):
    account = make_account("leadsquared")
    holder = make_user(account.team, username="holder")
    chosen = make_user(account.team, username="chosen")
    person = make_vendor_user(account, external_id="u-1", email="", user=holder)
    new = make_vendor_user(account, external_id="u-2", email="")
    tasks = [
        make_task(account=account, assignee=chosen, vendor_user=who)
        for who in (person, new)
    ]
    lists["users"] = [
        RemoteUser("u-1", "Holder", holder.email),
        RemoteUser("u-2", "Chosen", holder.email),
    ]

    read_users(account, transport=fake_transport)

    for task in tasks:
        task.refresh_from_db()
        assert task.assignee == chosen
