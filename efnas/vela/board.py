"""Board profiles: what the compiler is told about a board, from the package or from a user's own `.ini` file."""

import configparser
import io
from pathlib import Path
from typing import NamedTuple, Optional

from efnas.errors import EfnasError

PROFILES = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "grove-vision-ai-v2"
# A profile of the package says in this section what Vela does not read there.
OWN_SECTION = "efnas"


class BoardMemory(NamedTuple):
    """What a package has to know of a board's memory, in bytes: the SRAM that an application has, and what is left of
    it while the camera runs; the firmware that its boot loader takes; the flash, where the processor sees it, and from
    which address on, in steps of what, models lie there."""

    sram: int
    sram_free: int
    firmware: int
    flash: int
    flash_mapped_at: int
    model_address: int
    model_alignment: int


class Profile(NamedTuple):
    """`ini` is the text of Vela's configuration; `arena_limit_kib` what of the SRAM an application can really use."""

    name: str
    ini: str
    accelerator: str
    system_config: str
    memory_mode: str
    arena_limit_kib: Optional[float] = None
    memory: Optional[BoardMemory] = None

    def require_memory(self) -> BoardMemory:
        """Raises EfnasError for a board whose memory is not described."""
        if self.memory is None:
            raise EfnasError(
                f"The board profile {self.name} does not describe the board's memory: its section [{OWN_SECTION}] "
                f"needs {', '.join(BoardMemory._fields)}."
            )
        return self.memory


def profile_names() -> list:
    return sorted(path.stem for path in PROFILES.glob("*.ini"))


def packaged_profile(name: str = DEFAULT_PROFILE) -> Profile:
    """A profile of the package. Raises EfnasError, with the names there are, for another."""
    path = PROFILES / f"{name}.ini"
    if name not in profile_names():
        raise EfnasError(f"There is no board profile '{name}'; the profiles are {', '.join(profile_names())}.")
    sections = _read(path)
    own = sections[OWN_SECTION]
    board = (own[key] for key in ("accelerator", "system_config", "memory_mode"))
    return _profile(name, path, sections, *board)


def own_profile(ini: Path, accelerator: str, system_config: str, memory_mode: str) -> Profile:
    """A profile of a user's Vela configuration file, which may have the section of efnas, too.

    Raises EfnasError when it lacks a section that was named.
    """
    sections = _read(ini)
    for kind, name in (("System_Config", system_config), ("Memory_Mode", memory_mode)):
        if not sections.has_section(f"{kind}.{name}"):
            known = [section.split(".", 1)[1] for section in sections.sections() if section.startswith(f"{kind}.")]
            raise EfnasError(f"{ini} has no section [{kind}.{name}]; of that kind it has {', '.join(known) or 'none'}.")
    return _profile(Path(ini).stem, ini, sections, accelerator, system_config, memory_mode)


def _profile(name: str, path: Path, sections: configparser.ConfigParser, *board: str) -> Profile:
    """Without the section of efnas the text is the file's own."""
    if not sections.has_section(OWN_SECTION):
        return Profile(name, Path(path).read_text(), *board)
    own = dict(sections[OWN_SECTION])
    sections.remove_section(OWN_SECTION)
    text = io.StringIO()
    sections.write(text)
    try:
        limit = float(own["arena_limit_kib"]) if "arena_limit_kib" in own else None
        memory = {field: int(own[field], 0) for field in BoardMemory._fields if field in own}
    except ValueError as error:
        raise EfnasError(
            f"The section [{OWN_SECTION}] of the board profile {path} holds no number: {error}."
        ) from error
    whole = len(memory) == len(BoardMemory._fields) and memory["model_alignment"] > 0
    return Profile(name, text.getvalue(), *board, limit, BoardMemory(**memory) if whole else None)


def _read(ini: Path) -> configparser.ConfigParser:
    sections = configparser.ConfigParser()
    sections.optionxform = str  # Vela's keys keep their case.
    try:
        with open(ini) as file:
            sections.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise EfnasError(f"Cannot read the board profile {ini}: {reason}.") from error
    return sections
