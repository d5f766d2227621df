"""The images drawn in a round, so that none is drawn twice."""

import torch
from torch import Tensor

from gan.rewards.drawer import Drawer
from gan.taste import RawFeatures


class Seen:
    """Like `Drawer.look`, but remembers the features of every latent.

    A policy that has nearly converged samples the same few actions again and again, and the guard evaluates the same states each time: in a
    round, half of all images are repeats.

    Attributes
    ----------
    asked : number of images looked at.
    drawn : how many of them had to be drawn.
    """

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self.asked = 0
        self._places: dict[bytes, int] = {}
        self._features: RawFeatures | None = None
        self._logits: Tensor | None = None

    @property
    def drawn(self) -> int:
        return len(self._places)

    def look(self, latents: Tensor) -> tuple[RawFeatures, Tensor | None]:
        """Raw features and logits of the images of latents (N, d); only new latents are drawn."""
        self.asked += len(latents)
        keys = [row.tobytes() for row in latents.detach().cpu().numpy()]
        new = {key: row for row, key in enumerate(keys) if key not in self._places}
        if new:
            raw, logits = self._drawer.look(latents[list(new.values())])
            for key in new:
                self._places[key] = len(self._places)
            self._features = raw if self._features is None else RawFeatures.cat([self._features, raw])
            if logits is not None:
                self._logits = logits if self._logits is None else torch.cat([self._logits, logits])
        assert self._features is not None
        places = torch.tensor([self._places[key] for key in keys])
        return self._features[places], None if self._logits is None else self._logits[places]
