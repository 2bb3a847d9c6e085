#!/usr/bin/env python3
"""Django's command line for CACO."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("CACO is not set up yet. Run script/setup, then use .venv/bin/python manage.py")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
