"""Connecting a team to a vendor, and changing it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from tasks_app.models import ConnectedAccount
from tasks_app.services import connecting, gate
from tasks_app.services.accounts import connect_account
from tasks_app.vendors import ADAPTERS
from tests.factories import CREDENTIALS, make_account, make_team, make_user

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State
SECRET = "sk-marked-0123456789"


@pytest.fixture
def rung(monkeypatch):
    """Return the list of accounts that were rung for."""
    calls = []
    monkeypatch.setattr(connecting, "ring", calls.append)
    return calls


def connect(**overrides):
    given = {
        "vendor": "saleshandy",
        "name": "Partners",
        "credentials": {"api_key": SECRET},
    }
    given |= overrides
    if "team" not in given:
        given["team"] = make_team()
    return connect_account(**given)


def refused(**overrides) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as error:
        connect(**overrides)
    assert SECRET not in str(error.value)
    return error.value.message_dict


# -- bad input -------------------------------------------------------------------------


def test_unknown_vendor_is_refused():
    assert "vendor" in refused(vendor="hubspot")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_bad_name_is_refused(name):
    assert "name" in refused(name=name)


def test_missing_key_is_refused_by_name():
    errors = refused(vendor="leadsquared", credentials={"access_key": "abc"})

    assert errors == {
        "credential_secret_key": ["LeadSquared needs the secret key (secret_key)."]
    }


def test_every_mistake_is_told_at_once():
    errors = refused(
        base_url="https://evil.example",
        credentials={"token": SECRET},
        settings={"colour": "blue"},
        rates=[[0, 5]],
    )

    assert set(errors) == {
        "base_url",
        "credential_token",
        "credential_api_key",
        "setting_colour",
        "rate",
    }


def test_nothing_is_kept_of_a_refused_entry():
    team = make_team()

    refused(team=team, base_url="https://evil.example")

    assert not ConnectedAccount.objects.exists()


def test_account_never_changes_its_vendor():
    account = make_account("saleshandy", name="Partners")

    errors = refused(
        team=account.team, vendor="ysuite", credentials=CREDENTIALS["ysuite"]
    )

    assert "connected to Saleshandy" in errors["vendor"][0]


def test_renaming_to_a_name_that_is_taken_is_refused():
    team = make_team()
    make_account("saleshandy", team=team, name="Partners")
    other = make_account("saleshandy", team=team, name="Growth")

    errors = refused(team=team, account=other, name="Partners")

    assert "already has an account" in errors["name"][0]


def test_account_of_another_team_is_not_changed():
    theirs = make_account("saleshandy", name="Partners")

    mine, created = connect(name="Partners")

    assert created
    assert mine.pk != theirs.pk
    theirs.refresh_from_db()
    assert theirs.credentials == CREDENTIALS["saleshandy"]


# -- new -------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_new_account_has_the_vendors_defaults_and_types(vendor):
    account, created = connect(vendor=vendor, credentials=CREDENTIALS[vendor])

    assert created
    adapter = ADAPTERS[vendor]
    assert account.base_url == adapter.base_urls[0][0]
    assert account.rates == []
    assert account.reference_marker == adapter.marker_default
    assert account.checked_at is None
    assert not account.is_connected
    codes = list(account.task_types.values_list("code", flat=True))
    assert codes == [info.code for info in adapter.fixed_types or ()]


def test_keys_are_encrypted_at_rest():
    account, _ = connect()

    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM baton_connectedaccount")
        raw = cursor.fetchone()[0]
    assert SECRET not in raw
    account.refresh_from_db()
    assert account.credentials == {"api_key": SECRET}
    assert SECRET not in repr(account)
    assert SECRET not in repr(account.adapter().config)


def test_no_key_is_logged(caplog):
    caplog.set_level("DEBUG")

    connect(by=make_user())

    assert "connected by user" in caplog.text
    assert SECRET not in caplog.text


def test_settings_rates_and_switches_are_kept():
    account, _ = connect(
        vendor="reply",
        settings={"dialect": "Words", "act_as": "", "time_zone": "europe/berlin"},
        rates=[[25, 5], [100, 60]],
        marker=True,
        bring_in=True,
    )

    account.refresh_from_db()
    assert account.settings == {"dialect": "words", "time_zone": "Europe/Berlin"}
    assert account.effective_rates() == [(25, 5.0), (100, 60.0)]
    assert account.reference_marker
    assert account.bring_in


# -- again -----------------------------------------------------------------------------


def test_second_run_changes_what_is_named_and_keeps_the_rest(rung):
    first, _ = connect(vendor="reply", settings={"dialect": "words"}, rates=[[25, 5]])

    second, created = connect(
        team=first.team, vendor="reply", credentials={}, settings={"act_as": "42"}
    )

    assert not created
    assert second.pk == first.pk
    second.refresh_from_db()
    assert second.settings == {"dialect": "words", "act_as": "42"}
    assert second.rates == [[25, 5]]
    assert second.credentials == {"api_key": SECRET}
    assert rung == [first.pk]


def test_empty_setting_and_empty_rate_go_back_to_the_defaults():
    first, _ = connect(vendor="reply", settings={"dialect": "words"}, rates=[[25, 5]])

    second, _ = connect(
        team=first.team, vendor="reply", settings={"dialect": ""}, rates=[]
    )

    assert second.settings == {}
    assert second.effective_rates() == [(100, 60.0), (3000, 3600.0)]


def test_same_entry_again_changes_neither_version_nor_test():
    first, _ = connect()
    ConnectedAccount.objects.update(checked_at=timezone.now())

    second, _ = connect(team=first.team, credentials={})

    assert second.credentials_version == 1
    assert second.checked_at is not None


def test_new_key_counts_as_untested_and_opens_the_gate(rung):
    first, _ = connect()
    ConnectedAccount.objects.update(checked_at=timezone.now())
    gate.shut(first, State.NEEDS_NEW_KEY, "Saleshandy rejects the key.")

    second, _ = connect(team=first.team, credentials={"api_key": "another"})

    second.refresh_from_db()
    assert second.credentials_version == 2
    assert second.checked_at is None
    assert second.state == State.CONNECTED
    assert second.state_reason == ""
    assert rung == [first.pk]


def test_half_of_a_pair_of_keys_may_be_renewed():
    first, _ = connect(vendor="leadsquared", credentials=CREDENTIALS["leadsquared"])

    second, _ = connect(
        team=first.team,
        vendor="leadsquared",
        credentials={"access_key": "", "secret_key": "renewed"},
    )

    assert second.credentials == {"access_key": "access-lsq", "secret_key": "renewed"}


def test_new_key_does_not_end_a_pause():
    first, _ = connect()
    gate.shut(first, State.PAUSED, "Paused.")

    second, _ = connect(team=first.team, credentials={"api_key": "another"})

    second.refresh_from_db()
    assert second.state == State.PAUSED


def test_new_address_counts_as_untested_and_ends_trouble():
    first, _ = connect(vendor="leadsquared", credentials=CREDENTIALS["leadsquared"])
    ConnectedAccount.objects.update(
        checked_at=timezone.now(),
        state=State.TROUBLE,
        held_until=timezone.now() + timedelta(hours=1),
    )

    second, _ = connect(
        team=first.team,
        vendor="leadsquared",
        credentials={},
        base_url="https://api-in21.leadsquared.com",
    )

    second.refresh_from_db()
    assert second.base_url == "https://api-in21.leadsquared.com/v2"
    assert second.checked_at is None
    assert second.state == State.CONNECTED
    assert second.held_until is None
    assert second.credentials_version == 2


def test_lost_encryption_key_asks_for_all_keys_again(settings):
    first, _ = connect(vendor="leadsquared", credentials=CREDENTIALS["leadsquared"])
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    errors = refused(
        team=first.team, vendor="leadsquared", credentials={"access_key": "new"}
    )

    assert list(errors) == ["credential_secret_key"]


def test_disconnected_account_does_not_block_its_name():
    gone = make_account("saleshandy", name="Partners", deleted_at=timezone.now())

    account, created = connect(team=gone.team)

    assert created
    assert account.pk != gone.pk
