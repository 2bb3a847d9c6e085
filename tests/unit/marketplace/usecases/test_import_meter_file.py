"""A file of readings is recorded whole or not at all, whatever happens to the worker that reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flex_engine.settle import metering_file
from flex_engine.settle.metering import Said
from marketplace.agents import metering
from marketplace.models import AgentDecision, ExportReading, Lease, MeterFile, MeterReading, MsidPair
from marketplace.queries.readings import known_at
from marketplace.rules.errors import MarketError
from marketplace.usecases import import_meter_file as importing
from marketplace.usecases.cancel_meter_file import cancel_meter_file
from marketplace.usecases.keep_readings import keep_readings
from marketplace.usecases.read_meter_file import MOST_ATTEMPTS, read_meter_file
from marketplace.usecases.upload_meter_file import upload_meter_file
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW, SECOND

LATER = END + timedelta(minutes=5)
GOOD = b"start_utc,import_kwh,export_kwh\n2024-01-16T17:00Z,300,0\n2024-01-16T17:30Z,310.5,0\n"


@pytest.fixture(autouse=True)
def at_five_past_six(monkeypatch):
    monkeypatch.setattr("marketplace.clock.now", lambda: LATER)


def upload(site, content=GOOD, **changes):
    facts = {
        "site": site,
        "user": None,
        "filename": "day.csv",
        "said": Said(),
        "source": "meter",
        "label": "MEASURED",
        "now": LATER,
    }
    return upload_meter_file(content=content, **facts | changes)


def read(file):
    metering.read_file(file_id=file.pk)
    file.refresh_from_db()
    return file


def test_a_file_is_read_recorded_and_settles_what_it_is_about(site, woken):
    file = read(upload(site))
    assert (file.state, file.rows_read, file.rows_accepted, file.half_hours, file.recorded) == ("IMPORTED", 2, 2, 4, 4)
    rows = MeterReading.objects.order_by("start_at").values_list(
        "start_at", "import_wh", "quality", "source", "label", "known_at"
    )
    assert list(rows) == [
        (FIRST, 300_000, "ACTUAL", "meter", "MEASURED", LATER),
        (SECOND, 310_500, "ACTUAL", "meter", "MEASURED", LATER),
    ]
    assert ExportReading.objects.filter(export_wh=0).count() == 2
    assert events_of(f"site:{site.slug}") == ["meter.recorded", "meter.recorded"]
    assert [name for name, _ in woken].count("marketplace.agents.coordination.tick") == 2
    assert AgentDecision.objects.get(subject=f"meter-file:{file.pk}").decided == "recorded 4 half hours"
    assert not Lease.objects.exists()


def test_the_same_bytes_under_way_are_the_same_file_and_later_change_nothing(site):
    first = upload(site)
    assert upload(site).pk == first.pk
    assert upload(site, said=Said(small=True)).pk != first.pk
    read(first)
    again = upload(site)
    assert again.pk != first.pk
    assert read(again).recorded == 0
    assert MeterReading.objects.count() == 2


def test_one_wrong_row_refuses_all_and_says_which(site):
    file = read(upload(site, GOOD + b"2024-01-16T17:30Z,-1,\n"))
    assert (file.state, file.rows_refused, file.problems_total) == ("REFUSED", 1, 1)
    assert (file.problems[0]["row"], file.problems[0]["column"], file.problems[0]["value"]) == (4, "import_kwh", "-1")
    assert not MeterReading.objects.exists()


def test_a_file_that_is_no_table_says_so(site):
    file = read(upload(site, b"start_utc,import_kw\n2024-01-16T17:00Z,300\n"))
    assert file.state == "REFUSED"
    assert "not active energy" in file.error


def test_a_worker_killed_between_reading_and_recording_leaves_nothing_and_the_next_one_does_all_of_it(
    site, monkeypatch
):
    file = upload(site)
    with monkeypatch.context() as broken:

        def killed(**_):
            keep_readings(
                site=site, half_hours=metering_file.read_readings(
                    metering_file.open_table(GOOD, "f"), Said(), metering_file.Site(1_000_000, {}, LATER)
                ).half_hours["IMPORT"], source="m", label="MEASURED", now=LATER,
            )  # fmt: skip
            raise SystemExit

        broken.setattr(importing, "keep_readings", killed)
        with pytest.raises(SystemExit):
            metering.read_file(file_id=file.pk)
    file.refresh_from_db()
    assert (file.state, MeterReading.objects.count()) == ("READING", 0)
    metering.tick()
    file.refresh_from_db()
    assert (file.state, file.recorded, MeterReading.objects.count()) == ("IMPORTED", 4, 2)
    metering.tick()
    assert MeterReading.objects.count() == 2


def test_a_file_that_kills_its_worker_is_given_up(site):
    file = upload(site)
    MeterFile.objects.update(attempts=MOST_ATTEMPTS)
    assert read_meter_file(file_id=file.pk, now=LATER) is None
    file.refresh_from_db()
    assert (file.state, "broke off" in file.error) == ("REFUSED", True)


def test_a_file_is_cancelled_while_it_is_read_and_nothing_of_it_is_kept(site, monkeypatch):
    monkeypatch.setattr(metering_file, "STEP", 1)
    file = upload(site)
    outcome = read_meter_file(file_id=file.pk, now=LATER)
    assert outcome is not None
    cancel_meter_file(file=file, user=None, now=LATER)
    assert importing.import_meter_file(file_id=file.pk, outcome=outcome, now=LATER).state == "CANCELLED"
    assert read_meter_file(file_id=file.pk, now=LATER) is None
    second = upload(site)
    monkeypatch.setattr("marketplace.usecases.read_meter_file.told", lambda *_: False)
    assert read_meter_file(file_id=second.pk, now=LATER) is None, "stopped at the first step"
    assert not MeterReading.objects.exists()


def test_what_is_imported_is_corrected_and_not_cancelled(site, owner):
    file = read(upload(site))
    with pytest.raises(MarketError) as caught:
        cancel_meter_file(file=file, user=None, now=LATER)
    assert "revision" in caught.value.fix
    with pytest.raises(MarketError, match="role"):
        cancel_meter_file(file=upload(site), user=market.person(owner, "TRADER"), now=LATER)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content": b""}, "EMPTY_FILE"),
        ({"label": "FORECAST"}, "BAD_READING"),
        ({"said": Said(zone="CET")}, "BAD_READING"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_the_door(site, changes, code):
    with pytest.raises(MarketError) as caught:
        upload(site, **changes)
    assert caught.value.code == code
    assert not MeterFile.objects.exists()


def test_a_revision_is_kept_beside_what_it_revises_and_each_moment_has_its_own_truth(site):
    read(upload(site))
    corrected = upload(site, b"start_utc,import_kwh,quality\n2024-01-16T17:00Z,299,E\n")
    outcome = read_meter_file(file_id=corrected.pk, now=LATER)
    importing.import_meter_file(file_id=corrected.pk, outcome=outcome, now=LATER + HALF_HOUR)
    rows = MeterReading.objects.all()

    def values(moment):
        return list(known_at(rows, moment).order_by("start_at").values_list("import_wh", "quality"))

    assert values(NOW) == []
    assert values(LATER) == [(300_000, "ACTUAL"), (310_500, "ACTUAL")]
    assert values(LATER + HALF_HOUR) == [(299_000, "ESTIMATED"), (310_500, "ACTUAL")]


def test_a_revision_that_would_be_known_no_later_than_what_it_revises_is_refused(site):
    read(upload(site))
    both = b"start_utc,export_kwh,import_kwh\n2024-01-16T16:30Z,1,300\n2024-01-16T17:00Z,0,299\n"
    file = read(upload(site, both))
    assert (file.state, MeterReading.objects.count(), ExportReading.objects.count()) == ("REFUSED", 2, 2)
    assert "clock was set back" in file.error


def test_the_meters_of_a_site_over_time_are_known_in_its_files(site):
    MsidPair.objects.create(
        site=site, import_msid="1010000000019", export_msid="1010000000028", gsp_group="_A", effective_from=NOW.date()
    )
    named = b"msid,start_utc,export_kwh\n1010000000028,2024-01-16T17:00Z,1\n"
    assert read(upload(site, named)).state == "IMPORTED"
    assert read(upload(site, named.replace(b"0028", b"0019"))).problems[0]["column"] == "msid"
