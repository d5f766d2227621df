"""The result of a simulated session, and its plain JSON."""

import base64
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gan.simulate.evaluate import LENIENT, STRICT, Judgement, Limits


@dataclass(frozen=True)
class Rated:
    """A person's ratings, in order, including repeats."""

    latents: np.ndarray  # float32 (n, z_dim)
    stars: np.ndarray  # int64 (n,) in 1..5

    def record(self) -> dict[str, Any]:
        """Plain JSON: the latents as little-endian float32 in base64."""
        raw = np.ascontiguousarray(self.latents, "<f4").tobytes()
        return {
            "stars": self.stars.tolist(),
            "z_dim": int(self.latents.shape[1]),
            "latents": base64.b64encode(raw).decode("ascii"),
        }

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Rated":
        """From the result of `record`."""
        raw = np.frombuffer(base64.b64decode(record["latents"]), "<f4")
        return cls(raw.reshape(-1, record["z_dim"]).astype(np.float32), np.asarray(record["stars"], np.int64))


@dataclass(frozen=True)
class Step:
    """One rated grid and the round taught after it."""

    ratings: int  # given so far
    judgement: Judgement  # of the generator after the round
    kept: bool  # whether the session kept the round
    reason: str  # the session's own explanation
    seconds: float  # of the round alone
    accuracy: float | None  # prequential; None with too few ratings
    stars: float  # mean over the grid


@dataclass(frozen=True)
class Report:
    """The result of a simulated session."""

    rater: str
    ratings: int
    seed: int
    model: str
    hash: str
    device: str
    real: str  # kind of real pictures: a procedural kind such as "scenes", "given" or "untuned"
    like_threshold: float
    love_threshold: float
    untuned: Judgement
    reference: Judgement
    steps: list[Step]
    oracle: Judgement  # best-of-16 by the true taste: an upper bound for selection
    best_of: dict[int, Judgement]  # selection by the session's own taste model, without training
    predicted: float  # mean predicted liking of the final generator's images, in untuned standard deviations
    seconds: float  # whole session without judging
    images: int  # drawn by the generator during the session, without the pool, which all sessions with a generator share
    rated: Rated  # the ratings that the session learnt from
    drifts: bool = False  # whether the rater's taste changes during the session
    lapses: float = 0.05  # share of ratings that are random stars
    candidates: int = 0  # of the final generator's choice; 0: it is not a choice
    strengths: dict[int, Judgement] = field(default_factory=dict)  # of the final generator, by number of candidates
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def final(self) -> Judgement:
        """Judgement of the generator at the end of the session."""
        return self.steps[-1].judgement if self.steps else self.untuned

    def counted(self, limits: Limits = STRICT) -> tuple[int, Judgement]:
        """The checkpoint that counts: the last one if it is inside `limits`, else the best one inside, else the start.

        Returns its round, counted from 1 (0: the start), and its judgement.
        """
        if self.final.inside(limits):
            return len(self.steps), self.final
        inside = [(i, step.judgement) for i, step in enumerate(self.steps, 1) if step.judgement.inside(limits)]
        return max([(0, self.untuned), *inside], key=lambda pair: pair[1].like)

    @property
    def ended_below(self) -> bool:
        """Whether the person likes fewer images at the end than at the start.

        False if every round was refused: then the generator is unchanged, and only other images of it are judged.
        """
        return any(step.kept for step in self.steps) and self.final.like < self.untuned.like

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        strict, lenient = self.counted(STRICT), self.counted(LENIENT)
        return {
            "format": "tastemaker-simulation",
            "version": 1,
            "rater": self.rater,
            "ratings": self.ratings,
            "lapses": self.lapses,
            "drifts": self.drifts,
            "seed": self.seed,
            "model": {"name": self.model, "hash": self.hash},
            "device": self.device,
            "versions": self.versions,
            "real": self.real,
            "limits": {"strict": asdict(STRICT), "lenient": {"diversity": LENIENT.diversity, "precision": LENIENT.precision}},
            "thresholds": {"like": self.like_threshold, "love": self.love_threshold},
            "untuned": self.untuned.record(),
            "reference": self.reference.record(),
            "curve": [
                {
                    "ratings": step.ratings,
                    "kept": step.kept,
                    "reason": step.reason,
                    "seconds": round(step.seconds, 2),
                    "accuracy": step.accuracy,
                    "stars": round(step.stars, 3),
                    **step.judgement.record(),
                }
                for step in self.steps
            ],
            "final": self.final.record(),
            "counted": {"round": strict[0], **strict[1].record()},
            "counted_lenient": {"round": lenient[0], **lenient[1].record()},
            "oracle_best_of_16": self.oracle.record(),
            "best_of": {str(n): judgement.record() for n, judgement in self.best_of.items()},
            "candidates": self.candidates,
            "strengths": {str(n): judgement.record() for n, judgement in self.strengths.items()},
            "accuracy": self.steps[-1].accuracy if self.steps else None,
            "predicted_minus_true": round(self.predicted - self.final.utility, 4),
            "ended_below": self.ended_below,
            "seconds": round(self.seconds, 1),
            "images": self.images,
            "rated": self.rated.record(),
            "seconds_per_round": round(float(np.mean([step.seconds for step in self.steps] or [0.0])), 2),
        }
