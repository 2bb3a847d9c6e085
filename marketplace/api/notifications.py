"""Position notifications and the reconciliation of P415 sales; positions in whole Wh, positive for less import."""

from __future__ import annotations

from datetime import date

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flex_engine.settle.reconcile_views import Cause
from flex_engine.settle.settlement_calendar import runs
from marketplace.api.shapes import EARLIEST, LATEST, Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import PositionNotification
from marketplace.queries.reconciliation import Filters, reconciliation
from marketplace.rules.notification import NotificationState
from marketplace.usecases.resubmit_notification import resubmit_notification

STATES = [state.value for state in NotificationState]


class NotificationShape(Shape):
    """One file about one unit and settlement period. No state means that it was accepted."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    site = serializers.CharField(source="site.slug")
    unit = serializers.CharField()
    start_at = Instant(read_only=True)
    revision = serializers.IntegerField()
    position_wh = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    notify_by = Instant(read_only=True)
    gate_closure_at = Instant(read_only=True)
    planned_at = Instant(read_only=True)
    sent_at = Instant(allow_null=True, read_only=True)
    exception_reason = serializers.CharField()
    exception_at = Instant(allow_null=True, read_only=True)
    alarm = serializers.CharField(help_text="LATE, MISSED or EXCEPTION; empty when all is well.")
    content = serializers.SerializerMethodField(help_text="The file as it was sent.")
    content_sha256 = serializers.CharField()
    label = serializers.CharField(help_text="SIMULATED: nothing is sent to a real counterparty.")  # type: ignore[assignment] # a field of that name

    def get_content(self, row: PositionNotification) -> str:
        """The bytes as text."""
        return bytes(row.content).decode()


class NotificationsAsked(Input):
    """Which notifications."""

    state = serializers.ChoiceField(STATES, required=False, help_text=f"Write one of {', '.join(STATES)}.")
    site = serializers.CharField(required=False, max_length=60, help_text="A site's slug.")


class Notifications(ApiView):
    """The list."""

    scopes = {"GET": "orders:read"}
    tag = "reconciliation"
    ordering = "-start_at"

    @extend_schema(parameters=[NotificationsAsked], responses=NotificationShape(many=True))
    def get(self, request: Request) -> Response:
        """List the position notifications of your sites, the latest period first. An auditor sees every organisation's."""
        asked = self.asked(NotificationsAsked)
        rows = self.rows(PositionNotification).select_related("site")
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        if "site" in asked:
            rows = rows.filter(site__slug=asked["site"])
        return self.listed(rows, NotificationShape)


class ResubmitNotification(ApiView):
    """Sending again what came back."""

    scopes = {"POST": "messages:write"}
    tag = "reconciliation"

    @extend_schema(request=None, responses=NotificationShape)
    def post(self, request: Request, pk: int) -> Response:
        """Queue a notification that came back with an exception once more, as its next revision.

        While that revision is queued, a repeated request answers the same one.
        """
        row = self.find(self.rows(PositionNotification), pk=pk)
        return Response(NotificationShape(resubmit_notification(notification=row, user=self.person, now=self.now)).data)


class DifferenceShape(Shape):
    """Two views that differ, or a figure that may not be used."""

    cause = serializers.ChoiceField([cause.value for cause in Cause])
    leg = serializers.CharField()
    says = serializers.CharField()
    expected_wh = serializers.IntegerField(allow_null=True)
    found_wh = serializers.IntegerField(allow_null=True)


class FourViewsShape(Shape):
    """One half hour of one unit; null where a view has nothing."""

    site = serializers.CharField()
    unit = serializers.CharField()
    start = Instant(read_only=True)
    settlement_date = serializers.DateField()
    settlement_period = serializers.IntegerField()
    traded_wh = serializers.IntegerField(allow_null=True)
    notified_wh = serializers.IntegerField(allow_null=True)
    notification = serializers.IntegerField(source="told.pk", default=None, allow_null=True)
    notification_state = serializers.CharField(source="told.state", default="")
    held_wh = serializers.IntegerField(allow_null=True)
    held_at = Instant(allow_null=True, read_only=True)
    settled_wh = serializers.IntegerField(allow_null=True)
    run = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    delivered_wh = serializers.IntegerField(allow_null=True)
    differences = DifferenceShape(many=True)


class ReconciliationShape(Shape):
    """One settlement day."""

    day = serializers.DateField()
    as_of = Instant(read_only=True)
    run = serializers.CharField(help_text="The run asked for; empty for the newest statement of each dispatch.")
    differing = serializers.IntegerField(help_text="How many half hours differ.")
    rows = FourViewsShape(many=True)


class DayAsked(Input):
    """Which day."""

    day = serializers.DateField(required=False, help_text="Write a settlement day such as 2026-01-15.")
    site = serializers.CharField(required=False, max_length=60, help_text="A site's slug.")
    run = serializers.ChoiceField(runs(), required=False, help_text=f"Write one of {', '.join(runs())}.")

    def validate_day(self, day: date) -> date:
        """Within the range that every moment here has."""
        if not EARLIEST.year <= day.year < LATEST.year:
            raise serializers.ValidationError("it is not between 2000 and 2100")
        return day


class ReconciledDay(ApiView):
    """The four views."""

    scopes = {"GET": "orders:read"}
    tag = "reconciliation"
    pagination_class = None

    @extend_schema(parameters=[DayAsked], responses=ReconciliationShape)
    def get(self, request: Request) -> Response:
        """Compare what was sold as P415 on a day with what was notified, is held by the simulated counterparty and was settled.

        Without a day it is the newest with a sale.
        """
        found = reconciliation(self.person, Filters(**self.asked(DayAsked)), now=self.now)
        return Response(ReconciliationShape(found).data)
