"""Foreign generators: `import_file` reads a model from a file that another program wrote. No code in it is run without consent."""

from gan.formats.importing.front import import_file
from gan.formats.importing.result import Imported, Option, Question

__all__ = ["Imported", "Option", "Question", "import_file"]
