"""The webhook address in the administrator's site: masked, shown when asked, renewed."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(settings):
    settings.PUBLIC_URL = "https://baton.example"
    return make_account("leadsquared")


def show(client, account, **data):
    url = reverse("admin:baton_connectedaccount_webhook", args=[account.pk])
    return client.post(url, data)


def sign_in(client, **user):
    client.force_login(make_user(None, is_staff=True, **user))


def test_only_who_may_change_accounts_sees_it(client, account):
    sign_in(client)
    assert show(client, account).status_code == 403

    client.logout()
    assert show(client, account).status_code == 302


def test_no_link_shows_it(client, account):
    sign_in(client, is_superuser=True)
    url = reverse("admin:baton_connectedaccount_webhook", args=[account.pk])

    assert client.get(url).status_code == 405


def test_the_form_shows_it_without_the_secret(client, account):
    sign_in(client, is_superuser=True)

    page = client.get(
        reverse("admin:baton_connectedaccount_change", args=[account.pk])
    ).content.decode()

    assert f"https://baton.example/hooks/{account.pk}/…/" in page
    assert account.hook_token not in page


def test_it_is_shown_when_asked_and_the_log_says_so(client, account):
    sign_in(client, is_superuser=True)

    response = show(client, account)

    assert account.hook_url in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    entry = LogEntry.objects.get()
    assert "Looked at the webhook address" in entry.change_message
    assert account.hook_token not in entry.change_message


def test_beside_a_new_one_the_old_one_is_taken_until_it_is_ended(client, account):
    sign_in(client, is_superuser=True)
    old = account.hook_token
    assert "End the old" not in show(client, account).content.decode()

    page = show(client, account, renew="1").content.decode()

    account.refresh_from_db()
    assert account.hook_token != old
    assert account.hook_tokens() == [account.hook_token, old]
    assert account.hook_url in page
    assert old not in page
    assert "End the old address now" in page

    page = show(client, account, end="1").content.decode()

    account.refresh_from_db()
    assert account.hook_tokens() == [account.hook_token]
    assert "End the old" not in page
    assert LogEntry.objects.filter(change_message__contains="Ended the old").exists()


def test_without_a_public_url_there_is_none(client, account, settings):
    settings.PUBLIC_URL = ""
    sign_in(client, is_superuser=True)

    assert "PUBLIC_URL is not set" in show(client, account).content.decode()
