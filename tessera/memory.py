"""How the process keeps its memory, once everything that stays is loaded."""

import gc


def settle_memory(young: int = 20_000) -> None:
    """What is alive now stays for good: the collector need not look at it again and again.

    A request makes thousands of objects that die with it, a chunk of a file ten times as many (`FILE_OBJECTS`): looking
    for circles among them pays rarely. It looks when there are as many more than there were before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 10, 10)


FILE_OBJECTS = 200_000
