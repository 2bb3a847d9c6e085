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
    """One issue of one model: half-hourly values from start_at, with an 80 % band from p10 to p90."""

    series = serializers.CharField()
    issued_at = Instant(read_only=True)
    start_at = Instant(read_only=True)
    model = serializers.CharField()
    model_version = serializers.CharField()
    unit = serializers.CharField()
    p10 = serializers.ListField(child=serializers.FloatField())
    p50 = serializers.ListField(child=serializers.FloatField())
    p90 = serializers.ListField(child=serializers.FloatField())
    inputs_digest = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField()  # type: ignore[assignment] # a field of that name


class ForecastsAsked(Input):
    """Which series."""

    series = serializers.ChoiceField(
        sorted(SERIES), required=False, help_text=f"Write one of {', '.join(sorted(SERIES))}."
    )


class SignalsAsked(ForecastsAsked, SpanAsked):
    """Which series and half hours."""


class Signals(ApiView):
    """Published values."""

    scopes = {"GET": "signals:read"}
    tag = "signals"
    ordering = "-start_at"

    @extend_schema(parameters=[SignalsAsked], responses=SignalShape(many=True))
    def get(self, request: Request) -> Response:
        """List carbon intensity and price by half hour, newest first, as known by now."""
        names = {"series": "series", "start": "start_at__gte", "end": "start_at__lt"}
        wanted = {names[name]: value for name, value in self.asked(SignalsAsked).items()}
        return self.listed(self.rows(SignalPoint).filter(known_at__lte=self.now, **wanted), SignalShape)


class Forecasts(ApiView):
    """Forecasts."""

    scopes = {"GET": "signals:read"}
    tag = "signals"
    ordering = "-issued_at"

    @extend_schema(parameters=[ForecastsAsked], responses=ForecastShape(many=True))
    def get(self, request: Request) -> Response:
        """List forecasts of carbon intensity and price, newest first."""
        return self.listed(
            self.rows(Forecast).filter(issued_at__lte=self.now, **self.asked(ForecastsAsked)), ForecastShape
        )
