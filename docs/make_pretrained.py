"""Makes the networks that come with the package, efnas/pretrained/, of finished runs.

python docs/make_pretrained.py network balanced RUN balanced.tflite   a network that was trained alone, its export
python docs/make_pretrained.py supernet RUN
efnas eval --data DATA --pretrained balanced --summary sintel.json    what is measured is what is packed
python docs/make_pretrained.py errors balanced Sintel=sintel.json
efnas vela-compare --pretrained balanced --summary cost.json
python docs/make_pretrained.py cost balanced cost.json
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import yaml

from efnas.config import CROP, Config
from efnas.config_files import load_config
from efnas.config_synthetic import Synthetic
from efnas.errors import EfnasError
from efnas.export.ready import file_of_package
from efnas.files import as_json, make_folder, write_together
from efnas.runs import pretrained
from efnas.runs.manifest import config_values, read_manifest
from efnas.runs.pretrained import CARD, FILE, FORMAT, SUPERNET, WEIGHTS, Pretrained
from efnas.runs.run_files import checkpoint_path
from efnas.runs.seal import read_whole
from efnas.runs.supernet import supernet_of

MOST_BYTES, MOST_BYTES_OF_SUPERNET = 6_000_000, 10_000_000
DATA = "synthetic scenes that efnas draws, and nothing else"
LICENCE = "that of efnas: there is no other data behind it"
TRAIN_PAIRS, VAL_PAIRS = 64, 16  # that a network which is exported anew is calibrated and verified with
ROUNDED_PAIRS = 8
KEPT_KEYS = ("network.name", "network.base_width", "train.arch", "data.input_height", "data.input_width",
             "data.geometry", "train.batch_size", "runtime.seed")  # fmt: skip


def make_network(
    name: str, run: Path, tflite: Path, which: str, synthetic: Optional[Path], file_alone: bool = False
) -> Pretrained:
    """Pack a run that trained a network alone, and its export, or that `file_alone`.

    Raises EfnasError for a file of other weights, and where all networks together would be too large."""
    config = _config_of(run)
    if config.train.arch is None:
        raise EfnasError(f"{run} trained a supernet: a network is one that was trained alone.")
    model, described = tflite.read_bytes(), json.loads(tflite.with_name(f"{tflite.name}.json").read_text())
    seal = read_whole(checkpoint_path(config, which))
    if described["source"].get("checkpoint_sha256") != seal.data_sha256 or described["type"] != "int8":
        raise EfnasError(f"{tflite} is no INT8 export of {which} of {run}.")
    described["source"].update(
        weights=f"pretrained {name}", calibration=described["source"]["calibration"].split(" of ")[0]
    )
    made = _packed(name, run, config, which, synthetic, {FILE: model, f"{FILE}{CARD}": as_json(described).encode()},
                   file_alone)  # fmt: skip
    file_of_package(made)
    return _with(made, rounding=_rounding(made, config, which)) if made.in_float else made


def make_supernet(run: Path, which: str, synthetic: Optional[Path]) -> Pretrained:
    config = _config_of(run)
    if config.train.arch is not None:
        raise EfnasError(f"{run} trained one network alone, not a supernet.")
    return _packed(SUPERNET, run, config, which, synthetic, {})


def add_errors(name: str, set_name: str, summary: Path) -> Pretrained:
    """Add what `efnas eval --data --summary` measured of a network as it is packed, in float or of its file."""
    network, told = _named(name), json.loads(summary.read_text())
    kinds = {network.card["sha256"][FILE]: "int8", network.card["sha256"].get(WEIGHTS, ""): "float"}
    kind = kinds.get(told.get("sha256"))
    if kind is None or told.get("bn_recal_batches"):
        raise EfnasError(f"{summary} was measured of something else than {name} as it is packed.")
    own, *others = told["methods"].items()
    kept = {network.told: own[1], **dict(others)}
    errors = {"set": set_name, "type": kind, **{key: told[key] for key in ("layout", "geometry", "pairs", "opencv")},
              "methods": {each: {key: found[key] for key in ("epe", "by_motion", "by_scene")}
                          for each, found in kept.items()}}  # fmt: skip
    same = ("set", "type", "geometry")
    before = [each for each in network.card.get("errors", []) if any(each[key] != errors[key] for key in same)]
    return _with(network, errors=[*before, errors])


def add_cost(name: str, summary: Path) -> Pretrained:
    """Add what `efnas vela-compare --pretrained --summary` found."""
    network, told = _named(name), json.loads(summary.read_text())
    (subnet,) = told["subnets"]
    if told.get("pretrained") != name or subnet["weights"] != network.told:
        raise EfnasError(f"{summary} is not of {name} as it is packed: give no other form or size.")
    figures = ("inference_ms", "fps", "sram_mb", "flash_kib", "macs", "fits_arena")
    cost = {"profile": told["profile"], "form": told["form"], "vela": told["vela"]["version"],
            "optimise": told["vela"]["optimise"], **{key: subnet[key] for key in figures}}  # fmt: skip
    return _with(network, cost=cost)


def _config_of(run: Path) -> Config:
    values = config_values(read_manifest(run))
    return load_config(None, {"runtime.output_root": run.parent, "runtime.experiment_name": run.name}, base=values)


def _statistics(config: Config, which: str) -> Dict[str, np.ndarray]:
    """Those that the run is evaluated with, of a network that was trained alone: the averages of a training are of few
    batches. A supernet keeps its averages, which no subnet of it infers with."""
    from efnas.evaluation.trained import open_trained

    if config.train.arch is None or not config.eval.bn_recal_batches:
        return {}
    with open_trained(config, which) as trained:
        (statistics,) = trained.evaluation().statistics(trained.session, [trained.supernet.arch])
    return statistics


def _packed(
    name: str,
    run: Path,
    config: Config,
    which: str,
    synthetic: Optional[Path],
    more: Dict[str, bytes],
    file_alone: bool = False,
) -> Pretrained:
    from efnas.runs.half_precision import halved

    path, supernet, width = checkpoint_path(config, which), supernet_of(config), config.network.base_width
    manifest, seal = read_manifest(run), read_whole(path, supernet_of(config).identity(width))
    weights = {} if file_alone else {WEIGHTS: halved(path, supernet, width, _statistics(config, which))}
    files = {**weights, **more}
    values = config_values(manifest)
    drawn = _synthetic(config, synthetic, manifest["identity"])
    told = {key: values[key] for key in KEPT_KEYS if values.get(key) is not None}
    card = {
        "format": FORMAT, "name": name, "network": supernet.identity(width),
        "configuration": {**told, "data.dataset": "synthetic",
                          "data.synthetic": {**drawn, "train_pairs": TRAIN_PAIRS, "val_pairs": VAL_PAIRS}},
        "trained_on": {"data": DATA, "licence": LICENCE, "synthetic": drawn},
        "recipe": manifest["identity"],
        "versions": {key: value for key, value in manifest["tuning"].items()
                     if key.startswith(("code.", "library.", "python"))},
        "state": {key: value for key, value in seal.state.items() if key not in ("histories", "identity_sha256")},
        "bytes": {ending: len(content) for ending, content in files.items() if ending != f"{FILE}{CARD}"},
        "sha256": {ending: hashlib.sha256(content).hexdigest() for ending, content in files.items()},
    }  # fmt: skip
    folder = pretrained.packaged_folder()
    make_folder(folder)
    _require_room(folder, name, files)
    content = {
        **{folder / f"{name}{ending}": each for ending, each in files.items()},
        folder / f"{name}{CARD}": as_json(card),
    }
    for stale in folder.glob(f"{name}.*"):
        stale.unlink()
    write_together(content)
    return Pretrained(name, folder, card)


def _synthetic(config: Config, file: Optional[Path], identity: dict) -> dict:
    """The section data.synthetic of a run, or of a file where the run was trained on a set that is packed."""
    seen = identity["data.train.samples"] + (identity["data.val.samples"] if config.data.val_holdout else 0)
    if file:
        section = Synthetic.model_validate(yaml.safe_load(file.read_text())["data"]["synthetic"])
    elif config.data.synthetic:
        section = config.data.synthetic
    else:
        raise EfnasError("This run does not say what its data are: name the configuration that drew them, --synthetic.")
    if section.train_pairs != seen:
        raise EfnasError(f"{file} draws {section.train_pairs:,} training pairs, and the run was trained on {seen:,}.")
    if section.textures:
        raise EfnasError("Its data have photos for textures: networks of the package are of synthetic data alone.")
    return section.model_dump(mode="json")


def _require_room(folder: Path, name: str, files: Dict[str, bytes]) -> None:
    """Raises EfnasError where the files would take more than the package has for them."""
    own = sum(map(len, files.values()))
    if name == SUPERNET:
        size, most = own, MOST_BYTES_OF_SUPERNET
    else:
        others = [path for path in folder.iterdir() if path.name.split(".")[0] not in (name, SUPERNET)]
        size, most = own + sum(path.stat().st_size for path in others), MOST_BYTES
    if size > most:
        raise EfnasError(f"With {name} the files would be {size:,} bytes; the package has {most:,} for them.")


def _rounding(made: Pretrained, config: Config, which: str) -> dict:
    """How far the flow of what is packed is from that of the run, as that is evaluated."""
    from efnas.data.sources import open_datasets
    from efnas.evaluation.frames import read_pair
    from efnas.evaluation.inference import subnet_flows
    from efnas.runs.half_precision import unpacked
    from efnas.runs.run_files import arch_of

    own = load_config(base=made.configuration()).changed("data", geometry=CROP)
    pairs = [read_pair(each.first, each.second) for each in open_datasets(own.data).val.samples[:ROUNDED_PAIRS]]
    checkpoint = unpacked(made, supernet_of(own), own)
    flows: List[List[np.ndarray]] = []
    for settings, path in ((config, which), (own, str(checkpoint))):
        with subnet_flows(settings, path, [arch_of(settings, "best", path)]) as (flow,):
            flows.append([flow(pair) for pair in pairs])
    apart = np.array([np.linalg.norm(one - other, axis=-1) for one, other in zip(*flows)])
    return {"pairs": len(pairs), "mean_px": float(apart.mean()), "largest_px": float(apart.max())}


def _named(name: str) -> Pretrained:
    return pretrained.pretrained_network(name)


def _with(network: Pretrained, **more) -> Pretrained:
    card = {**network.card, **more}
    write_together({network.folder / f"{network.name}{CARD}": as_json(card)})
    return network._replace(card=card)


def main(words: Optional[List[str]] = None) -> Pretrained:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, arguments in {"network": ("name", "run", "tflite"), "supernet": ("run",),
                               "errors": ("name", "summary"), "cost": ("name", "summary")}.items():  # fmt: skip
        below = commands.add_parser(command)
        for argument in arguments:
            told = {"nargs": "+", "metavar": "SET=SUMMARY"} if command == "errors" and argument == "summary" else {}
            below.add_argument(argument, **({"type": Path} if argument in ("run", "tflite") else {}), **told)
        if command in ("network", "supernet"):
            below.add_argument("--checkpoint", default="best")
            below.add_argument("--synthetic", type=Path, help="the configuration that drew the data of a packed set")
        if command == "network":
            below.add_argument("--file-alone", action="store_true", help="its INT8 file without its weights")
    given = parser.parse_args(words)
    if given.command == "network":
        return make_network(given.name, given.run, given.tflite, given.checkpoint, given.synthetic, given.file_alone)
    if given.command == "supernet":
        return make_supernet(given.run, given.checkpoint, given.synthetic)
    if given.command == "cost":
        return add_cost(given.name, Path(given.summary))
    for set_name, _, path in (text.partition("=") for text in given.summary):
        made = add_errors(given.name, set_name, Path(path))
    return made


if __name__ == "__main__":
    try:
        made = main()
    except EfnasError as error:
        sys.exit(f"Error: {error}")
    sizes = ", ".join(f"{made.name}{ending} {size:,} bytes" for ending, size in made.card["bytes"].items())
    print(f"{made.folder / made.name}{CARD}: {sizes}")
