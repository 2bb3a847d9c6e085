"""Uploaded queues: sent as a file, read by the compute agent, reviewed, imported or discarded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.sites import Nothing
from marketplace.api.view import MEBIBYTE, ApiView
from marketplace.models import Site, Upload
from marketplace.usecases.accept_queue import accept_queue
from marketplace.usecases.discard_upload import discard_upload
from marketplace.usecases.upload_queue import MAX_BYTES, upload_queue

MOST_SLACK_H = 24 * 366


class UploadInput(Input):
    """A queue file, and what it leaves out."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="Send a CSV, CSV.gz, JSON Lines or Parquet file of at most 20 MiB."
    )
    slack_hours = serializers.DecimalField(
        9,
        4,
        required=False,
        min_value=0,
        max_value=MOST_SLACK_H,
        help_text="Hours of deadline slack for jobs without a deadline, such as 24 or 0.5.",
    )
    epoch = Instant(
        required=False,
        help_text="The time that second 0 of the file stands for, with a zone, such as 2024-02-05T00:00:00Z.",
    )


class RowErrorShape(Shape):
    """One value of the file that cannot be used."""

    row = serializers.IntegerField()
    column = serializers.CharField()
    value = serializers.CharField()
    problem = serializers.CharField()
    fix = serializers.CharField()


class AssumptionShape(Shape):
    """One thing taken as given, because the input does not say it."""

    name = serializers.CharField()
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name
    why = serializers.CharField()


class UploadRowShape(Shape):
    """An uploaded file in the list."""

    id = serializers.IntegerField()
    site = serializers.CharField(source="site.slug")
    filename = serializers.CharField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(Upload.State.choices)
    error = serializers.CharField(help_text="Why the file cannot be read, when it is FAILED.")
    rows_total = serializers.IntegerField()
    created_at = Instant(read_only=True)
    read_at = Instant(allow_null=True, read_only=True)
    reviewed_at = Instant(allow_null=True, read_only=True)


class UploadShape(UploadRowShape):
    """An uploaded file and what was found in it."""

    jobs = serializers.SerializerMethodField(help_text="How many jobs can be imported.")
    row_errors = RowErrorShape(many=True)
    assumptions = AssumptionShape(many=True)

    def get_jobs(self, upload: Upload) -> int:
        """The jobs that were read."""
        return len(upload.jobs)


class AcceptInput(Input):
    """How much of the file to import."""

    valid_only = serializers.BooleanField(
        default=False, help_text="Write true to import the valid rows of a file that has row errors."
    )


class SiteUploads(ApiView):
    """The uploads of a site."""

    scopes = {"GET": "uploads:read", "POST": "uploads:write"}
    tag = "uploads"
    ordering = "-created_at"
    parser_classes = (MultiPartParser,)
    most_bytes = MAX_BYTES + MEBIBYTE

    @extend_schema(responses=UploadRowShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the site's uploaded queues, newest first."""
        self.asked(Nothing)
        site = self.find(self.rows(Site), slug=slug)
        return self.listed(site.uploads.defer("content", "jobs").select_related("site"), UploadRowShape)

    @extend_schema(request={"multipart/form-data": UploadInput}, responses={201: UploadShape})
    def post(self, request: Request, slug: str) -> Response:
        """Upload a job queue.

        Nothing is imported before it is accepted. The same bytes with the same options give the same upload while it
        waits, so that a repeated request does no harm.
        """
        site = self.find(self.rows(Site).select_related("organisation"), slug=slug)
        given = self.given(UploadInput)
        upload = upload_queue(
            site=site,
            user=self.person,
            filename=given["file"].name,
            content=given["file"].read(),
            slack=slack_of(given),
            epoch=given.get("epoch"),
            now=self.now,
        )
        return Response(UploadShape(upload).data, status=201)


def slack_of(given: dict[str, Any]) -> timedelta | None:
    """The slack in whole seconds, or None."""
    hours = given.get("slack_hours")
    return None if hours is None else timedelta(seconds=int(hours * 3600))


class OneUpload(ApiView):
    """One upload."""

    scopes = {"GET": "uploads:read"}
    tag = "uploads"

    @extend_schema(responses=UploadShape)
    def get(self, request: Request, pk: int) -> Response:
        """Read an upload: its state, every row error, and what was assumed."""
        return Response(UploadShape(own_upload(self, pk)).data)


class AcceptUpload(ApiView):
    """Importing."""

    scopes = {"POST": "uploads:write"}
    tag = "uploads"

    @extend_schema(request=AcceptInput, responses=UploadShape)
    def post(self, request: Request, pk: int) -> Response:
        """Import the jobs of a reviewed upload, and have the site planned anew."""
        upload, given = own_upload(self, pk), self.given(AcceptInput)
        accept_queue(upload=upload, user=self.person, valid_only=given["valid_only"], now=self.now)
        return Response(UploadShape(own_upload(self, pk)).data)


class DiscardUpload(ApiView):
    """Putting aside."""

    scopes = {"POST": "uploads:write"}
    tag = "uploads"

    @extend_schema(request=None, responses=UploadShape)
    def post(self, request: Request, pk: int) -> Response:
        """Put an upload aside without importing anything."""
        upload = own_upload(self, pk)
        self.given(Nothing)
        return Response(UploadShape(discard_upload(upload=upload, user=self.person, now=self.now)).data)


def own_upload(view: ApiView, pk: int) -> Upload:
    """The upload, without the bytes of its file."""
    return view.find(view.rows(Upload).select_related("site__organisation").defer("content"), pk=pk)
