"""A folder of pictures, in every kind that people have them."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.data.folder import Intake, decode, open_images
from gan.errors import Cancelled, UserError

TILES = Path(__file__).parents[3] / "shared" / "data" / "dungeon-tiles"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    return place


def flat(size: tuple[int, int], colour: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


def opened(folder: Path, resolution: int = 16, **more: object) -> Intake:
    return open_images(folder, resolution, cache=folder.parent / "cache", **more)  # type: ignore[arg-type]


def test_nested_folders_in_order(folder: Path) -> None:
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    flat((16, 16), (255, 0, 0)).save(folder / "b" / "deep" / "one.png")
    flat((16, 16), (0, 255, 0)).save(folder / "a.PNG")
    flat((16, 16), (0, 0, 255)).save(folder / ".hidden" / "no.png")
    flat((16, 16), (0, 0, 255)).save(folder / ".no.png")
    (folder / "README.md").write_text("not a picture")
    intake = opened(folder)
    assert intake.used == [Path("a.PNG"), Path("b/deep/one.png")] and intake.skipped == []
    assert isinstance(intake.images, np.memmap) and intake.images.shape == (2, 16, 16, 3)
    assert intake.images.dtype == np.uint8 and not intake.images.flags.writeable
    assert intake.images[0, 3, 3].tolist() == [0, 255, 0] and intake.images[1, 3, 3].tolist() == [255, 0, 0]


def test_kinds_of_picture(folder: Path) -> None:
    expected: dict[str, tuple[int, int, int]] = {}

    def keep(name: str, image: Image.Image, colour: tuple[int, int, int], **options: object) -> None:
        image.save(folder / name, **options)  # type: ignore[arg-type]
        expected[name] = colour

    red = (200, 30, 40)
    keep("palette.png", flat((20, 20), red).quantize(4), red)
    transparent = flat((20, 20), red).quantize(4)
    keep("palette-alpha.png", transparent, (255, 255, 255), transparency=transparent.getpixel((0, 0)))
    keep("alpha.png", flat((20, 20), (0, 0, 0, 0), "RGBA"), (255, 255, 255))
    keep("half.png", flat((20, 20), (0, 0, 0, 128), "RGBA"), (127, 127, 127))
    keep("grey-alpha.png", flat((20, 20), (90, 255), "LA"), (90, 90, 90))
    keep("grey.png", flat((20, 20), (90,), "L"), (90, 90, 90))
    keep("bit.png", flat((20, 20), (1,), "1"), (255, 255, 255))
    keep("deep.png", Image.fromarray(np.full((20, 20), 25700, np.uint16)), (100, 100, 100))
    keep("float.tiff", Image.fromarray(np.full((20, 20), 0.5, np.float32)), (128, 128, 128))
    keep("ink.jpg", flat((20, 20), (0, 0, 0, 0), "CMYK"), (255, 255, 255))
    keep("photo.jpg", flat((20, 20), red), red, quality=95)
    keep("web.webp", flat((20, 20), red), red, lossless=True)
    frames = [flat((20, 20), red).quantize(4), flat((20, 20), (0, 0, 255)).quantize(4)]
    keep("moving.gif", frames[0], red, save_all=True, append_images=frames[1:])
    intake = opened(folder)
    assert intake.skipped == []
    for path, image in zip(intake.used, intake.images, strict=True):
        assert np.abs(image.astype(int) - expected[path.name]).max() <= 3, path


def test_rotation_noted_by_a_camera(folder: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255  # white above, as stored; orientation 3 turns it upside down
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels).save(folder / "turned.png", exif=exif)
    image = opened(folder).images[0]
    assert image[:7].max() == 0 and image[9:].min() == 255




def test_crop_takes_the_middle(folder: Path) -> None:
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = (10, 200, 30)
    Image.fromarray(pixels).save(folder / "wide.png")
    Image.fromarray(pixels.transpose(1, 0, 2)).save(folder / "tall.png")
    assert (opened(folder).images == (10, 200, 30)).all()


def test_pixel_art_grows_with_hard_edges_and_photographs_shrink_smoothly(folder: Path) -> None:
    art = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(art).save(folder / "art.png")
    np.testing.assert_array_equal(decode(folder / "art.png", 64), art.repeat(4, 0).repeat(4, 1))
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(folder / "stripes.png")
    assert np.abs(decode(folder / "stripes.png", 8).astype(int) - 128).max() <= 40  # averaged, not picked


def bomb(path: Path, side: int) -> None:
    """A valid PNG header that promises side * side pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def test_unreadable_files_are_skipped_with_a_reason(folder: Path) -> None:
    flat((16, 16), (1, 2, 3)).save(folder / "good.png")
    whole = (folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("hello")
    (folder / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n")
    flat((200, 3), (1, 2, 3)).save(folder / "line.png")
    bomb(folder / "bomb.png", 11_000)
    bomb(folder / "larger.png", 60_000)
    (folder / "link.png").symlink_to(folder / "nothing.png")
    intake = opened(folder)
    assert intake.used == [Path("good.png")]
    reasons = {str(path): why for path, why in intake.skipped}
    assert set(reasons) == {"cut.png", "empty.jpg", "text.png", "script.png", "line.png", "bomb.png", "larger.png"}
    assert reasons["text.png"] == reasons["script.png"] == "not a picture"
    assert "too many" in reasons["bomb.png"] and "too few" in reasons["line.png"]
    assert all(why and "\n" not in why for why in reasons.values())


def test_folders_without_pictures(folder: Path) -> None:
    with pytest.raises(UserError, match="no pictures"):
        opened(folder)
    with pytest.raises(UserError, match="no such folder"):
        opened(folder / "nothing")
    (folder / "bad.png").write_text("hello")
    with pytest.raises(UserError, match=r"no readable picture .*bad.png: not a picture"):
        opened(folder)
    with pytest.raises(UserError, match="is a file"):
        opened(folder / "bad.png")
    with pytest.raises(ValueError, match="resolution"):
        opened(folder, 4)
    assert not list((folder.parent / "cache").rglob("*.*"))


def test_cache_is_used_and_renewed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat((16, 16), (1, 2, 3)).save(folder / "a.png")
    opened(folder)
    calls = []
    monkeypatch.setattr("gan.data.folder.decode", lambda path, r: calls.append(path) or decode(path, r))
    assert opened(folder).images[0, 0, 0].tolist() == [1, 2, 3] and calls == []
    flat((16, 16), (9, 9, 9)).save(folder / "a.png")
    os.utime(folder / "a.png", ns=(1, 1))
    assert opened(folder).images[0, 0, 0].tolist() == [9, 9, 9] and len(calls) == 1
    cached = sorted((folder.parent / "cache" / "folders").iterdir())
    assert [path.suffix for path in cached] == [".json", ".npy"]  # the stale one is gone
    assert opened(folder, 32).images.shape == (1, 32, 32, 3) and len(calls) == 2
    cached[1].write_bytes(cached[1].read_bytes()[:200])  # a damaged cache is made again
    assert opened(folder).images[0, 0, 0].tolist() == [9, 9, 9] and len(calls) == 3


def test_cancel_leaves_nothing(folder: Path) -> None:
    for index in range(5):
        flat((16, 16), (index, 0, 0)).save(folder / f"{index}.png")
    seen: list[float] = []
    with pytest.raises(Cancelled):
        opened(folder, progress=lambda fraction, text: seen.append(fraction), cancel=lambda: len(seen) >= 2)
    assert len(seen) == 2 and not list((folder.parent / "cache").rglob("*.*"))
    seen.clear()
    assert len(opened(folder, progress=lambda fraction, text: seen.append(fraction)).used) == 5
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_cache_that_cannot_be_written(folder: Path) -> None:
    flat((16, 16), (1, 2, 3)).save(folder / "a.png")
    (folder.parent / "cache").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the image cache"):
        opened(folder)


@pytest.mark.skipif(not TILES.is_dir(), reason="the folder of real tiles is not here")
def test_a_real_messy_folder(tmp_path: Path) -> None:
    intake = open_images(TILES, 64, cache=tmp_path)
    assert len(intake.used) > 1000 and len(intake.used) + len(intake.skipped) == 1107
    assert len(set(intake.used)) == len(intake.used) == len(intake.images)
    assert intake.images.std(axis=(1, 2, 3)).mean() > 20
    assert [str(path) for path, _ in intake.skipped] == [], intake.skipped
