"""The shape of an answer: fields and kinds, never a value."""

from __future__ import annotations

import json

import pytest

from tasks_app.vendors.shapes import (
    DEEPEST,
    MOST,
    call_name,
    parent_of,
    redacted,
    shape_of,
)


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("GET", "/tasks/8PvBmrB7P7", {}, "GET /tasks/{id}"),
        ("POST", "/tasks/abcdefghij/complete", {}, "POST /tasks/{id}/complete"),
        ("GET", "/tasks/15", {}, "GET /tasks/{id}"),
        ("GET", "/tasks", {"page": 3}, "GET /tasks"),
        (
            "GET",
            "/tasks",
            {"status": "skipped", "page": 1},
            "GET /tasks?status=skipped",
        ),
        ("POST", "/Task.svc/Retrieve", {}, "POST /Task.svc/Retrieve"),
        ("POST", "/Task.svc/Bulk/Create", {}, "POST /Task.svc/Bulk/Create"),
        ("GET", "/tasks/assignee/list", {}, "GET /tasks/assignee/list"),
    ],
)
def test_calls_that_are_answered_alike_have_one_name(method, path, query, name):
    assert call_name(method, path, query) == name


def test_a_shape_names_places_and_kinds():
    body = {
        "items": [{"id": 1, "contact": None}, {"id": 2, "contact": {"name": "Ann"}}],
        "hasMore": False,
    }

    assert shape_of(body) == {
        "items": "list",
        "items[]": "object",
        "items[].id": "number",
        "items[].contact": "object",
        "items[].contact.name": "text",
        "hasMore": "yes/no",
    }


def test_rows_that_differ_are_named_together_and_only_the_first_ones_count():
    shape = shape_of([{"id": 1}, {"id": "a"}, {"id": None}, {"late": 1}])

    assert shape == {"[]": "object", "[].id": "number or text"}


@pytest.mark.parametrize(
    "key",
    ["4711", "ann@example.com", "7e5b7380-4295-4af2-9706-941ab71be772", "x" * 61, "é!"],
)
def test_a_key_that_is_data_is_not_kept(key):
    assert shape_of({key: 1}) == {"*": "number"}
    assert redacted({key: "secret"}) == {"*": "text"}


def test_a_sample_has_no_value_in_it():
    body = {"rows": [{"name": "Ann Lee", "n": 42}, {"name": "Bo"}], "ok": True}

    sample = redacted(body)

    assert sample == {"rows": [{"name": "text", "n": "number"}], "ok": "yes/no"}
    assert "Ann" not in json.dumps(sample)


def test_endless_answers_are_bounded():
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"a": deep}

    assert max(place.count(".") for place in shape_of(deep)) < DEEPEST
    assert len(shape_of({f"k{n}": 1 for n in range(5000)})) <= MOST
    json.dumps(redacted(deep))


def test_what_a_place_stands_in():
    assert parent_of("items[].contact.id") == "items[].contact"
    assert parent_of("items[].id") == "items[]"
    assert parent_of("items[]") == "items"
    assert parent_of("items") == ""
