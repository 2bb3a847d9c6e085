"""One small valid contract, for tests that do not care what is sold."""

from decimal import Decimal

CONTRACT = {
    "id": "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10",
    "status": {"code": "DRAFT"},
    "commitments": [
        {
            "id": "commitment-1",
            "status": {"descriptor": {"code": "DRAFT"}},
            "resources": [{"id": "r1", "quantity": {"unitCode": "kW", "unitQuantity": Decimal("1200.5")}}],
            "offer": {"id": "o1", "resourceIds": ["r1"]},
        }
    ],
}
