"""Anybody may read a type's documents, and keep them."""

from __future__ import annotations

import pytest
from django.test import Client

from beckn.wire import types


@pytest.mark.parametrize("kind", types.TYPES)
@pytest.mark.parametrize("name", types.DOCUMENTS)
def test_every_document_is_public_and_cacheable(kind: str, name: str) -> None:
    address = types.address(kind, name).removeprefix("https://caco.example")
    response = Client().get(address)
    assert response.status_code == 200
    assert response["Content-Type"].startswith(types.DOCUMENTS[name][0])
    assert (response["Cache-Control"], response["Access-Control-Allow-Origin"]) == ("public, max-age=86400", "*")
    assert response.content.decode() == types.document(kind, name)[1]
    assert not response.cookies
    again = Client().get(address, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/schema/Battery/v1.0/schema.json", "/schema/FlexTracking/v1.0/x", "/schema/FlexTracking/v2.0/schema.json"],
)
def test_other_addresses_are_not_found(address: str) -> None:
    assert Client().get(address).status_code == 404
