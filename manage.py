#!/usr/bin/env python3
"""Django's command line for CACO."""

import importlib.util
import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
    if importlib.util.find_spec("django") is None:
        sys.exit("CACO is not set up yet. Run script/setup, then use .venv/bin/python manage.py")
    if sys.argv[1:2] == ["up"]:  # it supervises for days, so it starts without Django and stays small
        from caco_site.supervisor.command import main as up

        sys.exit(up(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
