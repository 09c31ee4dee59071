"""Damage to files, drawn from a seed: the same number gives the same bytes."""

import numpy as np

_EXTREME = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(data: bytes, seed: int) -> bytes:
    """One to four damages of `data`, each of a random kind, more often near its start."""
    rng = np.random.default_rng(seed)
    for _ in range(rng.integers(1, 5)):
        data = _KINDS[rng.integers(len(_KINDS))](data, rng) or b"\0"
    return data


def _place(data, rng) -> int:
    """Headers, where most decisions are taken, lie at the start and at the end."""
    near = min(len(data), 400)
    kind = rng.integers(3)
    if kind == 0:
        return int(rng.integers(near))
    return int(len(data) - 1 - rng.integers(near) if kind == 1 else rng.integers(len(data)))


def _flip(data, rng):
    place = _place(data, rng)
    return data[:place] + bytes([data[place] ^ (1 << rng.integers(8))]) + data[place + 1 :]


def _number(data, rng):
    """A 16- or 32-bit number replaced by an extreme one, in either byte order."""
    place, size = _place(data, rng), int(rng.choice([2, 4]))
    value = int(rng.choice(_EXTREME)) & (256**size - 1)
    return (
        data[:place]
        + value.to_bytes(size, str(rng.choice(["little", "big"])))
        + data[place + size :]
    )


def _cut(data, rng):
    return data[: _place(data, rng)]


def _drop(data, rng):
    place = _place(data, rng)
    return data[:place] + data[place + int(rng.integers(1, 64)) :]


def _repeat(data, rng):
    place, size = _place(data, rng), int(rng.integers(1, 256))
    return (
        data[: place + size] * 1
        + data[place : place + size] * int(rng.integers(1, 20))
        + data[place:]
    )


def _noise(data, rng):
    place, size = _place(data, rng), int(rng.integers(1, 32))
    return data[:place] + rng.bytes(size) + data[place + size :]


def _digits(data, rng):
    """A digit of a text replaced by many: numbers that no field can hold."""
    places = [i for i in range(min(len(data), 5000)) if 48 <= data[i] < 58]
    if not places:
        return _flip(data, rng)
    place = places[rng.integers(len(places))]
    return data[:place] + b"9" * int(rng.integers(2, 40)) + data[place + 1 :]


_KINDS = (_flip, _number, _cut, _drop, _repeat, _noise, _digits)
