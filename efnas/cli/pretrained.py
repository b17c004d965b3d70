"""`efnas pretrained`: the trained networks that come with the package, and the card of one."""

from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output

LISTED = (("float", "full"), ("int8", "whole"))  # what of the errors stands in the list of all
ROUNDED = "mean {mean_px:.4f} px, largest {largest_px:.3f} px, on {pairs} synthetic pairs at full resolution"


@grouped
def pretrained(
    name: Annotated[
        Optional[str],
        typer.Argument(metavar="[PRETRAINED]", show_default=False, help="A network, or supernet. Left out: all."),
    ] = None,
    output: Output = Output(),
) -> None:
    """Show the trained networks that come with the package, or the card of one.

    A card says what a network was trained on, and how; its errors on public data; and its cost on a board.
    """
    from efnas.cli.screen.console import print_json
    from efnas.runs.pretrained import SUPERNET, network_names, pretrained_network, pretrained_supernet

    if name is None:
        networks = [pretrained_network(each) for each in network_names() or [""]]
        if output.as_json:
            print_json({each.name: each.card for each in networks})
        else:
            _show_all(networks)
        return
    found = pretrained_supernet() if name == SUPERNET else pretrained_network(name)
    if output.as_json:
        print_json(found.card)
    else:
        _show_card(found)


def _show_all(networks: list) -> None:
    from efnas.cli.screen.console import console, print_next, table
    from efnas.runs.pretrained import USUAL

    networks = sorted(networks, key=lambda network: network.card.get("cost", {}).get("inference_ms", 0.0))
    found = [_listed(network.card) for network in networks]
    sets = list(dict.fromkeys(key for errors in found for key in errors))
    rows = []
    for network, errors in zip(networks, found):
        card, told = network.card, network.card["configuration"]
        cost = card.get("cost")
        rows.append(
            (network.name, card["network"]["arch"].replace(",", ""), card["network"]["base_width"],
             f"{told['data.input_width']}x{told['data.input_height']}",
             *(f"{errors[key]:.3f}" if key in errors else "" for key in sets),
             *((f"{cost['inference_ms']:.1f}", f"{cost['sram_mb'] * 1024:,.0f}") if cost else ("", "")),
             f"{card['bytes']['.tflite']:,}")
        )  # fmt: skip
    columns = ["network", "arch", ">width", ">input", *(f">{name} {kind}" for name, kind in sets)]
    console().print(table("Networks of the package, EPE in px", [*columns, ">ms", ">SRAM KiB", ">bytes of INT8"], rows))
    proposed = USUAL if USUAL in [network.name for network in networks] else networks[0].name
    print_next(f"efnas infer IMAGE_0 IMAGE_1 --pretrained {proposed} --out flow.png")


def _listed(card: dict) -> dict:
    """Errors of the network itself, which stands first of what was measured, by set and how they were computed."""
    return {(each["set"], f"{each['type']}, {each['geometry']}"): next(iter(each["methods"].values()))["epe"]
            for each in card.get("errors", []) if (each["type"], each["geometry"]) in LISTED}  # fmt: skip


def _show_card(network) -> None:
    from efnas.cli.screen.console import console, print_next, table

    card, screen = network.card, console()
    facts = [(key, value) for key, value in card["network"].items() if value is not None]
    facts += [
        (key.split(".")[1], value) for key, value in card["configuration"].items() if key.startswith("data.input")
    ]
    facts += [(f"bytes of {network.name}{ending}", f"{size:,}") for ending, size in card["bytes"].items()]
    facts += [(key, card["trained_on"][key]) for key in ("data", "licence")]
    if card.get("rounding"):
        facts.append(("rounding to half precision", ROUNDED.format(**card["rounding"])))
    cost = card.get("cost")
    if cost:
        facts.append(("cost", "{inference_ms:.1f} ms, {sram_mb:.3f} MB of SRAM on {profile} (Vela {vela}, {form}, "
                              "{optimise}; estimates)".format(**cost)))  # fmt: skip
    screen.print(table(network.told, ["", ""], facts))
    rows = [
        (each["set"], each["type"], each["geometry"], each["pairs"],
         *(f"{each['methods'][name]['epe']:.3f}" if name in each["methods"] else "" for name in _methods(card)))
        for each in card.get("errors", [])
    ]  # fmt: skip
    if rows:
        columns = ["data", "computed in", "geometry", ">pairs", *(f">{name}" for name in _methods(card))]
        screen.print(table("EPE px", columns, rows))
    for title in ("recipe", "versions"):
        screen.print(table(title.capitalize(), ["", ""], sorted(card.get(title, {}).items())))
    if "arch" in card["network"] and card["network"]["arch"]:
        print_next(f"efnas infer IMAGE_0 IMAGE_1 --pretrained {network.name} --out flow.png")
    else:
        print_next("efnas train --config CONFIG --init-from pretrained")


def _methods(card: dict) -> list:
    return list(dict.fromkeys(name for each in card.get("errors", []) for name in each["methods"]))
