"""Every verb that reads data takes the names of a table's columns, and links."""

import pytest

from merzoo.cli import main
from tests.data import trees

VERBS = ("evaluate", "audit", "tune", "pretrain", "transfer", "explain", "export", "reproduce")


@pytest.mark.parametrize("verb", [[verb] for verb in VERBS] + [["data", "prepare"]])
def test_every_verb_with_data_has_them(verb, capsys):
    with pytest.raises(SystemExit):
        main([*verb, "--help"])
    said = capsys.readouterr().out
    assert "--data" in said and "--columns" in said and "--follow-links" in said


def own_table(folder):
    trees.write_images(folder / "clips", ["a.png"])
    (folder / "my.csv").write_text("file;person;emotion\nclips\\a.png;s1;surprise\n")
    return str(folder)


def test_a_table_of_other_columns_is_checked(tmp_path, capsys):
    words = ["data", "check", "manifest", own_table(tmp_path), "--no-images"]
    assert main(words) == 2
    assert "my.csv: no header row" in (said := capsys.readouterr().err)
    assert "Say which is which: --columns path=NAME,subject=NAME" in said
    assert main([*words, "--columns", "path=file,subject=person,label=emotion"]) == 0
    assert "1 samples" in capsys.readouterr().out


def test_columns_of_no_table_are_refused(tmp_path, capsys):
    assert main(["evaluate", "ststnet", "--data", "synthetic:easy", "--columns", "path=a"]) == 2
    assert "tables of your own" in capsys.readouterr().err
    assert main(["evaluate", "ststnet", "--follow-links"]) == 2
    assert "say --data too" in capsys.readouterr().err
