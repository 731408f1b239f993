"""How the process keeps its memory, once everything that stays is loaded."""

import gc


def settle_memory() -> None:
    """What is alive now stays for good: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    # A request makes thousands of objects that die with it: looking for circles among them pays rarely.
    gc.set_threshold(20_000, 10, 10)
