"""What tests of account pages share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import Team
from tests.factories import make_user


@pytest.fixture
def lead(client: Client, team: Team) -> User:
    """A lead of the team, signed in with `client`."""
    user = make_user(team, role="lead", first_name="Maya", last_name="Okafor")
    client.force_login(user)
    return user
