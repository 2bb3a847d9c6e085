"""A site's meter: its days and their quality, the form that takes a file in, one day, one half hour, and the choices about gaps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from flex_engine.settle.metering import MINUTES, Said
from flex_engine.timegrid import period_start
from marketplace.models import Activation, Site
from marketplace.queries.readings import (
    TEMPLATE_HEADER,
    day_page,
    history,
    readings_page,
    template_rows,
)
from marketplace.queries.visible import visible
from marketplace.rules.errors import MarketError
from marketplace.usecases.choose_estimation import choose_estimation
from marketplace.usecases.register_meter import register_meter
from marketplace.usecases.upload_meter_file import upload_meter_file
from marketplace.web.exports import csv_response
from marketplace.web.page import OPERATOR, Problem, now, only, page, posted, problem_from, user_of
from marketplace.web.sites import own_site

EARLIEST = date(2000, 1, 1)
CHOICES = {
    "direction": (("", "As the file says"), ("IMPORT", "Import"), ("EXPORT", "Export")),
    "unit": (("", "As the file says"), ("Wh", "Wh"), ("kWh", "kWh"), ("MWh", "MWh")),
    "zone": (("", "As the file says"), ("UTC", "UTC"), ("OFFSET", "Each time says it"), ("LONDON", "London time")),
    "edge": (("", "As the file says"), ("START", "Times begin periods"), ("END", "Times end periods")),
    "minutes": tuple((str(minutes), f"{minutes} minutes") for minutes in reversed(MINUTES)),
    "label": (("MEASURED", "Measured"), ("SIMULATED", "Simulated")),
}


@dataclass(frozen=True, slots=True)
class MeterForm:
    """What was typed, kept as typed, so that a refused form comes back as it was."""

    source: str = ""
    label: str = "MEASURED"
    direction: str = ""
    unit: str = ""
    zone: str = ""
    edge: str = ""
    minutes: str = "30"
    small: str = ""
    paste: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@only(OPERATOR)
def readings(request: HttpRequest, slug: str) -> HttpResponse:
    """The meter; a POST takes a file or pasted rows in and goes on to its progress."""
    site = own_site(user_of(request), slug)
    if request.method != "POST":
        return shown(request, site, MeterForm(), ())
    given = {one.name: request.POST.get(one.name, "").strip() for one in fields(MeterForm)}
    form = MeterForm(**{name: value for name, value in given.items() if value})
    chosen = request.FILES.get("file")
    content = chosen.read() if chosen is not None else form.paste.encode()
    problems = [] if content else [Problem("Choose a file or paste some rows.", "", "file")]
    if not form.source:
        problems.append(Problem("Say where the readings come from.", "Name the meter or the system.", "source"))
    if form.minutes not in dict(CHOICES["minutes"]):
        problems.append(Problem(f"A period of {form.minutes!r} minutes is not read.", "Choose one.", "minutes"))
    if problems:
        return shown(request, site, form, tuple(problems))
    try:
        stored = upload_meter_file(
            site=site,
            user=user_of(request),
            filename=str(chosen.name) if chosen is not None else "pasted.csv",
            content=content,
            said=Said(form.direction, form.unit, form.zone, form.edge, int(form.minutes), small=bool(form.small)),
            source=form.source,
            label=form.label,
            now=now(),
        )
    except MarketError as error:
        return shown(request, site, form, (problem_from(error, field="" if error.code == "NOT_ALLOWED" else "file"),))
    return redirect("meter-file", stored.pk)


def shown(request: HttpRequest, site: Site, form: MeterForm, problems: tuple[Problem, ...]) -> HttpResponse:
    """The page with its forms."""
    context = {
        "site": site,
        "topic": f"site:{site.slug}",
        "tab": "readings",
        "p": readings_page(site, now()),
        "form": form,
        "choices": CHOICES,
    }
    return page(request, "sites/readings.html", context, here="sites", problems=problems)


@posted("readings")
@only(OPERATOR)
def estimation(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose, or end, the rule for missing readings: of the site, or of one dispatch."""
    site = own_site(user_of(request), slug)
    rule, wanted = request.POST.get("rule", ""), request.POST.get("activation", "")
    activation = own_activation(request, int(wanted)) if wanted.isdigit() and len(wanted) < 19 else None
    try:
        _, filled = choose_estimation(site=site, activation=activation, rule=rule, user=user_of(request), now=now())
    except MarketError as error:
        return shown(request, site, MeterForm(), (problem_from(error),))
    if activation is not None:
        messages.info(request, f"{filled} half hours are estimated by {rule}. The dispatch settles by itself.")
    else:
        messages.info(request, f"Gaps are estimated by {rule} from now on." if rule else "Gaps are not estimated.")
    return redirect("readings", site.slug)


@posted("readings")
@only(OPERATOR)
def meters(request: HttpRequest, slug: str) -> HttpResponse:
    """Register the site's meters from a day on."""
    site = own_site(user_of(request), slug)
    given = {name: request.POST.get(name, "").strip() for name in ("import_msid", "export_msid", "amsid", "gsp_group")}
    day = read_day(request.POST.get("effective_from", "").strip())
    if day is None:
        problem = Problem("The first day is not a date.", "Write it like 2026-01-15.", "effective_from")
        return shown(request, site, MeterForm(), (problem,))
    try:
        register_meter(
            site=site,
            unit=request.POST.get("unit", "").strip(),
            effective_from=day,
            user=user_of(request),
            now=now(),
            **given,
        )
    except MarketError as error:
        return shown(request, site, MeterForm(), (problem_from(error, field=str(error.details.get("column", ""))),))
    messages.info(request, f"{site.name} is metered by {given['import_msid']} from {day} on.")
    return redirect("readings", site.slug)


@require_safe
@only(OPERATOR)
def day(request: HttpRequest, slug: str, day: str) -> HttpResponse:
    """One settlement day, as it is known or as it was known at ?known=."""
    site, found = own_site(user_of(request), slug), day_of(day)
    moment, problems = now(), tuple[Problem, ...]()
    text = request.GET.get("known", "").strip()
    if text:
        asked = read_moment(text)
        if asked is None:
            fix = "Write it with a zone, such as 2026-01-20T09:00Z."
            problems = (Problem(f"{text!r} is not a time with a zone.", fix, "known"),)
        else:
            moment = min(asked, moment)
    context = {
        "site": site,
        "tab": "readings",
        "topic": f"site:{site.slug}",
        "p": day_page(site, found, moment=moment, now=now()),
        "known": text,
    }
    return page(request, "sites/reading_day.html", context, here="sites", problems=problems)


@require_safe
@only(OPERATOR)
def half_hour(request: HttpRequest, slug: str, day: str, period: int) -> HttpResponse:
    """Everything that was ever known of one half hour."""
    site, found = own_site(user_of(request), slug), day_of(day)
    try:
        start = period_start(found, period)
    except ValueError as problem:
        raise Http404(str(problem)) from problem
    context = {"site": site, "tab": "readings", "day": found, "start": start, "rows": history(site, start)}
    return page(request, "sites/reading_history.html", context, here="sites")


@require_safe
@only(OPERATOR)
def template(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file to fill in for one dispatch."""
    activation = own_activation(request, pk)
    return csv_response(
        f"readings-{activation.start_at:%Y-%m-%d}-{activation.pk}", TEMPLATE_HEADER, template_rows(activation)
    )


def own_activation(request: HttpRequest, pk: int) -> Activation:
    """The dispatch, or 404."""
    rows = visible(Activation, user_of(request)).select_related("order__offer__site__organisation")
    return get_object_or_404(rows, pk=pk)


def day_of(text: str) -> date:
    """A day in an address, or 404."""
    found = read_day(text)
    if found is None or not EARLIEST <= found <= now().date() + timedelta(days=1):
        raise Http404("There is no such day here.")
    return found


def read_day(text: str) -> date | None:
    """A date as people write it in a form, or None."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def read_moment(text: str) -> datetime | None:
    """A time with a zone, or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and moment.year > EARLIEST.year else None
