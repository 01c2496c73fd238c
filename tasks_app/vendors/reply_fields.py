"""What Reply.io takes for a task, and what an account of it can be set to."""

from __future__ import annotations

from .offers import FormField, Setting
from .reply_words import EMAIL, LINKEDIN

LINKEDIN_CHOICES = (
    ("0", "Message"),
    ("1", "Connection request"),
    ("2", "InMail"),
    ("3", "View the profile"),
)
#: Field names and rules: [seed]; subject and attachments:
#: https://docs.reply.io/api-reference/tasks/update-a-task
FIELDS: tuple[FormField, ...] = (
    FormField(
        "note",
        "Text",
        "long",
        required=True,
        help="What to say or do. {{firstName}} and the like are filled in by Reply.io.",
        vendor_name="template.body",
    ),
    FormField(
        "subject",
        "Subject",
        help="Of the e-mail.",
        vendor_name="template.subject",
        types=frozenset({EMAIL}),
    ),
    FormField(
        "linkedin_type",
        "On LinkedIn",
        "choice",
        choices=LINKEDIN_CHOICES,
        vendor_name="linkedInTaskType",
        types=frozenset({LINKEDIN}),
        default="0",
    ),
    FormField(
        "starts_at",
        "Starts",
        "datetime",
        required=True,
        help="2015 or later.",
        vendor_name="startAt",
    ),
    FormField(
        "due_at",
        "Due",
        "datetime",
        help="After the start. Give this or a day.",
        vendor_name="dueTo",
    ),
    FormField(
        "due_on",
        "Due by the end of",
        "date",
        help="A day without a time ends at 23:59:59.",
        vendor_name="dueTo",
    ),
    FormField(
        "attachment_ids",
        "Attachments",
        help="Reply.io's numbers of files that are there already: 12, 13.",
        vendor_name="template.attachmentIdList",
    ),
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "dialect",
        "Spelling of the API",
        "integers",
        (
            ("integers", "Key in X-API-Key, numbers for types"),
            ("words", "Key as Bearer, words for types"),
        ),
        help="Reply.io documents both. Try the other one if the test fails.",
    ),
    Setting(
        "act_as",
        "Act as user",
        kind="integer",
        help="The number of a Reply.io user. Only a master key may do this.",
    ),
)
