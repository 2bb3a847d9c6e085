"""A download holds exactly the rows its page shows under the same filters, in the same order, and runs in no spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.models import Job, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    """The rows of a download by column name."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="')
    return list(csv.DictReader(answer.getvalue().decode().splitlines()))


def shown(client: Client, path: str, column: str, *, cells: str = "td") -> list[str]:
    """The texts, in order, of the cells of one column on the page."""
    found = [e for e in read(client.get(path)).all(cells) if e.attributes.get("data-name") == column]
    return [e.text for e in found]


@pytest.mark.parametrize(
    "query", ["", "?text=train", "?tier=TRAINING&sort=power", "?status=past", "?status=all&sort=name"]
)
def test_the_queue(world: World, signed_in: SignedIn, query: str) -> None:
    client = signed_in(world.operator)
    rows = rows_of(client, reverse("queue-csv", args=["leeds-1"]) + query)
    assert [row["id"] for row in rows] == shown(client, reverse("queue", args=["leeds-1"]) + query, "Job")
    for row in rows:
        job = Job.objects.get(site=world.site, external_id=row["id"])
        assert row["arrival_utc"] == job.arrival_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert Decimal(row["power_kw_site_consumption_positive"]) == job.power_kw
        assert Decimal(row["energy_kwh"]) == round(job.power_kw * job.duration_s / 3600, 3)


def test_the_schedule_adds_up_to_the_jobs_energy(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.operator)
    for query in ("", "?text=batch&sort=deadline", "?sort=energy"):
        rows = rows_of(client, reverse("schedule-csv", args=["leeds-1"]) + query)
        names = list(dict.fromkeys(row["id"] for row in rows))
        assert names == shown(client, reverse("schedule", args=["leeds-1"]) + query, "Job")
    for job in Job.objects.filter(site=world.site):
        runs = [Decimal(row["energy_kwh"]) for row in rows if row["id"] == job.external_id]
        assert sum(runs) == pytest.approx(job.power_kw * job.duration_s / 3600, abs=Decimal("0.01"))


@pytest.mark.parametrize("query", ["", "?state=DRAFT", "?state=SOLD&site=leeds-1", "?sort=created", "?state=EXPIRED"])
def test_offers(world: World, signed_in: SignedIn, query: str) -> None:
    client = signed_in(world.operator)
    rows = rows_of(client, "/offers.csv" + query)
    page = read(client.get("/offers" + query))
    cells = [e for e in page.all("td") if e.attributes.get("data-name") == "Window"]
    assert [f"/offers/{row['offer']}" for row in rows] == [cell.children[0].attributes["href"] for cell in cells]


@pytest.mark.parametrize("query", ["", "?state=SETTLED", "?site=leeds-1", "?state=CANCELLED"])
def test_orders(world: World, signed_in: SignedIn, query: str) -> None:
    for user in (world.operator, world.auditor):
        client = signed_in(user)
        rows = rows_of(client, "/orders.csv" + query)
        assert [row["order"][:8] for row in rows] == shown(client, "/orders" + query, "Order")


@pytest.mark.parametrize("query", ["", "?state=QUOTED", "?state=CANCELLED"])
def test_purchases(world: World, signed_in: SignedIn, query: str) -> None:
    client = signed_in(world.grid)
    rows = rows_of(client, "/purchases.csv" + query)
    page = read(client.get("/purchases" + query))
    cells = [e for e in page.all("td") if e.attributes.get("data-name") == "Purchase"]
    assert [f"/purchases/{row['purchase']}" for row in rows] == [cell.children[0].attributes["href"] for cell in cells]


@pytest.mark.parametrize(
    "query", ["", "?type=order.confirmed", "?subject=site:", "?state=FINAL", "?state=SEQUENCED", "?find=5"]
)
def test_the_ledger(world: World, signed_in: SignedIn, query: str) -> None:
    for user in (world.operator, world.grid, world.auditor):
        client = signed_in(user)
        rows = rows_of(client, "/ledger.csv" + query)
        assert [row["seq"] for row in rows] == shown(client, "/ledger" + query, "Entry")


@pytest.mark.parametrize("query", ["", "?way=in", "?way=out&state=DEAD", "?action=select", "?transaction=zzz"])
def test_messages(world: World, signed_in: SignedIn, query: str) -> None:
    for user in (world.operator, world.grid, world.auditor):
        client = signed_in(user)
        rows = rows_of(client, "/operations/messages.csv" + query)
        assert [row["message_id"][:8] for row in rows] == shown(client, "/operations/messages" + query, "Message")


def test_problems_of_an_upload(world: World, signed_in: SignedIn) -> None:
    client, upload = signed_in(world.operator), world.uploads["review"]
    rows = rows_of(client, reverse("upload-errors", args=[upload.pk]))
    assert [(row["row"], row["column"], row["value"], row["fix"]) for row in rows] == [
        (str(e["row"]), e["column"], e["value"], e["fix"]) for e in upload.row_errors
    ]
    assert [row["row"] for row in rows] == shown(client, reverse("upload", args=[upload.pk]), "Row")


def test_a_cell_that_a_spreadsheet_would_run_is_text(world: World, signed_in: SignedIn) -> None:
    job = Job.objects.filter(site=world.site).earliest("pk")
    Job.objects.filter(pk=job.pk).update(external_id='=HYPERLINK("http://evil.example")', deadline_label="ASSUMED")
    rows = rows_of(signed_in(world.operator), reverse("queue-csv", args=["leeds-1"]) + "?text=HYPERLINK")
    assert [row["id"] for row in rows] == ['\'=HYPERLINK("http://evil.example")']


def test_a_long_download_is_whole_where_the_page_is_cut(world: World, signed_in: SignedIn) -> None:
    job = Job.objects.filter(site=world.site).earliest("pk")
    Job.objects.bulk_create(
        Job(site=world.site, external_id=f"many-{i:03d}", arrival_at=job.arrival_at, deadline_at=job.deadline_at, duration_s=1800, power_kw=1)
        for i in range(120)
    )  # fmt: skip
    client = signed_in(world.operator)
    path = reverse("queue", args=["leeds-1"]) + "?text=many&sort=name"
    assert len(shown(client, path, "Job")) == 50
    assert shown(client, path + "&page=3", "Job")[-1] == "many-119"
    assert "120 jobs, page 3 of 3" in read(client.get(path + "&page=3")).text
    assert len(rows_of(client, reverse("queue-csv", args=["leeds-1"]) + "?text=many&page=2")) == 120
