"""What a run keeps of what happens: its histories and log, the curves for TensorBoard, at the end its report."""

from typing import Optional

import tensorflow.compat.v1 as tf

from efnas.runs.history import History
from efnas.runs.report import write_report
from efnas.training.events import (
    Began,
    EpochTrained,
    Evaluated,
    Event,
    Finished,
    NotFinite,
    Stepped,
    Stopped,
)


class Recording:
    """Use it in a `with`, which closes the history too; `keep` writes an event down."""

    def __init__(self, history: History, manifest: dict):
        self._history, self._manifest = history, manifest
        self._last: Optional[Evaluated] = None
        self._curves = tf.summary.FileWriter(str(history.folder / "tensorboard"))

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_) -> None:
        self._curves.close()
        self._history.close()

    def keep(self, event: Event) -> None:
        if isinstance(event, Began) and event.resumption:
            step = event.resumption.progress.step
            self._history.log(f"resumed at step {step} from {event.resumption.checkpoint.name}")
            # TensorBoard drops what an earlier process wrote after this step.
            self._curves.add_session_log(tf.SessionLog(status=tf.SessionLog.START), step)
        elif isinstance(event, Stepped):
            loss, loss_with_decay, norm = event.result
            self._draw(event.step, loss=loss, loss_with_decay=loss_with_decay, learning_rate=event.rate,
                       gradient_norm=norm)  # fmt: skip
        elif isinstance(event, EpochTrained):
            self._history.log(
                f"epoch {event.epoch}: step {event.step}, loss {event.loss:.5f}, coverage {event.coverage:.1%}"
            )
        elif isinstance(event, Evaluated):
            self._keep_evaluation(event)
        elif isinstance(event, NotFinite):
            step, result, codes, samples = event
            self._history.log(f"not finite at step {step}: {result}; codes {codes.tolist()}; samples {samples}")
        elif isinstance(event, Stopped):
            self._history.log(f"stopped by {event.number.name} after step {event.step}")
        elif isinstance(event, Finished):
            if event.stopped_early:
                self._history.log("early stop: the evaluations of its patience brought no gain")
            write_report(self._history.folder, self._manifest, event, self._last.errors)

    def _keep_evaluation(self, event: Evaluated) -> None:
        self._last = event
        self._history.add_evaluation(event.milestone, event.errors, event.counts, "quick")
        if event.full:
            self._history.add_evaluation(event.milestone, event.full, event.counts, "full")
        self._draw(event.milestone.step, **{f"epe/{name}": value for name, value in event.figures.items()})
        self._curves.flush()
        self._history.log(f"evaluation after epoch {event.milestone.epoch}: {event.figures}")

    def _draw(self, step: int, **scalars: float) -> None:
        values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._curves.add_summary(tf.Summary(value=values), step)
