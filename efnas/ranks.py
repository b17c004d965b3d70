"""The processes that `horovodrun` starts to do one thing together: which of them this is, what it says to the others.

Where no launcher started it a process is alone: Horovod is not imported, no operator is added to a graph, and all that
is here does nothing. Whatever is said to the others all of them say, in the same order.
"""

import os
import pickle
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

from efnas.errors import EfnasError, brief

if TYPE_CHECKING:
    from efnas.backend import Device

# What the variables begin with in which launchers say rank, size and local rank: Horovod's own, and Open MPI's.
LAUNCHERS = ("HOROVOD_", "OMPI_COMM_WORLD_")

Value = TypeVar("Value")


class SaidByFirst(EfnasError):
    """What all ranks end with, and the first alone says."""

    of_all_ranks = True

    def __init__(self, message: str, exit_code: int = 2):
        super().__init__(message)
        self.exit_code = exit_code


class Part(NamedTuple):
    """Where the samples lie that a rank reads of a batch, and what of the batch they stand for."""

    where: slice
    share: float

    @property
    def samples(self) -> int:
        return self.where.stop - self.where.start


class Ranks:
    """Rank `rank` of `size`, number `local_rank` of the `neighbours` on its machine, of which `sharing` have the same
    cores."""

    def __init__(self, rank: int = 0, size: int = 1, local_rank: Optional[int] = None, horovod: Any = None):
        self.rank, self.size, self.local_rank, self.neighbours, self.sharing = rank, size, local_rank, 1, 1
        self._horovod = horovod
        if horovod is not None:
            self._messages = _Messages(horovod)
            host, cores = place = socket.gethostname(), tuple(sorted(os.sched_getaffinity(0)))
            places = self.gathered(place)
            self.neighbours, self.sharing = [each for each, _ in places].count(host), places.count(place)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def part(self, begin: int, end: int) -> Part:
        """Its part of a batch that lies from `begin` to `end`, as even as it goes; the last are the smaller ones.

        Without a sample of its own, in a batch with fewer samples than ranks, it reads one of another's, which counts
        nothing.
        """
        least, more = divmod(end - begin, self.size)
        own = least + (self.rank < more)
        start = min(begin + self.rank * least + min(self.rank, more), end - 1)
        return Part(slice(start, start + max(own, 1)), own / (end - begin))

    def dealt(self, items: List[Value]) -> List[Value]:
        """Every `size`-th of them, from its own on."""
        return items[self.rank :: self.size]

    def sum(self, tensors: Sequence[Any]) -> List[Any]:
        """The sums over the ranks of float32 tensors, in one message, which are the same to the bit on all."""
        if self.size == 1:
            return list(tensors)
        total = self._horovod.Sum
        return _as_one(tensors, lambda vector: self._horovod.allreduce(vector, op=total, name="sum_over_ranks"))

    def copy_first(self, session, variables: Sequence[Any]) -> None:
        """Give float32 variables the values that they have on the first rank."""
        if self.size == 1:
            return
        values = _as_one(variables, lambda vector: self._horovod.broadcast(vector, root_rank=0, name="of_the_first"))
        with _whole():
            session.run([variable.assign(value).op for variable, value in zip(variables, values)])

    def gathered(self, value: Value) -> List[Value]:
        """The values of all ranks, in their order. Raises SaidByFirst when one has ended."""
        if self.size == 1:
            return [value]
        with _whole():
            return self._messages.gathered(value)

    def any(self, value: Optional[Value]) -> Optional[Value]:
        """That of the first rank that has one."""
        return next((each for each in self.gathered(value) if each is not None), None)

    def require_same(self, what: Mapping[str, Any]) -> None:
        """Raises EfnasError, naming the first key, where ranks would not do the same; called by all of them."""
        first, *others = self.gathered(what)
        for rank, other in enumerate(others, start=1):
            for key, value in first.items():
                if other.get(key) != value:
                    raise SaidByFirst(
                        f"The ranks do not see the same: {key} is {brief(value)} on rank 0 and {brief(other.get(key))} "
                        f"on rank {rank}."
                    )

    def device(self, gpu_device: Optional[int], threads: int) -> "Device":
        """What it computes on (see `backend.select_device`): the GPU of its number on the machine, where there are
        any. Raises EfnasError where one GPU was asked for."""
        from efnas.backend import select_device

        if self.size == 1:
            return select_device(gpu_device, threads)
        if gpu_device not in (None, -1):
            raise EfnasError(
                "runtime.gpu_device is one GPU, and each rank takes its own: leave it out, or -1: the CPU."
            )
        device = select_device(gpu_device, threads, self.local_rank, self.sharing)
        return device._replace(name=f"{self.size} x {device.name}")

    def of_first(self, work: Callable[[], Value]) -> Value:
        """What it is on the first rank, where alone it is done; what it refuses there is refused on all."""
        with self.together():
            value = work() if self.first else None
        return self.gathered(value)[0]

    def after_first(self, work: Callable[[], Value]) -> Value:
        """Done on the first rank and then on the others, which find what it left; refused on one, refused on all."""
        for turn in (True, False) if self.size > 1 else (True,):
            with self.together():
                if self.first == turn:
                    value = work()
        return value

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is refused on one rank (an EfnasError) is on all of them, and said once, by the first."""
        if self.size == 1:
            yield
            return
        refused = None
        try:
            yield
        except EfnasError as error:
            refused = error
        told = self.gathered(refused and (str(refused), refused.exit_code, socket.gethostname()))
        by, first = next(((rank, each) for rank, each in enumerate(told) if each), (None, None))
        if refused and self.first:
            raise refused
        if first:
            message, code, host = first
            raise SaidByFirst(message if by == 0 else f"On {host}, rank {by}: {message}", code)

    @staticmethod
    def require_whole(error: Exception) -> None:
        """Raises SaidByFirst where an error of TensorFlow is that another rank has ended."""
        if "horovod" in str(error).lower():
            raise SaidByFirst(
                "Another rank ended before its time (what it said stands above, or in the launcher's output). What was "
                "saved is whole: the same command goes on, a training with --resume.",
                1,
            ) from error


ALONE = Ranks()


def launched(environment: Mapping[str, str] = os.environ) -> Tuple[int, int, int]:
    """Rank, size and local rank that a launcher gave this process; without one 0, 1, 0."""
    for launcher in LAUNCHERS:
        if launcher + "SIZE" in environment:
            return tuple(int(environment[launcher + what]) for what in ("RANK", "SIZE", "LOCAL_RANK"))
    return 0, 1, 0


def join() -> Ranks:
    """Meet the other processes of the launcher; ALONE where there are none. Raises EfnasError without Horovod."""
    rank, size, local_rank = launched()
    if size == 1:
        return ALONE
    import efnas.backend  # noqa: F401 sets TensorFlow up before Horovod imports it

    try:
        import horovod.tensorflow as horovod
    except ImportError as error:
        raise SaidByFirst("More than one process needs Horovod in this environment: make horovod builds it.") from error
    horovod.init()
    return Ranks(rank, size, local_rank, horovod)


class _Messages:
    """Plain values from each rank to all: their bytes, through a session of its own on the CPU."""

    def __init__(self, horovod: Any):
        from efnas.backend import tf

        with tf.Graph().as_default() as graph, tf.device("/cpu:0"):
            self._said = tf.placeholder(tf.uint8, [None])
            lengths = horovod.allgather(tf.shape(self._said), name="lengths_of_messages")
            self._all = lengths, horovod.allgather(self._said, name="messages")
        config = tf.ConfigProto(device_count={"GPU": 0}, intra_op_parallelism_threads=1, use_per_session_threads=True)
        self._session = tf.Session(graph=graph, config=config)

    def gathered(self, value: Value) -> List[Value]:
        import numpy as np

        said = np.frombuffer(pickle.dumps(value), np.uint8)
        lengths, heard = self._session.run(self._all, {self._said: said})
        return [pickle.loads(each.tobytes()) for each in np.split(heard, np.cumsum(lengths)[:-1])]


def _as_one(tensors: Sequence[Any], send: Callable[[Any], Any]) -> List[Any]:
    """Tensors that go as one vector, not as hundreds of small ones, and whose sums then have one order of adding."""
    from efnas.backend import tf

    flat = [tf.reshape(tensor, [-1]) for tensor in tensors]
    parts = tf.split(send(tf.concat(flat, 0)), [each.shape.num_elements() for each in flat])
    return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors)]


@contextmanager
def _whole() -> Iterator[None]:
    from efnas.backend import tf

    try:
        yield
    except tf.errors.OpError as error:
        Ranks.require_whole(error)
        raise
