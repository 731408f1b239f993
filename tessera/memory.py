"""How the process keeps its memory, once everything that stays is loaded."""

import gc

FILE_OBJECTS = 200_000
"""More than a chunk of a file makes while it is posted."""


def settle_memory(young: int = 20_000) -> None:
    """What is alive now stays for good: the collector need not look at it again and again.

    It looks when there are as many `young` objects more than before.
    """
    gc.collect()
    gc.freeze()
    # A request makes thousands of objects that die with it: looking for circles among them pays rarely.
    gc.set_threshold(young, 10, 10)
