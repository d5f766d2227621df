"""Packs folders of 32 px trait pictures into the atlas that gan.data.characters reads: assets/characters-traits.

    python packaging/pack_traits.py TRAITS

TRAITS holds 0-backgrounds, 1-bodies, 2-accessories, 3-heads and 4-glasses, as described in assets/characters-traits/NOTICE.md.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, COLUMNS = 32, 16
LAYERS = ("1-bodies", "2-accessories", "3-heads", "4-glasses")
OUT = Path(__file__).resolve().parent.parent / "assets" / "characters-traits"


def main(traits: Path) -> None:
    files = [path for layer in LAYERS for path in sorted((traits / layer).glob("*.png"))]
    tiles = np.stack([np.asarray(Image.open(path).convert("RGBA")) for path in files])
    assert tiles.shape[1:] == (SIDE, SIDE, 4) and set(np.unique(tiles[..., 3])) <= {0, 255}
    opaque = tiles[..., 3] == 255
    colours, codes = np.unique(tiles[opaque][:, :3], axis=0, return_inverse=True)
    assert len(colours) <= 255, "one palette has room for 255 colours and the transparent one"
    indices = np.zeros(tiles.shape[:3], np.uint8)  # 0 is transparent
    indices[opaque] = codes.ravel() + 1

    rows = -(-len(files) // COLUMNS)
    atlas = np.zeros((rows * SIDE, COLUMNS * SIDE), np.uint8)
    for index, tile in enumerate(indices):
        top, left = index // COLUMNS * SIDE, index % COLUMNS * SIDE
        atlas[top : top + SIDE, left : left + SIDE] = tile
    picture = Image.fromarray(atlas).convert("P")
    picture.putpalette(np.concatenate([[[0, 0, 0]], colours]).astype(np.uint8).tobytes())
    OUT.mkdir(parents=True, exist_ok=True)
    picture.save(OUT / "traits.png", optimize=True, transparency=0)
    layers = {layer[2:]: [path.stem for path in files if path.parent.name == layer] for layer in LAYERS}
    (OUT / "traits.json").write_text(json.dumps({"side": SIDE, "columns": COLUMNS, "layers": layers}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
