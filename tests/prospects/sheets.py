"""Files for the tests of the import."""

from __future__ import annotations

from tasks_app.models import ConnectedAccount, Prospect, Team
from tasks_app.services import importing
from tests.factories import make_account, make_team

PRACTICE = {
    "saleshandy": "Practice Saleshandy",
    "leadsquared": "Practice LeadSquared",
    "reply": "Practice Reply",
    "ysuite": "Practice YSuite",
}
HEADINGS = (
    "First Name,Last Name,Title,Company,Email,Mobile Phone,Person Linkedin Url,"
    "Time Zone,Tags,Do Not Contact,id:Practice Saleshandy,id:Practice LeadSquared,"
    "id:Practice Reply,id:Practice YSuite"
)
GUID = "7e5b7380-4295-4af2-9706-{:012d}"


def practice_team() -> Team:
    """A team with one account per vendor, named as the columns name them."""
    team = make_team()
    for vendor, name in PRACTICE.items():
        make_account(vendor, team=team, name=name)
    return team


def account_of(team: Team, vendor: str) -> ConnectedAccount:
    return team.accounts.get(vendor=vendor)


def dirty_export(rows: int = 60) -> bytes:
    """An export shaped like real ones: a mark, CRLF, and every kind of dirt."""
    lines = [HEADINGS]
    for n in range(rows):
        lines.append(
            f"Ada{n},Okafor{n},Buyer,Halden & Vale,ada{n}@halden.example,"
            f"+49 40 {1000 + n},https://www.linkedin.com/in/ada-{n}/,Europe/Berlin,"
            f"renewal; q3,,Sh{n:08d},{GUID.format(n)},{100_000 + n},{2_000 + n}"
        )
    plain = lines[1].split(",")

    def row(**changes: str) -> str:
        cells = [*plain]
        for number in (4, 10, 11, 12, 13):
            cells[number] = ""
        names = HEADINGS.split(",")
        for heading, value in changes.items():
            cells[names.index(heading.replace("_", " ").replace("id ", "id:"))] = value
        return ",".join(cells)

    lines[10:10] = [
        row(First_Name="Noah", Last_Name="Dlamini", Email="no-at-sign.example"),
        row(First_Name="Björn", Email="two@@signs.example"),
        row(First_Name="Henrik", Last_Name="佐藤", id_Practice_Reply="7001"),
        row(First_Name="Kwame", Last_Name="Trần", Email=" SPACE@Around.Example "),
        row(First_Name="Amara", Last_Name="Menon", Email="ADA0@HALDEN.EXAMPLE", id_Practice_Reply="7002"),
        row(First_Name='"=HYPERLINK(""http://evil.example"",""x"")"', Email="formula@halden.example"),
        row(Last_Name="@SUM(A1:A9)", Email="sum@halden.example"),
        row(Company='"Line one\r\nLine two, ""quoted"""', Email="lines@halden.example"),
        row(First_Name="<script>alert(1)</script>", Email="markup@halden.example"),
        row(First_Name="{{firstName}}", Email="braces@halden.example"),
        row(Time_Zone="Mars/Olympus", Email="mars@halden.example"),
        row(Do_Not_Contact="yes", Email="out1@halden.example"),
        row(Do_Not_Contact="TRUE", Email="out2@halden.example"),
        row(Do_Not_Contact="1", Email="out3@halden.example"),
        row(Email="unknown@halden.example", id_Practice_Saleshandy="INVALIDxx"),
        row(Email="guid@halden.example", id_Practice_LeadSquared="not-a-guid"),
        row(Email="abc@halden.example", id_Practice_Reply="abc"),
        row(Email="minus@halden.example", id_Practice_YSuite="-5"),
        row(Email="first@halden.example", id_Practice_Saleshandy="Shared0001"),
        row(First_Name="Mateo", Email="second@halden.example", id_Practice_Saleshandy="Shared0001"),
        row(First_Name="A" * 400, Email="long@halden.example"),
        row(First_Name="", Last_Name="", Email="nameless@halden.example"),
        row(Mobile_Phone="not a phone", Email="phone@halden.example"),
        row(Person_Linkedin_Url="javascript:alert(1)", Email="link@halden.example"),
        "short,row",
        "," * 13,
        "too,many" + ",x" * 30,
    ]  # fmt: skip
    lines += [*lines[5:9], lines[12], lines[13]]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def do_import(
    team: Team, text: str | bytes, mapping: dict[str, str] | None = None
) -> importing.Report:
    content = text.encode() if isinstance(text, str) else text
    sheet = importing.read(content, team=team, mapping=mapping)
    assert sheet.problems == []
    return importing.import_sheet(sheet)


def only(team: Team) -> Prospect:
    return Prospect.objects.get(team=team)


def everything(team: Team) -> list[tuple[object, ...]]:
    """All that an import can change, to compare before and after."""
    return [
        (
            p.pk, p.first_name, p.last_name, p.title, p.company, p.email, p.phone,
            p.linkedin_url, p.time_zone, p.do_not_contact, p.updated_at,
            tuple(sorted(tag.name for tag in p.tags.all())),
            tuple(sorted((link.pk, link.external_id) for link in p.links.all())),
        )
        for p in Prospect.objects.of_team(team).order_by("pk")
    ]  # fmt: skip
