"""Half-hourly meter readings of a site. A correction is a later reading of the same half hour; nothing is overwritten."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import MEBIBYTE, ApiView
from marketplace.models import MeterReading, Site
from marketplace.usecases.record_meter import record_meter

MOST_READINGS = 20_000  # more than a year of half hours
MOST_WH = 10**12


class ReadingInput(Input):
    """One half hour."""

    start = Instant(help_text="Write the start of the half hour with a zone, such as 2024-01-16T17:00:00Z.")
    import_wh = serializers.IntegerField(
        min_value=0, max_value=MOST_WH, help_text="Write the imported energy in whole watt-hours."
    )


class ReadingsInput(Input):
    """Readings from one source."""

    source = serializers.CharField(max_length=80, help_text="Name the meter or the system they come from.")  # type: ignore[assignment] # a field of that name
    label = serializers.ChoiceField(("MEASURED", "SIMULATED"), help_text="Write MEASURED or SIMULATED.")  # type: ignore[assignment] # a field of that name
    readings = serializers.ListField(
        child=ReadingInput(),
        allow_empty=False,
        max_length=MOST_READINGS,
        help_text='Send a list such as [{"start": "2024-01-16T17:00:00Z", "import_wh": 412500}].',
    )


class RecordedShape(Shape):
    """What came of it."""

    received = serializers.IntegerField()
    recorded = serializers.IntegerField(help_text="How many were new or differed from what was known.")


class ReadingShape(Shape):
    """What a meter said about a half hour, and when we came to know it."""

    start_at = Instant(read_only=True)
    import_wh = serializers.IntegerField()
    quality = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    known_at = Instant(read_only=True)


class SpanAsked(Input):
    """Which half hours."""

    start = Instant(required=False, help_text="From this half hour on, with a zone, such as 2024-01-16T00:00:00Z.")
    end = Instant(required=False, help_text="Up to before this one, with a zone, such as 2024-01-17T00:00:00Z.")


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
        span = {f"start_at__{'gte' if name == 'start' else 'lt'}": at for name, at in self.asked(SpanAsked).items()}
        return self.listed(MeterReading.objects.filter(site=site, **span), ReadingShape)

    @extend_schema(request=ReadingsInput, responses={201: RecordedShape})
    def post(self, request: Request, slug: str) -> Response:
        """Send meter readings, all or none.

        A reading that is known already changes nothing, so that a repeated request does no harm.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(ReadingsInput)
        pairs = [(one["start"], one["import_wh"]) for one in given["readings"]]
        recorded = record_meter(
            site=site, readings=pairs, source=given["source"], label=given["label"], user=self.person, now=self.now
        )
        return Response({"received": len(pairs), "recorded": recorded}, status=201)
