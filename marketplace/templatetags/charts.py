"""A queries.charts.Chart on a page: its data for chart.js as a JSON block, which no content security policy minds."""

from __future__ import annotations

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString

from marketplace.queries.charts import Chart

register = template.Library()


@register.filter
def chart_json(chart: Chart) -> SafeString:
    """The chart's data as <script type="application/json">."""
    return json_script(chart.as_json(), f"{chart.id}-data")
