"""Keeps the process small: what a large fleet's pages and answers need for a moment goes back to the system."""

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_ARENAS = 2
_LARGE = 64 * 1024


def bound_heap() -> None:
    """Tell glibc to share two heaps among all threads, and to give large blocks back; other C libraries are left alone.

    By default each thread gets a heap of its own, which keeps the largest answer it ever parsed, and the size from which
    blocks go back to the system grows with the largest page ever made: RSS would creep up for hours.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)


def spare_collections() -> None:
    """Let the garbage collector look at everything only rarely: looking at a large fleet's cases stops all threads for 0.1 s.

    What is replaced by each reading is in no cycles, and is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 100)
