"""What LeadSquared takes for a task, and what an account of it can be set to."""

from __future__ import annotations

from .offers import FormField, Setting

#: [seed] but for the reminder of to-dos: https://apidocs.leadsquared.com/create-a-to-do/
FIELDS: tuple[FormField, ...] = (
    FormField("title", "Title", required=True, vendor_name="Name"),
    FormField("note", "Description", "long", vendor_name="Description"),
    FormField(
        "assignee",
        "Owner",
        "choice",
        required=True,
        help="Who does it. LeadSquared tells users by id or e-mail address.",
        vendor_name="OwnerId / OwnerEmailAddress",
    ),
    FormField(
        "starts_at",
        "Starts",
        "datetime",
        help="With a due time this is the start; alone it is the due date.",
        vendor_name="DueDate",
    ),
    FormField(
        "due_at",
        "Due",
        "datetime",
        help="LeadSquared calls a task overdue after this.",
        vendor_name="EndDate",
    ),
    FormField(
        "due_on",
        "Due on",
        "date",
        help="A day without a time lasts from midnight to midnight.",
        vendor_name="DueDate",
    ),
    FormField(
        "related",
        "Related to",
        "choice",
        choices=(
            ("lead", "The lead"),
            ("opportunity", "An opportunity"),
            ("none", "Nobody"),
        ),
        vendor_name="RelatedEntity",
        default="lead",
    ),
    FormField(
        "opportunity_id",
        "Opportunity",
        help="The opportunity's id. The same for all prospects of this batch.",
        vendor_name="RelatedEntityId",
    ),
    FormField(
        "reminder",
        "Remind before, minutes",
        "integer",
        vendor_name="Reminder",
    ),
    FormField(
        "reminder_before_days",
        "Remind before, days",
        "integer",
        help="For to-dos, together with a time of day.",
        vendor_name="ReminderBeforeDays",
    ),
    FormField(
        "reminder_time",
        "Remind at",
        help="For to-dos: a time of day such as 10:00, in UTC.",
        vendor_name="ReminderTime",
    ),
    FormField(
        "notify_by",
        "Notify the owner",
        "choice",
        choices=(("email", "By e-mail"), ("none", "Not at all")),
        vendor_name="NotifyBy",
    ),
    FormField("location", "Location", vendor_name="Location"),
    FormField(
        "custom_fields",
        "Fields of the type",
        "pairs",
        help="Fields that this type has in your account: mx_Custom_1=Koramangala.",
        vendor_name="CustomFields",
    ),
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "keys_in",
        "Keys travel in",
        "header",
        (("header", "Headers"), ("query", "The address")),
        help="LeadSquared recommends headers. Addresses end up in the logs of proxies.",
    ),
    Setting(
        "bulk_from",
        "Bulk call from",
        "10",
        kind="integer",
        help="So many tasks go in calls of 50. They arrive later and without ids, "
        "which Baton then looks up. 0 = always one by one.",
    ),
)
