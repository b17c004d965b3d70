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


class Profile(NamedTuple):
    """`ini` is the text of Vela's configuration; `arena_limit_kib` what of the SRAM an application can really use."""

    name: str
    ini: str
    accelerator: str
    system_config: str
    memory_mode: str
    arena_limit_kib: Optional[float] = None


def profile_names() -> list:
    return sorted(path.stem for path in PROFILES.glob("*.ini"))


def packaged_profile(name: str = DEFAULT_PROFILE) -> Profile:
    """A profile of the package. Raises EfnasError, with the names there are, for another."""
    path = PROFILES / f"{name}.ini"
    if name not in profile_names():
        raise EfnasError(f"There is no board profile '{name}'; the profiles are {', '.join(profile_names())}.")
    sections = _read(path)
    own = dict(sections[OWN_SECTION])
    sections.remove_section(OWN_SECTION)
    text = io.StringIO()
    sections.write(text)
    own.update(name=name, ini=text.getvalue(), arena_limit_kib=float(own["arena_limit_kib"]))
    return Profile(**own)


def own_profile(ini: Path, accelerator: str, system_config: str, memory_mode: str) -> Profile:
    """A profile of a user's Vela configuration file. Raises EfnasError when it lacks a section that was named."""
    sections = _read(ini)
    for kind, name in (("System_Config", system_config), ("Memory_Mode", memory_mode)):
        if not sections.has_section(f"{kind}.{name}"):
            known = [section.split(".", 1)[1] for section in sections.sections() if section.startswith(f"{kind}.")]
            raise EfnasError(f"{ini} has no section [{kind}.{name}]; of that kind it has {', '.join(known) or 'none'}.")
    return Profile(Path(ini).stem, Path(ini).read_text(), accelerator, system_config, memory_mode)


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
