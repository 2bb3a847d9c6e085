"""The Celery application. Celery is a wake-up call: every duty also runs from its table by a sweeper.

The clock that starts the ticks (settings.TICKS) runs as a thread of the worker when CACO_CLOCK_IN_WORKER is set, as
`manage.py up` does: one process lives or dies as a whole. With several workers, leave it out and run `celery beat` once.
"""

from __future__ import annotations

import logging
import os
import threading
from datetime import timedelta
from typing import Any

from celery import Celery, bootsteps
from celery.beat import Service

log = logging.getLogger(__name__)
RESTART_S = 1.0
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
app = Celery("caco")
app.config_from_object("django.conf:settings", namespace="CELERY")


class Clock(bootsteps.StartStopStep):
    """Celery's beat as a thread that starts again after any fault, because without it no table is ever swept."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.stopping = threading.Event()
        self.service: Service | None = None

    def include_if(self, _worker: Any) -> bool:
        """Only where the process was told to keep the clock."""
        return bool(os.environ.get("CACO_CLOCK_IN_WORKER"))

    def start(self, worker: Any) -> None:
        """Begin ticking."""
        threading.Thread(target=self.run, args=[worker.app], name="clock", daemon=True).start()

    def run(self, celery: Celery) -> None:
        """Tick until the worker stops."""
        celery.set_current()
        while not self.stopping.is_set():
            try:
                self.service = Service(
                    celery, max_interval=1, scheduler_cls=celery.conf.beat_scheduler, remote_control=False
                )
                for duty in self.service.scheduler.schedule.values():
                    duty.last_run_at -= timedelta(days=1)  # every duty is due at once, also one of every five minutes
                self.service.start()
            except Exception:
                log.exception("the clock stopped and starts again")
                self.stopping.wait(RESTART_S)

    def stop(self, _worker: Any) -> None:
        """Stop ticking; the thread ends with the process."""
        self.stopping.set()
        if self.service is not None:
            self.service.stop()


app.steps["worker"].add(Clock)
