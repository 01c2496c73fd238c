"""Upload, match, look, import, mend: the pages of an import."""

from __future__ import annotations

import importlib
import io
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import Prospect, ProspectImport, Team
from tasks_app.services import importing
from tests.factories import make_team, make_user

from .sheets import dirty_export, everything, practice_team

pytestmark = pytest.mark.django_db

UPLOAD = "/prospects/import/"


@pytest.fixture
def team() -> Team:
    return practice_team()


@pytest.fixture
def lead(team: Team) -> Client:
    client = Client()
    client.force_login(make_user(team))
    return client


def upload(client: Client, content: bytes, name: str = "prospects.csv"):
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)})


def uploaded(client: Client, content: bytes) -> ProspectImport:
    response = upload(client, content)
    assert response.status_code == 302, response.content.decode()
    return ProspectImport.objects.latest("pk")


def url(name: str, row: ProspectImport) -> str:
    return reverse(f"prospect-import-{name}", args=[row.pk])


def text_of(response) -> str:
    page = response.content.decode().split("<main")[-1]
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_the_whole_way_by_plain_forms(team, lead):
    row = uploaded(lead, dirty_export())

    page = text_of(lead.get(url("check", row)))
    assert "93 rows, 14 columns" in page
    assert "comma, UTF-8" in page
    assert "14 of 14 are matched" in page
    assert "Row 11 Email no-at-sign.example The @ is missing. Whole row" in page
    assert "Import 80 prospects" in page
    assert not Prospect.objects.exists()

    done = lead.post(url("apply", row), follow=True)
    page = text_of(done)
    assert done.redirect_chain[-1][0] == url("done", row)
    assert "80 new, 0 updated" in page
    assert "7 refused rows, 7 values left out" in page
    assert Prospect.objects.of_team(team).count() == 80


def test_refused_rows_are_downloaded_mended_and_uploaded(team, lead):
    row = uploaded(lead, dirty_export())
    preview = b"".join(lead.get(url("refused", row)).streaming_content)
    lead.post(url("apply", row))

    response = lead.get(url("refused", row))
    text = b"".join(response.streaming_content)
    assert text == preview
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="baton-import-{row.pk}-to-mend.csv"'
    )
    again = uploaded(lead, text.replace(b"two@@signs", b"two@signs"))
    page = text_of(lead.post(url("apply", again), follow=True))

    assert "1 new, 0 updated" in page
    assert Prospect.objects.filter(email_key="two@signs.example").exists()


def test_pressing_import_twice_imports_once(team, lead):
    row = uploaded(lead, dirty_export())

    lead.post(url("apply", row))
    before = everything(team)
    lead.post(url("apply", row))

    assert everything(team) == before
    assert lead.get(url("check", row)).headers["Location"] == url("done", row)


REFUSED = [
    ("p.csv", b"PK\x03\x04" + bytes(100), "This is an Excel workbook or a zip archive"),
    ("p.csv", b"Email\n\0\n", "binary data"),
    ("p.csv", b"", "This file is empty."),
    ("p.csv", b"Email\n", "no rows below"),
    ("p.csv", b"<!doctype html><p>", "a web page"),
    ("p.csv", b"Email\n" + b"a@b.example\n" * 20_001, "more than 20,000 rows"),
    ("p.csv", b"Email\n" + b"x" * 30_000_000, "28.6 MiB. Baton takes up to 10 MiB"),
    ("x" * 150 + ".csv", b"", "This file is empty."),
]


def test_a_second_press_that_was_on_its_way_leaves_the_report(lead, monkeypatch):
    row = uploaded(lead, b"Email,First name\nann@b.example,Ann\n")
    read_upload = importing.read_upload

    def overtaken(upload):
        monkeypatch.setattr(importing, "read_upload", read_upload)
        importing.apply(row, by=row.created_by)
        return read_upload(upload)

    monkeypatch.setattr(importing, "read_upload", overtaken)
    chosen = {"column-0": "email", "column-1": "", "update_asked": "1"}
    answer = lead.post(url("apply", row), chosen)

    row.refresh_from_db()
    assert answer.status_code == 302 and row.report["new"] == 1
    assert row.update_known and row.mapping["First name"] == "first_name"
    assert lead.get(answer["Location"]).status_code == 200


def test_the_switch_of_a_waiting_import_moves_to_its_column(lead):
    row = uploaded(lead, b"Email\nann@b.example\n")
    ProspectImport.objects.update(report={"update": False})
    name = "tasks_app.migrations.0026_import_switch"
    migration = importlib.import_module(name)

    migration.move(apps, None)
    row.refresh_from_db()
    assert (row.update_known, row.report) == (False, {})

    migration.move_back(apps, None)
    row.refresh_from_db()
    assert row.report == {"update": False}


@pytest.mark.parametrize(("name", "content", "sentence"), REFUSED)
def test_a_file_that_cannot_be_read_is_refused_beside_the_field(
    lead, name, content, sentence
):
    response = upload(lead, content, name)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not ProspectImport.objects.exists()


def test_no_file_at_all_is_told(lead):
    for data in ({}, {"file": "just text"}):
        response = lead.post(UPLOAD, data)
        assert response.status_code == 422
        assert "Choose a CSV file first." in response.content.decode()


def test_columns_are_matched_by_hand_and_checked_live(team, lead):
    row = uploaded(lead, b"Kontakt,Was,Nummer\nada@halden.example,Buyer,12\n")
    page = text_of(lead.get(url("check", row)))
    assert "Choose which column holds the e-mail or the name." in page
    assert "Import 1 prospect" not in page

    account = team.accounts.get(vendor="reply")
    data = {
        "column-0": "email",
        "column-1": "title",
        "column-2": f"account:{account.pk}",
    }
    response = lead.post(url("check", row), data, headers={"HX-Request": "true"})
    part = response.content.decode()
    assert "<html" not in part
    assert "Import 1 prospect" in part
    assert 'id="matched" class="num" hx-swap-oob="true"' in part

    lead.post(url("apply", row))
    ada = Prospect.objects.get()
    assert (ada.email, ada.title) == ("ada@halden.example", "Buyer")
    assert ada.links.get().external_id == "12"


def test_check_again_works_without_scripts_and_import_takes_what_is_chosen(lead):
    row = uploaded(lead, b"Email,Company\nada@halden.example,Halden\n")

    again = lead.post(url("check", row), {"column-0": "email", "column-1": "title"})
    assert again.headers["Location"] == url("check", row)
    row.refresh_from_db()
    assert row.mapping == {"Email": "email", "Company": "title"}

    lead.post(url("apply", row), {"column-0": "email", "column-1": ""})
    assert Prospect.objects.get().company == ""
    assert Prospect.objects.get().title == ""


@pytest.mark.parametrize("value", ["is_staff", "account:0", "team", "account:x", "\0"])
def test_a_target_that_the_page_does_not_offer_is_left_out(lead, value):
    row = uploaded(lead, b"Email,Company\nada@halden.example,Halden\n")

    lead.post(url("apply", row), {"column-0": "email", "column-1": value})

    assert Prospect.objects.get().company == ""


def test_a_mapping_that_cannot_work_imports_nothing_and_says_why(lead):
    row = uploaded(lead, b"Email,Company\nada@halden.example,Halden\n")

    page = text_of(
        lead.post(
            url("apply", row), {"column-0": "title", "column-1": "title"}, follow=True
        )
    )

    assert "Choose which column holds the e-mail or the name." in page
    assert not Prospect.objects.exists()


def test_an_account_column_of_nobody_is_told_beside_it(lead):
    row = uploaded(lead, b"Email,id:Nowhere\nada@halden.example,1\n")

    assert "This team has no account named “Nowhere”." in text_of(
        lead.get(url("check", row))
    )


def test_an_account_that_is_gone_meanwhile_is_told(team, lead):
    row = uploaded(lead, b"Email,id:Practice Reply\nada@halden.example,1\n")
    team.accounts.filter(vendor="reply").update(deleted_at=timezone.now())

    assert "is not there any more" in text_of(lead.get(url("check", row)))


def test_another_encoding_is_named(lead):
    row = uploaded(lead, "Email;Name\nada@halden.example;Renée\n".encode("cp1252"))

    page = text_of(lead.get(url("check", row)))

    assert "semicolon, Windows-1252" in page
    assert "It was read as Windows-1252" in page


def test_data_in_place_of_headings_is_told(lead):
    row = uploaded(lead, b"Ada,ada@halden.example\nBo,bo@halden.example\n")

    assert "The first line holds an e-mail address." in text_of(
        lead.get(url("check", row))
    )


def test_very_many_refused_rows_are_paged_and_all_downloaded(lead):
    row = uploaded(lead, b"Email\nok@halden.example\n" + b"broken\n" * 260)

    preview = text_of(lead.get(url("check", row)))
    assert "These are the first 100 of 260." in preview
    lead.post(url("apply", row))
    assert "Row 53 Email" not in text_of(lead.get(url("done", row)))
    assert "Row 53 Email" in text_of(lead.get(url("done", row) + "?page=2"))
    text = b"".join(lead.get(url("refused", row)).streaming_content).decode()
    assert len(text.strip().split("\r\n")) == 261


def test_hostile_files_are_shown_as_text(lead):
    evil = '<script>alert(1)</script>{{ 7|add:7 }}"><img src=x onerror=alert(1)>'
    quoted = '"' + evil.replace('"', '""') + '"'
    content = f"Email,Name,{quoted}\n{quoted},{quoted},{quoted}\na@b.example,{quoted},{quoted}\n"
    response = upload(lead, content.encode(), "<img src=x>\u202e.csv")
    row = ProspectImport.objects.get()
    assert response.status_code == 302

    pages = [
        lead.get(url("check", row)),
        lead.post(url("apply", row), follow=True),
        lead.get(UPLOAD),
    ]

    for page in pages:
        html = page.content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "\u202e" not in html
    assert "{{ 7|add:7 }}" in pages[1].content.decode()


def test_a_file_can_be_discarded_until_it_is_imported(lead):
    row = uploaded(lead, b"Email\na@b.example\n")
    lead.post(url("discard", row))
    assert not ProspectImport.objects.exists()

    row = uploaded(lead, b"Email\na@b.example\n")
    lead.post(url("apply", row))
    lead.post(url("discard", row))
    assert ProspectImport.objects.filter(pk=row.pk).exists()


def test_other_teams_and_reps_see_no_import(team, lead):
    row = uploaded(lead, b"Email\na@b.example\nx\n")
    stranger, rep = Client(), Client()
    stranger.force_login(make_user(make_team()))
    rep.force_login(make_user(team, "rep"))

    for name in ("check", "done", "refused"):
        assert stranger.get(url(name, row)).status_code == 404
        assert rep.get(url(name, row)).status_code == 403
    for name in ("check", "apply", "discard"):
        assert stranger.post(url(name, row)).status_code == 404
        assert rep.post(url(name, row)).status_code == 403
    assert rep.get(UPLOAD).status_code == 403
    assert "prospects.csv" not in stranger.get(UPLOAD).content.decode()
    assert not Prospect.objects.exists()


def test_old_files_are_forgotten(team, lead):
    old = uploaded(lead, b"Email\na@b.example\nx\n")
    lead.post(url("apply", old))
    left = uploaded(lead, b"Email\na@b.example\n")
    long_ago = timezone.now() - timedelta(days=100)
    ProspectImport.objects.update(created_at=long_ago)

    uploaded(lead, b"Email\nc@d.example\n")

    old.refresh_from_db()
    assert bytes(old.content) == b""
    assert not ProspectImport.objects.filter(pk=left.pk).exists()
    page = lead.get(url("done", old))
    assert "The @ is missing." in page.content.decode()
    assert "Download refused rows" not in page.content.decode()
    assert lead.get(url("refused", old)).status_code == 404


def test_the_path_in_a_file_name_is_dropped(lead):
    file = io.BytesIO(b"Email\na@b.example\n")
    file.name = "..\\..\\secret\\people.csv"
    lead.post(UPLOAD, {"file": file})

    assert ProspectImport.objects.get().file_name == "people.csv"


def test_without_the_switch_who_is_known_is_left_out_and_listed(team, lead):
    ada = Prospect.objects.create(team=team, email="ada@halden.example", company="Old")
    file = b"Email,Company\nADA@halden.example,New\nbo@x.example,X\nbo@x.example,X\n"
    row = uploaded(lead, file)
    data = {"column-0": "email", "column-1": "company", "update_asked": "1"}

    page = lead.post(url("check", row), data, headers={"HX-Request": "true"})
    report = page.context["report"]
    assert (report.new, report.updated, report.repeated, report.refused) == (1, 0, 1, 1)
    assert "is known already and stays as they are." in text_of(page)
    assert 'value="1" checked' not in lead.get(url("check", row)).text

    done = lead.post(url("apply", row), follow=True)
    ada.refresh_from_db()
    assert ada.company == "Old" and Prospect.objects.count() == 2
    assert "1 new, 0 updated" in text_of(done)


def test_the_switch_is_on_until_somebody_turns_it_off(team, lead):
    ada = Prospect.objects.create(team=team, email="ada@halden.example", company="Old")
    row = uploaded(lead, b"Email,Company\nada@halden.example,New\n")
    data = {"column-0": "email", "column-1": "company", "update_asked": "1"}

    assert 'name="update" value="1" checked' in lead.get(url("check", row)).text
    lead.post(url("check", row), data)
    lead.post(url("apply", row), {**data, "update": "1"})

    ada.refresh_from_db()
    assert ada.company == "New"
