"""The HTTP server's process."""

import gc

from api.server import settle


def test_what_a_server_has_imported_is_left_out_of_later_garbage_collections():
    before = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > before + 10_000
        assert len(gc.get_objects(generation=2)) < 1_000
    finally:
        gc.unfreeze()
