"""Forms that were filled in wrongly come back as they were, with the field, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from beckn.models import Subscriber
from marketplace.models import Offer, OfferRequest, Purchase, SearchResult, Upload, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import PASSWORD, World

SignedIn = Callable[[User], Client]
ROWS = "id,arrival,deadline,duration,power_kw\na,2024-01-16T18:00Z,2024-01-17T07:00Z,2:30,180\n"


@pytest.fixture
def operator(world: World, signed_in: SignedIn) -> Client:
    return signed_in(world.operator)


@pytest.fixture
def grid(world: World, signed_in: SignedIn) -> Client:
    return signed_in(world.grid)


def test_an_upload_without_a_file_keeps_what_was_typed(operator: Client) -> None:
    answer = operator.post(reverse("queue", args=["leeds-1"]), {"slack": "six", "epoch": "yesterday"})
    page = read(answer)
    assert answer.status_code == 422
    assert page.title.startswith("Error: Leeds 1: queue")
    assert page.problems() == [
        "Choose a file or paste some rows.",
        "Slack is 'six', not a number of hours. Write hours from 0, such as 6 or 0.5.",
        "Time zero is 'yesterday', not a time with a zone. Write it with a zone, such as 2024-01-02T09:00Z or 2024-07-02T09:00+01:00.",
    ]
    assert (page.value("slack"), page.value("epoch")) == ("six", "yesterday")
    assert page.faults() == []


@pytest.mark.parametrize("slack", ["-1", "nan", "1e9", "Infinity", "9000"])
def test_slack_is_a_number_of_hours(operator: Client, slack: str) -> None:
    answer = operator.post(reverse("queue", args=["leeds-1"]), {"paste": ROWS, "slack": slack})
    page = read(answer)
    assert answer.status_code == 422
    assert "not a number of hours" in page.problems()[0]
    assert page.value("paste").strip() == ROWS.strip()
    assert not Upload.objects.filter(filename="pasted.csv").exists()


@pytest.mark.parametrize("epoch", ["2024-01-02", "2024-01-02T09:00", "09:00Z", "2024-13-01T00:00Z"])
def test_time_zero_carries_a_zone(operator: Client, epoch: str) -> None:
    answer = operator.post(reverse("queue", args=["leeds-1"]), {"paste": ROWS, "epoch": epoch})
    assert answer.status_code == 422
    assert "not a time with a zone" in read(answer).problems()[0]


def test_an_empty_file_is_refused_beside_its_field(operator: Client) -> None:
    answer = operator.post(reverse("queue", args=["leeds-1"]), {"file": SimpleUploadedFile("none.csv", b"")})
    page = read(answer)
    assert answer.status_code == 422
    assert page.problems() == ["none.csv is empty. Choose a file with a header line and at least one job."]
    assert page.all("p", id="file-wrong")[0].text == "none.csv is empty."


def test_a_file_goes_on_to_its_review_and_the_same_file_to_the_same_review(operator: Client) -> None:
    def send() -> str:
        file = SimpleUploadedFile("<b>night</b>.csv", ROWS.encode())
        answer = operator.post(reverse("queue", args=["leeds-1"]), {"file": file, "slack": "6"})
        assert answer.status_code == 302
        return str(answer["Location"])

    first = send()
    assert first == send()
    stored = Upload.objects.get(pk=first.rsplit("/", 1)[1])
    assert bytes(stored.content) == ROWS.encode()
    assert stored.options == {"slack_s": 6 * 3600, "epoch": None}
    page = read(operator.get(first))
    assert page.faults() == []
    assert "reading the file" in page.text


def test_pasted_rows_are_a_file(operator: Client) -> None:
    operator.post(reverse("queue", args=["leeds-1"]), {"paste": '{"id": "a"}'})
    assert Upload.objects.get(filename="pasted.jsonl").content == b'{"id": "a"}'


def test_a_file_with_problems_is_never_imported_whole(operator: Client, world: World) -> None:
    review = world.uploads["review"]
    answer = operator.post(reverse("upload-accept", args=[review.pk]), {"rows": "all"})
    page = read(answer)
    assert answer.status_code == 422
    assert page.problems()[0].startswith("3 problem(s) stand in night-queue.csv.")
    assert page.faults() == []
    review.refresh_from_db()
    assert review.state == "NEEDS_REVIEW"


def test_valid_rows_are_imported_once(operator: Client, world: World) -> None:
    address = reverse("upload-accept", args=[world.uploads["review"].pk])
    answer = operator.post(address, {"rows": "valid"}, follow=True)
    assert answer.redirect_chain == [(reverse("queue", args=["leeds-1"]), 302)]
    assert "9 jobs are in the queue. A new plan is being made." in read(answer).text
    assert world.site.jobs.filter(external_id__startswith="new-").count() == 9
    again = operator.post(address, {"rows": "valid"})
    assert again.status_code == 409
    assert read(again).problems() == ["This upload is imported. Upload the file again."]


def test_a_discarded_file_imports_nothing(operator: Client, world: World) -> None:
    before = world.site.jobs.count()
    answer = operator.post(reverse("upload-discard", args=[world.uploads["clean"].pk]), follow=True)
    assert "clean.csv is discarded. Nothing of it was imported." in read(answer).text
    assert world.site.jobs.count() == before


@pytest.mark.parametrize(
    ("start", "end", "field", "words"),
    [
        ("2024-01-16T20:00", "", "start", "A window needs both a start and an end."),
        ("tea time", "2024-01-16T21:00", "start", "The start is 'tea time', not a time."),
        ("2024-01-16T20:10", "2024-01-16T21:00", "start", "20:10 to 21:00 is not a window of half hours."),
        ("2024-01-16T22:00", "2024-01-16T21:00", "start", "22:00 to 21:00 is not a window of half hours."),
        ("2024-01-16T09:00", "2024-01-16T10:00", "start", "2024-01-16T09:00Z is past."),
        ("2024-10-27T00:30", "2024-10-27T01:30", "end", "The end '2024-10-27T01:30' falls in the hour when the clocks change."),
        ("2024-03-31T01:30", "2024-03-31T03:00", "start", "The start '2024-03-31T01:30' falls in the hour when the clocks change."),
    ],
)  # fmt: skip
def test_a_window_that_is_none_comes_back_as_typed(
    operator: Client, start: str, end: str, field: str, words: str
) -> None:
    answer = operator.post(reverse("flexibility", args=["leeds-1"]), {"start": start, "end": end})
    page = read(answer)
    assert answer.status_code == 422
    assert page.problems()[0].startswith(words)
    assert (page.value("start"), page.value("end")) == (start, end)
    assert page.all("a", href=f"#{field}")
    assert page.faults() == []


def test_a_window_is_read_in_london_time(operator: Client, world: World) -> None:
    answer = operator.post(
        reverse("flexibility", args=["leeds-1"]), {"start": "2024-06-03T17:00", "end": "2024-06-03T18:00"}
    )
    assert answer.status_code == 302
    wish = OfferRequest.objects.latest("pk")
    assert wish.start_at == datetime(2024, 6, 3, 16, tzinfo=UTC)
    assert wish.end_at == datetime(2024, 6, 3, 17, tzinfo=UTC)


def test_an_offer_is_withdrawn_with_a_reason_only(operator: Client, world: World) -> None:
    offer = world.offers["published"]
    answer = operator.post(reverse("offer-withdraw", args=[offer.pk]), {"reason": "  "})
    page = read(answer)
    assert answer.status_code == 422
    assert page.problems() == ["Say why the offer is withdrawn. One sentence is enough. It is kept in the log."]
    assert page.faults() == []
    answer = operator.post(reverse("offer-withdraw", args=[offer.pk]), {"reason": "A chiller is down"}, follow=True)
    assert "The offer is off sale." in read(answer).text
    assert Offer.objects.get(pk=offer.pk).state == "WITHDRAWN"


def test_a_draft_is_published_and_an_unproved_one_is_not(operator: Client, world: World) -> None:
    answer = operator.post(reverse("offer-publish", args=[world.offers["draft"].pk]))
    assert "No back-test of like-day-mean-v1 was made for this offer." in read(answer).text
    wrong = operator.post(reverse("offer-publish", args=[world.offers["draft"].pk]), {"baseline_method": "guess"})
    assert "is no baseline of this product" in read(wrong).problems()[0]
    other = "meter-before-meter-after-v1"
    choosing = operator.get(reverse("offer-publish", args=[world.offers["draft"].pk]), {"baseline_method": other})
    assert f"No back-test of {other} was made for this offer." in read(choosing).text
    seen = {"accept_back_test": "on", "baseline_method": other}
    answer = operator.post(reverse("offer-publish", args=[world.offers["draft"].pk]), seen, follow=True)
    assert "The offer is on sale." in read(answer).text
    answer = operator.post(reverse("offer-publish", args=[world.offers["unproved"].pk]))
    page = read(answer)
    assert answer.status_code == 409
    assert page.problems() == ["No schedule was proved to deliver this offer. Draft the offer again."]
    assert not page.all("button", **{"class": "button button-main"})


def test_a_plan_is_asked_for(operator: Client, world: World) -> None:
    answer = operator.post(reverse("replan", args=["leeds-1"]), follow=True)
    assert "A new plan is being made." in read(answer).text
    world.site.refresh_from_db()
    assert world.site.replan_requested_at is not None


@pytest.mark.parametrize("kw", ["lots", "-5", "0", "1e99", "NaN", "0.00001"])
def test_a_search_for_no_power_keeps_its_words(grid: Client, kw: str) -> None:
    answer = grid.post(reverse("catalogue"), {"text": "leeds", "direction": "REDUCE", "min_kw": kw})
    page = read(answer)
    assert answer.status_code == 422
    assert page.problems() == [f"{kw!r} is not a power in kW. Write a number above 0, such as 250 or 412.5."]
    assert (page.value("text"), page.value("direction"), page.value("min_kw")) == ("leeds", "REDUCE", kw)
    assert page.faults() == []


def test_a_search_goes_on_to_its_answer(grid: Client, world: World) -> None:
    answer = grid.post(reverse("catalogue"), {"text": "leeds", "direction": "REDUCE", "min_kw": "1,250.5"})
    found = SearchResult.objects.latest("pk")
    assert answer["Location"] == f"{reverse('search', args=[found.pk])}?text=leeds&direction=REDUCE&min_kw=1%2C250.5"
    page = read(grid.get(answer["Location"]))
    assert (page.value("text"), page.value("min_kw")) == ("leeds", "1,250.5")
    assert "Waiting for the sellers." in page.text


def test_an_unknown_direction_is_refused_in_words(grid: Client) -> None:
    answer = grid.post(reverse("catalogue"), {"direction": "SIDEWAYS"})
    assert answer.status_code == 422
    assert read(answer).problems() == ["direction is 'SIDEWAYS'. Write REDUCE or INCREASE, or leave it out."]


def test_a_quote_for_more_than_is_on_offer_is_refused_before_it_is_sent(grid: Client, world: World) -> None:
    entry = reverse("catalogue-entry", args=[world.searches["answered"].pk, str(world.offers["published"].pk)])
    before = Purchase.objects.count()
    for kw, words in [
        ("300", "300 kW is more than the 262.5 kW on offer. Ask for less."),
        ("", "'' is not a power in kW."),
    ]:
        answer = grid.post(entry, {"kw": kw})
        page = read(answer)
        assert answer.status_code == 422
        assert page.problems()[0].startswith(words)
        assert page.value("kw") == kw
        assert page.faults() == []
    assert Purchase.objects.count() == before
    answer = grid.post(entry, {"kw": "100"})
    bought = Purchase.objects.latest("created_at")
    assert answer["Location"] == reverse("purchase", args=[bought.pk])
    assert bought.state == "QUOTING"


def test_each_step_of_a_purchase_waits_for_its_answer(grid: Client, world: World) -> None:
    for key, step, state in [
        ("quoted", "initialise", "INITIALISING"), ("initialised", "confirm", "CONFIRMING"), ("confirmed", "dispatch", "DISPATCHING"),
        ("active", "status", "ACTIVE"),
    ]:  # fmt: skip
        purchase = world.purchases[key]
        answer = grid.post(reverse("purchase-act", args=[purchase.pk, step]), follow=True)
        assert answer.redirect_chain == [(reverse("purchase", args=[purchase.pk]), 302)]
        purchase.refresh_from_db()
        assert purchase.state == state
        assert read(answer).faults() == []


def test_a_step_that_does_not_fit_is_refused_in_words(grid: Client, world: World) -> None:
    answer = grid.post(reverse("purchase-act", args=[world.purchases["settled"].pk, "dispatch"]))
    page = read(answer)
    assert answer.status_code == 409
    assert "This purchase is settled" in page.problems()[0]
    assert page.faults() == []
    assert grid.post(reverse("purchase-act", args=[world.purchases["settled"].pk, "resell"])).status_code == 404


def test_sign_in_says_nothing_about_who_exists(world: World) -> None:
    answers = []
    for email in ("operator@aire.example", "nobody@aire.example"):
        answer = Client().post(reverse("sign-in"), {"username": email, "password": "wrong", "next": "/offers"})
        page = read(answer)
        assert answer.status_code == 422
        assert page.value("username") == email
        assert page.value("password") == ""
        assert page.value("next") == "/offers"
        assert page.faults() == []
        answers.append(page.problems())
    assert (
        answers[0]
        == answers[1]
        == ["The e-mail address or the password is not right. Try again, or ask an administrator of your organisation."]
    )


def test_sign_in_goes_where_one_was_going_and_nowhere_else(world: World) -> None:
    for given, taken in (
        ("/offers?state=DRAFT", "/offers?state=DRAFT"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
    ):
        answer = Client().post(
            reverse("sign-in"), {"username": "Operator@Aire.example", "password": PASSWORD, "next": given}
        )
        assert answer.status_code == 302
        assert answer["Location"] == taken


def test_sign_out_ends_it(operator: Client) -> None:
    assert operator.post(reverse("sign-out"))["Location"] == "/sign-in"
    assert operator.get("/").status_code == 302


def test_a_partner_the_registry_does_not_know_is_said_in_words(grid: Client, world: World) -> None:
    Subscriber.objects.filter(role="bpp").delete()
    entry = reverse("catalogue-entry", args=[world.searches["answered"].pk, str(world.offers["published"].pk)])
    for path, typed in [
        (reverse("catalogue"), {"text": "leeds"}),
        (entry, {"kw": "100"}),
        (reverse("purchase-act", args=[world.purchases["initialised"].pk, "confirm"]), {}),
    ]:
        answer = grid.post(path, typed)
        page = read(answer)
        assert answer.status_code == 409
        assert page.problems() == [
            "The network's registry does not know this partner now, so nothing was sent. "
            "Search again. If it goes on, ask an administrator to look at the registry."
        ]
        assert page.faults() == []
    world.purchases["initialised"].refresh_from_db()
    assert world.purchases["initialised"].state == "INITIALISED"
