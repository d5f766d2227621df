"""The parameters of a painted landscape, as drawn for a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan.data.scene_palettes import PALETTES

MAX_SEED = 2**63 - 1

# probability of each time of day
_TIMES = {"dawn": 0.16, "day": 0.25, "dusk": 0.24, "night": 0.16, "storm": 0.08, "fantasy": 0.11}


@dataclass(frozen=True)
class SceneParameters:
    """The drawn parameters of one scene; lengths are fractions of the image side, y grows downward.

    Attributes
    ----------
    seed : int
        The seed they come from.
    palette, time, season, weather : str
        Palette name; time of day; ``spring``, ``summer``, ``autumn`` or ``winter``; ``clear``, ``haze``,
        ``overcast``, ``snow``, ``aurora`` or ``rainbow``.
    horizon : float
        Height of the skyline, 0.39 (high) to 0.77 (low).
    terrain : str
        ``hills``, ``alps``, ``mesas`` or ``dunes``.
    ridges : int
        Number of ridge layers, 0 (open sea) to 5.
    water : str
        ``none``, ``lake`` or ``sea``.
    foreground : str
        ``none``, ``meadow``, ``snow``, ``dunes`` or ``silhouette``.
    trees : str
        ``none``, ``conifers``, ``round``, ``bare``, ``reeds`` or ``lone``.
    body : str
        ``none``, ``sun``, ``moon`` or ``crescent``.
    body_x, body_y, body_radius : float
        Place and size of the sun or moon.
    clouds : str
        ``none``, ``cirrus``, ``banks`` or ``puffs``.
    symmetric, cabin, boat, snow_caps : bool
        Mirror-symmetric composition; extras that are there or not.
    mist : float
        Mist between the layers, 0.15 to 1.
    contrast : float
        Scale of the distance between the nearest inks and the sky, 0.78 to 1.18.
    hue, saturation, brightness : float
        Jitter of the palette: radians, factor, factor.
    """

    seed: int
    palette: str
    time: str
    season: str
    weather: str
    horizon: float
    terrain: str
    ridges: int
    water: str
    foreground: str
    trees: str
    body: str
    body_x: float
    body_y: float
    body_radius: float
    clouds: str
    symmetric: bool
    cabin: bool
    boat: bool
    snow_caps: bool
    mist: float
    contrast: float
    hue: float
    saturation: float
    brightness: float


def _pick(u: float, table: dict[str, float]) -> str:
    """Return the key of `table` (key: weight) that the uniform number `u` falls on."""
    left = u * sum(table.values())
    for key, weight in table.items():
        left -= weight
        if left < 0:
            return key
    return key


def describe(seed: int) -> SceneParameters:
    """Return the parameters that `render` paints for a seed.

    Parameters
    ----------
    seed : int
        0 to 2**63 - 1.

    Returns
    -------
    SceneParameters

    Raises
    ------
    ValueError
        If the seed is outside that range.
    """
    seed = int(seed)
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be between 0 and 2**63 - 1, got {seed}")
    # one block of uniforms, one position each: a new parameter at the end leaves the others as they were
    u = np.random.default_rng([seed, 0]).random(40).tolist()
    time = _pick(u[0], _TIMES)
    choices = [p.name for p in PALETTES if p.time == time]
    palette = choices[int(u[1] * len(choices))]
    season = _pick(u[2], {"spring": 0.2, "summer": 0.35, "autumn": 0.23, "winter": 0.22})
    weather = {"clear": 0.62, "haze": 0.16, "overcast": 0.06, "snow": 0.0, "aurora": 0.0, "rainbow": 0.0}
    if season == "winter":
        weather["snow"] = 0.25
    if time == "night":
        weather["aurora"] = 0.28
    if time in ("storm", "day"):
        weather["rainbow"] = 0.05
    if time == "storm":
        weather["clear"], weather["overcast"] = 0.4, 0.35
    sky = _pick(u[3], weather)
    symmetric = u[4] < 0.28
    terrain = _pick(u[5], {"hills": 0.36, "alps": 0.4, "mesas": 0.12, "dunes": 0.12})
    water = _pick(u[6], {"none": 0.62, "lake": 0.25, "sea": 0.13})
    if symmetric and u[7] < 0.45:
        water = "lake"
    if terrain == "dunes" and water == "lake":
        terrain = "hills"
    horizon = 0.52 + 0.13 * (u[8] + u[9] - 1.0) + (0.12 if u[10] < 0.3 else 0.0)
    if water != "none":
        horizon = min(horizon, 0.66)
    ridges = 1 + int(u[11] * 5)
    if water == "sea":
        ridges = int(u[11] * 3)
    elif water == "lake":
        ridges = 1 + int(u[11] * 3)
    elif ridges < 3 and u[12] < 0.5:
        ridges += 2
    grounds = {"none": 0.25, "meadow": 0.4, "dunes": 0.1, "silhouette": 0.25}
    if season == "winter":
        grounds = {"none": 0.2, "snow": 0.6, "silhouette": 0.2}
    if terrain == "dunes":
        grounds = {"none": 0.3, "dunes": 0.7}
    if water != "none":
        grounds = {"none": 0.6, "silhouette": 0.3, "meadow": 0.1}
    ground = _pick(u[13], grounds)
    trees = "none"
    if ground != "none" and ground != "dunes" and u[14] < 0.72:
        kinds = {"conifers": 0.48, "round": 0.22, "bare": 0.1, "lone": 0.2}
        if water != "none":
            kinds = {"conifers": 0.5, "reeds": 0.3, "lone": 0.2}
        elif season == "winter":
            kinds = {"conifers": 0.6, "bare": 0.3, "lone": 0.1}
        trees = _pick(u[15], kinds)
    body = "none"
    if time == "night":
        body = _pick(u[16], {"moon": 0.6, "crescent": 0.25, "none": 0.15})
    elif sky not in ("overcast", "rainbow"):
        body = _pick(u[16], {"sun": 0.82, "none": 0.18})
    body_x = 0.5 if symmetric else 0.14 + 0.72 * u[17]
    low = u[18] < (0.15 if time in ("day", "night") else 0.5)
    radius = 0.05 + 0.045 * u[19] + (0.06 if u[20] < 0.22 else 0.0)
    body_y = horizon - 0.08 - 0.1 * u[21] if low else 0.13 + max(horizon - 0.36, 0.05) * u[21]
    cloudy = {"none": 0.32, "cirrus": 0.26, "banks": 0.16, "puffs": 0.24}
    if sky == "overcast":
        cloudy = {"banks": 1.0}
    if sky == "aurora":
        cloudy = {"none": 1.0}
    return SceneParameters(
        seed=seed, palette=palette, time=time, season=season, weather=sky, horizon=horizon, terrain=terrain,
        ridges=ridges, water=water, foreground=ground, trees=trees, body=body, body_x=body_x, body_y=body_y,
        body_radius=radius, clouds=_pick(u[22], cloudy), symmetric=symmetric,
        cabin=ground in ("meadow", "snow") and u[23] < 0.14, boat=water != "none" and trees != "lone" and u[24] < 0.2,
        snow_caps=terrain == "alps" and (u[25] < 0.5 or season == "winter"),
        mist=(0.35 + 0.65 * u[26]) if u[27] < 0.6 else 0.15, contrast=0.78 + 0.4 * u[28] ** 0.7,
        hue=0.5 * (u[29] + u[30] - 1.0), saturation=(0.5 if u[31] < 0.14 else 0.92) + 0.3 * u[32],
        brightness=0.9 + 0.16 * u[33],
    )  # fmt: skip
