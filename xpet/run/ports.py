"""What the runs need from the layers beside and above: the tree, the packer, the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, cast

from xpet.run.blocks import Block
from xpet.run.report import BlockReport
from xpet.store.packets import LeafData

if TYPE_CHECKING:
    from concurrent.futures import Future


class Leaf(Protocol):
    """A leaf that a job added, as the tree has it."""

    @property
    def v_template(self) -> str: ...
    @property
    def v_kind(self) -> str: ...
    @property
    def v_class_name(self) -> str: ...
    @property
    def v_comment(self) -> str: ...
    def f_notes(self) -> dict[str, object]: ...
    def f_items(self) -> dict[str, object]: ...


class Tree(Protocol):
    """The tree in run mode; :class:`xpet.tree.root.Root` is one."""

    @property
    def v_is_run(self) -> bool: ...
    def enter_run(self, run: int, point: Sequence[object] | None = None) -> None: ...
    def leave_run(self) -> Sequence[Leaf]: ...
    def take_dropped(self) -> Sequence[str]: ...
    def without_ranges(self) -> Tree: ...


class Packer(Protocol):
    """Where a worker puts finished runs; one per worker.

    ``complete`` either makes the run durable or leaves nothing of it behind: an OSError says that the journal cannot be
    written, which stops the study, anything else that a value cannot be kept, which makes the run a failed one.
    It may tell how many bytes it took that are worth freeing at once.
    """

    def begin(self, block: int, first_run: int) -> None: ...
    def complete(
        self, run: int, leaves: Sequence[LeafData], started: float, duration: float, attempt: int = 0
    ) -> int | None: ...
    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None: ...
    def end(self) -> None: ...


class Journal(Protocol):
    """What the coordinator asks of the journal."""

    def finished(self, block: Block) -> Mapping[int, str | None]:
        """Runs of the block that the journal has from this launch: None if complete, else the error as text."""
        ...

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        """Record a failure that no worker could record itself."""
        ...

    def fold(self) -> object:
        """Fold what is in the journal into columns and publish; called while workers go on."""
        ...


class Executor(Protocol):
    """What calls functions and returns futures, as :class:`concurrent.futures.Executor` does."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]: ...


Submit: TypeAlias = "Callable[..., Future[Any]]"
"""An executor's method of this name."""


class Gone(NamedTuple):
    """The job ended its worker."""

    reason: str


Answer: TypeAlias = BlockReport | Gone | Exception | None
"""What comes of a block: its report; the error that ends the study; None: the worker does not know what to do."""


class Way(Protocol):
    """How a block becomes a call of an executor."""

    def submit(self, submit: Submit, block: Block, is_missing: bool) -> Future[Any]:
        """Hand a block in; `is_missing`: the worker that got it before did not know what to do."""
        ...

    def read(self, result: object) -> Answer:
        """Read what the call returned."""
        ...

    def stop(self) -> None:
        """Let every worker end with its present run, where they can be told."""
        ...


class PackerSpec(NamedTuple):
    """How a worker, in whatever process, opens its packer.

    Attributes
    ----------
    factory : str
        ``'module:name'`` of a callable that returns a :class:`Packer`.
    args : tuple
        Its arguments; they must pickle.
    check : str
        ``'module:name'`` of a callable with the same arguments, which raises where that would write elsewhere.
    """

    factory: str
    args: tuple[object, ...] = ()
    check: str = ""

    def open(self) -> Packer:
        """Open the packer in this process."""
        return cast(Packer, load(self.factory)(*self.args))

    def check_place(self) -> None:
        """Raise unless what is packed here arrives; for workers that may be on another machine."""
        if self.check:
            load(self.check)(*self.args)


def load(name: str) -> Callable[..., object]:
    """Import what a ``'module:name'`` string names."""
    module, _, attribute = name.partition(":")
    return cast(Callable[..., object], getattr(import_module(module), attribute))
