"""Use cases: one verb a file, one public function each, keyword-only. They call rules, models, events and the engine."""
