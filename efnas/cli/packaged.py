"""`--pretrained`: a trained network of the package, where a command otherwise takes the weights of a run."""

from typing import Any, Dict, NamedTuple, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import CostOptions, RunOptions, given
from efnas.errors import EfnasError

PretrainedName = Annotated[
    Optional[str],
    typer.Option(
        "--pretrained", metavar="PRETRAINED", show_default=False, help="A trained network of the package, not a run's."
    ),
]
OneArch = Annotated[
    Optional[str],
    typer.Option(metavar="CODE|best", show_default=False, help="The subnet; best: ranked first by efnas eval."),
]
NAMES_ANOTHER = {"config", "experiment_name", "output_root", "checkpoint", "skip_checkpoint", "arch", "archs", "tflite"}
KEYS_OF_ANOTHER = ("runtime.experiment_name", "runtime.output_root", "network.", "train.")


class Packaged(NamedTuple):
    """A network of the package (`runs.pretrained.Pretrained`), and the configuration that it is used with."""

    network: Any
    config: Any

    def checkpoint(self, data: bool) -> str:
        """The path of its weights, unpacked in the cache; with a note where its synthetic pairs are needed too, as
        `data` says, and are not there yet."""
        from efnas.cli.screen.console import print_note
        from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
        from efnas.runs.supernet import supernet_of

        quiet_tensorflow()
        from efnas.runs.half_precision import unpacked

        wanted = self.config.data.synthetic
        if data and wanted and not self.config.data.base_path.exists():
            count = wanted.train_pairs + wanted.val_pairs
            print_note(f"Writing {count:,} synthetic pairs to {self.config.data.base_path}, to calibrate with.")
        return str(unpacked(self.network, supernet_of(self.config), self.config))

    def file_or_checkpoint(self, form: str, calibration: Any = None) -> tuple:
        """Its INT8 file (`ReadyFile`), where that is what an export would be made for, and what its weights are called;
        or None and the path of its weights, which a file is exported of."""
        from efnas.export.calibration import AS_CONVERTED
        from efnas.export.ready import file_of_package

        ready = file_of_package(self.network)
        if ready.is_as(self.config, form, calibration or AS_CONVERTED):
            return ready, self.network.told
        return None, self.checkpoint(data=True)


def packaged(name: str, run: RunOptions, more: Optional[Dict[str, Any]] = None) -> Packaged:
    """A network of the package by its name, with `more` values of the configuration by key (None: not given); with
    --base-path that data set stands in for its synthetic pairs.

    Raises EfnasError for another name, and for options beside it that name another network.
    """
    from efnas.config_files import load_config
    from efnas.runs.pretrained import pretrained_network

    beside = [param.opts[0] for param in given(NAMES_ANOTHER)]
    if beside:
        raise EfnasError(f"--pretrained {name} says which network it is: leave out {', '.join(beside)}.")
    network = pretrained_network(name)
    base = network.configuration()
    if run.base_path:
        base = {key: value for key, value in base.items() if key not in ("data.dataset", "data.synthetic")}
    options = {"data.base_path": run.base_path, "runtime.gpu_device": run.gpu_device, **(more or {})}
    return Packaged(network, load_config(None, options, run.assignments or [], base))


def form_of_package(name: Optional[str], form: str) -> str:
    """The output form that is asked for, or that of the file of a network of the package, where none is."""
    from efnas.export.ready import file_of_package
    from efnas.runs.pretrained import pretrained_network

    return form if not name or given({"form"}) else file_of_package(pretrained_network(name)).description["form"]


def files_of_package(name: str, cost: CostOptions, form: str):
    """The `NetworkFiles` of a network of the package: its INT8 file, or where another form or size is asked for, one
    that is exported anew. Raises EfnasError as `packaged` does."""
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.export.network_files import NetworkFiles

    found = packaged(name, cost.run, {"runtime.seed": cost.seed, **cost.size.as_keys()})
    ready, checkpoint = found.file_or_checkpoint(form)
    return NetworkFiles(found.config, cost.cache(), checkpoint, quiet_tensorflow, ready=ready)


def where_no_run_is(run: RunOptions) -> Optional[str]:
    """The network of the package that is taken where no run or file is named and there is no default run; None where
    there is something else to take, or no such network."""
    from efnas.config import Runtime
    from efnas.runs.pretrained import USUAL, network_names

    named = given(NAMES_ANOTHER) or any(text.strip().startswith(KEYS_OF_ANOTHER) for text in run.assignments or [])
    if named or Runtime().run_folder.exists() or USUAL not in network_names():
        return None
    return USUAL


def require_arch(arch: Any, name: Optional[str]) -> None:
    """Raises EfnasError where a command is told neither which subnet it is about nor a network of the package."""
    if not arch and not name:
        raise EfnasError("Missing option '--arch', or '--pretrained' for a network of the package.")
