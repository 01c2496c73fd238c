"""The models, by subject. This module only re-exports them."""

from .accounts import AccountPace, ConnectedAccount, TaskType, VendorUser
from .drafts import FormDraft, TaskTemplate
from .people import Membership, Preference, SavedView, Team
from .prospects import Prospect, ProspectImport, ProspectLink, Tag
from .pushes import Exchange, Push, TaskCopy
from .runs import ActionRun
from .sync import AnswerShape, Drift, Heartbeat, SyncRun, WebhookEvent
from .tasks import NEVER, Batch, Task, TaskEvent
from .works import Work

__all__ = [
    "NEVER",
    "AccountPace",
    "ActionRun",
    "AnswerShape",
    "Batch",
    "ConnectedAccount",
    "Drift",
    "Exchange",
    "FormDraft",
    "Heartbeat",
    "Membership",
    "Preference",
    "Prospect",
    "ProspectImport",
    "ProspectLink",
    "Push",
    "SavedView",
    "SyncRun",
    "Tag",
    "Task",
    "TaskCopy",
    "TaskEvent",
    "TaskTemplate",
    "TaskType",
    "Team",
    "VendorUser",
    "WebhookEvent",
    "Work",
]
