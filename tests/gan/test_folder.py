"""A folder of pictures, in every kind that people have them."""

import io
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.data import folder as folder_module
from gan.data.decoding import decode, read, whole
from gan.data.folder import Intake, open_images
from gan.data.pixel_art import few_colours, square_side
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
    intake = opened(folder, keep_copies=True)
    assert intake.skipped == [] and len(intake.used) == len(expected)
    for path, image in zip(intake.used, intake.images, strict=True):
        assert np.abs(image.astype(int) - expected[path.name]).max() <= 3, path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_noted_by_a_camera(folder: Path, orientation: int) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12] = 255  # white at the top left, as seen
    # how a camera stores it for each orientation (EXIF 2.3, table 6): the inverse of what a viewer does
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1), 7: np.rot90(upright, 2).transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in ("png", "tiff", "jpg"):
        Image.fromarray(np.ascontiguousarray(stored)).save(folder / f"turned.{suffix}", exif=exif)
        found = decode(folder / f"turned.{suffix}", 16)
        assert found.size == (24, 16)
        assert found.pixels[:7, :7].min() > 240 and found.pixels[9:].max() < 15 and found.pixels[:, 9:].max() < 15, suffix


def test_crop_takes_the_middle(folder: Path) -> None:
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = (10, 200, 30)
    Image.fromarray(pixels).save(folder / "wide.png")
    Image.fromarray(pixels.transpose(1, 0, 2)).save(folder / "tall.png")
    assert (opened(folder).images == (10, 200, 30)).all()


def test_pixel_art_grows_with_hard_edges_and_photographs_shrink_smoothly(folder: Path) -> None:
    art = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(art).save(folder / "art.png")
    np.testing.assert_array_equal(decode(folder / "art.png", 64).pixels, art.repeat(4, 0).repeat(4, 1))
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(folder / "stripes.png")
    assert np.abs(decode(folder / "stripes.png", 8).pixels.astype(int) - 128).max() <= 40  # averaged, not picked


def test_enlarged_pixel_art_is_known_by_its_squares(folder: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    flat((16, 16), (9, 9, 9)).save(folder / "flat.png")  # one colour says nothing
    for resolution, side in ((16, 1), (32, 2), (64, 4)):
        assert opened(folder, resolution).pixel == side
    noise = random.integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "photograph.png")
    assert opened(folder, 64).pixel == 1  # one in thirteen is too many
    few = np.concatenate([random.integers(0, 256, (99, 8, 8, 3), np.uint8).repeat(2, 1).repeat(2, 2), noise[None, :16, :16]])
    assert square_side(few) == 2
    assert square_side(np.zeros((3, 16, 16, 3), np.uint8)) == 1


def test_pixel_art_at_its_own_size_is_known_by_its_colours() -> None:
    from gan.data import characters, scenes

    sprites, paintings = characters.render(range(12), 32), scenes.render(range(12), 32)
    assert square_side(sprites) == 1 and few_colours(sprites) and not few_colours(paintings)
    assert few_colours(np.concatenate([sprites, paintings[:4]])) and not few_colours(np.zeros((3, 16, 16, 3), np.uint8))


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
    monkeypatch.setattr(folder_module, "read", lambda path, r: calls.append(path) or read(path, r))
    assert opened(folder).images[0, 0, 0].tolist() == [1, 2, 3] and calls == []
    flat((16, 16), (9, 9, 9)).save(folder / "a.png")
    os.utime(folder / "a.png", ns=(1, 1))
    assert opened(folder).images[0, 0, 0].tolist() == [9, 9, 9] and len(calls) == 1
    cached = sorted((folder.parent / "cache" / "folders").iterdir())
    assert [path.suffix for path in cached] == [".json", ".npy"]  # the stale one is gone
    assert opened(folder, 32).images.shape == (1, 32, 32, 3) and len(calls) == 2
    cached[1].write_bytes(cached[1].read_bytes()[:200])  # a damaged cache is made again
    assert opened(folder).images[0, 0, 0].tolist() == [9, 9, 9] and len(calls) == 3


def test_only_the_folders_used_last_stay_in_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_KEPT", 2)
    flat((16, 16), (1, 2, 3)).save(folder / "a.png")
    opened(folder, 8)
    opened(folder, 16)
    reports = sorted((folder.parent / "cache" / "folders").glob("*.json"))
    for age, report in enumerate(reports):
        os.utime(report, (age, age))
    opened(folder, 8)  # used again: the newest now
    opened(folder, 32)
    left = {np.load(path).shape[1] for path in (folder.parent / "cache" / "folders").glob("*.npy")}
    assert left == {8, 32}


def test_cancel_leaves_nothing(folder: Path) -> None:
    for index in range(5):
        flat((16, 16), (40 * index, 0, 0)).save(folder / f"{index}.png")
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
    assert len(intake.used) > 1000 and len(intake.used) + len(intake.skipped) + len(intake.copies) == 1107
    assert 0 < len(intake.copies) < 10
    assert len(set(intake.used)) == len(intake.used) == len(intake.images)
    assert intake.images.std(axis=(1, 2, 3)).mean() > 20
    assert [str(path) for path, _ in intake.skipped] == [], intake.skipped


def test_pictures_found_twice_are_used_once(folder: Path) -> None:
    from gan.data.scenes import render

    (folder / "sub").mkdir()
    scenes = render(range(12), 256)
    for index, scene in enumerate(scenes):
        Image.fromarray(scene).save(folder / f"{index:02}.png")
    Image.fromarray(scenes[3]).save(folder / "sub" / "same.bmp")
    Image.fromarray(scenes[4]).save(folder / "sub" / "worse.jpg", quality=80)
    Image.fromarray(scenes[5]).resize((100, 100)).save(folder / "00-smaller.jpg", quality=90)
    Image.fromarray(np.roll(scenes[6], 40, axis=1)).save(folder / "sub" / "moved.png")
    Image.fromarray(scenes[7][:, ::-1]).save(folder / "sub" / "mirrored.png")
    Image.fromarray(255 - scenes[8]).save(folder / "sub" / "negative.png")
    intake = opened(folder, 64)
    assert {(str(copy), str(kept)) for copy, kept in intake.copies} == {
        ("sub/same.bmp", "03.png"), ("sub/worse.jpg", "04.png"), ("00-smaller.jpg", "05.png"),
    }  # fmt: skip
    assert len(intake.used) == 15 == len(intake.images) and intake.summary() == "15 pictures, 3 found twice"
    everything = opened(folder, 64, keep_copies=True)
    assert len(everything.images) == 18 and everything.copies == intake.copies
    for path, image in zip(intake.used, intake.images, strict=True):
        np.testing.assert_array_equal(image, everything.images[everything.used.index(path)])


def test_textures_are_not_taken_for_copies() -> None:
    from gan.data import duplicates

    tiles = np.random.default_rng(0).integers(100, 120, (300, 32, 32, 3), np.uint8)  # alike in the mean, every pixel different
    assert duplicates.find(tiles) == {}
    tints = np.full((6, 32, 32, 3), 90, np.uint8)
    tints[:, 8:24, 8:24] = np.arange(6)[:, None, None, None] * np.array([20, 8, 0], np.uint8)  # one shape in other colours
    assert duplicates.find(tints) == {}


def test_no_pair_is_missed_whatever_the_order() -> None:
    from gan.data import duplicates

    random = np.random.default_rng(1)
    originals = random.integers(0, 256, (700, 16, 16, 3), np.uint8)
    noisy = (originals[:200].astype(int) + random.integers(-2, 3, (200, 16, 16, 3))).clip(0, 255).astype(np.uint8)
    images = np.concatenate([originals, noisy, noisy[:50]])
    order = random.permutation(len(images))
    found = duplicates.find(images[order])
    group = np.concatenate([np.arange(700), np.arange(200), np.arange(50)])[order]  # which original a picture shows
    assert len(found) == 250
    assert all(group[copy] == group[kept] and kept < copy for copy, kept in found.items())
    sizes = np.arange(len(images))
    assert all(kept > copy for copy, kept in duplicates.find(images[order], sizes).items()), "the largest is kept"


def test_pictures_are_left_out_by_name(folder: Path) -> None:
    (folder / "sub").mkdir()
    for index in range(4):
        flat((16, 16), (60 * index, 0, 0)).save(folder / "sub" / f"{index}.png")
    flat((16, 16), (0, 0, 0)).save(folder / "z.png")  # the same as sub/0.png
    intake = opened(folder, leave_out=["sub/1.png", Path("sub") / "3.png", "no such.png"])
    assert [path.name for path in intake.used] == ["0.png", "2.png"] and intake.images[1, 0, 0, 0] == 120
    assert [path.as_posix() for path in intake.left_out] == ["sub/1.png", "sub/3.png"]
    again = opened(folder, leave_out=["sub/0.png"])
    assert [path.name for path in again.used] == ["1.png", "2.png", "3.png"], "no copy stands in for what was left out"
    both = opened(folder, leave_out=["sub/0.png"], keep_copies=True)
    assert [path.name for path in both.used] == ["1.png", "2.png", "3.png", "z.png"]
    assert len(list((folder.parent / "cache" / "folders").glob("*.npy"))) == 2, "only the last selection is kept"
    with pytest.raises(UserError, match="left out"):
        opened(folder, leave_out=[f"sub/{index}.png" for index in range(4)])


def test_what_is_cut_of_each_picture(folder: Path) -> None:
    flat((30, 20), (1, 2, 3)).save(folder / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    flat((40, 20), (200, 2, 3)).save(folder / "b.jpg", exif=exif)  # seen upright it is tall
    intake = opened(folder)
    assert intake.sizes == [(30, 20), (20, 40)]
    assert intake.crop(0) == (5, 0, 25, 20) and intake.crop(1) == (0, 10, 20, 30)
    assert intake.few


def test_kinds_that_are_not_read_are_named(folder: Path) -> None:
    flat((16, 16), (1, 2, 3)).save(folder / "a.png")
    (folder / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "camera.nef").write_bytes(b"II*\0")
    os.mkfifo(folder / "pipe.png")
    skipped = {path.name: why for path, why in opened(folder).skipped}
    assert "HEIC" in skipped["phone.HEIC"] and "PNG or JPEG" in skipped["phone.HEIC"]
    assert "camera raw" in skipped["camera.nef"] and skipped["pipe.png"] == "not a file"
    report = opened(folder).report(most=2)
    assert report[0] == "1 picture, 3 skipped" and report[1].startswith("camera.nef: camera raw") and "1 more" in report[3]


def test_deep_and_large_pictures(folder: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(folder / "deep.tiff")
    deep = decode(folder / "deep.tiff", 16).pixels
    assert deep[0, 0, 0] < 12 and deep[-1, -1, 0] > 243
    stripes = np.zeros((2048, 4096, 3), np.uint8)
    stripes[:, 1024:3072] = (30, 60, 90)
    Image.fromarray(stripes).save(folder / "large.bmp")  # 8 million pixels, no draft mode: halved before it is copied
    large = decode(folder / "large.bmp", 16)
    assert large.size == (4096, 2048) and (large.pixels == (30, 60, 90)).all()
    seen = whole(folder / "large.bmp", 64)
    assert seen.shape == (32, 64, 3) and seen[16, 4].tolist() == [0, 0, 0] and seen[16, 32].tolist() == [30, 60, 90]


def test_a_jpeg_that_goes_over_its_picture_again_and_again(folder: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (120, 60, 30)).save(stream, "JPEG", progressive=True, exif=b"Exif\0\0" + b"\xff\xda" * 200)
    data = stream.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    for name, content in (("fine.jpg", data + b"\xff\xda" * 200), ("bomb.jpg", data[:-2] + last * 200 + data[-2:])):
        (folder / name).write_bytes(content)
    assert not isinstance(read(folder / "fine.jpg", 32), str)
    assert read(folder / "bomb.jpg", 32) == "a JPEG of more than 100 scans"


def test_memory_does_not_grow_with_the_folder(folder: Path) -> None:
    """Of each further picture a name, a size and a thumbnail are held, not its pixels."""
    random = np.random.default_rng(0)

    def peak(count: int) -> int:
        for index in range(count):
            # uncompressed and tiny: the test is about memory, not about decoders
            path = folder / str(index % 30) / f"{index}.ppm"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
        tracemalloc.start()
        intake = opened(folder, 64)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(intake.images) == count and isinstance(intake.images, np.memmap)
        return most

    few, many = peak(400), peak(1200)
    assert (many - few) / 800 < 64 * 64 * 3 / 2, "bytes a picture"


def test_mutated_files_never_crash_or_hang(folder: Path) -> None:
    """Five hundred damaged pictures of many kinds: each is read or skipped with one line."""
    random = np.random.default_rng(7)
    art = Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = {
        "png": {"exif": exif}, "jpg": {"exif": exif}, "gif": {"save_all": True, "append_images": [art.rotate(90)]}, "webp": {},
        "bmp": {}, "tiff": {"compression": "tiff_lzw"}, "ppm": {}, "tga": {},
    }  # fmt: skip
    for suffix, options in kinds.items():
        art.save(folder / f"whole.{suffix}", **options)  # type: ignore[arg-type]
    wholes = {suffix: (folder / f"whole.{suffix}").read_bytes() for suffix in kinds}
    for index in range(500):
        suffix = list(kinds)[index % len(kinds)]
        data = bytearray(wholes[suffix])
        match index // len(kinds) % 4:
            case 0:  # a few bytes changed, most often in the header
                for place in random.integers(0, min(len(data), 64 if index % 2 else len(data)), 4):
                    data[place] = random.integers(256)
            case 1:
                del data[random.integers(1, len(data)) :]
            case 2:
                start = random.integers(len(data))
                data[start:start] = random.bytes(random.integers(1, 40))
            case _:
                start = random.integers(len(data))
                del data[start : start + random.integers(1, 40)]
        (folder / f"{index:03}.{suffix}").write_bytes(data)
    started = time.monotonic()
    intake = opened(folder, keep_copies=True)
    assert len(intake.used) + len(intake.skipped) == 500 + len(kinds)
    assert all(why and "\n" not in why for _, why in intake.skipped) and len(intake.skipped) > 100
    assert time.monotonic() - started < 60, "nothing hangs"


def test_the_nearest_training_picture() -> None:
    from gan.data.nearest import Nearest, pairs_sheet
    from gan.data.scenes import render

    pictures = render(range(60), 64)
    nearest = Nearest(pictures)
    noisy = (pictures[[7, 30]].astype(int) + np.random.default_rng(0).integers(-6, 7, (2, 64, 64, 3))).clip(0, 255).astype(np.uint8)
    samples = np.concatenate([noisy, pictures[11:12, :, ::-1], render([999], 64)])
    found = nearest.of(samples)
    assert found.rows[:3].tolist() == [7, 30, 11] and found.mirrored[:3].tolist() == [False, False, True]
    assert found.distances[2] == 0 and (found.distances[:2] < 5).all()
    assert found.distances[3] > 0.4 * nearest.usual > found.distances[0], "a copy stands out, a new scene does not"
    truth = ((render([999], 64)[0].astype(float) - pictures) ** 2).mean((1, 2, 3)).min() ** 0.5
    assert found.distances[3] <= truth + 1e-3
    compared = nearest.compare(samples)
    assert compared.copied.tolist() == [True, True, True, False]
    np.testing.assert_array_equal(compared.pictures[2], pictures[11][:, ::-1])
    assert pairs_sheet(samples, compared.pictures).width == 4 * 128 + 3 * 2
    plain = Nearest(pictures, mirror=False).of(pictures[11:12, :, ::-1])
    assert not plain.mirrored[0] and plain.distances[0] > 0
    assert Nearest(pictures[:1]).usual == 0.0
    nothing = nearest.compare(pictures[:0])
    assert nothing.pictures.shape == pictures[:0].shape and nothing.copied.shape == (0,)
    with pytest.raises(ValueError, match="64"):
        nearest.of(render([1], 32))
