"""What a training shows: a live display on a terminal, plain lines elsewhere; and the tables of its answers."""

import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, List

from efnas.cli.run_names import options_for
from efnas.cli.screen.console import NARROW, console, is_quiet, print_json, print_next, table
from efnas.cli.screen.progress import progress_bar
from efnas.cli.screen.tables import difference_table, ranking_table
from efnas.config import as_tree, frames_told
from efnas.core.alone import in_words
from efnas.dotted import dotted
from efnas.runs.history import LOG
from efnas.runs.resume import NotTheSameRun
from efnas.training.events import Began, Evaluated, Evaluating, Event, Stepped, Stopped
from efnas.training.plan import Plan
from efnas.training.stopping import RunStopped

LINE_EVERY_SECONDS = 15.0


def training_screen(silent: bool, messages: Callable[[Path], None]) -> "TrainingScreen":
    """The screen for this output; use it in a `with`.

    `messages` is told the log that libraries' own messages go to, once there is one.
    """
    if silent or is_quiet():
        return TrainingScreen(messages)
    return LiveScreen(messages) if console(stderr=True).is_terminal else PlainScreen(messages)


class TrainingScreen:
    """Shows nothing while a run goes, and keeps what both displays show: where it is, how fast, and how good."""

    def __init__(self, messages: Callable[[Path], None]) -> None:
        self._messages = messages
        self._epe = "EPE -"
        self._bars = ExitStack()
        self._written = None
        self._first_step = 0
        self.last_errors = None
        self.last_event = None

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        with suppress(OSError):
            self._bars.close()

    def say(self, line: str) -> None:
        """Show a line. A run goes on when its terminal, or who read its output, is gone."""
        with suppress(OSError):
            self.line(line)

    def line(self, line: str) -> None: ...

    def progress(self, plan: Plan, epoch: int, step: int, figures: List[str]) -> None: ...

    def evaluating(self, epoch: int, done: int, total: int) -> None: ...

    def synthesis(self, done: int, total: int) -> None:
        if self._written is None:
            self._written = self._bars.enter_context(progress_bar("Writing synthetic pairs", "pairs"))
        self._written(done, total)

    def stopping(self, number: signal.Signals) -> None:
        self.say(f"{number.name}: finishing the step and saving; a second Ctrl-C ends at once.")

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """A run that is refused is shown with what differs."""
        try:
            yield
        except NotTheSameRun as error:
            found = [each for each in error.found if each.counts]
            console(stderr=True).print(difference_table(found, "run", "now"))
            raise

    def show(self, plan: Plan, event: Event) -> None:
        self.last_event = event
        if isinstance(event, Began):
            self.begin(plan, event)
        elif isinstance(event, Stepped):
            self._samples += event.samples
            speed = self._samples / max(1e-9, time.monotonic() - self._began)
            rate = f"lr {event.rate:.1e}"
            figures = [f"loss {event.result.loss:.3f}", self._epe, f"{speed:,.1f} samples/s", rate]
            self.progress(plan, event.epoch, event.step, figures)
        elif isinstance(event, Evaluating):
            self.evaluating(event.epoch, event.done, event.total)
        elif isinstance(event, Evaluated):
            self.evaluated(event)

    def begin(self, plan: Plan, event: Began) -> None:
        self._messages(plan.config.runtime.run_folder / LOG)
        self._bars.close()
        self._began, self._samples = time.monotonic(), 0
        if event.resumption:
            at = event.resumption.progress
            self._first_step = at.step
            came_from = event.resumption.checkpoint.name
            self.say(f"Going on after step {at.step:,} (epoch {max(1, at.epoch)}), from {came_from}.")
            for each in event.resumption.found:
                if each.counts:
                    self.say(f"  {each.key} was {each.left}, is {each.right}")
        elif plan.beginning:
            self.say(f"Beginning with the weights of {plan.beginning.checkpoint}.")
        what = "" if plan.supernet.arch is None else f", {in_words(plan.supernet.arch)} alone"
        self.say(
            f"Training {plan.config.runtime.experiment_name}{what}: {plan.config.train.num_epochs} epochs of "
            f"{plan.steps_per_epoch} steps on {len(plan.sets.train):,} pairs{frames_told(plan.config.data.geometry)} "
            f"({plan.device.name})."
        )

    def evaluated(self, event: Evaluated) -> None:
        self.last_errors, figures, milestone = event.errors, event.figures, event.milestone
        self._epe = f"EPE {figures['mean']:.3f}"
        loss = f"loss {milestone.train_loss:.3f}" if milestone.step else "at the start"
        many = "baseline" in figures
        spread = f" ±{figures['std']:.3f}  baseline {figures['baseline']:.3f}" if many else ""
        self.say(
            f"epoch {milestone.epoch:>3}  {loss}  {self._epe}{spread}  zero flow {figures['zero']:.3f}"
            f"{'  best' if event.best else ''}"
        )

    def show_plan(self, plan: Plan) -> None:
        show_plan(plan)

    def answer(self, plan: Plan, as_json: bool) -> None:
        """How the run ended. Raises RunStopped when a signal asked for it."""
        end, metric = self.last_event, plan.config.eval.best_metric
        if isinstance(end, Stopped):
            raise RunStopped(
                f"{end.number.name} came; the run is saved after step {end.step:,}. Go on with: efnas train --resume "
                f"--experiment-name {end.folder.name} --output-root {end.folder.parent}",
                end.number,
            )
        if as_json:
            geometry = plan.config.data.geometry
            print_json({**end._asdict(), "folder": str(end.folder), "metric": metric, "geometry": geometry})
            return
        if self.last_errors:
            supernet, errors = plan.supernet, self.last_errors
            what = "Subnets of the pool" if supernet.arch is None else f"{in_words(supernet.arch).capitalize()} alone"
            title = f"{what}, last evaluation{frames_told(plan.config.data.geometry)}"
            console().print(ranking_table(title, errors, supernet.baseline_subnet))
            if errors.chance():
                print(errors.chance())
        else:
            print(f"The run was finished already, after {end.steps:,} steps.")
        best = f"Best {metric} EPE" if plan.supernet.arch is None else "Best EPE"
        print(
            f"{best} {end.best:.4f} px in epoch {end.best_epoch}, {end.best / end.zero_epe:.2f} of "
            f"predicting zero ({end.zero_epe:.4f} px)"
            + (f"; {end.steps:,} steps in {end.seconds:.0f} s." if self.last_errors else ".")
        )
        print(f"The run is in {end.folder}.")
        print_next(f"efnas eval {options_for(end.folder)}")


class PlainScreen(TrainingScreen):
    _last_line = 0.0

    def line(self, line: str) -> None:
        print(line, flush=True)

    def progress(self, plan: Plan, epoch: int, step: int, figures: List[str]) -> None:
        if time.monotonic() - self._last_line > LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            seconds = (time.monotonic() - self._began) / (step - self._first_step)
            left = seconds * (plan.total_steps - step)
            self.say(
                f"  epoch {epoch}/{plan.config.train.num_epochs}  step {step}/{plan.total_steps}  "
                f"{'  '.join(figures)}  {left:,.0f} s left"
            )


class LiveScreen(TrainingScreen):
    _progress = None

    def begin(self, plan: Plan, event: Began) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().begin(plan, event)
        screen = console(stderr=True)
        self._what = "the pool" if plan.supernet.arch is None else "the subnet"
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

    def line(self, line: str) -> None:
        (self._progress.console if self._progress else console(stderr=True)).print(line)

    def progress(self, plan: Plan, epoch: int, step: int, figures: List[str]) -> None:
        shown = figures[:-1] if self._progress.console.width < NARROW else figures
        self._progress.update(self._task, completed=step, epoch=epoch, description="  ".join(shown))

    def evaluating(self, epoch: int, done: int, total: int) -> None:
        self._progress.update(self._task, description=f"evaluating {self._what} after epoch {epoch}: {done}/{total}")


def show_plan(plan: Plan) -> None:
    """The resolved configuration and what a run with it is going to do."""
    rows = [(key, "-" if value is None else value) for key, value in dotted(as_tree(plan.config))]
    screen, arch = console(), plan.supernet.arch
    held = "held out of" if plan.config.data.val_holdout else "from"
    kind = "strict-fairness steps" if arch is None else f"steps of {in_words(arch)} alone"
    screen.print(table("Configuration", ["key", "value"], rows))
    facts = [
        ("device", plan.device.name),
        ("training pairs", f"{len(plan.sets.train):,} from {plan.sets.train.source}"),
        ("validation pairs", f"{len(plan.sets.val):,} {held} {plan.sets.val.source}"),
        ("begins with", plan.beginning.checkpoint if plan.beginning else "first values by name and seed"),
        (
            "an epoch",
            f"{plan.samples_per_epoch:,} samples, {plan.steps_per_epoch:,} steps of {plan.config.train.batch_size}",
        ),
        ("the run", f"{plan.config.train.num_epochs} epochs, {plan.total_steps:,} {kind}"),
        ("run folder", plan.config.runtime.run_folder),
        ("checkpoints", f"about {plan.checkpoint_bytes / 1e6:,.0f} MB; {plan.free_bytes / 1e9:,.1f} GB free"),
    ]
    screen.print(table("Plan", ["", ""], facts))
    print("Everything is in order; nothing was trained.")
