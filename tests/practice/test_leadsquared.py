from typing import Any

import pytest

from tasks_app import practice
from tasks_app.practice import PracticeServer

from .client import LEAD, call, create, created_id, leadsquared_body

OTHER_LEAD = "12345678-4295-4af2-9706-941ab71be772"


def retrieve(server: PracticeServer, owner: str, **parts: Any) -> dict[str, Any]:
    parameter = {"LookupName": "OwnerEmailAddress", "LookupValue": owner}
    parameter.update(parts.pop("parameter", {}))
    body = {"Parameter": parameter, **parts}
    answer = call(server, "POST", "/v2/Task.svc/Retrieve", body)
    assert answer.status == 200, answer.raw
    found: dict[str, Any] = answer.body
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [row["Name"] for row in found["List"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"Priority": 1},
        {"RelatedEntity": "1"},
        {"Reminder": "30"},
        {"NotifyBy": 1100},
        {"TaskType": "Meeting"},
        {"CustomFields": []},
        {"TaskType": {"Name": "Meeting", "Id": "1"}},
    ],
)
def test_a_wrong_structure_is_a_400(
    leadsquared: PracticeServer, changes: dict[str, Any]
) -> None:
    answer = create(leadsquared, **changes)

    assert answer.status == 400
    assert answer.body["Status"] == "Error"


@pytest.mark.parametrize(
    "changes",
    [
        {"Name": ...},
        {"Name": " "},
        {"OwnerEmailAddress": ...},
        {"OwnerEmailAddress": "nobody@baton.example"},
        {"OwnerId": "00000000-0000-4000-8000-000000000002"},
        {"RelatedEntity": 2},
        {"RelatedEntityId": ""},
        {"RelatedEntityId": "not-a-guid"},
        {"RelatedEntityId": "INVALIDxx"},
        {"DueDate": "2026-05-11T10:30:00Z"},
        {"DueDate": "2026-05-32 10:30:00"},
        {"EndDate": "2026-05-11 10:29:59"},
        {"Reminder": -1},
        {"NotifyBy": "1"},
        {"ReminderTime": "25:00:00"},
        {"TaskType": ...},
        {"TaskType": {"Name": "Coffee"}},
        {"CustomFields": {"colour": "red"}},
    ],
)
def test_a_refused_value_is_a_500_with_an_mx_exception(
    leadsquared: PracticeServer, changes: dict[str, Any]
) -> None:
    answer = create(leadsquared, **changes)

    assert answer.status == 500
    assert answer.body["ExceptionType"].startswith("MX")
    assert answer.body["ExceptionMessage"]
    assert leadsquared.tasks() == []


def test_content_type_is_checked(leadsquared: PracticeServer) -> None:
    answer = call(
        leadsquared,
        "POST",
        "/v2/Task.svc/Create",
        leadsquared_body(),
        {"Content-Type": "text/plain"},
    )

    assert answer.status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_only_get_and_post_exist(leadsquared: PracticeServer, method: str) -> None:
    assert call(leadsquared, method, "/v2/Task.svc/Create").status == 404


def test_keys_go_in_the_query_or_in_headers(leadsquared: PracticeServer) -> None:
    path = "/v2/Authentication.svc/UserByAccessKey.Get"
    keys = "accessKey=practice-leadsquared-access&secretKey=practice-leadsquared-secret"

    by_header = call(leadsquared, "GET", path)
    by_query = call(leadsquared, "GET", f"{path}?{keys}", auth={})
    wrong = call(leadsquared, "GET", f"{path}?accessKey=a&secretKey=b", auth={})

    assert by_header.body["Id"] == by_query.body["Id"]
    assert by_header.body["LSQCommonServiceURLs"]
    assert wrong.status == 401
    assert "practice-leadsquared" not in str(leadsquared.calls())


def test_missing_dates_are_today_and_the_types_length(
    leadsquared: PracticeServer,
) -> None:
    task_id = created_id(leadsquared, DueDate=..., EndDate=..., RelatedEntity=0)

    [row] = call(leadsquared, "GET", f"/v2/Task.svc/Retrieve.GetById?id={task_id}").body

    assert row["DueDate"].endswith(".000")
    assert row["EndDate"] > row["DueDate"]
    assert row["RelatedEntityId"] is None


def test_bulk_takes_50_and_no_owner_id(leadsquared: PracticeServer) -> None:
    path = "/v2/Task.svc/Bulk/Create"
    owner_id = leadsquared_body(
        OwnerEmailAddress=..., OwnerId="00000000-0000-4000-8000-000000000002"
    )

    assert call(leadsquared, "POST", path, {"TaskList": []}).status == 400
    too_many = {"TaskList": [leadsquared_body()] * 51}
    assert call(leadsquared, "POST", path, too_many).status == 400
    assert call(leadsquared, "POST", path, {"TaskList": [owner_id]}).status == 400


def test_bulk_creates_later_what_is_valid() -> None:
    rows = [leadsquared_body(), leadsquared_body(TaskType={"Name": "Coffee"})]
    with practice.start("leadsquared", bulk_delay=0.1) as server:
        answer = call(server, "POST", "/v2/Task.svc/Bulk/Create", {"TaskList": rows})

        assert answer.status == 200
        assert server.tasks() == []
        assert server.settle()
        assert len(server.tasks()) == 1


def test_list_by_lead_has_its_own_spelling(leadsquared: PracticeServer) -> None:
    task_id = created_id(leadsquared, DueDate="2020-01-01 10:00:00", EndDate=...)
    created_id(leadsquared, RelatedEntityId=OTHER_LEAD)

    path = f"/v2/LeadManagement.svc/RetrieveTaskByLeadId?leadId={LEAD}"
    answer = call(leadsquared, "GET", path).body

    assert answer["RecordCount"] == 1
    [row] = answer["TaskList"]
    assert row["TaskID"] == task_id
    assert row["DueDate"] == "2020-01-01 10:00:00"
    assert row["Status"] == "Overdue"
    assert row["OwnerName"] == "Elin Berg"
    assert row["CreatedByName"] == "Mara Lind"


def test_retrieve_filters_sorts_and_pages(leadsquared: PracticeServer) -> None:
    for day, name in ((13, "late"), (11, "early"), (12, "middle")):
        due, end = f"2026-05-{day} 10:00:00", f"2026-05-{day} 11:00:00"
        created_id(leadsquared, Name=name, DueDate=due, EndDate=end)
    created_id(leadsquared, Name="Jonas'", OwnerEmailAddress="jonas@baton.example")
    elin = "elin@baton.example"

    newest = retrieve(leadsquared, elin)
    by_due = {"ColumnName": "DueDate", "Direction": "0"}
    window = {"FromDate": "2026-05-12 00:00:00", "ToDate": "2026-05-12 23:59:59"}

    assert newest["RecordCount"] == 3
    assert names(newest) == ["middle", "early", "late"]
    assert names(retrieve(leadsquared, elin, Sorting=by_due)) == [
        "early",
        "middle",
        "late",
    ]
    paging = {"Offset": 2, "RowCount": 2}
    assert names(retrieve(leadsquared, elin, Sorting=by_due, Paging=paging)) == ["late"]
    paging = {"PageIndex": 2, "PageSize": 2}
    assert names(retrieve(leadsquared, elin, Sorting=by_due, Paging=paging)) == ["late"]
    assert names(retrieve(leadsquared, elin, parameter=window)) == ["middle"]
    assert retrieve(leadsquared, elin, parameter={"StatusCode": 1})["List"] == []
    lean = retrieve(leadsquared, elin, Columns={"Include_CSV": "Name, UserTaskId"})
    assert set(lean["List"][0]) == {"Name", "UserTaskId"}
    short = retrieve(leadsquared, elin, Columns={"Exclude_CSV": "TaskType"})
    assert "TaskType" not in short["List"][0]


def test_retrieve_needs_an_owner(leadsquared: PracticeServer) -> None:
    answer = call(leadsquared, "POST", "/v2/Task.svc/Retrieve", {"Parameter": {}})

    assert answer.status == 500
    assert "LookupName" in answer.body["ExceptionMessage"]


def test_appointments_and_to_dos_of_users(leadsquared: PracticeServer) -> None:
    created_id(leadsquared, Name="meet")
    created_id(leadsquared, Name="do", TaskType={"Name": "Follow-Up"})
    window = {"FromDate": "2026-05-01", "ToDate": "2026-05-31"}
    by_email = {**window, "Users": ["elin@baton.example", "jonas@baton.example"]}
    by_id = {**window, "Users": ["00000000-0000-4000-8000-000000000002"]}
    base = "/v2/Task.svc/Retrieve"

    meetings = call(
        leadsquared, "POST", f"{base}Appointments/ByUserEmailAddress", by_email
    )
    to_dos = call(leadsquared, "POST", f"{base}ToDos/ByUserId", by_id)
    too_long = {**by_id, "ToDate": "2026-12-31"}

    assert names(meetings.body) == ["meet"]
    assert names(to_dos.body) == ["do"]
    assert call(leadsquared, "POST", f"{base}ToDos/ByUserId", too_long).status == 500


def test_update_reschedules_and_reassigns(leadsquared: PracticeServer) -> None:
    task_id = created_id(leadsquared)

    answer = call(
        leadsquared,
        "POST",
        "/v2/Task.svc/Update",
        {
            "UserTaskId": task_id,
            "DueDate": "2026-06-01 08:00:00",
            "OwnerEmailAddress": "priya@baton.example",
        },
    )
    type_change = {"UserTaskId": task_id, "TaskType": {"Name": "Meeting"}}
    unknown = {"UserTaskId": LEAD}

    assert answer.body["Message"]["AffectedRows"] == 1
    [row] = retrieve(leadsquared, "priya@baton.example")["List"]
    assert row["DueDate"] == "2026-06-01 08:00:00.000"
    assert row["EndDate"] == "2026-06-01 08:15:00.000"
    assert row["Name"] == "Meeting: Subject"
    path = "/v2/Task.svc/Update"
    assert call(leadsquared, "POST", path, type_change).status == 400
    assert call(leadsquared, "POST", path, unknown).status == 500


def test_mark_complete_is_a_get(leadsquared: PracticeServer) -> None:
    task_id = created_id(leadsquared)

    answer = call(leadsquared, "GET", f"/v2/Task.svc/MarkComplete?id={task_id}")

    assert answer.body["Status"] == "Success"
    [row] = retrieve(leadsquared, "elin@baton.example")["List"]
    assert row["StatusCode"] == 1
    assert row["CompletedOn"] > "2020"
    missing = call(leadsquared, "GET", f"/v2/Task.svc/MarkComplete?id={LEAD}")
    assert missing.body["ExceptionType"].startswith("MX")


def test_delete_is_done_later(leadsquared: PracticeServer) -> None:
    task_id = created_id(leadsquared)

    answer = call(
        leadsquared, "POST", "/v2/Task.svc/DeleteTasks", {"TaskIds": [task_id]}
    )

    assert answer.status == 200
    assert leadsquared.settle()
    path = f"/v2/Task.svc/Retrieve.GetById?id={task_id}"
    assert call(leadsquared, "GET", path).body == []
    assert [line["task"] for line in leadsquared.ledger("delete")] == [task_id]


def test_types_and_users(leadsquared: PracticeServer) -> None:
    path = "/v2/Task.svc/RetrieveTaskType"
    types = call(leadsquared, "GET", path).body
    one = call(
        leadsquared, "GET", f"{path}?ColumnName=TaskTypeName&ColumnValue=Meeting"
    )
    users = call(leadsquared, "GET", "/v2/UserManagement.svc/Users.Get").body

    assert [(row["Name"], row["Category"]) for row in types] == [
        ("Meeting", 0),
        ("Phone Call", 0),
        ("Follow-Up", 1),
        ("Document Collection", 1),
    ]
    assert one.body == types[:1]
    assert [user["EmailAddress"] for user in users] == [
        f"{name}@baton.example" for name in ("lead", "elin", "jonas", "priya")
    ]


def test_leads_and_opportunities(leadsquared: PracticeServer) -> None:
    leadsquared.seed(
        prospects=[{"id": LEAD, "first": "Ann", "email": "ann@example.com"}],
        opportunities=[{"OpportunityId": OTHER_LEAD, "ProspectId": LEAD}],
    )
    base = "/v2/LeadManagement.svc/Leads.Get"
    lookup = {"LookupName": "FirstName", "LookupValue": "an", "SqlOperator": "LIKE"}

    by_email = call(
        leadsquared, "GET", f"{base}ByEmailaddress?emailaddress=ANN@example.com"
    )
    none = call(leadsquared, "GET", f"{base}ByEmailaddress?emailaddress=x@example.com")
    found = call(leadsquared, "POST", base, {"Parameter": lookup})
    path = f"/v2/OpportunityManagement.svc/GetOpportunitiesOfLead?leadId={LEAD}"
    opportunities = call(leadsquared, "POST", path)

    assert [row["ProspectID"] for row in by_email.body] == [LEAD]
    assert none.body == []
    assert [row["FirstName"] for row in found.body] == ["Ann"]
    assert opportunities.body["RecordCount"] == 1


def test_webhooks_are_numbered_in_and_named_out(leadsquared: PracticeServer) -> None:
    hook = {
        "Description": "Baton",
        "URL": "https://baton.example/hook",
        "Method": "POST",
        "ContentType": "application/json",
        "WebhookEvent": 16,
        "NotifyOnFailure": "lead@baton.example",
        "CustomHeaders": [{"Key": "X-Secret", "Value": "s"}],
    }

    made = call(leadsquared, "POST", "/v2/Webhook.svc/Create", hook)
    wrong = call(
        leadsquared, "POST", "/v2/Webhook.svc/Create", {**hook, "WebhookEvent": 1}
    )

    assert made.status == 200
    assert wrong.status == 500
    listed = call(leadsquared, "POST", "/v2/Webhook.svc/Retrieve", {}).body["Response"]
    assert [(row["EventCode"], row["StatusCode"]) for row in listed] == [
        ("Task_Complete", 0)
    ]
