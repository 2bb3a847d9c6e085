"""Parts of a page that refetch themselves: live.js turns a pushed topic into an event on <body>, htmx does the rest.

A fragment is fetched from the page's own address and cut out by its id, so every permission stays where the page has it.
"""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def live(context: Context, name: str, *topics: str) -> SafeString:
    """Attributes of an element with id `name` whose children are fetched anew whenever one of `topics` changes.

    The element itself stays, because htmx keeps on it what came in while a fetch was under way; were it replaced, the
    newest change would be lost. All that it holds must stand in child elements.
    """
    triggers = ", ".join([*(f"{topic} from:body" for topic in (*topics, "caco-poll")), "caco-missed"])
    return format_html(
        'id="{}" data-live-topics="{}" hx-get="{}" hx-select="#{} > *" hx-target="this" hx-swap="innerHTML" hx-trigger="{}"',
        name,
        " ".join(topics),
        context.get("path", ""),
        name,
        triggers,
    )


@register.inclusion_tag("parts/changed.html", takes_context=True)
def changed(context: Context, noun: str, *topics: str) -> dict[str, str]:
    """A line that says that the list may have changed, with a link to the new one: rows never move under a reader."""
    return {"noun": noun, "topics": " ".join(topics), "path": str(context.get("path", ""))}
