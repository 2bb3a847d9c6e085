"""Everything in one process group: `manage.py up`. It knows processes, ports and files, and loads no Django, so it stays small."""
