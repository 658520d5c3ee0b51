"""Opening ZIP archives that strangers made: Office files among documents, workbooks among imports.

Python's library reads an archive's list of parts whole, into objects some ten times its size, and as long as it
says itself.  So the list's length is looked at first.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

LARGEST_DIRECTORY = 4 * 1024 * 1024  # a large report or workbook has some 100 kB


class LargeDirectory(Exception):
    """The list of parts is longer than that of any file people make."""


@contextmanager
def open_archive(stream: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The archive, its parts still packed.  stream: can be wound back.

    Raises LargeDirectory, zipfile.BadZipFile; what reading its parts raises comes as it is.
    """
    _refuse_large_directory(stream)
    with zipfile.ZipFile(stream) as archive:
        yield archive


def _refuse_large_directory(stream: IO[bytes]) -> None:
    # The size is asked of the library, since an archive can be made to say something else to whoever looks for the
    # record by himself.
    stream.seek(0)
    record = zipfile._EndRecData(stream)  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    stream.seek(0)
    if record is None:
        raise zipfile.BadZipFile("no list of parts")
    if record[zipfile._ECD_SIZE] > LARGEST_DIRECTORY:  # type: ignore[attr-defined]  # noqa: SLF001
        raise LargeDirectory
