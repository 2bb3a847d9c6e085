"""`python -m flex_engine`."""

import sys

from flex_engine.cli import main

sys.exit(main(sys.argv[1:]))
