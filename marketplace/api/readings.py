"""Half-hourly meter readings of a site. A correction is a later reading of the same half hour; nothing is overwritten."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.settle.metering import DIRECTIONS, MINUTES, QUALITIES, Said
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import MEBIBYTE, ApiView
from marketplace.models import ExportReading, MeterReading, Site
from marketplace.queries.readings import R, known_at
from marketplace.usecases.record_meter import record_meter

MOST_READINGS = 20_000  # more than a year of half hours
MOST_WH = 10**12
UNITS = ("Wh", "kWh", "MWh")


class ReadingInput(Input):
    """One period: when it begins or ends, or its settlement date and period; and its energy."""

    start = Instant(
        required=False, help_text="Write the start of the period with a zone, such as 2024-01-16T17:00:00Z."
    )
    end = Instant(required=False, help_text="Or write the end of the period with a zone, such as 2024-01-16T17:30:00Z.")
    date = serializers.DateField(required=False, help_text="Or write the settlement date, such as 2024-01-16,")
    period = serializers.IntegerField(
        required=False, min_value=1, max_value=50, help_text="and with it the settlement period, such as 35."
    )
    import_wh = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_WH, help_text="Write the imported energy in whole watt-hours."
    )
    value = serializers.DecimalField(
        24, 9, required=False, min_value=0, help_text="Or write the energy in the unit and direction of the request."
    )
    quality = serializers.ChoiceField(
        QUALITIES, required=False, help_text="Write ACTUAL, ESTIMATED or SUSPECT; without it a reading is ACTUAL."
    )
    msid = serializers.CharField(required=False, max_length=13, help_text="Write the 13 digits of the meter.")


class ReadingsInput(Input):
    """Readings from one source."""

    source = serializers.CharField(max_length=80, help_text="Name the meter or the system they come from.")  # type: ignore[assignment] # a field of that name
    label = serializers.ChoiceField(("MEASURED", "SIMULATED"), help_text="Write MEASURED or SIMULATED.")  # type: ignore[assignment] # a field of that name
    direction = serializers.ChoiceField(
        DIRECTIONS, required=False, help_text="Write IMPORT or EXPORT, for readings with a value."
    )
    unit = serializers.ChoiceField(UNITS, required=False, help_text="Write Wh, kWh or MWh, for readings with a value.")
    minutes = serializers.ChoiceField(
        MINUTES, default=30, help_text="How long each period is: 1, 5, 10, 15 or 30 minutes, which are summed."
    )
    small = serializers.BooleanField(
        default=False, help_text="Write true if values below 0.2 % of what the site can import are meant."
    )
    readings = serializers.ListField(
        child=ReadingInput(),
        allow_empty=False,
        max_length=MOST_READINGS,
        help_text='Send a list such as [{"start": "2024-01-16T17:00:00Z", "import_wh": 412500}].',
    )


class RecordedShape(Shape):
    """What came of it."""

    received = serializers.IntegerField()
    recorded = serializers.IntegerField(help_text="How many half hours were new or differed from what was known.")


class ReadingShape(Shape):
    """What a meter said about a half hour, and when we came to know it."""

    start_at = Instant(read_only=True)
    import_wh = serializers.IntegerField()
    quality = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    known_at = Instant(read_only=True)


class ExportReadingShape(Shape):
    """What a meter said about the export of a half hour, and when we came to know it."""

    start_at = Instant(read_only=True)
    export_wh = serializers.IntegerField()
    quality = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    known_at = Instant(read_only=True)


class SpanAsked(Input):
    """Which half hours, and as known when."""

    start = Instant(required=False, help_text="From this half hour on, with a zone, such as 2024-01-16T00:00:00Z.")
    end = Instant(required=False, help_text="Up to before this one, with a zone, such as 2024-01-17T00:00:00Z.")
    known_at = Instant(
        required=False,
        help_text="Only what was in force by then, one reading a half hour, such as 2024-01-20T00:00:00Z.",
    )


class SiteReadings(ApiView):
    """The meter of a site."""

    scopes = {"GET": "readings:read", "POST": "readings:write"}
    tag = "readings"
    ordering = "start_at"
    most_bytes = 4 * MEBIBYTE

    @extend_schema(parameters=[SpanAsked], responses=ReadingShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the site's meter readings by half hour, corrections after what they correct."""
        site = self.find(self.rows(Site), slug=slug)
        return self.listed(asked_of(MeterReading.objects.filter(site=site), self.asked(SpanAsked)), ReadingShape)

    @extend_schema(request=ReadingsInput, responses={201: RecordedShape})
    def post(self, request: Request, slug: str) -> Response:
        """Send meter readings, all or none.

        A reading that is known already changes nothing, so that a repeated request does no harm.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(ReadingsInput)
        recorded = record_meter(
            site=site,
            rows=given["readings"],
            said=said_of(given),
            source=given["source"],
            label=given["label"],
            user=self.person,
            now=self.now,
        )
        return Response({"received": len(given["readings"]), "recorded": recorded}, status=201)


class SiteExportReadings(ApiView):
    """The export of a site."""

    scopes = {"GET": "readings:read"}
    tag = "readings"
    ordering = "start_at"

    @extend_schema(parameters=[SpanAsked], responses=ExportReadingShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the site's export readings by half hour, corrections after what they correct. Nothing settles on them."""
        site = self.find(self.rows(Site), slug=slug)
        rows = ExportReading.objects.filter(site=site)
        return self.listed(asked_of(rows, self.asked(SpanAsked)), ExportReadingShape)


def asked_of(rows: QuerySet[R], asked: dict[str, Any]) -> QuerySet[R]:
    """Of `rows`, those of the span that was asked for, as known then."""
    known = asked.pop("known_at", None)
    found = rows.filter(**{f"start_at__{'gte' if name == 'start' else 'lt'}": at for name, at in asked.items()})
    return found if known is None else known_at(found, known)


def said_of(given: dict[str, Any]) -> Said:
    """What the request says of all its readings. Names such as import_wh say direction and unit themselves."""
    beside = any("value" in one for one in given.get("readings", ()))
    return Said(
        direction=given.get("direction", "") if beside else "",
        unit=given.get("unit", "") if beside else "",
        zone="OFFSET",
        minutes=given["minutes"],
        small=given["small"],
    )
