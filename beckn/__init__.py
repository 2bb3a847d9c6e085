"""The Beckn protocol: wire formats, signatures, registry, inbox and outbox. It knows neither the market nor the engine."""
