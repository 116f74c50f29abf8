"""How much memory a process and its children hold."""

import psutil


def tree_memory(tree: psutil.Process, shared_once: bool = False) -> int:
    """Bytes of a process and its children.

    Parameters
    ----------
    shared_once
        Count pages that they share once, where the system tells (PSS, Linux), which takes longer; else add up RSS.
    """
    total = 0
    try:
        family = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            held = process.memory_full_info() if shared_once else process.memory_info()
            total += getattr(held, "pss", held.rss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
