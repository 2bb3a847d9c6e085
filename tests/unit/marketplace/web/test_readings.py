"""The meter's pages: a file's way in, days with findings, a day as it was known, and what may stand in for a gap."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from marketplace.agents import metering
from marketplace.models import Activation, EstimationChoice, MeterFile, MeterReading, MsidPair, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World

SignedIn = Callable[[User], Client]
FORM = {"source": "half-hourly meter", "label": "MEASURED", "minutes": "30"}


@pytest.fixture
def operator(world: World, signed_in: SignedIn) -> Client:
    return signed_in(world.operator)


def waiting(world: World) -> Activation:
    """A second dispatch of yesterday evening, which waits."""
    activation = world.orders["settled"].activations.get()
    periods = list(activation.periods.all())
    activation.pk, activation.instruction_id, activation.state = None, "d-12", "IN_PROGRESS"
    activation.save(force_insert=True)
    for row in periods:
        row.pk, row.activation = None, activation
        row.save(force_insert=True)
    return activation


def test_a_filled_template_goes_in_and_every_step_is_shown(world: World, operator: Client) -> None:
    activation = world.orders["settled"].activations.get()
    MeterReading.objects.update(known_at=NOW - timedelta(hours=1))
    answer = operator.get(reverse("readings-template", args=[activation.pk]))
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert rows[0] == ["date", "period", "start_utc", "direction", "unit", "value"]
    assert len(rows) == 1 + activation.periods.count()
    assert all(row[3:] == ["IMPORT", "kWh", ""] for row in rows[1:])
    filled = "\n".join(",".join([*row[:5], "440.5"]) if index else ",".join(row) for index, row in enumerate(rows))
    sent = operator.post(
        reverse("readings", args=["leeds-1"]), {**FORM, "file": SimpleUploadedFile("day.csv", filled.encode())}
    )
    file = MeterFile.objects.latest("pk")
    assert sent["Location"] == reverse("meter-file", args=[file.pk])
    assert "Waiting for a worker" in read(operator.get(sent["Location"])).text
    metering.read_file(file_id=file.pk)
    page = read(operator.get(sent["Location"]))
    assert page.faults() == []
    assert page.title.startswith("day.csv: imported")
    assert "of 4 in the file" in page.text
    assert MeterReading.objects.filter(site=world.site, import_wh=440_500).count() == 4


def test_a_refused_file_lists_rows_and_fixes(world: World, operator: Client) -> None:
    operator.post(reverse("readings", args=["leeds-1"]), {**FORM, "paste": "start,import_kwh\n2024-01-16 10:00,1\n"})
    file = MeterFile.objects.latest("pk")
    metering.read_file(file_id=file.pk)
    page = read(operator.get(reverse("meter-file", args=[file.pk])))
    assert page.faults() == []
    assert "This time has no zone" in page.text
    assert "Nothing was recorded" in page.text


def test_a_form_that_leaves_something_out_comes_back_as_it_was(operator: Client) -> None:
    answer = operator.post(reverse("readings", args=["leeds-1"]), {"zone": "LONDON", "minutes": "7"})
    page = read(answer)
    assert answer.status_code == 422
    assert page.faults() == []
    assert [words.split(".")[0] for words in page.problems()] == [
        "Choose a file or paste some rows",
        "Say where the readings come from",
        "A period of '7' minutes is not read",
    ]


def test_a_file_is_cancelled_from_its_page(operator: Client) -> None:
    operator.post(reverse("readings", args=["leeds-1"]), {**FORM, "paste": "x"})
    file = MeterFile.objects.latest("pk")
    assert operator.post(reverse("meter-file-cancel", args=[file.pk])).status_code == 302
    file.refresh_from_db()
    assert file.state == "CANCELLED"
    MeterFile.objects.update(state="IMPORTED")
    assert operator.post(reverse("meter-file-cancel", args=[file.pk])).status_code == 409


def test_a_day_is_shown_as_it_was_known(world: World, operator: Client) -> None:
    start = NOW.replace(hour=10, minute=0)
    for hours, wh in ((1, 410_000), (0, 411_500)):
        MeterReading.objects.create(
            site=world.site, start_at=start, import_wh=wh, source="m", label="MEASURED", quality="SUSPECT" if hours else "ACTUAL",
            known_at=NOW - timedelta(hours=hours),
        )  # fmt: skip
    path = reverse("reading-day", args=["leeds-1", "2024-01-16"])
    now, then = read(operator.get(path)), read(operator.get(path + "?known=2024-01-16T12:30Z"))
    assert "411.5" in now.text
    assert "suspect" not in now.text.lower()
    assert "410" in then.text
    assert "1 of the day's readings is suspect." in then.text
    wrong = operator.get(path + "?known=noon")
    assert wrong.status_code == 422
    history = read(operator.get(reverse("reading-history", args=["leeds-1", "2024-01-16", 21])))
    assert history.faults() == []
    assert history.text.index("411.5") < history.text.index("410")
    assert "1.5" in history.text


@pytest.mark.parametrize("tail", ["2024-02-30", "1999-12-31", "tomorrow", "2024-01-16/49", "2024-01-16/0"])
def test_a_day_or_period_that_is_none_is_not_there(operator: Client, tail: str) -> None:
    assert operator.get(f"/sites/leeds-1/readings/{tail}").status_code == 404


def test_who_settles_chooses_a_rule_for_the_site(world: World, operator: Client, signed_in: SignedIn) -> None:
    path = reverse("estimation", args=["leeds-1"])
    assert operator.post(path, {"rule": "linear-2-v1"}).status_code == 302
    assert EstimationChoice.objects.get().chosen_by == world.operator
    page = read(operator.get(reverse("readings", args=["leeds-1"])))
    assert "Gaps of this site are estimated by linear-2-v1" in page.text
    refused = signed_in(world.viewer).post(path, {"rule": "linear-2-v1"})
    assert refused.status_code == 403


def test_a_dispatch_that_waits_shows_what_lacks_and_what_a_rule_cannot_reach(world: World, operator: Client) -> None:
    activation = waiting(world)
    MeterReading.objects.filter(site=world.site).delete()
    page = read(operator.get(reverse("readings", args=["leeds-1"])))
    assert page.faults() == []
    assert "Dispatches that wait for readings" in page.text
    answer = operator.post(
        reverse("estimation", args=["leeds-1"]), {"rule": "linear-2-v1", "activation": str(activation.pk)}
    )
    assert answer.status_code == 409
    assert "this rule fills up to 2" in read(answer).problems()[0]


def test_meters_are_registered_by_who_manages(operator: Client) -> None:
    path = reverse("meters", args=["leeds-1"])
    good = {"import_msid": "2310000000015", "gsp_group": "_M", "effective_from": "2024-01-16"}
    wrong = operator.post(path, {**good, "import_msid": "2310000000016"})
    assert wrong.status_code == 422
    assert "check digit" in read(wrong).problems()[0]
    assert operator.post(path, {**good, "effective_from": "soon"}).status_code == 422
    assert operator.post(path, good).status_code == 302
    assert MsidPair.objects.get(import_msid="2310000000015").effective_to is None
    assert "2310000000015" in read(operator.get(reverse("readings", args=["leeds-1"]))).text
