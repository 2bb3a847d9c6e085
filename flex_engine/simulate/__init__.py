"""Made-up signals, jobs and meter readings, always labelled SIMULATED."""
