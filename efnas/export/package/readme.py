"""The README of a package: its template, filled in with what package.json says."""

from string import Template
from typing import Dict

from efnas.vela.board import BoardMemory
from efnas.vela.compiler import Settings

RANDOM = "\n**Its weights are random: good for timing, its flow says nothing.**\n"
OTHERS = (
    "\nThe others compiled the same `network.tflite`, to be compared with: this folder holds nothing of them. `fits` "
    "is whether a package of it would have room.\n"
)
MEASURED = (
    "https://github.com/linenmin/Grove_V2_SDK/blob/6e654a4dbeeb707a2837fd9ec499ecef3d00d3a3/plan/model_design/"
    "progress.md"
)


def readme(template: str, about: dict, memory: BoardMemory) -> str:
    return Template(template).substitute(_told(about, memory))


def _told(about: dict, memory: BoardMemory) -> Dict[str, str]:
    """The words and figures of the template, by name."""
    sram, flash, compiler, frames = about["sram"], about["flash"], about["compiler"], about["frames"]
    parts = {name: size for name, size in sram.items() if name not in ("total", "limit")}
    end = max(flash[name]["address"] + flash[name]["bytes"] for name in ("model", "vectors"))
    weights, others = about["source"]["weights"], about["other_compilers"]
    return {
        "arch": about["arch"], "form": about["form"], "board": about["board"], "weights": weights,
        "warning": RANDOM if weights == "random" else "",
        "size": f"{about['height']}x{about['width']}", "vela": compiler["version"],
        "settings": _settings(compiler), "ms": f"{compiler['inference_ms']:.1f}",
        "compiler_rows": "\n".join(map(_compiler_row, [compiler, *others], ["packaged"] + [""] * len(others))),
        "others": OTHERS if others else "", "measured": MEASURED,
        "block_rows": "\n".join(map(_block_row, compiler["by_block"])),
        "frame": f"{frames['height']}x{frames['width']}, " + ("RGB" if frames["channels"] == 3 else "grey"),
        "sram_rows": "\n".join(f"| {name} | {size:,} |" for name, size in parts.items()),
        "sram_total": f"{sram['total']:,}", "sram_limit": f"{sram['limit']:,}", "sram_region": f"{memory.sram:,}",
        "model_address": f"{flash['model']['address']:#x}", "model_bytes": f"{flash['model']['bytes']:,}",
        "vectors_address": f"{flash['vectors']['address']:#x}", "vectors_bytes": f"{flash['vectors']['bytes']:,}",
        "flash_end": f"{end:#x}", "flash_limit": f"{memory.flash:#x}", "firmware": f"{memory.firmware:,}",
    }  # fmt: skip


def _settings(compiler: dict) -> str:
    """As Vela's command line has them."""
    return " ".join(Settings(*(compiler[name] for name in Settings._fields)).words())


def _compiler_row(compiler: dict, what: str) -> str:
    figures = f"{compiler['arena_bytes']:,} | {compiler['flash_bytes']:,} | {compiler['inference_ms']:.1f}"
    fits = "yes" if compiler["fits"] else "no"
    return f"| {compiler['version']} | `{_settings(compiler)}` | {figures} | {fits} | {what} |"


def _block_row(part: dict) -> str:
    figures = " | ".join(f"{part[name]:.2f}" for name in ("ms", "npu_ms", "sram_ms", "weights_ms"))
    return f"| {part['stage']} | {figures} | {part['used']:.0%} |"
