"""What a practice vendor knows and keeps."""

from pathlib import Path

import pytest

from tasks_app import practice
from tasks_app.practice import PracticeServer
from tasks_app.practice.store import Store, Task

from .client import call, create, created_id

HEADER = (
    "First Name,Last Name,Title,Company,Email,Mobile Phone,Person Linkedin Url,"
    "id:Practice Saleshandy,id:Practice LeadSquared,id:Practice Reply,"
    "id:Practice YSuite\r\n"
)
GUID = "a76bfcb4-9e4d-46da-8d07-05cba2e29d4d"


@pytest.fixture
def prospects_file(tmp_path: Path) -> Path:
    rows = (
        f"Ann,Lee,VP,Kestrel,ann@kestrel.example,+1,,Uhj7b5BNhq,{GUID.upper()},100000,2000\r\n"
        "Bo,Ek,,,,,,INVALIDxx9,INVALIDxx,INVALID,x\r\n"
    )
    path = tmp_path / "prospects.csv"
    path.write_text(HEADER + rows, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize(
    "vendor, field, known, unknown",
    [
        ("saleshandy", "prospectIds", ["Uhj7b5BNhq"], ["INVALIDxx9"]),
        ("leadsquared", "RelatedEntityId", GUID, GUID.replace("a", "b")),
        ("reply", "contactId", 100000, 100001),
        ("ysuite", "cstid", 2000, 2001),
    ],
)
def test_knows_the_prospects_of_a_file_only(
    prospects_file: Path, vendor: str, field: str, known: object, unknown: object
) -> None:
    with practice.start(vendor, prospects=prospects_file) as server:
        create(server, **{field: known})
        create(server, **{field: unknown})

        assert len(server.ledger()) == 1
        person = server.app.directory.person(server.tasks()[0]["prospect"])
        assert person is not None
        assert (person.name, person.email) == ("Ann Lee", "ann@kestrel.example")


def test_without_a_file_any_well_formed_prospect_will_do(
    saleshandy: PracticeServer,
) -> None:
    ids = ["8PvBmrB7P7", "INVALIDxx", "too-short", "x"]

    results = create(saleshandy, prospectIds=ids).body["payload"]["results"]

    assert [result["success"] for result in results] == [True, False, False, False]


def test_made_up_people_keep_their_names(reply: PracticeServer) -> None:
    names = [reply.app.directory.person("456") for _ in range(2)]

    assert names[0] == names[1]


def test_state_survives_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "practice.sqlite3"
    for vendor in practice.VENDORS:
        with practice.start(vendor, data=data) as server:
            server.seed(users=[{"email": "new@baton.example", "first": "New"}])
            created_id(server)
            created_id(server)
    for vendor in practice.VENDORS:
        with practice.start(vendor, data=data) as server:
            assert len(server.tasks()) == len(server.ledger()) == 2
            assert len(server.calls()) == 2
            assert server.app.directory.user("new@baton.example")
            ids = {task["id"] for task in server.tasks()}
            assert created_id(server) not in ids


def test_an_accepted_bulk_is_done_before_closing(tmp_path: Path) -> None:
    data = tmp_path / "practice.sqlite3"
    row = {
        "Name": "Meeting",
        "OwnerEmailAddress": "elin@baton.example",
        "TaskType": {"Name": "Meeting"},
    }
    with practice.start("leadsquared", data=data, bulk_delay=60) as server:
        call(server, "POST", "/v2/Task.svc/Bulk/Create", {"TaskList": [row]})
        assert server.tasks() == []
    with practice.start("leadsquared", data=data) as server:
        assert len(server.tasks()) == 1


def test_the_data_file_is_private(tmp_path: Path) -> None:
    data = tmp_path / "practice.sqlite3"

    with practice.start("reply", data=data):
        assert data.stat().st_mode & 0o077 == 0


def test_numbers_are_not_used_twice(ysuite: PracticeServer) -> None:
    first = created_id(ysuite)

    ysuite.act("delete", [first])

    assert created_id(ysuite) != first


@pytest.mark.parametrize(
    "vendor, action, state",
    [
        ("saleshandy", "complete", "completed"),
        ("saleshandy", "skip", "skipped"),
        ("leadsquared", "complete", "completed"),
        ("reply", "cancel", "cancelled"),
        ("reply", "archive", "archived"),
        ("ysuite", "start", "in_progress"),
        ("ysuite", "no_show", "no_show"),
        ("ysuite", "cancel", "cancelled"),
    ],
)
def test_acts_as_a_rep_would(vendor: str, action: str, state: str) -> None:
    with practice.start(vendor) as server:
        task_id = created_id(server)

        done = server.act(action, [task_id, "999999"])

        assert done == [task_id]
        assert server.tasks()[0]["state"] == state
        assert server.ledger(action)[0]["task"] == task_id
        server.act("reopen", [task_id])
        assert server.tasks()[0]["state"] == "open"


@pytest.mark.parametrize(
    "vendor, starts, due",
    [
        ("saleshandy", "", "2026-09-01"),
        ("leadsquared", "2026-09-01 08:00:00", "2026-09-01 08:15:00"),
        ("reply", "2026-09-01T08:00:00Z", "2026-09-01T16:00:00Z"),
        ("ysuite", "2026-09-01T08:00:00", "2026-09-01T09:00:00"),
    ],
)
def test_reschedules_and_reassigns_at_the_vendor(
    vendor: str, starts: str, due: str
) -> None:
    with practice.start(vendor) as server:
        task_id = created_id(server)

        server.act("reschedule", [task_id], to="2026-09-01T08:00:00Z")
        server.act("reassign", [task_id], user="priya@baton.example")

        [task] = server.tasks()
        assert (task["starts"], task["due"]) == (starts, due)
        user = server.app.directory.user(task["owner"])
        assert user is not None
        assert user.email == "priya@baton.example"


def test_a_vendor_without_a_state_refuses_the_action(
    saleshandy: PracticeServer,
) -> None:
    with pytest.raises(ValueError, match="no action 'cancel'"):
        saleshandy.act("cancel", [created_id(saleshandy)])


def test_the_ledger_keeps_what_was_sent(saleshandy: PracticeServer) -> None:
    created_id(saleshandy, taskNote="Call [bt-7f3aq2kz]")

    [line] = saleshandy.ledger()

    assert line["note"] == "Call [bt-7f3aq2kz]"
    assert line["prospect"] == "8PvBmrB7P7"
    assert line["request"] == saleshandy.calls()[0]["request"]
    assert line["at"] == saleshandy.calls()[0]["at"]


def test_reset_forgets_all_but_the_people(saleshandy: PracticeServer) -> None:
    saleshandy.seed(prospects=["8PvBmrB7P7"])
    saleshandy.dial("slow", seconds=0)
    created_id(saleshandy)

    saleshandy.reset()

    assert saleshandy.tasks() == saleshandy.ledger("") == saleshandy.calls() == []
    assert saleshandy.state()["dials"] == []
    assert "8PvBmrB7P7" in saleshandy.app.directory.people


@pytest.mark.parametrize(
    "condition, order",
    [
        ("owner = 'a'", "created"),
        ("owner = 'a'", "seq"),
        ("prospect = 'a'", "seq"),
        ("id = 'a'", "seq"),
        ("starts >= 'a'", "starts"),
        ("due >= 'a'", "due"),
        ("state = 'open'", "starts"),
    ],
)
def test_lists_use_an_index(condition: str, order: str) -> None:
    store = Store("reply")
    sql = "EXPLAIN QUERY PLAN SELECT * FROM task WHERE vendor = 'reply'"

    plan = store._db.execute(f"{sql} AND {condition} ORDER BY {order}").fetchall()

    assert "USING INDEX" in str(plan[0])


def test_many_tasks_are_listed_quickly(saleshandy: PracticeServer) -> None:
    with saleshandy.lock, saleshandy.store.transaction():
        for number in range(20_000):
            saleshandy.store.add(
                Task(id=str(number), kind="9", due=f"2026-{number % 12 + 1:02d}-01")
            )

    path = "/v1/tasks?sortBy=dueDate&page=150&pageSize=100"
    payload = call(saleshandy, "GET", path, timeout=2).body["payload"]

    assert (payload["total"], len(payload["tasks"])) == (20_000, 100)
