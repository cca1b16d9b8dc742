"""Pictures in one style, from the objects of this library: functions draw into axes or make a figure."""

from ftc.plots.activations import plot_activations
from ftc.plots.bounds import plot_bounds
from ftc.plots.crossing import plot_crossing
from ftc.plots.direction import Profile, plot_along_direction
from ftc.plots.grid import plot_grid
from ftc.plots.impact import plot_impact
from ftc.plots.neurons import plot_neurons
from ftc.plots.plane import plot_hyperplanes, plot_regions
from ftc.plots.pre_activations import plot_pre_activations
from ftc.plots.style import refuse_picture, save
from ftc.plots.weights import plot_weights

__all__ = [
    "Profile",
    "plot_activations",
    "plot_along_direction",
    "plot_bounds",
    "plot_crossing",
    "plot_grid",
    "plot_hyperplanes",
    "plot_impact",
    "plot_neurons",
    "plot_pre_activations",
    "plot_regions",
    "plot_weights",
    "refuse_picture",
    "save",
]
