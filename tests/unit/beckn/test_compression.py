from __future__ import annotations

import pytest
from django.db import connection

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def test_bodies_are_compressed_the_fast_way_where_the_server_can():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
        can = cursor.fetchone() == (True,)
        cursor.execute(
            "SELECT attrelid::regclass::text, attcompression FROM pg_attribute "
            "WHERE attname = 'raw' AND attrelid IN ('beckn_inboxmessage'::regclass, 'beckn_outboxmessage'::regclass)"
        )
        chosen = dict(cursor.fetchall())
    assert chosen == dict.fromkeys(("beckn_inboxmessage", "beckn_outboxmessage"), "l" if can else "")
