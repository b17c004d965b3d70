"""What of several processes is shown: what the first one says, and errors that another alone has."""

import os
import socket
import sys
from typing import Callable, Optional

from efnas.cli.click import get_current_context
from efnas.ranks import Ranks, join, launched


def joined(prepare: Callable[[], None] = lambda: None) -> Ranks:
    """Meet the other processes of the launcher, where there is one; all but the first are silent from then on.

    It imports TensorFlow, for which `prepare` has to be done before.
    """
    if launched()[1] > 1:
        prepare()
    ranks = join()
    context = get_current_context()
    if not ranks.first:
        context.params["quiet"] = True
        sys.stdout = open(os.devnull, "w")
    context.find_root().obj = ranks
    return ranks


def told_here(message: str, of_all_ranks: bool = True) -> Optional[str]:
    """The words of this process for how it ends; None where all ranks end so, and the first says it."""
    rank = launched()[0]
    if rank == 0:
        return message
    return None if of_all_ranks else f"On {socket.gethostname()}, rank {rank}: {message}"
