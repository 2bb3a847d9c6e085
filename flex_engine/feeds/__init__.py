"""Network sources and files of grid signals, one source per file."""
