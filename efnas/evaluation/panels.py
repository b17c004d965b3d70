"""Pictures of predictions: first image, flow, and where it is known ground truth and error, side by side."""

from pathlib import Path
from typing import Optional

import numpy as np

from efnas.data.flow_colours import colour_wheel, flow_to_colour
from efnas.figures import new_figure, save_figure

LARGEST = 2000  # pixels of a side; a panel has far fewer


def write_panel(
    path: Path, title: str, images: np.ndarray, flow: np.ndarray, truth: Optional[np.ndarray] = None,
    known: Optional[np.ndarray] = None, longest: Optional[float] = None,
) -> None:  # fmt: skip
    """`images` [h, w, 6] in [-1, 1]; `flow` and `truth` [h, w, 2] in pixels, coloured at one scale.

    `known` [h, w] says where the truth is (left out: everywhere); elsewhere it is drawn black. `longest` is the motion
    in full colour, left out: the longest of the truth, or of the flow.
    """
    height, width = flow.shape[:2]
    few = (slice(None, None, -(-max(height, width) // LARGEST)),) * 2
    known = np.ones((height, width), bool) if known is None else known
    truth = None if truth is None else np.where(known[..., None], truth, 0.0)
    longest = longest or max(1e-6, float(np.linalg.norm(flow if truth is None else truth, axis=-1).max()))
    count = 2 if truth is None else 4
    figure = new_figure(4 * count, 4.0 * height / width + 1.1)
    figure.suptitle(title)
    panels = figure.subplots(1, count)
    panels[0].imshow(np.clip((images[few][..., :3] + 1.0) / 2.0, 0.0, 1.0))
    panels[0].set_title("first image")
    predicted, legend_at = panels[1], panels[1]
    name = f"prediction, up to {longest:.1f} px"
    if truth is not None:
        error = np.where(known, np.linalg.norm(flow - truth, axis=-1), np.nan)
        zero = np.linalg.norm(truth, axis=-1)[known].mean()
        panels[1].imshow(np.where(known[few][..., None], flow_to_colour(truth[few], longest), 0))
        panels[1].set_title(f"ground truth, up to {longest:.1f} px")
        predicted, name = panels[2], f"prediction, EPE {np.nanmean(error):.2f} px"
        shown = panels[3].imshow(error[few], cmap="magma", vmin=0.0, vmax=longest)
        panels[3].set_title(f"error (zero flow: {zero:.2f} px)")
        figure.colorbar(shown, ax=panels[3], label="px", shrink=0.8)
    predicted.imshow(flow_to_colour(flow[few], longest))
    predicted.set_title(name)
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
    legend = legend_at.inset_axes([0.83, 0.0, 0.17, 0.17 * width / height])
    legend.imshow(colour_wheel(61))
    legend.set_axis_off()
    save_figure(figure, path, dpi=90)
