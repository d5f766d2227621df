"""Descriptions of the export formats."""

from dataclasses import dataclass

from studio.i18n import tr
from studio.model.state import Generator


@dataclass(frozen=True)
class Way:
    """One export format: its name, its purpose, and the files that it writes."""

    key: str  # its name in `gan.formats.exports`
    name: str
    about: str
    files: tuple[tuple[str, str], ...]  # (name, description); a name may contain a setting in braces
    options: tuple[str, ...] = ()  # keys of `studio.ui.export_options`
    of_images: bool = False  # whether it contains images (favourites or all) rather than the generator

    def written(self, graph: bool) -> list[tuple[str, str]]:
        """The files that are written. `graph` : the generator is an ONNX graph, which is included instead of a traced program."""
        if not graph or "model.safetensors" not in dict(self.files):
            return list(self.files)
        kept = [file for file in self.files if file[0] != "generator.pt2"]
        return [*kept, ("original.onnx", tr("the graph that was imported"))]


def unfit(way: Way, generator: Generator) -> str:
    """Return why a generator cannot be written in a format; "" if it can."""
    if way.key == "state_dict" and not generator.imported:
        return tr("Only generators that were imported have another program's code to go back to.")
    if way.key == "state_dict" and generator.folded:
        return tr("Its own code would not take these weights: some were changed or left out when it was imported.")
    if way.key in ("pt2", "state_dict") and generator.graph:
        return tr("This generator is an ONNX graph, which PyTorch cannot take apart: choose Bundle or ONNX.")
    return ""


def ways() -> list[Way]:
    """Return all formats, those of the generator first."""
    weights = ("model.safetensors", tr("the weights"))
    config = ("config.json", tr("what the weights are"))
    onnx = ("generator.onnx", tr("runs in any program"))
    script = ("sample.py", tr("draws images without Tastemaker"))
    vector = ("test_vector.npz", tr("lets sample.py check itself"))
    sheet = ("samples.png", tr("a sheet of images"))
    card = ("README.md", tr("the model's card"))
    page = ("README.md", tr("how to use it"))
    program = ("generator.pt2", tr("the traced generator"))
    return [
        Way(
            "bundle",
            tr("Bundle"),
            tr("A folder that any other program can use, with nothing of Tastemaker needed."),
            (weights, config, onnx, script, vector, sheet, card),
            ("fp16",),
        ),
        Way("onnx", "ONNX", tr("One graph for any program that runs ONNX."), (onnx, script, vector, page)),
        Way(
            "pt2",
            tr("PyTorch program"),
            tr("One file for programs that have PyTorch (torch.export)."),
            (program, page),
        ),
        Way(
            "state_dict",
            tr("Original weights"),
            tr(
                "An imported generator's weights, for the code they came from. What was taught is beside them."
            ),
            (
                ("generator.pth", tr("loads into the original code")),
                ("generator.safetensors", tr("the same, without pickle")),
                ("adapter.onnx, adapter.pt2", tr("what was taught: runs before it")),
                page,
            ),
        ),
        Way(
            "hub",
            tr("Model hub folder"),
            tr("The bundle with samples and a card, ready to be pushed to a model hub."),
            (
                weights,
                onnx,
                program,
                ("samples/", tr("eight images")),
                card,
            ),
            ("fp16",),
        ),
        Way(
            "images",
            tr("Favourites"),
            tr(
                "Picture files with your rating inside, where photo managers read it, and that they are generated."
            ),
            (("image00000001.{image_format} …", tr("one for each favourite")),),
            ("least_stars", "image_format", "scale", "sidecar"),
            of_images=True,
        ),
        Way(
            "sheet",
            tr("Contact sheet"),
            tr("All favourites on one picture."),
            (("sheet.png", tr("the best first")),),
            ("least_stars", "scale"),
            of_images=True,
        ),
        Way(
            "video",
            tr("Film"),
            tr("A film that wanders from favourite to favourite and ends where it began."),
            (("interpolation.{video_format}", tr("closed: it can be repeated for ever")),),
            ("least_stars", "video_format", "seconds", "fps", "scale"),
            of_images=True,
        ),
        Way(
            "dataset",
            tr("Data set"),
            tr("Everything that was shown and said, for research."),
            (
                ("ratings.csv", tr("one line for each image")),
                ("images/", tr("the pictures")),
                ("latents.npz", tr("what they are drawn from")),
                ("events.jsonl", tr("all that was said and done")),
                page,
            ),
            of_images=True,
        ),
    ]
