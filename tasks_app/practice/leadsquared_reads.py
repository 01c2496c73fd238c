"""The reading half of practice LeadSquared: lists, people, task types."""

from datetime import date, timedelta
from typing import Any

from . import checks
from . import leadsquared_forms as forms
from .people import Person
from .store import Filter, Task
from .vendor import VendorApp
from .wire import Request, Response

WINDOW = timedelta(days=100)


class LeadSquaredReads(VendorApp):
    """Everything that changes nothing."""

    def task_types(self) -> dict[str, dict[str, Any]]:
        """Name -> type, with Id, Name, Category and Minutes."""
        raise NotImplementedError

    def row(self, task: Task) -> dict[str, Any]:
        owner = self.directory.user(task.owner)
        person = None
        if task.extra["related"] == 1:
            person = self.directory.person(task.prospect)
        return forms.listed(task, self.kind_of(task), owner, person)

    def kind_of(self, task: Task) -> dict[str, Any]:
        for kind in self.task_types().values():
            if kind["Id"] == task.kind:
                return kind
        return {"Id": task.kind, "Name": "", "Category": 0, "Minutes": 30}

    # Tasks

    def retrieve(self, request: Request) -> Response:
        body = self.structured(request, forms.LIST_FIELDS, ("Parameter",))
        parameter = body["Parameter"]
        self.values(parameter, forms.PARAMETER_FIELDS, ("LookupName", "LookupValue"))
        owner = self.directory.user(parameter["LookupValue"])
        filters: list[Filter] = [("owner = ?", (owner.id if owner else "",))]
        if "FromDate" in parameter:
            filters.append(("starts >= ?", (parameter["FromDate"],)))
        if "ToDate" in parameter:
            filters.append(("starts <= ?", (parameter["ToDate"],)))
        if "StatusCode" in parameter:
            wanted = "=" if parameter["StatusCode"] == 0 else "<>"
            filters.append((f"state {wanted} 'open'", ()))
        if "TypeName" in parameter:
            filters.append(("kind = ?", (parameter["TypeName"],)))
        columns = body.get("Columns", {})
        self.values(columns, forms.COLUMN_FIELDS)
        return self.page(filters, body, columns)

    def page(
        self, filters: list[Filter], body: dict[str, Any], columns: dict[str, str]
    ) -> Response:
        sorting = body.get("Sorting", {})
        self.values(sorting, forms.SORTING_FIELDS)
        column = forms.SORT_COLUMNS[sorting.get("ColumnName", "CreatedOn")]
        direction = "ASC" if sorting.get("Direction") == "0" else "DESC"
        limit, offset = self.paging(body.get("Paging", {}))
        tasks = self.store.select(
            filters,
            order=f"{column} {direction}, seq {direction}",
            limit=limit,
            offset=offset,
        )
        rows = [chosen(self.row(task), columns) for task in tasks]
        return Response(200, {"RecordCount": self.store.count(filters), "List": rows})

    def paging(self, paging: dict[str, Any]) -> tuple[int, int]:
        """Return limit and offset from either of the two forms of paging."""
        self.values(paging, forms.PAGING_FIELDS)
        if "PageIndex" in paging or "PageSize" in paging:
            size = paging.get("PageSize", 200)
            return size, (paging.get("PageIndex", 1) - 1) * size
        return paging.get("RowCount", 200), paging.get("Offset", 0)

    def by_lead(self, request: Request) -> Response:
        lead_id = request.query.get("leadId", "").lower()
        if not lead_id:
            raise forms.mandatory("leadId")
        tasks = self.store.select([("prospect = ?", (lead_id,))], order="seq")
        rows = [
            forms.listed_by_lead(
                task,
                self.directory.user(task.owner),
                self.directory.user(task.extra["by"]),
            )
            for task in tasks
            if task.extra["related"] == 1
        ]
        return Response(200, {"RecordCount": len(rows), "TaskList": rows})

    def get_by_id(self, request: Request) -> Response:
        task = self.store.get(request.query.get("id", ""))
        return Response(200, [self.row(task)] if task else [])

    def appointments(self, request: Request) -> Response:
        return self.of_users(request, category=0)

    def to_dos(self, request: Request) -> Response:
        return self.of_users(request, category=1)

    def of_users(self, request: Request, category: int) -> Response:
        """Tasks of many users within at most 100 days."""
        body = self.structured(request, forms.USERS_FIELDS)
        for name in ("FromDate", "ToDate", "Users"):
            if name not in body:
                raise forms.mandatory(name)
        start = date.fromisoformat(body["FromDate"])
        end = date.fromisoformat(body["ToDate"])
        if not timedelta(0) <= end - start <= WINDOW:
            raise forms.invalid("ToDate", "must be within 100 days after FromDate")
        by_email = request.path.endswith("ByUserEmailAddress")
        known = [self.directory.user(user) for user in body["Users"]]
        owners = [
            user.id
            for user, given in zip(known, body["Users"], strict=True)
            if user and by_email == ("@" in given)
        ]
        kinds = [
            kind["Id"]
            for kind in self.task_types().values()
            if kind["Category"] == category
        ]
        filters: list[Filter] = [
            (f"owner IN ({marks(owners)})", owners),
            (f"kind IN ({marks(kinds)})", kinds),
            ("starts >= ?", (f"{start} 00:00:00",)),
            ("starts <= ?", (f"{end} 23:59:59",)),
        ]
        return self.page(filters, {"Paging": body.get("Paging", {})}, {})

    def list_types(self, request: Request) -> Response:
        query = request.query
        rows = [forms.task_type(kind) for kind in self.task_types().values()]
        keys = {"TaskTypeId": "Id", "TaskTypeName": "Name", "TaskName": "Name"}
        if column := query.get("ColumnName"):
            key = keys.get(column, column)
            if key not in ("Id", "Name", "Category"):
                raise forms.invalid("ColumnName", "is not a column of task types")
            wanted = query.get("ColumnValue", "")
            rows = [row for row in rows if str(row[key]) == wanted]
        return Response(200, rows)

    # People

    def users(self, request: Request) -> Response:
        rows: list[dict[str, Any]] = [
            {
                "ID": user.id,
                "FirstName": user.first,
                "LastName": user.last,
                "EmailAddress": user.email,
                "Role": "Administrator" if user.role == "owner" else "Sales_User",
                "StatusCode": 0,
                "MemberOfGroups": [],
                "Tag": None,
                "IsPhoneCallAgent": False,
            }
            for user in self.directory.users.values()
        ]
        return Response(200, rows)

    def who_am_i(self, request: Request) -> Response:
        user = self.directory.owner
        answer = {
            "Id": user.id,
            "FirstName": user.first,
            "LastName": user.last,
            "EmailAddress": user.email,
            "TimeZone": "Europe/Berlin",
            "Role": "Administrator",
            "LSQCommonServiceURLs": {"api": f"{self.origin}{self.prefix}/"},
        }
        return Response(200, answer)

    def leads_by_email(self, request: Request) -> Response:
        wanted = request.query.get("emailaddress", "").lower()
        if not wanted:
            raise forms.mandatory("emailaddress")
        owner = self.directory.owner
        found = [
            person
            for person in self.directory.people.values()
            if person.email.lower() == wanted
        ]
        return Response(200, [forms.lead(person, owner) for person in found])

    def search_leads(self, request: Request) -> Response:
        body = self.structured(request, forms.LIST_FIELDS, ("Parameter",))
        parameter = body["Parameter"]
        self.values(parameter, forms.LEAD_FIELDS, tuple(forms.LEAD_FIELDS))
        owner = self.directory.owner
        rows = [forms.lead(person, owner) for person in self.candidates(parameter)]
        limit, offset = self.paging(body.get("Paging", {}))
        columns = body.get("Columns", {})
        found = [row for row in rows if compares(row, parameter)]
        page = found[offset : offset + limit]
        return Response(200, [chosen(row, columns) for row in page])

    def candidates(self, parameter: dict[str, str]) -> list[Person]:
        if parameter["LookupName"] == "ProspectID":
            person = self.directory.person(parameter["LookupValue"])
            return [person] if person else []
        return list(self.directory.people.values())

    def opportunities(self, request: Request) -> Response:
        lead_id = request.query.get("leadId", "")
        if not lead_id:
            raise forms.mandatory("leadId")
        rows = [
            row
            for row in self.store.documents("opportunity")
            if row["ProspectId"] == lead_id
        ]
        return Response(200, {"RecordCount": len(rows), "List": rows})

    # Reading bodies

    def structured(
        self,
        request: Request,
        fields: dict[str, checks.Check],
        required: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The body when its names and types are as specified, else 400."""
        body = request.json_object()
        if wrong := checks.problems(body, fields, required):
            raise forms.bad_structure(wrong)
        return body

    def values(
        self,
        part: dict[str, Any],
        fields: dict[str, checks.Check],
        required: tuple[str, ...] = (),
    ) -> None:
        """Refuse an inner object whose names are unknown (400) or values bad (MX)."""
        unknown = {n: "is not a known field" for n in part if n not in fields}
        if unknown:
            raise forms.bad_structure(unknown)
        for name in required:
            if name not in part:
                raise forms.mandatory(name)
        for name, why in checks.problems(part, fields).items():
            raise forms.invalid(name, why)


def chosen(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """The columns asked for by Include_CSV or left by Exclude_CSV."""
    if include := columns.get("Include_CSV"):
        names = {name.strip() for name in include.split(",")}
        return {name: value for name, value in row.items() if name in names}
    names = {name.strip() for name in columns.get("Exclude_CSV", "").split(",")}
    return {name: value for name, value in row.items() if name not in names}


def compares(row: dict[str, Any], parameter: dict[str, str]) -> bool:
    """Whether a lead meets the search; LIKE is a contains-match without case."""
    have = str(row[parameter["LookupName"]]).lower()
    want = parameter["LookupValue"].lower()
    return {
        "=": have == want,
        "<>": have != want,
        "LIKE": want.strip("%") in have,
        ">": have > want,
        "<": have < want,
        ">=": have >= want,
        "<=": have <= want,
    }[parameter["SqlOperator"]]


def marks(values: list[str]) -> str:
    return ", ".join("?" * len(values)) or "NULL"
