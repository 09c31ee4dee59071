"""What is in the way of results is refused before any work, and stays as it is."""

import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.files import check_folder
from merzoo.whole import temporary_beside


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "thesis").write_text("mine")
    (tmp_path / "nowhere").symlink_to("no-such/place")
    (tmp_path / "loop").symlink_to("loop")
    for place, why in (
        ("thesis", "a file is in the way"),
        ("thesis/below/it", "a file is in the way|Not a directory"),
        ("nowhere", "a link to nothing"),
        ("loop", "Too many levels"),
        ("loop/out", "Too many levels"),
        ("n" * 300, "File name too long"),
    ):
        with pytest.raises(InputError, match=why) as refused:
            check_folder(tmp_path / place)
        assert str(tmp_path) in str(refused.value)


def test_folders_that_are_free_or_ones_own(tmp_path):
    check_folder(None)
    for place in (tmp_path, tmp_path / "new" / "one"):
        check_folder(place)
    (tmp_path / ".DS_Store").touch()
    temporary_beside(tmp_path / "protocol.json").touch()  # of a killed process
    check_folder(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    check_folder(tmp_path, file="settings.json")
    check_folder(tmp_path, file=None)
    (tmp_path / "weights.json").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"weights\.json: a link to nothing"):
        check_folder(tmp_path, file="weights.json")
    with pytest.raises(InputError, match="not the folder of a training"):
        check_folder(tmp_path, kind="training")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("predict sample --out mine", "predictions.csv"),
        ("predict sample --out mine", "predictions.json"),
        ("explain rcn --weights w --data synthetic:easy --out mine", "index.html"),
        ("compare a b --out mine", "thesis.txt"),
        ("evaluate flow-krr --data arrays:x.npz --out mine", "thesis.txt"),
        ("transfer rcn --pretrained p --data arrays:x.npz --out mine", "protocol.txt"),
        ("pretrain rcn --data arrays:x.npz --out mine", "weights.json"),
        ("tune rcn --data arrays:x.npz --out mine", "protocol.json"),
        ("score x.csv --out mine", "x.csv"),
    ],
)
def test_another_ones_files_stay(words, file, tmp_path, monkeypatch, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / file).write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("merzoo: error: mine") and line.endswith("give another --out.")
    assert (tmp_path / "mine" / file).read_text() == "mine"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [file]
