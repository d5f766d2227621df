"""Every text is translated, none is stale, and in each language everything fits its place."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from window_support import Hands

from gan.guard.limits import Limits, Look
from studio import i18n
from studio.i18n import spoken, tr
from studio.project.ratings import LABELS, _label
from studio.ui.parts import ElidedLabel
from studio.ui.views import entries

sys.path.append(str(Path(__file__).resolve().parents[2] / "packaging"))
import translations

ROOT = Path(__file__).resolve().parents[2]

OTHERS = [language for language in i18n.LANGUAGES if language != "en"]
CHINESE = pytest.mark.parametrize("language", OTHERS)


@pytest.fixture
def speak() -> Iterator[Callable[[str], None]]:
    """Change the language; the tests after it hear English again."""
    yield i18n.load
    i18n.load("en")


@CHINESE
def test_every_text_is_translated_and_none_is_stale(language: str) -> None:
    catalogue = i18n.catalogue(language)
    assert translations.problems(catalogue, translations.wanted()) == []


def test_problems_are_found() -> None:
    texts = {"{n} ratings": "a.py:1", "Teach": "a.py:2", "Stop": "a.py:3"}
    found = translations.problems({"{n} ratings": "{m} 次", "Teach": "", "Gone": "没了"}, texts)
    assert len(found) == 4
    assert any("a.py:2" in problem for problem in found)
    assert any("stale" in problem for problem in found)
    assert any("other fields" in problem for problem in found)


@CHINESE
def test_what_is_said_elsewhere_is_translated_with_its_values(
    language: str, speak: Callable[[str], None]
) -> None:
    speak(language)
    kinds = [("stars", float(n), "") for n in range(1, 6)] + [
        ("label", float(n), "") for n in range(len(LABELS))
    ]
    kinds += [(kind, 0.0, "") for kind in ("clear", "like", "reject", "neither", "note")]
    kinds += [("tag", 0.0, "dusk"), ("untag", 0.0, "dusk"), ("note", 0.0, "calm")]
    kinds += [("title", 0.0, "dusk"), ("title", 0.0, "")]
    for kind, value, text in kinds:
        for images in (1, 3):
            said = _label(kind, value, text, images)
            assert tr(said) != said, said
            assert str(images) in tr(said) or images == 1
    assert "dusk" in tr("remove tag dusk")
    limits = Limits()
    for look in (Look(1, 0.0, 0.0, 0.1), Look(1, 0.0, -9.0, 2.0), Look(1, 0.0, 0.0, 2.0, -9.0)):
        broken = look.broken(limits)
        assert broken is not None
        assert tr(broken) != broken, broken
        sentence = f"Stopped because {broken}; nothing was changed."
        assert "Stopped" not in tr(sentence)
        assert "limit" not in tr(sentence)


def test_an_unknown_sentence_stays_as_it_is(speak: Callable[[str], None]) -> None:
    speak("zh_CN")
    assert tr("a sentence of nobody {with} braces") == "a sentence of nobody {with} braces"
    assert tr("{n} ratings", n=3) != "3 ratings"
    assert "3" in tr("{n} ratings", n=3)
    assert spoken.translated("", {}) is None


def test_the_systems_language_and_unknown_ones(speak: Callable[[str], None]) -> None:
    assert i18n.load("tlh") == "en"
    assert i18n.load("system") in i18n.LANGUAGES
    assert i18n.load("zh_CN") == "zh_CN"
    assert tr("Teach") != "Teach"
    i18n.load("en")
    assert tr("Teach") == "Teach"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("size", [(760, 560), (1440, 900)], ids=["small", "large"])
def test_nothing_is_wider_than_its_place(
    language: str,
    size: tuple[int, int],
    speak: Callable[[str], None],
    open_studio: Callable[[], Hands],
) -> None:
    speak(language)
    hands = open_studio()
    hands.first_grid()
    hands.rate_enough()
    hands.window.resize(*size)
    cut = []
    for entry in entries():
        hands.window.show_view(entry.key)
        for _ in range(3):  # a text that follows a resize asks for one more layout
            QApplication.processEvents()
        seen = [widget for widget in hands.window.findChildren(QWidget) if widget.isVisible()]
        cut += [(entry.key, widget.text()) for widget in seen if cut_off(widget)]  # type: ignore[attr-defined]
    assert cut == []


def cut_off(widget: QWidget) -> bool:
    """Whether a label or a button of one line has less room than its text needs."""
    if isinstance(widget, ElidedLabel):
        return False
    if isinstance(widget, QLabel):
        return (
            not widget.wordWrap()
            and bool(widget.text())
            and widget.width() < widget.fontMetrics().horizontalAdvance(widget.text().split("\n")[0])
        )
    if isinstance(widget, QAbstractButton) and widget.text() and not widget.icon().isNull():
        return False
    return isinstance(widget, QAbstractButton) and widget.width() < widget.minimumSizeHint().width()


def test_what_a_round_does_before_its_first_step_is_said_in_ones_language(
    speak: Callable[[str], None],
) -> None:
    speak("zh_CN")
    note = f"looking at what the generator draws: {1280:,} of {9216:,} images"  # as gan.preparing says it
    assert tr(note) == "正在查看生成器画出的图像：1,280／9,216"
    assert tr("learning what latents look like: 37 %") == "正在学习潜变量对应的图像：37 %"


def said_by_imports() -> Iterator[str]:
    """Notes, questions and answers in the source of `gan.formats.importing`, with 7 in every field."""
    folder = ROOT / "gan" / "formats" / "importing"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name in ("Question", "Option", "ask") and len(node.args) > 1:
                yield from texts(node.args[1])
            elif name == "append" and owner == "notes":
                yield from texts(node.args[0])


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else filled(part) for part in node.values
        )


def test_what_is_wrong_with_a_project_is_translated() -> None:
    found = []
    for path in (ROOT / "studio" / "project").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "ProjectError",
                "ProjectInUse",
            ):
                found += [text for one in node.args for text in texts(one)]
            elif isinstance(node, ast.FunctionDef) and node.name == "_reason":
                returned = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
                found += [text for one in returned for text in texts(one)]
    assert len(found) >= 10
    chinese = i18n.catalogue("zh_CN")
    assert [text for text in found if spoken.translated(text, chinese) is None] == []


def filled(part: ast.expr) -> str:
    """What stands for a field: an "s" that may be there is left out."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return (
        str(value.orelse.value)
        if isinstance(value, ast.IfExp) and isinstance(value.orelse, ast.Constant)
        else "7"
    )


def test_what_an_import_says_is_translated() -> None:
    found = [text for text in said_by_imports() if any(letter.isalpha() for letter in text)]
    assert len(found) > 25
    chinese = i18n.catalogue("zh_CN")
    missing = [text for text in found if not chinese.get(text) and spoken.translated(text, chinese) is None]
    assert missing == []
