"""Every text is translated, none is stale, and in each language everything fits its place."""

import ast
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel, QTreeView, QWidget
from pytestqt.qtbot import QtBot
from said_support import COMMAND_LINE, in_calls, said
from window_support import Hands

import gan
from gan.errors import UserError
from gan.formats.importing import import_file
from gan.guard.limits import MOVING, Look
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


def test_dates_and_numbers_follow_the_language_and_not_the_system(speak: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    then = datetime(2026, 11, 30, 10, 50, 45).timestamp()
    speak("en")
    assert (i18n.moment(then), i18n.whole(12_345)) == ("30 Nov 2026 10:50", "12,345")
    speak("zh_CN")
    assert (i18n.moment(then), i18n.whole(12_345)) == ("2026年11月30日 10:50", "12,345")


def test_qts_own_file_dialog_has_no_english_in_it(
    qapp: QApplication, qtbot: QtBot, speak: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    speak("zh_CN")
    dialog = QFileDialog(None, "", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    dialog.show()
    table = dialog.findChild(QTreeView)
    assert table is not None
    qtbot.waitUntil(lambda: table.model().rowCount(table.rootIndex()) == 1)
    texts = [part.text() for kind in (QLabel, QAbstractButton) for part in dialog.findChildren(kind)]
    texts += [table.model().index(0, 2, table.rootIndex()).data()]
    texts += [table.model().headerData(column, Qt.Orientation.Horizontal) for column in range(4)]
    assert "文件夹" in texts
    assert [text for text in texts if re.search(r"[A-Za-z]{2,}", text)] == []


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
    limits = MOVING  # of these all can be broken
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


# -- what the library, the store and the worker say ----------------------------------------------------------------


def untranslated(text: str) -> str | None:
    """What of a sentence with `VALUE` in its fields stays English in Chinese; "" if nothing, None if it is not known at all."""
    known = i18n.catalogue("zh_CN")
    fields = {text: "|".join(f"{{{field}}}" for field in translations.fields(text)) or "|" for text in known}
    kept = spoken.translated(text, fields)
    if kept is None:
        return None
    return "; ".join(
        part for part in kept.split("|") if re.search(r"[a-z] [a-z]", part)
    )  # a name has no spaces


def test_every_sentence_that_can_reach_the_window_is_translated() -> None:
    found = dict(said())
    assert len(found) > 300
    missing = {
        f"{place}: {text}": left for text, place in found.items() if (left := untranslated(text)) != ""
    }
    assert missing == {}, (
        "add them to studio/i18n/sentences.txt and zh_CN.json, or say in said_support why nobody meets them"
    )


def test_what_only_the_command_line_says_is_still_there() -> None:
    places = [path.relative_to(ROOT).as_posix() for path in (ROOT / "gan").rglob("*.py")]
    places += [path.relative_to(ROOT).as_posix() for path in (ROOT / "studio").rglob("*.py")]
    assert [place for place in COMMAND_LINE if not any(one.startswith(place) for one in places)] == []


def test_a_new_sentence_without_a_translation_is_found() -> None:
    source = """
        TWICE = "of all that is here"
        def why(error):
            if error:
                return "the moon is full"
            return f"the moon is {error}"
        def work(path, n):
            what = "one" if n == 1 else f"{n} ones"
            raise UserError(f"{path} howls at {what}{'' if n else ' again'}: {why(path)}" or TWICE)
        def silent(error):
            raise UserError(str(error))
    """
    found = [text for text, _ in in_calls(ast.parse(textwrap.dedent(source)), {"UserError": 0})]
    assert sorted(found) == [
        *(
            f"7 howls at 7 ones{again}: the moon is {what}"
            for again in (" again", "")
            for what in ("7", "full")
        ),
        *(f"7 howls at one{again}: the moon is {what}" for again in (" again", "") for what in ("7", "full")),
        "of all that is here",
    ]
    assert untranslated(found[0]) is None
    assert untranslated("7 is damaged: the moon is full") == "the moon is full"


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        # of several sentences that fit, the one that says most
        ('model.json is damaged: "name" is missing', 'model.json 已损坏：缺少 "name"'),
        ("label 3 is not one of 7 classes", "类别 3 不在 7 个类别之内"),
        # a sentence inside a sentence, and the system's words in it
        (
            "a.pt cannot be imported: it is damaged: a tensor's data is missing",
            "无法导入 a.pt：文件已损坏：某个张量的数据缺失",
        ),
        ("cannot write grey/like.png: no space left on device", "无法写入 grey/like.png：磁盘空间不足"),
        # names are not words, whatever they are called
        ("no pictures in grey", "grey 里没有图片"),
        ("tag like", "标签 like"),
        ("remove tag grey on 3 images", "3 张图像：去掉标签 grey"),
    ],
)
def test_the_values_of_a_sentence_stand_in_its_translation(
    said: str, chinese: str, speak: Callable[[str], None]
) -> None:
    speak("zh_CN")
    assert tr(said) == chinese


def test_a_refusal_of_the_library_is_said_in_chinese(tmp_path: Path, speak: Callable[[str], None]) -> None:
    speak("zh_CN")
    (tmp_path / "notes.pt").write_text("no generator")
    with pytest.raises(UserError) as refused:
        import_file(tmp_path / "notes.pt")
    assert tr(str(refused.value)) == "无法导入 notes.pt：这是一个文本文件"
    with pytest.raises(UserError) as refused:
        gan.load(tmp_path)
    assert tr(str(refused.value)) == f"{tmp_path} 不是生成器：其中没有 config.json"
    with pytest.raises(UserError) as refused:
        gan.load("dreamscapes", device="cuda:99")
    assert tr(str(refused.value)).startswith("设备 'cuda:99' 在这里不可用：")
