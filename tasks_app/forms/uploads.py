"""A cap on what is taken in at all, before any form sees it."""

from __future__ import annotations

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

#: Far above what any form accepts with a sentence of its own.
MOST_BYTES = 50 * 1024 * 1024


class Cap(FileUploadHandler):
    """Hangs up on an upload that nobody could mean, so that it never fills the disk."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > MOST_BYTES:
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
