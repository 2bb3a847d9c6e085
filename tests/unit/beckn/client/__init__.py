"""The standalone buyer, room by room."""
