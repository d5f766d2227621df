"""The inks of one scene: its palette after jitter, mood and weather."""

from __future__ import annotations

import numpy as np

from gan.data.scene_palettes import PALETTES, shift
from gan.data.scene_plan import SceneParameters
from gan.data.scene_shapes import Array, mix

_BY_NAME = {p.name: p for p in PALETTES}
_SEASON = {
    "spring": ((0.55, 0.68, 0.36), (0.95, 0.68, 0.74)),
    "summer": ((0.36, 0.52, 0.26), (0.30, 0.47, 0.25)),
    "autumn": ((0.62, 0.46, 0.22), (0.86, 0.42, 0.16)),
    "winter": ((0.55, 0.58, 0.62), (0.42, 0.48, 0.54)),
}
# how bright white things look in the light of the hour
_WHITE = {"dawn": 0.97, "day": 1.0, "dusk": 0.9, "night": 0.62, "storm": 0.85, "fantasy": 0.93}


class Inks:
    """Colours of one scene, each an RGB array (3,) in 0..1.

    Parameters
    ----------
    scene : SceneParameters
        The scene to mix them for.
    """

    def __init__(self, scene: SceneParameters) -> None:
        palette = _BY_NAME[scene.palette]
        raw = np.array([*palette.sky, *palette.ridges, palette.light])
        grey = 0.8 if scene.weather == "overcast" else 0.88 if scene.weather in ("haze", "snow") else 1.0
        mixed = shift(raw, scene.hue, scene.saturation * grey, scene.brightness)
        k = len(palette.sky)
        self.sky = mixed[:k]
        self.horizon = mixed[k - 1]
        # contrast moves the ridges away from, or back into, the colour of the air
        self._ridges = np.clip(self.horizon + (mixed[k : k + 3] - self.horizon) * scene.contrast, 0, 1)
        self.light = mixed[-1]
        # the glow keeps the palette's warmth where the disc itself is almost white
        self.haze = mix(self.horizon, self.light, 0.2)
        near = self._ridges[2]
        ground, leaf = (shift(np.array([c]), scene.hue * 0.5, 0.9, 1.0)[0] for c in _SEASON[scene.season])
        lit = _WHITE[scene.time]
        white = np.full(3, lit)
        self.snow = mix(mix(self.horizon, self.sky[0], 0.25), white, 0.6)
        share = {"day": 0.6, "dawn": 0.4, "storm": 0.35, "dusk": 0.22, "night": 0.12, "fantasy": 0.2}[scene.time]
        # tinted with the local colour at the ridge's own brightness, so that it fits in
        self.ground = mix(mix(near, self._ridges[1], 0.35), ground * lit, share)
        self.leaf = mix(mix(near, self._ridges[1], 0.2), leaf * lit, min(share + 0.12, 0.7))
        self.leaf_lit = mix(self.leaf, self.light, 0.22)
        self.near = near
        self.dark = near * 0.72
        self.flake = np.full(3, min(lit + 0.2, 1.0))
        self.water = mix(self.sky[0], self.sky[min(1, k - 2)], 0.35) * 0.92
        bright = self.light if scene.time != "night" else self.sky[-1]
        self.cloud = mix(self.horizon, bright, 0.6)
        if scene.time == "night":
            self.cloud = mix(self.sky[-2], self.sky[-1], 0.6)
        elif scene.weather == "overcast":
            self.cloud = mix(self.sky[0], self.horizon, 0.45)
        self.shade = mix(self.cloud, self.sky[min(1, k - 2)], 0.5)

    def ridge(self, depth: float) -> Array:
        """Ink of a ridge: the air's colour at `depth` 0, the nearest ink at 1."""
        far, middle, near = self._ridges
        if depth < 0.5:
            return mix(mix(far, self.horizon, 0.12), middle, depth * 2)
        return mix(middle, near, depth * 2 - 1)
