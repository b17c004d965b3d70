"""What an image is: one definition for the check of a data set, for training, and for inference on a user's own."""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Sequence

import numpy as np

from efnas.errors import EfnasError
from efnas.files import read_file

# What TensorFlow's reader of PNG files takes.
TRAINABLE = ("PNG", "JPEG")
PNG_END = b"IEND\xaeB`\x82"
# A damaged image is refused or read; what Pillow has to say to programmers is not for the screen.
warnings.filterwarnings("ignore", module=r"PIL\.")
# What Pillow's readers raise, beside OSError, where the parts of a file do not fit together.
DAMAGED = (SyntaxError, ValueError, IndexError, TypeError, KeyError, EOFError, OverflowError, struct.error, zlib.error)


def read_image(path: Path, formats: Sequence[str] = ()) -> np.ndarray:
    """RGB, uint8 [h, w, 3]; of 16 bits a channel the upper eight, as TensorFlow takes them.

    Raises EfnasError, naming the file, for one that is no whole image, or none of the `formats` (left out: any).
    """
    from PIL import Image

    try:
        raw = read_file(path)
        with Image.open(io.BytesIO(raw)) as image:
            if formats and image.format not in formats:
                raise EfnasError(f"{path} is a {image.format} file; training reads {' and '.join(formats)}.")
            if image.format == "PNG" and PNG_END not in raw[-64:]:
                raise EfnasError(f"{path} is truncated: it has no end.")
            image.load()  # numpy would make an object of an image that cannot be decoded
            if image.mode.startswith("I"):
                return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=-1)
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise EfnasError(f"Cannot read {path}: {error.strerror or 'it is no whole image'}.") from error
    except DAMAGED as error:
        raise EfnasError(f"Cannot read {path}: it is no whole image.") from error
    except Image.DecompressionBombError as error:
        raise EfnasError(f"Cannot read {path}: it says that it is too large to be an image.") from error
