"""Variables in texts that a vendor fills in by itself."""

from __future__ import annotations

import pytest

from tasks_app.vendors.drafts import ProspectDraft
from tasks_app.vendors.handlebars import (
    problems,
    render,
    unknown_variables,
    values_of,
    variables_in,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello", []),
        ("Hi {{firstName}}, {{ company }} and {{firstName}}", ["firstName", "company"]),
        ("{{{email}}}", ["email"]),
        ("{{#if title}}{{title}}{{else}}x{{/if}}", ["title"]),
        ("{{firstName | there}}", ["firstName"]),
        ("{{upper lastName}}", ["lastName"]),
        ("{{! a note }}{{contact.city}}", ["contact.city"]),
        ("{ {firstName} } {firstName}", []),
    ],
)
def test_variables_are_found(text, names):
    assert variables_in(text) == names


def test_unknown_names_are_told_apart_in_any_letter_case():
    assert unknown_variables("{{FirstName}} {{shoeSize}} {{LINKEDINURL}}") == [
        "shoeSize"
    ]


@pytest.mark.parametrize(
    "text",
    ["Hi {{firstName", "Hi firstName}}", "{{a {{b}}", "{{}}", "{{#if a}}x", "x{{/if}}"],
)
def test_braces_that_do_not_pair_up_are_said(text):
    assert problems(text)


@pytest.mark.parametrize(
    "text", ["", "{a}", "{{a}}", "{{{a}}}", "{{#if a}}{{#if b}}x{{/if}}{{/if}}"]
)
def test_braces_that_do_pair_up_are_fine(text):
    assert problems(text) == []


def test_a_preview_fills_in_what_is_known():
    ann = ProspectDraft(first_name="Ann", last_name="Lee", company="")

    text = render(
        "{{FirstName}} {{ fullName }} {{company}}{{shoeSize}}", values_of(ann)
    )

    assert text == "Ann Ann Lee {{shoeSize}}"
