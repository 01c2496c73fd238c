"""Who somebody is in a team is read once for a page, not again for what they see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import client_of, make_account, make_task, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["lead", "rep"])
@pytest.mark.parametrize(
    "url", ["/today/", "/batches/", "/prospects/", "/search/?q=ada", "/tasks/"]
)
def test_a_page_reads_memberships_once(role: str, url: str) -> None:
    team = make_team()
    make_task(account=make_account(team=team))
    client = client_of(make_user(team, role))

    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200

    read = [q["sql"] for q in seen if 'FROM "baton_membership"' in q["sql"]]
    assert (
        len([sql for sql in read if sql.startswith('SELECT "baton_membership"')]) == 1
    )
