"""The figures for a Prometheus server: what they say, and who may see them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from beckn import metrics
from beckn.models import OutboxMessage
from marketplace.models import User

pytestmark = pytest.mark.django_db


def figures(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def pending(state: str) -> None:
    OutboxMessage.objects.create(
        role="bap", to="s.example", action="discover", transaction_id=uuid.uuid4(), raw=b"{}", state=state,
        created_at=timezone.now(), next_attempt_at=timezone.now(),
    )  # fmt: skip


def test_the_token_opens_it_and_the_journal_is_counted(client, settings):
    settings.METRICS_TOKEN = "a-long-token"
    for state in ("PENDING", "PENDING", "DEAD", "DELIVERED"):
        pending(state)
    metrics.forgiven(["digest-label"], profile="onix", subscriber_id="one-test.example")
    found = figures(client, authorization="Bearer a-long-token")
    assert found["beckn_messages", "out", "waiting"] == 2
    assert found["beckn_messages", "dead", "out"] == 1
    assert (found["beckn_messages", "in", "waiting"], found["beckn_messages", "dead", "in"]) == (0, 0)
    assert found["beckn_tolerance_total", "digest-label", "one-test.example", "onix"] == 1


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic a-long-token", "Bearer ä", "a-long-token"]
)
@pytest.mark.parametrize("token", ["a-long-token", ""])
def test_nobody_else_sees_it(client, settings, given, token):
    settings.METRICS_TOKEN = token
    answer = client.get("/metrics", headers={"authorization": given})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_staff_see_it_and_other_members_do_not(client):
    for email, is_staff, status in (("staff@caco.example", True, 200), ("member@caco.example", False, 401)):
        person = User.objects.create_user(email, "a-password-for-tests", is_staff=is_staff)
        client.force_login(person)
        assert client.get("/metrics").status_code == status
    assert client.post("/metrics").status_code == 405


def test_processes_that_share_a_port_add_up_what_they_count(tmp_path, monkeypatch):
    count = "from prometheus_client import Counter; Counter('beckn_seen', 'Seen.').inc(3)"
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", count], env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True
        )
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    told = metrics.text().decode()
    assert "beckn_seen_total 6.0" in told
    assert "beckn_messages{" in told
