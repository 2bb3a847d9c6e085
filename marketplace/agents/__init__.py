"""The four agents and the housekeeper: time's door. Each tick observes, decides and acts through use cases only."""
