"""Reads a page as a browser and a screen reader would, and names what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "path",
        "rect",
    ]
)
FIELDS = frozenset({"input", "select", "textarea"})
# Words that only a machine would say to a person: an unformatted value, or a name that no template knew.
MACHINE = re.compile(r"\bNone\b|<[A-Z]\w+:|\bdatetime\.|Decimal\(|\{\{|\{%|\bnan\b|\bUUID\(")


@dataclass
class Element:
    """One element with its attributes and everything written inside."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    words: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside on one line, as read aloud."""
        return re.sub(r"\s+", " ", "".join(self.words)).strip()

    def inside(self, tag: str) -> bool:
        """Whether an element of this kind is around it."""
        return self.parent is not None and (self.parent.tag == tag or self.parent.inside(tag))


class Page(HTMLParser):
    """A parsed page. Fails at once on an end tag that closes nothing."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += [f"<{element.tag}> is never closed" for element in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self.open[-1] if self.open else None
        element = Element(tag, {name: value or "" for name, value in attrs}, parent)
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.unbalanced.append(f"<{tag}> has an attribute twice: {names}")
        self.elements.append(element)
        if parent:
            parent.children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1].tag != tag:
            self.unbalanced.append(f"</{tag}> closes {self.open[-1].tag if self.open else 'nothing'}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].tag not in {"script", "style"}:
            self.open[-1].own.append(data)
            for element in self.open:
                element.words.append(data)

    def all(self, tag: str, **wanted: str) -> list[Element]:
        """Elements of this kind with these attributes."""
        return [e for e in self.elements if e.tag == tag and all(e.attributes.get(k) == v for k, v in wanted.items())]

    @property
    def title(self) -> str:
        return self.all("title")[0].text

    @property
    def text(self) -> str:
        """Everything on the page that is read."""
        return self.all("body")[0].text

    def navigation(self, name: str) -> list[str]:
        """The words of the links in the navigation of this name."""
        return [e.text for e in self.elements if e.tag == "a" and within(e, "nav", name)]

    def value(self, name: str) -> str:
        """What stands in the field of this name."""
        (found,) = [e for e in self.elements if e.tag in FIELDS and e.attributes.get("name") == name]
        if found.tag == "select":
            chosen = [child for child in found.children if "selected" in child.attributes]
            return chosen[0].attributes.get("value", chosen[0].text) if chosen else ""
        return "".join(found.words) if found.tag == "textarea" else found.attributes.get("value", "")

    def problems(self) -> list[str]:
        """The lines of the error summary."""
        return [item.text for item in self.all("li") if within(item, "div", "problems")]

    def faults(self) -> list[str]:
        """Everything wrong with the page, one sentence each."""
        return [
            *self.unbalanced,
            *self.wrong_ids(),
            *self.wrong_headings(),
            *self.wrong_fields(),
            *self.wrong_links(),
            *self.wrong_tables(),
            *self.wrong_words(),
        ]

    def wrong_ids(self) -> list[str]:
        ids = [e.attributes["id"] for e in self.elements if "id" in e.attributes]
        found = [f"id {one} stands {ids.count(one)} times" for one in set(ids) if ids.count(one) > 1]
        for element in self.elements:
            for name in ("aria-labelledby", "aria-describedby", "for"):
                for one in element.attributes.get(name, "").split():
                    if one not in ids:
                        found.append(f"{element.tag} {name} points to {one}, which is not there")
        return found

    def wrong_headings(self) -> list[str]:
        levels = [(int(e.tag[1]), e.text) for e in self.elements if re.fullmatch(r"h[1-6]", e.tag)]
        found = [] if [level for level, _ in levels].count(1) == 1 else [f"{levels} has not exactly one h1"]
        before = 0
        for level, text in levels:
            if text == "There is a problem":
                continue
            if level > before + 1:
                found.append(f"heading {text!r} jumps from h{before} to h{level}")
            if not text:
                found.append(f"an h{level} is empty")
            before = level
        return found

    def wrong_fields(self) -> list[str]:
        labelled = {e.attributes.get("for") for e in self.all("label")}
        return [
            f"{e.tag} {e.attributes.get('name')} has no label"
            for e in self.elements
            if e.tag in FIELDS and e.attributes.get("type") != "hidden"
            if e.attributes.get("id") not in labelled and not e.inside("label")
        ]

    def wrong_links(self) -> list[str]:
        found = [f"a link to {e.attributes.get('href')} has no words" for e in self.all("a") if not e.text]
        found += ["a button has no words" for e in self.all("button") if not e.text]
        found += [
            f"a form posts without a token: {e.attributes}" for e in self.all("form", method="post") if not has_token(e)
        ]
        return found + [f"inline style or script: {e.tag} {e.attributes}" for e in self.elements if inline(e)]

    def wrong_tables(self) -> list[str]:
        found = []
        for table in self.all("table"):
            heads = [e for e in self.elements if e.tag == "th" and within_element(e, table)]
            if not heads or any("scope" not in e.attributes for e in heads):
                found.append("a table has a header cell without a scope")
        return found

    def wrong_words(self) -> list[str]:
        spoken = [
            (e, words) for e in self.elements for words in e.own if "figure-none" not in e.attributes.get("class", "")
        ]
        return [f"{match.group()!r} in {e.tag} {words!r}" for e, words in spoken for match in MACHINE.finditer(words)]


def within(element: Element, tag: str, name: str) -> bool:
    """Whether an element `tag` with this class or label is around it."""
    around = element.parent
    while around is not None:
        if around.tag == tag and name in (around.attributes.get("class"), around.attributes.get("aria-label")):
            return True
        around = around.parent
    return False


def within_element(element: Element, outer: Element) -> bool:
    around = element.parent
    while around is not None:
        if around is outer:
            return True
        around = around.parent
    return False


def has_token(form: Element) -> bool:
    return any(child.attributes.get("name") == "csrfmiddlewaretoken" for child in form.children)


def inline(element: Element) -> bool:
    """What our content security policy would refuse."""
    if "style" in element.attributes or any(name.startswith("on") for name in element.attributes):
        return True
    script = (
        element.tag == "script"
        and "src" not in element.attributes
        and element.attributes.get("type") != "application/json"
    )
    return script or element.tag == "style"


def read(response) -> Page:
    """The page of a response."""
    return Page(response.content.decode())
