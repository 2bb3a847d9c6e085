"""Files of meter readings: sent whole, read by a worker, recorded whole or not at all."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.settle.metering import DIRECTIONS, MINUTES, Said
from marketplace.api.readings import UNITS
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.sites import Nothing
from marketplace.api.uploads import RowErrorShape
from marketplace.api.view import MEBIBYTE, ApiView
from marketplace.models import MeterFile, Site
from marketplace.usecases.cancel_meter_file import cancel_meter_file
from marketplace.usecases.upload_meter_file import MAX_BYTES, upload_meter_file


class MeterFileInput(Input):
    """A file of readings, and what its header leaves open."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="Send a CSV or Parquet file of at most 100 MiB and two million rows."
    )
    source = serializers.CharField(max_length=80, help_text="Name the meter or the system they come from.")  # type: ignore[assignment] # a field of that name
    label = serializers.ChoiceField(("MEASURED", "SIMULATED"), help_text="Write MEASURED or SIMULATED.")  # type: ignore[assignment] # a field of that name
    direction = serializers.ChoiceField(
        DIRECTIONS, required=False, help_text="Write IMPORT or EXPORT if the header does not say it."
    )
    unit = serializers.ChoiceField(
        UNITS, required=False, help_text="Write Wh, kWh or MWh if the header does not say it."
    )
    zone = serializers.ChoiceField(
        ("UTC", "OFFSET", "LONDON"),
        required=False,
        help_text="Write UTC, LONDON, or OFFSET if each time has its own, if the header does not say it.",
    )
    edge = serializers.ChoiceField(
        ("START", "END"), required=False, help_text="Write START or END if the header does not say what times are."
    )
    minutes = serializers.ChoiceField(
        MINUTES, default=30, help_text="How long each period is: 1, 5, 10, 15 or 30 minutes, which are summed."
    )
    small = serializers.BooleanField(
        default=False, help_text="Write true if values below 0.2 % of what the site can import are meant."
    )


class GapShape(Shape):
    """Half hours in a row that the file does not give whole."""

    direction = serializers.CharField()
    start = Instant(read_only=True)
    count = serializers.IntegerField()
    partial = serializers.BooleanField(help_text="Whether a part of it is there, which is never summed.")  # type: ignore[assignment] # a field of that name


class MeterFileRowShape(Shape):
    """A file of readings in the list."""

    id = serializers.IntegerField()
    site = serializers.CharField(source="site.slug")
    filename = serializers.CharField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(MeterFile.State.choices)
    rows_total = serializers.IntegerField()
    rows_read = serializers.IntegerField()
    rows_accepted = serializers.IntegerField()
    rows_refused = serializers.IntegerField()
    half_hours = serializers.IntegerField(help_text="Whole half hours in the file, once it is IMPORTED.")
    recorded = serializers.IntegerField(help_text="How many of them were new or differed from what was known.")
    created_at = Instant(read_only=True)
    ended_at = Instant(allow_null=True, read_only=True)


class MeterFileShape(MeterFileRowShape):
    """A file of readings and what was found in it."""

    error = serializers.CharField(help_text="Why the file as a whole cannot be read.")
    problems = RowErrorShape(many=True, help_text="The first 20.")
    problems_total = serializers.IntegerField()
    gaps = GapShape(many=True, help_text="The first 20.")
    gaps_total = serializers.IntegerField(help_text="Half hours between the first and the last that are not whole.")
    ignored = serializers.ListField(child=serializers.CharField(), help_text="Columns that mean nothing here.")


class SiteMeterFiles(ApiView):
    """The files of a site's readings."""

    scopes = {"GET": "readings:read", "POST": "readings:write"}
    tag = "readings"
    ordering = "-created_at"
    parser_classes = (MultiPartParser,)
    most_bytes = MAX_BYTES + MEBIBYTE

    @extend_schema(responses=MeterFileRowShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the site's files of meter readings, newest first."""
        self.asked(Nothing)
        site = self.find(self.rows(Site), slug=slug)
        return self.listed(
            MeterFile.objects.filter(site=site).defer("content").select_related("site"), MeterFileRowShape
        )

    @extend_schema(request={"multipart/form-data": MeterFileInput}, responses={201: MeterFileShape})
    def post(self, request: Request, slug: str) -> Response:
        """Send a file of meter readings, which is recorded whole or not at all.

        It is read in the background: ask for it until it is IMPORTED or REFUSED. The same bytes sent again while it is
        under way give the same file, so that a repeated request does no harm.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(MeterFileInput)
        words = {name: given.get(name, "") for name in ("direction", "unit", "zone", "edge")}
        stored = upload_meter_file(
            site=site,
            user=self.person,
            filename=given["file"].name,
            content=given["file"].read(),
            said=Said(minutes=given["minutes"], small=given["small"], **words),
            source=given["source"],
            label=given["label"],
            now=self.now,
        )
        return Response(MeterFileShape(stored).data, status=201)


class OneMeterFile(ApiView):
    """One file of readings."""

    scopes = {"GET": "readings:read"}
    tag = "readings"

    @extend_schema(responses=MeterFileShape)
    def get(self, request: Request, pk: int) -> Response:
        """Read a file of meter readings: how far it is, its first problems and gaps."""
        return Response(MeterFileShape(own_file(self, pk)).data)


class CancelMeterFile(ApiView):
    """Stopping."""

    scopes = {"POST": "readings:write"}
    tag = "readings"

    @extend_schema(request=None, responses=MeterFileShape)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a file of meter readings before it is imported."""
        file = own_file(self, pk)
        self.given(Nothing)
        return Response(MeterFileShape(cancel_meter_file(file=file, user=self.person, now=self.now)).data)


def own_file(view: ApiView, pk: int) -> MeterFile:
    """The file, without its bytes."""
    return view.find(view.rows(MeterFile).select_related("site__organisation").defer("content"), pk=pk)
