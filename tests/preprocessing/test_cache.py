"""The cache: what is put in comes out; a full disk, a kill and a second run leave it sound."""

import os
import time

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing.cache import Batch, Cache, CacheError, contents_of, key


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def files(cache):
    return sorted(p.name for p in cache.folder.rglob("*") if p.is_file())


def test_an_array_comes_back_as_a_memory_map(cache):
    array = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    cache.put(key(a=1), array)
    got = cache.get(key(a=1))
    assert isinstance(got, np.memmap) and not got.flags.writeable
    np.testing.assert_array_equal(got, array)
    assert key(a=1) in cache and key(a=2) not in cache and cache.get(key(a=2)) is None


def test_rows_are_stored_one_after_the_other(cache):
    cache.put_rows(key(b=1), (np.full((2, 2), i) for i in range(5)), (5, 2, 2), np.float32)
    got = cache.get(key(b=1))
    assert got.dtype == np.float32 and got[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_keys_follow_every_value():
    names = {key(a=1), key(a=2), key(a=1, b=1), key(a="1"), key(a=[1]), key(a=None)}
    assert len(names) == 6 and key(shape=(1, 2)) == key(shape=[1, 2])


def test_size_and_clear(cache):
    assert cache.size() == (0, 0)
    cache.put(key(a=1), np.zeros(1000, np.float32))
    arrays, size = cache.size()
    assert arrays == 1 and size >= 4000
    assert cache.clear() == (arrays, size, [])
    assert cache.size() == (0, 0) and cache.get(key(a=1)) is None


STRANGERS = (  # what a folder may hold that only looks like the cache's own
    "notes.txt",
    "ab/wedding.jpg",
    "ab/" + "cd" * 32 + ".npy",  # named by another rule: the folder is not its beginning
    "AB/" + "ab" * 32 + ".npy",
    "packs/films.pack",
    "packs/film.mkv.part",
    "cd/report.docx.part",
    "ef/" + "ef" * 32 + ".npy/mine.txt",
)


@pytest.fixture
def strangers(cache):
    for name in STRANGERS:
        path = cache.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (time.time() - 7200,) * 2)
    outside = cache.folder.parent / "outside"
    outside.mkdir()
    (outside / ("12" * 32 + ".npy")).write_text("linked")
    (cache.folder / "12").symlink_to(outside)
    return cache


def test_nothing_is_removed_that_merzoo_did_not_write(strangers):
    for i in range(0x80, 0xB2):
        strangers.put(f"{i:02x}" * 32, np.zeros(3))
    strangers.put_pack({key(j=j): np.zeros(3) for j in range(4)})
    assert strangers.size()[0] == 54 and strangers.sweep() == 0
    arrays, _, kept = strangers.clear()
    assert arrays == 54 and strangers.get(key(j=1)) is None
    assert len(kept) == len(STRANGERS) + 1 and {"notes.txt", "ab/wedding.jpg", "12"} <= {*kept}
    assert all((strangers.folder / name).read_text() == name for name in STRANGERS)
    assert (strangers.folder.parent / "outside" / ("12" * 32 + ".npy")).read_text() == "linked"


def test_a_folder_of_other_things_is_refused(strangers):
    for work in (strangers.clear, strangers.size):
        with pytest.raises(InputError, match="cache: not a cache of merzoo"):
            work()
    with pytest.raises(InputError, match=r"notes.txt: not a folder"):
        Cache(strangers.folder / "notes.txt").clear()
    assert Cache(strangers.folder / "nowhere").clear() == (0, 0, [])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array"])
def test_a_damaged_file_is_forgotten(cache, content):
    cache.put(key(a=1), np.zeros(3))
    cache.path(key(a=1)).write_bytes(content)
    assert cache.get(key(a=1)) is None and key(a=1) not in cache


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="file/inside: cannot be written"):
        Cache(tmp_path / "file" / "inside").put(key(a=1), np.zeros(3))


def test_two_runs_may_write_the_same_array_at_once(cache):
    import joblib

    array = np.arange(200_000, dtype=np.float32)
    tasks = (joblib.delayed(cache.put)(key(a=1), array) for _ in range(20))
    joblib.Parallel(4, prefer="threads")(tasks)
    np.testing.assert_array_equal(cache.get(key(a=1)), array)
    assert len(files(cache)) == 1


def filled(cache, count, shape=(2, 3), **options):
    names = [key(clip=i) for i in range(count)]
    with Batch(cache, **options) as batch:
        for i, name in enumerate(names):
            batch.add(name, np.full(shape, i, np.float32))
    return names


def test_a_batch_is_one_file_whose_arrays_come_back_as_memory_maps(cache):
    names = filled(cache, 500)
    assert len(files(cache)) == 1 and cache.size()[0] == 500
    assert cache.held([*names, key(clip=500)]) == set(names)
    got = cache.get(names[7])
    assert isinstance(got, np.memmap) and not got.flags.writeable
    assert [int(row[0, 0]) for row in cache.rows(names[::-1])] == list(range(500))[::-1]
    assert Cache(cache.folder).get(names[7]).tolist() == got.tolist()
    assert cache.clear()[0] == 500 and cache.get(names[7]) is None


def test_a_batch_is_written_when_it_is_large_or_old(cache):
    filled(cache, 100, most=2400)  # 24 bytes each
    assert len(files(cache)) == 1
    filled(cache, 100, most=240)
    assert len(files(cache)) == 1 + 10
    filled(Cache(cache.folder / "slow"), 3, seconds=-1)
    assert len(files(cache)) == 1 + 10 + 3


def test_arrays_of_several_shapes_come_in_one_file_a_shape(cache):
    with Batch(cache) as batch:
        for i in range(10):
            batch.add(key(small=i), np.full((2,), i, np.float32))
            batch.add(key(large=i), np.full((4, 4), i, np.float32))
    assert len(files(cache)) == 2
    assert cache.get(key(small=3)).shape == (2,) and cache.get(key(large=9))[0, 0] == 9


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"not a pack", None])
def test_a_damaged_pack_is_forgotten(cache, damage):
    names = filled(cache, 20)
    [pack] = cache.folder.rglob("*.pack")
    pack.write_bytes(pack.read_bytes()[:-1] if damage is None else damage)
    fresh = Cache(cache.folder)
    assert fresh.get(names[0]) is None and files(cache) == []


def test_two_runs_may_write_the_same_packs_while_a_third_reads(cache):
    import joblib

    tasks = (joblib.delayed(filled)(Cache(cache.folder), 200, most=480) for _ in range(8))
    for names in joblib.Parallel(4, prefer="threads", return_as="generator_unordered")(tasks):
        assert [int(row[0, 0]) for row in cache.rows(names)] == list(range(200))
    assert len(files(cache)) == 10  # of 20 arrays each, by the same names from all


def test_a_cache_that_is_emptied_while_it_is_read_says_so(cache):
    names = filled(cache, 5)
    assert cache.held(names)
    Cache(cache.folder).clear()
    with pytest.raises(CacheError, match="was emptied while it was read; run the same again"):
        list(cache.rows(names))


def test_contents_are_hashed_once_and_a_failure_is_told_in_its_place(cache, tmp_path):
    from tests.preprocessing import made

    frames = [clip.frames for clip in made.pictures(tmp_path / "pictures", 3)]
    frames[1].paths[0].unlink()
    first = list(contents_of(frames, cache))
    assert [isinstance(one, Exception) for one in first] == [False, True, False]
    assert len(first[0]) == 64 and first[0] != first[2]
    assert cache.size()[0] == 2
