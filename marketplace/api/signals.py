"""Grid signals as they became known, and the forecasts made from them. They are the same for everybody."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api.readings import SpanAsked
from marketplace.api.shapes import Input, Instant, Shape
from marketplace.api.view import ApiView
from marketplace.models import Forecast, SignalPoint
from marketplace.queries.signals import SERIES


class SignalShape(Shape):
    """One half hour of one series."""

    series = serializers.CharField()
    start_at = Instant(read_only=True)
    value = serializers.FloatField()
    unit = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of that name
    label = serializers.CharField(help_text="MEASURED, FORECAST, ESTIMATED or SIMULATED.")  # type: ignore[assignment] # a field of that name
    known_at = Instant(read_only=True)


class ForecastShape(Shape):
    """One issue of one model: half-hourly values from start_at, with an 80 % band from p10 to p90; publishers give none."""

    series = serializers.CharField()
    issued_at = Instant(read_only=True)
    known_at = Instant(read_only=True, help_text="When this house knew it.")
    start_at = Instant(read_only=True)
    end_at = Instant(read_only=True)
    model = serializers.CharField()
    model_version = serializers.CharField()
    unit = serializers.CharField()
    p10 = serializers.ListField(child=serializers.FloatField())
    p50 = serializers.ListField(child=serializers.FloatField())
    p90 = serializers.ListField(child=serializers.FloatField())
    inputs_digest = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name


class SeriesAsked(Input):
    """Which series."""

    series = serializers.ChoiceField(
        sorted(SERIES), required=False, help_text=f"Write one of {', '.join(sorted(SERIES))}."
    )


class SignalsAsked(SeriesAsked, SpanAsked):
    """Which series and half hours, and as known when."""

    known_at = Instant(required=False, help_text="Only what was known by then, such as 2024-01-20T00:00:00Z.")


class ForecastsAsked(SeriesAsked):
    """Which series, and as known when."""

    known_at = Instant(required=False, help_text="Only issues that were known by then, such as 2024-01-20T00:00:00Z.")


class Signals(ApiView):
    """Published values."""

    scopes = {"GET": "signals:read"}
    tag = "signals"
    ordering = "-start_at"

    @extend_schema(parameters=[SignalsAsked], responses=SignalShape(many=True))
    def get(self, request: Request) -> Response:
        """List signals by half hour, newest first, as known by now or by an earlier moment."""
        asked = self.asked(SignalsAsked)
        known_at = min(asked.pop("known_at", self.now), self.now)
        names = {"series": "series", "start": "start_at__gte", "end": "start_at__lt"}
        wanted = {names[name]: value for name, value in asked.items()}
        return self.listed(self.rows(SignalPoint).filter(known_at__lte=known_at, **wanted), SignalShape)


class Forecasts(ApiView):
    """Forecasts."""

    scopes = {"GET": "signals:read"}
    tag = "signals"
    ordering = "-issued_at"

    @extend_schema(parameters=[ForecastsAsked], responses=ForecastShape(many=True))
    def get(self, request: Request) -> Response:
        """List forecasts, ours and publishers', newest first, as known by now or by an earlier moment."""
        asked = self.asked(ForecastsAsked)
        known_at = min(asked.pop("known_at", self.now), self.now)
        rows = self.rows(Forecast).filter(known_at__lte=known_at, issued_at__lte=known_at, **asked)
        return self.listed(rows, ForecastShape)
