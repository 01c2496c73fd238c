"""Celery: starts work and keeps none of it. The database is the queue."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

app = Celery("baton")
app.conf.update(
    broker_url=settings.BROKER_URL,
    result_backend=None,
    task_ignore_result=True,
    # A message is a doorbell: lost or doubled, it changes nothing but time.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=1,
    task_time_limit=120,
    accept_content=["json"],
    task_serializer="json",
    task_default_expires=60,
    task_default_queue="baton",
    task_publish_retry=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_timeout": 2,
        "socket_connect_timeout": 1,
        "visibility_timeout": 300,
    }
    if settings.BROKER_URL.startswith("redis")
    else {},
    worker_pool="threads",
    worker_concurrency=8,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=30,
    worker_send_task_events=False,
    timezone="UTC",
    enable_utc=True,
    beat_schedule={
        "sweep": {
            "task": "tasks_app.jobs.sweep.sweep_job",
            "schedule": settings.SWEEP_EVERY,
            "options": {"expires": settings.SWEEP_EVERY},
        }
    },
    beat_max_loop_interval=5,
)
# Without a broker there is nobody to send to: the scheduler sweeps by itself.
app.conf.beat_scheduler = (
    "tasks_app.jobs.pulse:BeatingScheduler"
    if settings.HAS_BROKER
    else "tasks_app.jobs.pulse:OwnScheduler"
)
app.autodiscover_tasks(["tasks_app"], related_name="jobs")


@app.on_after_finalize.connect
def add_pulse(sender: Celery, **kwargs: object) -> None:
    """Give every worker its own pulse."""
    from tasks_app.jobs.pulse import Pulse

    sender.steps["worker"].add(Pulse)
