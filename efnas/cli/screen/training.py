"""What a training shows: a live display on a terminal, plain lines elsewhere; and the tables of its answers."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Callable, List

from efnas.cli.screen.console import NARROW, console, progress_bar, table
from efnas.config import as_tree
from efnas.core.space import FLOW_SPACE
from efnas.runs.history import LOG
from efnas.runs.subnet_errors import SubnetErrors
from efnas.training.listener import Listener
from efnas.training.plan import Plan

LINE_EVERY_SECONDS = 15.0


def training_screen(silent: bool, chatter: Callable[[Path], None]) -> Listener:
    """The listener for this output, or one that shows nothing; use it in a `with`.

    `chatter` is told the log that libraries' own messages go to, once there is one.
    """
    if silent:
        return _Screen(chatter)
    return _LiveScreen(chatter) if console(stderr=True).is_terminal else _PlainScreen(chatter)


class _Screen(Listener):
    """Keeps what both displays show: where the run is, how fast it goes and how good it is."""

    def __init__(self, chatter: Callable[[Path], None]) -> None:
        self._chatter = chatter
        self.last_evaluation = None
        self._epe = "EPE -"
        self._bars = ExitStack()
        self._written = None
        self._first_step = 0

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        with suppress(OSError):
            self._bars.close()

    def say(self, line: str) -> None:
        """Show a line. A run goes on when its terminal, or who read its output, is gone."""
        with suppress(OSError):
            self.show(line)

    def show(self, line: str) -> None: ...

    def progress(self, epoch: int, step: int, figures: List[str]) -> None: ...

    def synthesis(self, done: int, total: int) -> None:
        if self._written is None:
            self._written = self._bars.enter_context(progress_bar("Writing synthetic pairs", "pairs"))
        self._written(done, total)

    def resuming(self, resumption) -> None:
        at = resumption.progress
        self._first_step = at.step
        self.say(f"Going on after step {at.step:,} (epoch {max(1, at.epoch)}), from {resumption.checkpoint.name}.")
        for each in resumption.found:
            if each.counts:
                self.say(f"  {each.key} was {each.left}, is {each.right}")

    def stopping(self, number) -> None:
        self.say(f"{number.name}: finishing the step and saving; a second Ctrl-C ends at once.")

    def begin(self, plan: Plan) -> None:
        self._chatter(plan.config.runtime.run_folder / LOG)
        self._bars.close()
        self.plan = plan
        self._began, self._samples = time.monotonic(), 0
        self.say(
            f"Training {plan.config.runtime.experiment_name}: {plan.config.train.num_epochs} epochs of "
            f"{plan.steps_per_epoch} steps on {len(plan.sets.train):,} pairs ({plan.device.name})."
        )

    def step(self, epoch, step, result, rate, samples) -> None:
        self._samples += samples
        speed = self._samples / max(1e-9, time.monotonic() - self._began)
        figures = [f"loss {result.loss:.3f}", self._epe, f"{speed:,.1f} samples/s", f"lr {rate:.1e}"]
        self.progress(epoch, step, figures)

    def evaluated(self, moment, evaluation, figures, best) -> None:
        self.last_evaluation = evaluation
        self._epe = f"EPE {figures['mean']:.3f}"
        self.say(
            f"epoch {moment.epoch:>3}  loss {moment.train_loss:.3f}  EPE {figures['mean']:.3f} ±{figures['std']:.3f}  "
            f"baseline {figures['baseline']:.3f}  zero flow {figures['zero']:.3f}{'  best' if best else ''}"
        )


class _PlainScreen(_Screen):
    _last_line = 0.0

    def show(self, line: str) -> None:
        print(line, flush=True)

    def progress(self, epoch: int, step: int, figures: List[str]) -> None:
        if time.monotonic() - self._last_line > LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            seconds = (time.monotonic() - self._began) / (step - self._first_step)
            left = seconds * (self.plan.total_steps - step)
            self.say(
                f"  epoch {epoch}/{self.plan.config.train.num_epochs}  step {step}/{self.plan.total_steps}  "
                f"{'  '.join(figures)}  {left:,.0f} s left"
            )


class _LiveScreen(_Screen):
    _progress = None

    def begin(self, plan: Plan) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().begin(plan)
        screen = console(stderr=True)
        bar = [BarColumn(bar_width=20)] if screen.width >= 110 else []
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/" + str(plan.config.train.num_epochs)),
            *bar,
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=screen,
            transient=True,
        )
        self._task = self._progress.add_task(
            "building the graph", total=plan.total_steps, epoch=1, completed=self._first_step
        )
        self._bars.enter_context(self._progress)

    def show(self, line: str) -> None:
        (self._progress.console if self._progress else console(stderr=True)).print(line)

    def progress(self, epoch: int, step: int, figures: List[str]) -> None:
        shown = figures[:-1] if self._progress.console.width < NARROW else figures
        self._progress.update(self._task, completed=step, epoch=epoch, description="  ".join(shown))

    def evaluating(self, epoch: int) -> None:
        self._progress.update(self._task, description=f"evaluating the pool after epoch {epoch}")


def ranking_table(title: str, evaluation: SubnetErrors):
    """Archs by their error, with the baseline marked and predicting zero as the line to beat."""
    rows = []
    for rank, arch in enumerate(evaluation.ranking(), start=1):
        note = "bilinear baseline" if arch == FLOW_SPACE.baseline else ""
        rows.append(
            (rank, arch, f"{evaluation.epe[arch]:.4f}", f"{evaluation.epe[arch] / evaluation.zero_epe:.3f}", note)
        )
    rows.append(("", "predicting zero", f"{evaluation.zero_epe:.4f}", "1.000", ""))
    return table(f"{title} ({evaluation.samples} pairs)", [">rank", "arch", ">EPE px", ">of zero flow", ""], rows)


def show_plan(plan: Plan) -> None:
    """The resolved configuration and what a run with it is going to do."""
    rows = [
        (f"{section}.{key}", "-" if value is None else value)
        for section, values in as_tree(plan.config).items()
        for key, value in values.items()
    ]
    screen = console()
    screen.print(table("Configuration", ["key", "value"], rows))
    train = plan.config.train
    facts = [
        ("device", plan.device.name),
        ("training pairs", f"{len(plan.sets.train):,} from {plan.sets.train.source}"),
        ("validation pairs", f"{len(plan.sets.val):,} from {plan.sets.val.source}"),
        ("an epoch", f"{plan.samples_per_epoch:,} samples, {plan.steps_per_epoch:,} steps of {train.batch_size}"),
        ("the run", f"{train.num_epochs} epochs, {plan.total_steps:,} strict-fairness steps"),
        ("run folder", plan.config.runtime.run_folder),
        ("checkpoints", f"about {plan.checkpoint_bytes / 1e6:,.0f} MB; {plan.free_bytes / 1e9:,.1f} GB free"),
    ]
    screen.print(table("Plan", ["", ""], facts))
    print("Everything is in order; nothing was trained.")
