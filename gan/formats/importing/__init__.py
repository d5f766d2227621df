"""Foreign generators: `import_file` makes a model of a file that another program wrote, without executing anything in it."""

from gan.formats.importing.front import import_file
from gan.formats.importing.result import Imported, Option, Question

__all__ = ["Imported", "Option", "Question", "import_file"]
