"""What is asked to be changed of many prospects at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from tasks_app.models import Tag
from tasks_app.services.prospect_cells import one_line


class TagManyForm(forms.Form):
    """The tag that many get."""

    tag = forms.CharField(
        label="Tag",
        max_length=60,
        error_messages={
            "required": "Name the tag.",
            "max_length": "A tag has at most 60 characters.",
        },
        widget=forms.TextInput(attrs={"list": "known-tags", "autocomplete": "off"}),
    )

    def clean_tag(self) -> str:
        name = one_line(self.cleaned_data["tag"])
        if not name:
            raise forms.ValidationError("Name the tag.")
        if "," in name or ";" in name:
            raise forms.ValidationError("One tag has no comma in it.")
        return name


class UntagManyForm(forms.Form):
    """The tag that is taken off many."""

    untag = forms.ModelChoiceField(
        Tag.objects.none(),
        label="Tag",
        empty_label="Choose a tag",
        error_messages={
            "required": "Choose a tag.",
            "invalid_choice": "This tag does not exist any more.",
        },
    )

    def __init__(self, tags: Iterable[Tag], data: Any = None) -> None:
        super().__init__(data)
        self.fields["untag"].queryset = tags  # type: ignore[attr-defined]


class OwnManyForm(forms.Form):
    """Whose many become: the number of a person, or "none"."""

    owner = forms.ChoiceField(
        label="Owner",
        error_messages={
            "required": "Choose a person.",
            "invalid_choice": "This person is not in the team any more.",
        },
    )

    def __init__(self, people: Mapping[str, str], data: Any = None) -> None:
        super().__init__(data)
        choices = [("", "Choose a person"), *people.items()]
        self.fields["owner"].choices = choices  # type: ignore[attr-defined]
