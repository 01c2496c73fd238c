"""Baton's pages. Each area's addresses stand together."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from .views import (
    accounts,
    acting,
    batches,
    bulk,
    creating,
    delivering,
    form_drafts,
    frame,
    hooks,
    imports,
    mending,
    needs_check,
    people,
    preferences,
    priority,
    prospect_changes,
    prospects,
    saved_views,
    searching,
    task_templates,
    tasks,
    today,
    working,
    workload,
)

urlpatterns: list[URLPattern | URLResolver] = [
    # People
    path("", people.home, name="home"),
    path("sign-in/", people.sign_in, name="login"),
    path("sign-out/", people.sign_out, name="logout"),
    path("password/", people.password_reset, name="password-reset"),
    path("password/sent/", people.password_reset_done, name="password-reset-done"),
    path(
        "password/<uidb64>/<token>/",
        people.password_reset_confirm,
        name="password-reset-confirm",
    ),
    path(
        "password/set/", people.password_reset_complete, name="password-reset-complete"
    ),
    path("team/", people.team_switch, name="team-switch"),
    path("theme/", people.theme, name="theme"),
    path("healthz", people.healthz, name="healthz"),
    path("nav/", frame.nav, name="nav"),
    # Today
    path("today/", today.today, name="today"),
    path("today/retry/", today.today_retry, name="today-retry"),
    path("today/failed/<int:task_id>/", today.today_failed, name="today-failed"),
    # Search and settings
    path("search/", searching.search, name="search"),
    path("settings/", preferences.preferences, name="preferences"),
    # The week by person
    path("workload/", workload.workload, name="workload"),
    path("workload/tasks/<int:task_id>/", workload.workload_move, name="workload-move"),
    path(
        "workload/tasks/<int:task_id>/undo/",
        workload.workload_undo,
        name="workload-undo",
    ),
    # Saved views
    path("views/", saved_views.saved_view_list, name="saved-view-list"),
    path("views/new/", saved_views.saved_view_new, name="saved-view-new"),
    path("views/<int:view_id>/", saved_views.saved_view_edit, name="saved-view-edit"),
    path("views/<int:view_id>/pin/", saved_views.saved_view_pin, name="saved-view-pin"),
    path(
        "views/<int:view_id>/delete/",
        saved_views.saved_view_delete,
        name="saved-view-delete",
    ),
    # New tasks and their batches
    path("tasks/new/", creating.task_new, name="task-new"),
    path("tasks/new/fields/", creating.task_new_fields, name="task-new-fields"),
    path(
        "tasks/new/prospects/", creating.task_new_prospects, name="task-new-prospects"
    ),
    path("tasks/new/preview/", creating.task_preview, name="task-preview"),
    path("tasks/drafts/", form_drafts.draft_list, name="task-draft-list"),
    path("tasks/drafts/save/", form_drafts.draft_save, name="task-draft-save"),
    path("tasks/drafts/drop/", form_drafts.draft_drop, name="task-draft-drop"),
    path(
        "tasks/drafts/<int:draft_id>/discard/",
        form_drafts.draft_discard,
        name="task-draft-discard",
    ),
    path(
        "tasks/drafts/<int:draft_id>/restore/",
        form_drafts.draft_restore,
        name="task-draft-restore",
    ),
    path("tasks/templates/", task_templates.template_list, name="task-template-list"),
    path(
        "tasks/templates/<int:template_id>/rename/",
        task_templates.template_rename,
        name="task-template-rename",
    ),
    path(
        "tasks/templates/<int:template_id>/delete/",
        task_templates.template_delete,
        name="task-template-delete",
    ),
    path(
        "tasks/templates/<int:template_id>/restore/",
        task_templates.template_restore,
        name="task-template-restore",
    ),
    path("batches/", batches.batch_list, name="batch-list"),
    path("batches/<int:batch_id>/", batches.batch_detail, name="batch-detail"),
    path("batches/<int:batch_id>/retry/", batches.batch_retry, name="batch-retry"),
    path("batches/<int:batch_id>/pause/", batches.batch_pause, name="batch-pause"),
    path("batches/<int:batch_id>/resume/", batches.batch_resume, name="batch-resume"),
    path("batches/<int:batch_id>/cancel/", batches.batch_cancel, name="batch-cancel"),
    path(
        "batches/<int:batch_id>/export.csv", batches.batch_export, name="batch-export"
    ),
    # Tasks
    path("tasks/", tasks.task_list, name="task-list"),
    path("tasks/export.csv", tasks.task_export, name="task-export"),
    path("tasks/<int:task_id>/", tasks.task_detail, name="task-detail"),
    path("tasks/display/", preferences.task_display, name="task-display"),
    path("tasks/bulk/", bulk.task_bulk, name="task-bulk"),
    path("tasks/work/", working.task_work, name="task-work"),
    path("tasks/work/<int:work_id>/", working.task_working, name="task-working"),
    path(
        "tasks/work/<int:work_id>/more/",
        working.task_work_more,
        name="task-work-more",
    ),
    path(
        "tasks/work/<int:work_id>/close/",
        working.task_work_close,
        name="task-work-close",
    ),
    path("tasks/rows/", acting.task_rows, name="task-rows"),
    path("tasks/<int:task_id>/act/", acting.task_act, name="task-act"),
    path("tasks/<int:task_id>/priority/", priority.task_priority, name="task-priority"),
    path("tasks/<int:task_id>/state/", acting.task_state, name="task-state"),
    path("tasks/<int:task_id>/undo/<int:push_id>/", acting.task_undo, name="task-undo"),
    path(
        "tasks/<int:task_id>/hand-back/<int:event_id>/",
        acting.task_hand_back,
        name="task-hand-back",
    ),
    path("runs/<int:run_id>/", bulk.action_run, name="action-run"),
    path("runs/<int:run_id>/undo/", bulk.action_run_undo, name="action-run-undo"),
    path("tasks/<int:task_id>/mend/", mending.task_mend, name="task-mend"),
    path("runs/<int:run_id>/go-on/", bulk.action_run_go_on, name="action-run-go-on"),
    path("tasks/<int:task_id>/retry/", delivering.task_retry, name="task-retry"),
    path(
        "tasks/<int:task_id>/withdraw/",
        delivering.task_withdraw,
        name="task-withdraw",
    ),
    # Accounts
    path("accounts/", accounts.account_list, name="account-list"),
    path("accounts/sync/", accounts.account_sync_all, name="account-sync-all"),
    path("accounts/<int:account_id>/", accounts.account_detail, name="account-detail"),
    path("accounts/<int:account_id>/sync/", accounts.account_sync, name="account-sync"),
    path("needs-check/", needs_check.needs_check, name="needs-check"),
    path("pushes/<int:push_id>/settle/", needs_check.push_settle, name="push-settle"),
    path("copies/<int:copy_id>/settle/", needs_check.copy_settle, name="copy-settle"),
    # Webhooks in: with the secret in the path, or in a header
    path("hooks/<int:account_id>/<str:token>/", hooks.hook, name="hook"),
    path("hooks/<int:account_id>/", hooks.hook, name="hook-by-header"),
    # Prospects
    path("prospects/", prospects.prospect_list, name="prospect-list"),
    path("prospects/export.csv", prospects.prospect_export, name="prospect-export"),
    path("prospects/change/", prospect_changes.prospect_change, name="prospect-change"),
    path("prospects/new/", prospects.prospect_new, name="prospect-new"),
    path(
        "prospects/<int:prospect_id>/",
        prospects.prospect_detail,
        name="prospect-detail",
    ),
    path(
        "prospects/<int:prospect_id>/edit/",
        prospects.prospect_edit,
        name="prospect-edit",
    ),
    path(
        "prospects/<int:prospect_id>/do-not-contact/",
        prospects.prospect_do_not_contact,
        name="prospect-do-not-contact",
    ),
    path(
        "prospects/<int:prospect_id>/ids/<int:account_id>/",
        prospects.prospect_id_save,
        name="prospect-id-save",
    ),
    path("prospects/import/", imports.prospect_import, name="prospect-import"),
    path(
        "prospects/import/<int:import_id>/",
        imports.prospect_import_check,
        name="prospect-import-check",
    ),
    path(
        "prospects/import/<int:import_id>/apply/",
        imports.prospect_import_apply,
        name="prospect-import-apply",
    ),
    path(
        "prospects/import/<int:import_id>/done/",
        imports.prospect_import_done,
        name="prospect-import-done",
    ),
    path(
        "prospects/import/<int:import_id>/refused.csv",
        imports.prospect_import_refused,
        name="prospect-import-refused",
    ),
    path(
        "prospects/import/<int:import_id>/discard/",
        imports.prospect_import_discard,
        name="prospect-import-discard",
    ),
]
