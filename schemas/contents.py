"""The files that a version of a pack consists of."""

import hashlib
from collections.abc import Mapping

CONTENT_FILES_MAX = 640
"""How many files a version of a pack may have: rule files, lists and overlays."""

CONTENT_BYTES_MAX = 80 << 20
"""How many bytes all of them may have together."""

UNFINISHED = ".unfinished"
"""A file in a pack's folder while its files are exchanged for those of another version."""


def content_hash(files: Mapping[str, bytes]) -> str:
    """12 hexadecimal digits over the names and bytes of files, in whatever order they come."""
    digest = hashlib.sha256()
    for name, raw in sorted(files.items()):
        for part in (name.encode(), raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:12]
