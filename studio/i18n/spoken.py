"""Sentences that come from elsewhere, as data: the labels of the store, what the worker says, why a round ended.

`translated` finds the sentence that a text was made from, and puts the same values into its translation.
"""

from __future__ import annotations

import re
from functools import cache

from studio.i18n import spoken_imports

SENTENCES = (
    "clear stars",
    "like",
    "reject",
    "neither",
    "clear flag",
    "note",
    "clear note",
    "clear title",
    "duel",
    "survey",
    "name version",
    "delete version",
    "branch",
    "{n} star",
    "{n} stars",
    "{n} star for {text}",
    "{n} stars for {text}",
    "clear stars for {text}",
    "title {text}",
    "tag {text}",
    "remove tag {text}",
    "red label",
    "yellow label",
    "green label",
    "blue label",
    "clear label",
    "{what} on {n} images",
    "Branched from round {n}.",
    "No version inside the limits pleased more than the one before; nothing was changed.",
    "Stopped because {why}; {what}.",
    "variety fell to {value} (limit {limit})",
    "realism fell to {value} SD (limit {limit})",
    "images became unlike any before, {value} SD (limit {limit})",
    "the best version so far was kept",
    "nothing was changed",
    "Stopped on request; the best version so far was kept.",
    "Stopped on request; nothing was changed.",
    "Stopped before any version was better; nothing was changed.",
    "The worker crashed during the round; the generator is as it was before it.",
    "The worker crashed twice ({why}) and was not started again. Your ratings are safe.",
    "The worker crashed ({why}) and was started again. Your ratings are safe.",
    "exit code {n}",
    "Memory is short: working in smaller batches.",
    "The graphics card is out of memory: going on with the CPU, more slowly.",
    "There is not enough memory for this. Close other programs and try again.",
    "No generator is loaded.",
    "This image is not known yet; try again in a moment.",
    "The window and the worker are of different versions; start Tastemaker again.",
    "{why}: the untuned generator is in use.",
    "The worker could not go on: {why}",
    "looking at what the generator draws: {done} of {all} images",
    "learning what latents look like: {share} %",
    "there are too few ratings to teach from: rate at least a grid of images first",
    "all ratings are alike: rate some images higher than others, so that there is something to learn",
    "what was said so far could as well be chance: rate more images, so that there is something to learn",
    "The round could not be saved ({why}); the generator is as it was before it.",
    "Cannot use the project folder {folder}: {why}.",
    "{folder} is open in another Tastemaker; close it there first.",
    "{folder} is a file, not a folder.",
    "{folder} is not a Tastemaker project.",
    "The disk with {folder} is full; nothing was lost, but nothing more can be saved.",
    "The project in {folder} cannot be written: the folder or its files are read-only.",
    "The project in {folder} is in use by another program.",
    "{file} is damaged and was left as it is; a copy named .bak beside it may be good.",
    "The project in {folder} cannot be used: {why}.",
    "{file} is a database of another program, not a Tastemaker project.",
    "The project has no checkpoint {n}.",
    "The process that reads the file has ended by itself ({why}).",
    "{folder} was made by a newer Tastemaker (project version {a}; this one reads up to {b}).",
    "The version in use cannot be deleted; restore another one first.",
    "The checkpoint {path} is not on disk.",
    "CPU, {n} cores",
    "CPU, {n} core",
    "there are no images to write: nothing was shown yet",
    "no images to write",
    "writing the weights",
    "writing the ONNX file",
    "writing the .pt2 file",
    "drawing the images",
    "drawing the frames",
    "drawing the samples",
    "putting it in place",
    "exported to {folder}",
    "not a picture",
    "not a file",
    "too many pixels",
    "not enough memory for it",
    "{what} files are not read: save it as PNG or JPEG",
    "{w} x {h} pixels are too many",
    "{w} x {h} pixels are too few",
    "no such folder: {folder}",
    "no pictures in {folder}",
    "The process that trains has ended by itself ({why}).",
    "There is not enough memory: choose smaller images.",
    "{n} pictures are enough to learn from as they are.",
    "With {n} pictures the discriminator would soon know each by heart: it sees {share} of the images, real and generated alike, shifted a "
    "little, and as many with a hole, so that it judges what they have in common.",
    "This run is finished: ask for more --minutes or a larger --kimg to prolong it.",
    "image {done} of {all}",
    "frame {done} of {all}",
)
# The first that fits is taken: sentences that are nothing but fields and a word or two come last.


def translated(text: str, catalogue: dict[str, str]) -> str | None:
    """Return `text` in the catalogue's language, or None where no sentence fits."""
    for pattern, sentence in _patterns():
        match = pattern.fullmatch(text)
        if match and catalogue.get(sentence):
            values = {
                name: translated(value, catalogue) or value for name, value in match.groupdict().items()
            }
            return catalogue[sentence].format(**values)
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_pattern(sentence), re.DOTALL), sentence) for sentence in (*SENTENCES, *spoken_imports.SENTENCES))


def _pattern(sentence: str) -> str:
    parts = re.split(r"\{(\w+)\}", sentence)
    return "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
