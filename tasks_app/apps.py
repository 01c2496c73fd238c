from django.apps import AppConfig


class TasksAppConfig(AppConfig):
    name = "tasks_app"
    label = "baton"
    verbose_name = "Baton"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - registers them
