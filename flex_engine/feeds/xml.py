"""An XML answer as a tree, without entities: a document that declares any is refused before it is read."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from flex_engine.feeds.http import FeedPayloadError


class _Plain(TreeBuilder):
    """Builds a tree and refuses a document type the moment one begins, in whatever encoding."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called by the parser at the start of <!DOCTYPE."""
        raise ValueError(f"document type {name} {pubid} {system}: no publisher of ours sends one")


def xml_of(body: bytes, url: str) -> Element:
    """The root element. Raises FeedPayloadError for what is not XML, and for any document type (entity bombs need one)."""
    parser = XMLParser(target=_Plain())  # noqa: S314 - without a document type there are no entities to expand
    try:
        parser.feed(body)
        return parser.close()
    except (ParseError, ValueError, LookupError) as problem:
        said = body[:200].decode("utf-8", "replace")
        raise FeedPayloadError(f"{url} answered 200 with something that is not plain XML: {said}") from problem


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def child(element: Element, *path: str) -> Element:
    """The first element at `path` below `element`, whatever its namespace. Raises KeyError naming what is missing."""
    for name in path:
        found = next((one for one in element if local(one.tag) == name), None)
        if found is None:
            raise KeyError(name)
        element = found
    return element


def word(element: Element, *path: str) -> str:
    """The text at `path`, stripped. Raises KeyError when the element is missing or empty."""
    said = (child(element, *path).text or "").strip()
    if not said:
        raise KeyError(path[-1])
    return said


def children(element: Element, name: str) -> list[Element]:
    """Every direct child called `name`, whatever its namespace."""
    return [one for one in element if local(one.tag) == name]
