"""Programs come in here: REST under /api/v1, one file per noun. It translates, makes one call and renders; it decides nothing."""
