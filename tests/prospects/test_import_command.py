"""`import_prospects`: counts on one line, one clear line where it cannot."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tasks_app.models import Prospect
from tests.factories import make_account, make_team

from .sheets import dirty_export, practice_team

pytestmark = pytest.mark.django_db


def run(*args: object) -> str:
    out = io.StringIO()
    call_command("import_prospects", *map(str, args), stdout=out)
    return out.getvalue()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "prospects.csv"
    path.write_bytes(dirty_export())
    return path


def test_the_counts_stand_on_one_line(export):
    team = practice_team()

    assert run(export, "--team", team.name) == (
        "Imported prospects.csv: 80 new, 0 updated, 6 repeated, 7 refused. "
        "7 single values left out.\n"
    )
    assert Prospect.objects.of_team(team).count() == 80


def test_refused_rows_are_written_mended_and_imported(export, tmp_path):
    team = practice_team()
    errors = tmp_path / "errors.csv"

    run(export, "--team", team.name, "--errors", errors)
    text = errors.read_text(encoding="utf-8-sig")
    mended = tmp_path / "mended.csv"
    mended.write_text(text.replace("two@@signs", "two@signs"), encoding="utf-8")

    assert text.startswith('"Row","Problem","First Name"')
    assert '"12","Email: There is more than one @."' in text
    assert "1 new" in run(mended, "--team", team.name)


def test_the_same_file_again_changes_nothing(export):
    team = practice_team()
    run(export, "--team", team.name)

    assert "0 new, 0 updated, 80 unchanged" in run(export, "--team", team.name)


def test_columns_are_mapped_by_hand(tmp_path):
    team = make_team()
    account = make_account("reply", team=team, name="Growth = EU")
    path = tmp_path / "p.csv"
    path.write_text("a=b,Who,No,Company\nada@halden.example,Ada Okafor,12,Halden\n")

    run(
        path, "--team", team.name, "--map", "a=b=email", "--map", "Who=name",
        "--map", "No=id:growth = eu", "--map", "Company=",
    )  # fmt: skip

    ada = Prospect.objects.get()
    assert (ada.email, ada.last_name, ada.company) == (
        "ada@halden.example",
        "Okafor",
        "",
    )
    assert ada.links.get().account == account


def test_an_id_column_without_an_account_is_told(export):
    team = make_team()

    lines = run(export, "--team", team.name).splitlines()

    assert lines[0].startswith("Imported prospects.csv: ")
    assert lines[1] == (
        "Left out column “id:Practice Saleshandy”: This team has no account named "
        "“Practice Saleshandy”."
    )


@pytest.mark.parametrize(
    ("content", "args", "words"),
    [
        (b"", [], "p.csv: This file is empty."),
        (b"PK\x03\x04zip", [], "p.csv: This is an Excel workbook"),
        (b"A,B\n" + b"x" * (11 * 1024 * 1024), [], "p.csv: This file has 11.0 MiB"),
        (b"A,B\n1,2\n", [], "Choose which column holds the e-mail"),
        (
            b"Email\na@b.example\n",
            ["--map", "Mail=email"],
            "has no column “Mail”. It has: Email.",
        ),
        (b"Email\na@b.example\n", ["--map", "Email=mail"], "There is no field “mail”"),
        (b"Email\na@b.example\n", ["--map", "Email=id:X"], "no account named “X”"),
        (b"Email\na@b.example\n", ["--map", "Email"], "Write --map as COLUMN=FIELD"),
        (b"Email\na@b.example\n", ["--errors", "/no/such/e.csv"], "is not a folder"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, content, args, words):
    team = make_team()
    path = tmp_path / "p.csv"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=words) as raised:
        run(path, "--team", team.name, *args)

    assert "\n" not in str(raised.value)
    assert raised.value.returncode == 1
    assert not Prospect.objects.exists()


def test_an_unknown_team_and_a_missing_file_are_told(tmp_path):
    team = make_team()

    with pytest.raises(CommandError, match="There is no team named “Nobody”"):
        run(tmp_path / "p.csv", "--team", "Nobody")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(tmp_path / "p.csv", "--team", team.name)
