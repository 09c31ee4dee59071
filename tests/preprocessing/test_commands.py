"""`merzoo data prepare` and `merzoo data cache`, as a user types them."""

import json

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.home import home
from merzoo.preprocessing.arrays import read_arrays
from tests.preprocessing import made


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """Four clips in folders and the CSV file that lists them; the cache lies beside them."""
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path / "home"))
    rows = ["path,subject,clip,label,onset,apex,offset,fps"]
    for i in range(4):
        clip = made.folder_clip(tmp_path / "clips" / f"c{i}", i)
        rows.append(f"clips/c{i},s{i // 2},c{i},{clip.label},0,{made.APEX},{made.LENGTH - 1},100")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    return tmp_path


def prepare(folder, *words):
    out = folder / "runs" / "out.npz"
    start = ["data", "prepare", "--data", f"manifest:{folder}", "--out", str(out)]
    return main([*start, "--detector", "none", "--jobs", "1", *words]), out


def test_prepare_writes_what_the_model_asks_for(manifest, capsys):
    status, out = prepare(manifest, "--model", "ststnet")
    data = read_arrays(out)
    assert status == 0 and data.modalities["flow_image"].shape == (4, 28, 28, 3)
    assert data.counts() == {"negative": 1, "positive": 2, "surprise": 1}
    shown = capsys.readouterr().out
    assert "4 clips of 2 subjects" in shown and "flow_image (4, 28, 28, 3)" in shown
    assert [path.name for path in out.parent.iterdir()] == ["out.npz"]


def test_prepare_takes_named_shapes_and_prints_json(manifest, capsys):
    words = ["--input", "onset=32x32x1", "--input", "sequence=4x32x32x1", "--json"]
    status, out = prepare(manifest, *words, "--interpolation", "linear")
    shown = json.loads(capsys.readouterr().out)
    assert status == 0 and shown["clips"] == 4 and shown["left_out"] == []
    assert shown["modalities"] == {"onset": [4, 32, 32, 1], "sequence": [4, 4, 32, 32, 1]}
    with np.load(out) as content:
        assert content["sequence"].shape == (4, 4, 32, 32, 1)


def test_a_failed_clip_ends_with_status_2_or_is_left_out(manifest, capsys):
    (manifest / "clips" / "c2" / "img4.png").write_bytes(b"")
    status, out = prepare(manifest, "--model", "ststnet")
    message = capsys.readouterr().err
    assert status == 2 and not out.exists()
    assert message.count("\n") == 1 and "1 of 4 clips failed" in message and "img4.png" in message
    status, out = prepare(manifest, "--model", "ststnet", "--on-error", "skip")
    assert status == 0 and len(read_arrays(out)) == 3
    assert "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "say either --model or --input"),
        (["--model", "ststnet", "--input", "onset=8x8x1"], "say either --model or --input"),
        (["--input", "onset"], "is not NAME=SHAPE"),
        (["--model", "ststnett"], "Did you mean 'ststnet'"),
        (["--model", "ststnet", "--apex", "spoted"], "Unknown apex 'spoted'"),
        (["--model", "ststnet", "--on-error", "stop"], "Unknown on_error 'stop'"),
        (["--model", "ststnet", "--out", "flow.csv"], "ends in .npz"),
    ],
)
def test_bad_words_end_with_one_line(words, message, manifest, capsys):
    status, _ = prepare(manifest, *words)
    shown = capsys.readouterr().err
    assert status == 2 and message in shown and shown.count("\n") == 1


def test_cache_tells_its_size_and_is_emptied(manifest, capsys):
    prepare(manifest, "--model", "ststnet")
    capsys.readouterr()
    assert main(["data", "cache", "--size"]) == 0
    # One array a clip and the four together, and what is remembered of files not written just now.
    assert capsys.readouterr().out.partition(" ")[0] in ("5", "6", "7", "8", "9")
    folder = home("cache", "modalities")
    (folder / "notes.txt").write_text("mine")
    assert main(["data", "cache", "--clear"]) == 0
    said = capsys.readouterr().out
    assert "removed from" in said and "kept, since merzoo did not write it: notes.txt" in said
    assert main(["data", "cache", "--clear"]) == 2  # nothing of merzoo's is left
    assert "not a cache of merzoo" in capsys.readouterr().err
    (folder / "notes.txt").unlink()
    main(["data", "cache", "--size"])
    assert capsys.readouterr().out.startswith("0 arrays, 0.0 MB")
    assert main(["data", "cache"]) == 2
