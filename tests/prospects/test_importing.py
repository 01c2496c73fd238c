"""What an import makes of good, repeated, dangerous and broken rows."""

from __future__ import annotations

import pytest

from tasks_app.models import Prospect, ProspectImport, ProspectLink, Tag, Task
from tasks_app.services import importing
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_task,
    make_team,
    make_user,
)

from .sheets import (
    dirty_export,
    do_import,
    everything,
    only,
    practice_team,
)

pytestmark = pytest.mark.django_db


def reasons(report: importing.Report) -> dict[int, str]:
    return {p.row: f"{p.kind} | {p.column} | {p.reason}" for p in report.problems}


# -- the whole file --------------------------------------------------------------------


def test_a_dirty_export_is_imported_and_every_row_is_accounted_for():
    team = practice_team()
    sheet = importing.read(dirty_export(), team=team)

    preview = importing.check(sheet)
    assert Prospect.objects.count() == 0
    report = importing.import_sheet(sheet)

    assert report == preview
    assert report.rows == 93
    assert (report.new, report.repeated, report.refused) == (80, 6, 7)
    assert report.people + report.repeated + report.refused == report.rows
    assert Prospect.objects.of_team(team).count() == report.new
    found = reasons(report)
    assert found[11] == "row | Email | The @ is missing."
    assert found[12] == "row | Email | There is more than one @."
    assert "Row 2 has the same e-mail, another name" in found[15]
    assert found[22].startswith("cell | Time Zone | This time zone is not known")
    assert found[27].startswith("cell | id:Practice LeadSquared | LeadSquared has no")
    assert found[28].startswith("cell | id:Practice Reply | Reply.io has no such id")
    assert found[29].startswith("cell | id:Practice YSuite | YSuite has no such id")
    assert "belongs to row 30 (Ada0 Okafor0)" in found[31]
    assert found[32] == "row | First Name | This has 400 characters. At most 200 fit."
    assert found[34].startswith("cell | Mobile Phone | This is not a phone number")
    assert found[35].startswith("cell | Person Linkedin Url | This is not a web")
    assert "too few cells: 2 cells for 14 columns" in found[36]
    assert "neither a name nor an e-mail" in found[37]
    assert "too many cells: 32 cells for 14 columns" in found[38]


def test_importing_twice_changes_nothing():
    team = practice_team()
    do_import(team, dirty_export())
    before = everything(team)

    again = do_import(team, dirty_export())

    assert (again.new, again.updated, again.unchanged) == (0, 0, 80)
    assert everything(team) == before


def test_what_is_stored_is_what_was_typed_and_nothing_unsafe():
    team = practice_team()

    do_import(team, dirty_export())

    def of(email: str) -> Prospect:
        return Prospect.objects.get(team=team, email_key=email)

    assert (
        of("formula@halden.example").first_name
        == '=HYPERLINK("http://evil.example","x")'
    )
    assert of("sum@halden.example").last_name == "@SUM(A1:A9)"
    assert of("lines@halden.example").company == 'Line one Line two, "quoted"'
    assert of("markup@halden.example").first_name == "<script>alert(1)</script>"
    assert of("braces@halden.example").first_name == "{{firstName}}"
    assert of("space@around.example").email == "SPACE@Around.Example"
    assert of("mars@halden.example").time_zone == ""
    assert of("link@halden.example").linkedin_url == ""
    assert of("phone@halden.example").phone == ""
    assert of("nameless@halden.example").full_name == ""
    assert [of(f"out{n}@halden.example").do_not_contact for n in (1, 2, 3)] == [
        True
    ] * 3
    assert of("unknown@halden.example").links.get().external_id == "INVALIDxx"
    assert not of("second@halden.example").links.exists()
    assert set(Tag.objects.values_list("name", flat=True)) == {"renewal", "q3"}
    assert of("ada0@halden.example").first_name == "Ada0"


def test_the_refused_rows_are_mended_and_imported_again():
    team = practice_team()
    sheet = importing.read(dirty_export(), team=team)
    report = importing.import_sheet(sheet)
    before = everything(team)

    file = "".join(importing.refused_file(sheet.file, report.problems))
    unmended = do_import(team, file)

    assert unmended.new == 0
    assert unmended.refused == report.refused
    assert everything(team) == before

    mended = (
        file.replace("no-at-sign.example", "noah@halden.example")
        .replace("two@@signs.example", "two@signs.example")
        .replace("A" * 400, "Aaron")
        .replace("ADA0@HALDEN.EXAMPLE", "amara@halden.example")
        .replace("not-a-guid", "7e5b7380-4295-4af2-9706-000000009999")
        .replace("Mars/Olympus", "Asia/Tokyo")
    )
    result = do_import(team, mended)

    assert result.new == 4
    assert result.updated == 2
    assert Prospect.objects.get(email_key="amara@halden.example").links.count() == 1
    assert Prospect.objects.get(email_key="noah@halden.example").phone == "+49 40 1000"
    assert (
        Prospect.objects.get(email_key="mars@halden.example").time_zone == "Asia/Tokyo"
    )
    guid = Prospect.objects.get(email_key="guid@halden.example")
    assert guid.links.get().external_id.endswith("9999")


def test_twenty_thousand_rows_take_a_bounded_number_of_queries(
    django_assert_max_num_queries,
):
    team = make_team()
    account = make_account("reply", team=team, name="R")
    text = "First Name,Email,Tags,id:R\n" + "".join(
        f"Ada{n},ada{n}@halden.example,t{n % 7},{n + 1}\n" for n in range(4000)
    )

    with django_assert_max_num_queries(150):
        report = do_import(team, text)
    assert report.new == 4000

    with django_assert_max_num_queries(60):
        assert do_import(team, text).unchanged == 4000
    with django_assert_max_num_queries(150):
        assert do_import(team, text.replace("Ada", "Bo")).updated == 4000
    assert ProspectLink.objects.filter(account=account).count() == 4000


# -- who is who ------------------------------------------------------------------------


def test_repeated_rows_of_one_person_are_merged_and_later_values_win():
    team = make_team()

    report = do_import(
        team,
        "Email,First name,Company,Phone,Tags\n"
        "ada@halden.example,Ada,Halden,+49 40 1111,a;b\n"
        " ADA@Halden.example ,Ada,Vale,,b;c\n",
    )

    ada = only(team)
    assert (report.new, report.repeated) == (1, 1)
    assert (ada.company, ada.phone, ada.email) == (
        "Vale",
        "+49 40 1111",
        "ada@halden.example",
    )
    assert {tag.name for tag in ada.tags.all()} == {"a", "b", "c"}


def test_a_known_person_is_updated_and_empty_cells_never_erase():
    team = make_team()
    ada = make_prospect(
        team, email="Ada@halden.example", phone="+49 40 1111", title="Buyer"
    )

    report = do_import(team, "Email,Title,Phone\nada@HALDEN.example,CFO,\n")

    ada.refresh_from_db()
    assert (report.new, report.updated) == (0, 1)
    assert (ada.title, ada.phone, ada.email) == (
        "CFO",
        "+49 40 1111",
        "Ada@halden.example",
    )


def test_without_an_email_the_vendor_id_tells_who_it_is():
    team = make_team()
    account = make_account("reply", team=team, name="R")
    ada = make_prospect(team, email="", first_name="Ada", last_name="Okafor")
    link = make_link(ada, account)

    report = do_import(
        team,
        f"First name,Last name,Email,id:R\nAda,Okafor,new@halden.example,{link.external_id}\n",
    )

    ada.refresh_from_db()
    assert (report.new, report.updated) == (0, 1)
    assert ada.email_key == "new@halden.example"


def test_an_id_of_somebody_with_another_name_is_left_out():
    team = make_team()
    account = make_account("reply", team=team, name="R")
    ada = make_prospect(team, email="", first_name="Ada", last_name="Okafor")
    link = make_link(ada, account)

    report = do_import(
        team, f"First name,Last name,id:R\nMateo,Silva,{link.external_id}\n"
    )

    ada.refresh_from_db()
    assert ada.first_name == "Ada"
    assert report.new == 1
    assert report.problems[0].reason == "This id belongs to Ada Okafor already."


def test_a_nameless_mailbox_does_not_turn_one_person_into_another():
    """Same e-mail, other name and other id: two people, so the row is refused."""
    team = make_team()
    account = make_account("reply", team=team, name="R")
    ada = make_prospect(
        team, email="info@halden.example", first_name="Ada", last_name="O"
    )
    link = make_link(ada, account)

    report = do_import(
        team, "First name,Last name,Email,id:R\nMateo,Silva,INFO@halden.example,77\n"
    )

    ada.refresh_from_db()
    link.refresh_from_db()
    assert (ada.first_name, report.refused) == ("Ada", 1)
    assert link.external_id != "77"


def test_a_mended_id_replaces_the_old_one_and_says_so():
    team = make_team()
    account = make_account("saleshandy", team=team, name="S")
    do_import(team, "First name,Email,id:S\nAda,ada@halden.example,INVALIDxx\n")

    report = do_import(
        team, "First name,Email,id:S\nAda,ada@halden.example,Good123456\n"
    )

    assert ProspectLink.objects.get(account=account).external_id == "Good123456"
    assert report.updated == 1
    assert report.notes[0].reason == "Was INVALIDxx until now."


def test_two_people_can_hand_over_an_id():
    team = make_team()
    account = make_account("reply", team=team, name="R")
    do_import(team, "First name,Email,id:R\nAda,a@h.example,1\nBo,b@h.example,2\n")

    report = do_import(
        team, "First name,Email,id:R\nAda,a@h.example,3\nBo,b@h.example,1\n"
    )

    assert report.problems == []
    ids = dict(
        account.prospect_links.values_list("prospect__first_name", "external_id")
    )
    assert ids == {"Ada": "3", "Bo": "1"}


def test_people_without_email_and_id_are_known_by_name_and_company():
    team = make_team()
    text = "Name,Company,Phone\nAda Okafor,Halden,\nAda Okafor,Vale,\nAda Okafor,Halden,+49 40 11111\n"

    first = do_import(team, text)
    second = do_import(team, text)

    assert (first.new, first.repeated) == (2, 1)
    assert (second.new, second.unchanged) == (0, 2)


# -- the safe side ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["yes", "Y", "TRUE", "1", "x", "Ja", "oui", "sí", "opted out", "DNC"]
)
def test_every_spelling_of_yes_opts_out(word):
    team = make_team()

    report = do_import(team, f"Email,Do not contact\nada@halden.example,{word}\n")

    assert only(team).do_not_contact is True
    assert report.notes == []


@pytest.mark.parametrize("word", ["", "no", "N", "False", "0", "nein", "n/a"])
def test_no_and_nothing_do_not(word):
    team = make_team()

    do_import(team, f"Email,Do not contact\nada@halden.example,{word}\n")

    assert only(team).do_not_contact is False


def test_a_word_that_nobody_knows_opts_out_and_is_told():
    team = make_team()

    report = do_import(team, "Email,DNC\nada@halden.example,since March\n")

    assert only(team).do_not_contact is True
    assert (
        report.notes[0].reason
        == "Neither yes nor no, so this person counts as opted out."
    )


def test_an_import_never_takes_an_opt_out_back():
    team = make_team()
    make_prospect(team, email="ada@halden.example", do_not_contact=True)

    report = do_import(team, "Email,Opted out\nada@halden.example,no\n")

    assert only(team).do_not_contact is True
    assert "Stays opted out" in report.notes[0].reason


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//linkedin.com/in/x",
        "data:text/html,<script>alert(1)</script>",
        "//www.linkedin.com/in/x",
        "https://evil.example/linkedin.com/in/x",
        "https://linkedin.com.evil.example/in/x",
        "https://www.linkedin.com@evil.example/",
        "https://evil.example\\@www.linkedin.com/",
        'https://www.linkedin.com/in/"onmouseover=x',
        "https://www.linkedin.com/in/a b",
        "https://[www.linkedin.com/",
        "https://www.linkedin.com/" + "x" * 400,
    ],
)
def test_only_plain_linkedin_addresses_are_stored(link):
    team = make_team()
    cell = '"' + link.replace('"', '""') + '"'

    report = do_import(team, f"Email,LinkedIn\nada@halden.example,{cell}\n")

    assert only(team).linkedin_url == ""
    assert report.cells == 1


def test_a_linkedin_address_without_a_scheme_gets_one():
    team = make_team()

    do_import(team, "Email,LinkedIn\nada@halden.example,www.linkedin.com/in/ada\n")

    assert only(team).linkedin_url == "https://www.linkedin.com/in/ada"


HOSTILE = [
    "<img src=x onerror=alert(1)>", "${7*7}", "{% debug %}", "'; DROP TABLE x;--",
    "=1+1", "e\u202exe.txt", "a\u200bb", "a\x07b", "\x1b[31mred", "ﷺ" * 40, "🏴" * 50,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_as_text_on_one_line(text):
    team = make_team()

    do_import(team, 'Email,Company\nada@halden.example,"' + text + '"\n')

    kept = only(team).company
    assert kept
    assert kept in text or not set(kept) - set(text)
    assert not {"\u202e", "\u200b", "\x07", "\x1b"} & set(kept)


# -- columns and accounts --------------------------------------------------------------


def test_columns_are_recognised_in_many_spellings():
    team = make_team()
    headings = (
        "FIRST_NAME,Surname,Job Title,Organisation,E-mail Address,Mobile Phone,"
        "Person Linkedin Url,Time-Zone,Labels,Opted Out"
    )

    sheet = importing.read(f"{headings}\n{'x,' * 9}x\n".encode(), team=team)

    assert [column.target for column in sheet.columns] == [
        "first_name", "last_name", "title", "company", "email", "phone",
        "linkedin_url", "time_zone", "tags", "do_not_contact",
    ]  # fmt: skip


def test_a_column_can_be_matched_by_hand_or_left_out():
    team = make_team()

    do_import(
        team,
        "Kontakt,Wer,Company\nada@halden.example,Ada Okafor,Halden\n",
        {"Kontakt": "email", "Wer": "name", "Company": ""},
    )

    ada = only(team)
    assert (ada.email, ada.first_name, ada.last_name, ada.company) == (
        "ada@halden.example", "Ada", "Okafor", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"A": "email", "B": "email"}, "“A” and “B” both go to Email"),
        ({"A": "phone"}, "Choose which column holds the e-mail or the name."),
        ({"A": "email", "B": "is_staff"}, "is not there any more"),
        ({"A": "email", "B": "account:999999"}, "is not there any more"),
    ],
)
def test_a_mapping_that_cannot_work_is_told(mapping, words):
    sheet = importing.read(b"A,B\n1,2\n", team=make_team(), mapping=mapping)

    assert words in " ".join(sheet.problems)


def test_an_account_of_another_team_is_no_target():
    theirs = make_account("reply", name="Theirs")
    team = make_team()

    sheet = importing.read(b"Email,id:Theirs\na@b.example,1\n", team=team)
    chosen = importing.read(
        b"Email,id:Theirs\na@b.example,1\n",
        team=team,
        mapping={"id:Theirs": f"account:{theirs.pk}"},
    )

    assert sheet.columns[1].target == ""
    assert sheet.columns[1].note == "This team has no account named “Theirs”."
    assert chosen.problems


def test_an_import_touches_its_own_team_only():
    theirs = make_prospect(make_team(), email="ada@halden.example", title="Buyer")
    team = make_team()

    report = do_import(team, "Email,Title\nada@halden.example,CFO\n")

    theirs.refresh_from_db()
    assert (report.new, theirs.title) == (1, "Buyer")


def test_tags_of_a_team_are_used_again_in_any_case():
    team = make_team()
    Tag.objects.create(team=team, name="VIP")
    Tag.objects.create(team=make_team(), name="q3")

    do_import(team, 'Email,Tags\nada@halden.example,"vip, Q3"\n')

    assert {tag.name for tag in only(team).tags.all()} == {"VIP", "Q3"}
    assert team.tags.count() == 2


def test_a_renamed_person_is_found_by_the_tasks_under_the_new_name():
    team = make_team()
    account = make_account("reply", team=team)
    ada = make_prospect(team, email="ada@halden.example", company="Halden")
    make_link(ada, account)
    task = make_task(account=account, prospect=ada)

    do_import(team, "Email,Company\nada@halden.example,Umbra\n")

    task.refresh_from_db()
    assert "umbra" in task.search_text
    assert Task.objects.count() == 1


# -- the row that carries an upload ----------------------------------------------------


def test_an_upload_is_applied_once_however_often_it_is_asked_for():
    team = make_team()
    lead = make_user(team)
    upload = ProspectImport.objects.create(
        team=team,
        created_by=lead,
        file_name="p.csv",
        content=b"Email\na@b.example\nx\n",
    )

    first = importing.apply(upload, by=lead)
    second = importing.apply(upload, by=lead)

    upload.refresh_from_db()
    assert first == second
    assert (first.new, first.refused) == (1, 1)
    assert upload.state == ProspectImport.State.DONE
    assert Prospect.objects.count() == 1


def test_an_upload_that_cannot_be_mapped_imports_nothing():
    team = make_team()
    lead = make_user(team)
    upload = ProspectImport.objects.create(
        team=team, created_by=lead, file_name="p.csv", content=b"A,B\n1,2\n"
    )

    with pytest.raises(importing.UnreadableFile, match="Choose which column"):
        importing.apply(upload, by=lead)

    upload.refresh_from_db()
    assert upload.state == ProspectImport.State.UPLOADED
    assert Prospect.objects.count() == 0


def test_nothing_is_imported_when_something_fails_halfway(monkeypatch):
    team = make_team()

    def fail(*args: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("tasks_app.services.import_writing.write_links", fail)

    with pytest.raises(RuntimeError):
        do_import(team, "Email,Tags\nada@halden.example,vip\n")

    assert not Prospect.objects.exists()
    assert not Tag.objects.exists()


def test_somebody_added_by_hand_meanwhile_is_updated(monkeypatch):
    team = make_team()
    write = importing.write_people
    meanwhile = iter([True])

    def late(*args: object) -> None:
        if next(meanwhile, False):
            make_prospect(team, email="ada@halden.example", title="Buyer")
        write(*args)

    monkeypatch.setattr(importing, "write_people", late)

    # The first try rolls back with what it ran into, so the second finds nobody.
    report = do_import(team, "Email,Title\nada@halden.example,CFO\n")

    assert (report.new, report.repeated, report.refused) == (1, 0, 0)
    assert only(team).title == "CFO"
