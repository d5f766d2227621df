"""A package that brings scorers, as somebody would install it beside Tastemaker."""

from pathlib import Path

CODE = '''
import numpy as np

def reddest(images):
    assert images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3
    return images[..., 0].astype(float).mean(axis=(1, 2)) - images[..., 1:].astype(float).mean(axis=(1, 2, 3))

def broken(images):
    raise RuntimeError("the weights are missing")

def short(images):
    return [1.0]

def endless(images):
    return np.full(len(images), np.inf)

def same(images):
    return np.ones(len(images))

number = 7
'''
NAMES = ("broken", "endless", "number", "reddest", "same", "short")


def install_into(folder: Path) -> Path:
    """Write the package, and what an installer leaves beside it, into a folder; returns the folder, for the path of modules."""
    facts = folder / "some_scorers-1.0.dist-info"
    facts.mkdir(parents=True)
    (folder / "some_scorers.py").write_text(CODE)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: some-scorers\nVersion: 1.0\n")
    lines = [*(f"{name} = some_scorers:{name}" for name in NAMES), "absent = no_such_module:score"]
    (facts / "entry_points.txt").write_text("[tastemaker.scorers]\n" + "\n".join(lines) + "\n")
    return folder
