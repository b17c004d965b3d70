"""Pictures of predictions: first image, ground truth, prediction and error, side by side."""

from pathlib import Path

import numpy as np

from efnas.data.flow_colours import colour_wheel, flow_to_colour
from efnas.figures import new_figure, save_figure


def write_panel(path: Path, title: str, images: np.ndarray, truth: np.ndarray, flow: np.ndarray) -> None:
    """`images` [h, w, 6] in [-1, 1]; `truth` and `flow` [h, w, 2] in pixels, coloured at one scale."""
    longest = max(1e-6, float(np.linalg.norm(truth, axis=-1).max()))
    error = np.linalg.norm(flow - truth, axis=-1)
    height, width = truth.shape[:2]
    figure = new_figure(16, 4.0 * height / width + 1.1)
    figure.suptitle(title)
    first, second, third, fourth = figure.subplots(1, 4)
    first.imshow(np.clip((images[..., :3] + 1.0) / 2.0, 0.0, 1.0))
    first.set_title("first image")
    second.imshow(flow_to_colour(truth, longest))
    second.set_title(f"ground truth, up to {longest:.1f} px")
    third.imshow(flow_to_colour(flow, longest))
    third.set_title(f"prediction, EPE {error.mean():.2f} px")
    shown = fourth.imshow(error, cmap="magma", vmin=0.0, vmax=longest)
    fourth.set_title(f"error (zero flow: {np.linalg.norm(truth, axis=-1).mean():.2f} px)")
    figure.colorbar(shown, ax=fourth, label="px", shrink=0.8)
    for axes in (first, second, third, fourth):
        axes.set_xticks([])
        axes.set_yticks([])
    legend = second.inset_axes([0.83, 0.0, 0.17, 0.17 * width / height])
    legend.imshow(colour_wheel(61))
    legend.set_axis_off()
    save_figure(figure, path, dpi=90)
