"""Creates a `gan.session` from the data of a project, converting latents and opinions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

import gan
from gan.data.procedural import cache_folder
from gan.errors import UserError
from gan.session import Feedback, Reading, Signal, Tag, TuningSession
from gan.taste import TasteLearner, TasteSummary
from gan.taste.events import Kind
from studio.project.opinions import standing
from studio.worker import messages as m

_MOST_DIFFERENT = 2.0  # grey levels, on average; the same generator draws the same image to 1 grey level on every device


def make_session(command: m.Open, device: str) -> TuningSession:
    """A session with the command's generator and images; ratings and checkpoint are left to the caller.

    Raises
    ------
    UserError, ValueError
        There is no such generator or device, or the generator is damaged.
    """
    if Path(command.model).is_absolute() and not Path(command.model).exists():
        raise UserError(f"This project's generator is missing: {command.model}. Put it back there, or say where it is now.")
    # A project outlives its generator's training: its checkpoints still open after a bundled generator was trained again.
    session = TuningSession(
        gan.load(command.model, "cpu"),
        device=device,
        seed=command.seed,
        cache=cache_folder(),
        retrained=True,
    )
    if command.proof is not None:
        _refuse_another(session, command, command.proof)
    session.add({image.id: array(image.latent) for image in command.images})
    # The reference set depends only on the project's seed; the choice of images must not start again with every launch.
    session.random.manual_seed(command.seed * 1_000_003 + len(command.images))
    return session


def _refuse_another(session: TuningSession, command: m.Open, proof: m.Proof) -> None:
    """Raise UserError unless the session's generator is, as far as can be told, the one that the images came from."""
    another = UserError(f"The generator in {command.model} is not this project's: it draws other images than those you rated.")
    latents = {image.id: image.latent for image in command.images}
    if any(len(latent) != 4 * session.model.z_dim for latent in latents.values()):
        raise another
    if proof.hash:
        if session.model.hash != proof.hash:
            raise another
        return
    shown = [(latents[image], pixels) for image, file in proof.files if image in latents and (pixels := _pixels(file)) is not None]
    if any(pixels.shape[:2] != (session.model.resolution,) * 2 for _, pixels in shown):
        raise another
    if shown:
        drawn = session.draw(np.stack([array(latent) for latent, _ in shown])).astype(np.float32)
        if float(np.abs(drawn - np.stack([pixels for _, pixels in shown])).mean()) > _MOST_DIFFERENT:
            raise another


def _pixels(file: str) -> np.ndarray | None:
    """A stored image, uint8 (H, W, 3); None if it cannot be read."""
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError):
        return None


def open_session(
    command: m.Open, device: str, taste: bool = True, reading: Callable[[Reading], None] = lambda left: None
) -> TuningSession:
    """A session with everything in the command; without `taste`, which takes seconds and is not needed for drawing, no ratings.

    `reading` is called with what is still to be looked at before the ratings can be learnt from.

    Raises
    ------
    UserError, ValueError
        As in `make_session`, or the checkpoint is missing or damaged.
    """
    session = make_session(command, device)
    if command.checkpoint is not None:
        session.restore(Path(command.checkpoint))
    if not taste:
        return session
    while (left := session.read()) is not None:
        reading(left)
    use_signals_and_tags(session.learner, command.use_signals)
    session.feedback(feedback(command.events))
    tell_signals_and_tags(session.learner, command.events)
    session.fit()
    return session


def array(latent: bytes) -> np.ndarray:
    """A stored latent as float32 (z_dim,)."""
    return np.frombuffer(latent, "<f4").astype(np.float32)


def packed(latent: np.ndarray) -> bytes:
    """A latent in the form in which it is stored."""
    return np.asarray(latent, "<f4").tobytes()


def feedback(opinions: Iterable[m.Opinion]) -> list[Feedback]:
    """Convert opinions for `gan.session`; for signals see `signals`.

    The library's "clear" also removes the flag; the studio's only removes stars. The best of several images is preferred to each other one.
    """
    found: list[Feedback] = []
    for o in standing(opinions):
        if isinstance(o, m.FeedbackEvent):
            kind, value = ("stars", 0.0) if o.kind == "clear" else (o.kind, o.value)
            found.append(Feedback(o.image, cast(Kind, kind), value, o.time))
        elif isinstance(o, m.Survey):
            found += [Feedback(o.best, "preferred", 0.0, o.time, other) for other in o.others]
        elif isinstance(o, m.Duel) and o.outcome != "skip":
            winner, loser = (o.b, o.a) if o.outcome == "b" else (o.a, o.b)
            found.append(Feedback(winner, "tie" if o.outcome == "tie" else "preferred", 0.0, o.time, loser))
    return found


def signals(opinions: Iterable[m.Opinion]) -> list[Signal]:
    """The signals among opinions, converted for `gan.session`."""
    return [Signal(o.image, o.kind, o.value, o.time) for o in opinions if isinstance(o, m.Signal)]


def tags(opinions: Iterable[m.Opinion]) -> list[Tag]:
    """The tags among opinions, converted for `gan.session`."""
    return [Tag(o.image, o.word, o.kind == "tag", o.time) for o in opinions if isinstance(o, m.Tag)]


def tell_signals_and_tags(learner: TasteLearner, opinions: Iterable[m.Opinion]) -> None:
    """Append the signals and tags among opinions to a learner. Replacing events does not undo them (removing a tag is an event too)."""
    opinions = list(opinions)
    learner.signals(signals(opinions))
    learner.tags(tags(opinions))


def use_signals_and_tags(learner: TasteLearner, on: bool) -> None:
    """Switch learning from signals and tags on or off."""
    learner.use_signals = learner.use_tags = on


def taste_message(summary: TasteSummary, predictions: tuple[m.Prediction, ...]) -> m.Taste:
    """The state of the taste as a message to the window."""
    signs = summary.signs
    return m.Taste(
        count=summary.count,
        accuracy=summary.accuracy,
        guesses=summary.guesses,
        trusted=summary.trusted,
        predictions=predictions,
        auc=summary.auc,
        repeats=summary.repeats,
        consistency=summary.consistency,
        changed=summary.changed,
        signs_auc=None if signs is None else signs.auc,
        signs_weight=0.0 if signs is None else signs.weight,
        tags_weight=0.0 if summary.told is None else summary.told.weight,
    )
