"""Where a published Settlement Calendar covers a day, runs are due by it, and every statement says so."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from flex_engine.settle.versions import due_at
from flex_engine.timegrid import day_start
from marketplace.agents.settling import settle_due, settle_runs
from marketplace.models import Event, PublishedRunDate, SettlementProgress, SettlementStatement, published_dates
from marketplace.queries.sentences import sentence
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_page import statement_page
from marketplace.rules.errors import MarketError
from marketplace.usecases.import_settlement_calendar import import_settlement_calendar
from marketplace.usecases.resettle import resettle
from tests.unit.marketplace.usecases import settled
from tests.unit.marketplace.usecases.market import END, NOW
from tests.unit.marketplace.usecases.test_settle_order import SF, on_call

pytestmark = pytest.mark.usefixtures("network")
EARLY = settled.DAY + timedelta(days=10)  # two weeks before the nominal offset of SF


def calendar(due=EARLY, *, now=NOW, name="calendar-2024.csv"):
    text = f"settlement_date,run,due_date\n{settled.DAY},SF,{due}\n{settled.DAY},R1,{due + timedelta(days=30)}\n"
    return import_settlement_calendar(content=text.encode(), name=name, now=now)


def test_runs_are_due_by_it_and_their_statements_name_the_file(site):
    on_call(site)
    settle_due(END)
    waiting = SettlementProgress.objects.get()
    assert waiting.next_due_at == SF == due_at(settled.DAY, "SF")
    done = calendar(now=END)
    assert (done.added, done.known, done.moved) == (2, 0, 1)
    early = day_start(EARLY)
    settle_runs(early - timedelta(seconds=1))
    assert SettlementStatement.objects.count() == 1
    settle_runs(early)
    ii, sf = SettlementStatement.objects.order_by("sequence")
    assert (sf.run, sf.knowledge_time) == ("SF", early)
    assert SettlementProgress.objects.get().next_due_at == day_start(EARLY + timedelta(days=30))
    told = [statement_document(statement_page(one, None, early), one)["run_due"] for one in (ii, sf)]
    assert (told[0]["basis"], told[1]) == (
        "COMPUTED",
        {"date": EARLY.isoformat(), "basis": "PUBLISHED", "source": "calendar-2024.csv"},
    )
    event = Event.objects.get(type="settlement.calendar")
    assert sentence(event.type, bytes(event.payload)) == (
        "The Settlement Calendar calendar-2024.csv was imported, due dates of days 2024-01-16 to 2024-01-16."
    )


def test_later_knowledge_goes_before_earlier_and_the_past_is_kept(site):
    on_call(site)
    settle_due(END)
    calendar(now=END)
    again = calendar(now=END + timedelta(hours=1))
    assert (again.added, again.known, Event.objects.filter(type="settlement.calendar").count()) == (0, 2, 1)
    late = EARLY + timedelta(days=3)
    changed = calendar(late, now=END + timedelta(days=1), name="calendar-2024-b.csv")
    assert (changed.added, changed.moved) == (2, 1)
    assert published_dates(settled.DAY, known_at=END)[settled.DAY, "SF"] == EARLY
    assert published_dates(settled.DAY, known_at=END + timedelta(days=1))[settled.DAY, "SF"] == late
    assert PublishedRunDate.objects.count() == 4
    with pytest.raises(MarketError) as caught:
        resettle(order=SettlementStatement.objects.get().order, run="SF", reason="RUN_DUE", now=day_start(EARLY))
    assert (caught.value.code, f"due on {late}" in caught.value.message) == ("RUN_NOT_DUE", True)


def test_a_bad_file_imports_nothing_and_names_its_rows(db, tmp_path):
    path = tmp_path / "calendar.csv"
    path.write_text("settlement_date,run,due_date\n2024-01-16,SF,2024-01-26\n2024-01-16,R1,soon\n")
    with pytest.raises(CommandError, match=r"row 3, column due_date: 'soon' is no date\. Write it like 2026-01-15\."):
        call_command("import_settlement_calendar", str(path))
    path.write_bytes(b"settlement_date,run\xff")
    with pytest.raises(CommandError, match="no UTF-8"):
        call_command("import_settlement_calendar", str(path))
    with pytest.raises(CommandError, match="is not a file"):
        call_command("import_settlement_calendar", str(tmp_path / "none.csv"))
    assert not PublishedRunDate.objects.exists()
    path.write_text("settlement_date,run,due_date\n2024-01-16,SF,2024-01-26\n")
    said = StringIO()
    call_command("import_settlement_calendar", str(path), stdout=said)
    assert said.getvalue().startswith("1 due dates imported, 0 known already")
