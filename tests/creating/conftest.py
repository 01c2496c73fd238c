"""What tests of creating share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import ConnectedAccount
from tests.factories import make_user


@pytest.fixture
def lead(client: Client, account: ConnectedAccount) -> User:
    """A lead of the account's team, signed in with `client`."""
    user = make_user(account.team)
    client.force_login(user)
    return user
