"""Errors are told to the person at the screen, and the panel goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import slicer


@contextmanager
def telling(message: str, waitCursor: bool = False) -> Iterator[None]:
    """Tell in a window what failed in this block, once, and go on behind it.

    ``slicer.util.tryWithErrorDisplay`` shows the window and raises the error again. What stands behind the block, such
    as showing where things are now, would be left out then, and a block around this one would tell the same again.

    Parameters
    ----------
    message
        What did not happen; the reason follows it.
    """
    try:
        with slicer.util.tryWithErrorDisplay(message, waitCursor=waitCursor):
            yield
    except Exception:
        logging.exception(message)
