"""Commands of a Beckn participant."""
