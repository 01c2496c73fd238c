"""Several statements in one trip."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from tasks_app.models import AccountPace, Team
from tasks_app.services.statements import together
from tests.factories import make_account, make_team

pytestmark = pytest.mark.django_db


def test_each_statement_gives_its_own_rows():
    team = make_team()

    rows = together(
        (
            "UPDATE baton_team SET name = %s WHERE id = %s RETURNING name",
            ["A", team.pk],
        ),
        ("UPDATE baton_team SET name = %s WHERE id = %s", ["B; 100 %", team.pk]),
        ("SELECT name, id FROM baton_team WHERE id = %s", [team.pk]),
        ("SELECT id FROM baton_team WHERE id < %s", [0]),
    )

    assert rows == [[("A",)], [], [("B; 100 %", team.pk)], []]


def test_an_error_of_a_later_one_is_raised_and_undoes_the_first():
    account, team = make_account("reply"), make_team(name="Before")
    AccountPace.objects.create(account=account)

    with pytest.raises(IntegrityError), transaction.atomic():
        together(
            ("UPDATE baton_team SET name = %s WHERE id = %s", ["After", team.pk]),
            (
                "INSERT INTO baton_accountpace (account_id, log, buckets)"
                " VALUES (%s, '[]', '{}')",
                [account.pk],
            ),
        )

    assert Team.objects.get(pk=team.pk).name == "Before"


def test_where_values_are_bound_by_the_server_each_goes_alone(monkeypatch):
    options = {**connection.settings_dict["OPTIONS"], "server_side_binding": True}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    assert together(("SELECT 1", []), ("SELECT %s + 1", [1])) == [[(1,)], [(2,)]]
