"""Leaks planted in the samples: labels among the inputs, features fitted on all, hidden copies."""

import numpy as np
from leak_parts import changed, ids, loso, named_by_class, only, planted, with_copy

KIND = "input tells the class"


def flow(data) -> np.ndarray:
    return np.array(data.modalities["flow_image"], "float32")


def with_flow(data, x):
    return data.with_modalities({"flow_image": np.asarray(x)})


def filled(data, values):
    """Samples that hold nothing but one number each, or one a channel."""
    values = np.asarray(values, "float32").reshape(len(data), 1, 1, -1)
    return with_flow(data, np.broadcast_to(values, (len(data), 28, 28, 3)).copy())


def shares(data) -> np.ndarray:
    """(N, K) what share of its person's clips is of each class."""
    same = data.subject[:, None] == data.subject[None]
    return same @ np.eye(3)[data.label] / same.sum(1, keepdims=True)


@planted(KIND)
def label_as_modality(data):
    """flow that is the label, all over the picture."""
    return loso(filled(data, data.label * 100)), ids(data)


@planted(KIND)
def noisy_label(data):
    """flow that is the label with noise of three grey levels."""
    x = data.label[:, None, None, None] * 100.0
    x = x + np.random.default_rng(0).normal(0, 3, (len(data), 28, 28, 3))
    return loso(with_flow(data, x.astype("float32"))), ids(data)


@planted(KIND)
def label_in_pixel(data):
    """flow with the label in one value of a corner."""
    x = flow(data)
    x[:, 27, 0, 1] = data.label
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def label_in_bytes(data):
    """whole-number flow with a code of ten values a class in one place."""
    x = np.clip(np.rint(flow(data)), 0, 255).astype("uint8")
    code = np.array([130, 20, 75])[data.label] + np.random.default_rng(0).integers(0, 5, len(data))
    x[:, 3, 5, 2] = code
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def noisy_pixel(data):
    """flow with the label and a little noise in one value."""
    x = flow(data)
    x[:, 14, 9, 0] = 40 * data.label + np.random.default_rng(0).uniform(0, 15, len(data))
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def bright_dot(data):
    """flow with one bright dot in a place for each class."""
    x = flow(data)
    x[:, 0, :3] = 0
    x[np.arange(len(data)), 0, data.label] = 255
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def label_in_brightness(data):
    """flow whose mean was set to a level for each class."""
    x = flow(data)
    x = x - x.mean((1, 2, 3), keepdims=True) + (100 + 20 * data.label)[:, None, None, None]
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def label_in_last_bits(data):
    """whole-number flow in which the last two bits of one value are the label."""
    x = np.clip(np.rint(flow(data)), 0, 251).astype("uint8")
    x[:, 10, 10, 0] = x[:, 10, 10, 0] // 4 * 4 + data.label
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def soft_labels_as_input(data):
    """a teacher's probabilities, one a channel."""
    soft = 0.85 * np.eye(3)[data.label] + 0.05
    soft += np.random.default_rng(0).uniform(-0.04, 0.04, soft.shape)
    return loso(filled(data, soft)), ids(data)


@planted(KIND)
def shares_as_input(data):
    """what share of the person's clips is of each class, one a channel."""
    return loso(filled(data, shares(data))), ids(data)


@planted(KIND)
def shares_in_pixels(data):
    """flow with those shares in three values of a corner."""
    x = flow(data)
    x[:, 0, 0] = 255 * shares(data)
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def row_numbers(data):
    """row numbers of samples that are sorted by class."""
    data = data.take(np.argsort(data.label, kind="stable"))
    return loso(filled(data, np.arange(len(data)))), ids(data)


@planted(KIND)
def row_numbers_of_people(data):
    """row numbers, scaled, of samples that are sorted by person and then by class."""
    data = data.take(np.lexsort((data.label, data.subject)))
    x = flow(data)
    x[:, 0, 0, 0] = np.arange(len(data)) / len(data)
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def hint_in_name(data):
    """the letters of clips' names, in which the class stands, as the first row of a picture."""
    data = named_by_class(data)
    x = flow(data)
    for i, name in enumerate(data.clip.tolist()):
        x[i, 0, : len(name)] = np.frombuffer(name.encode(), "uint8")[:28, None]
    return loso(with_flow(data, x)), ids(data)


@planted(KIND)
def hint_in_name_scaled(data):
    """the letters of clips' names in 0..1, in every row of one channel."""
    data = named_by_class(data)
    x = flow(data) / 255
    x[..., 2] = 0
    for i, name in enumerate(data.clip.tolist()):
        x[i, :, : len(name), 2] = np.frombuffer(name.encode(), "uint8") / 255
    return loso(with_flow(data, x)), ids(data)


FITTED = "features fitted before the split"


@planted(FITTED)
def min_max(data):
    """every value of flow scaled by its least and largest over all samples."""
    x = flow(data)
    return loso(with_flow(data, (x - x.min(0)) / np.maximum(np.ptp(x, axis=0), 1e-3))), ids(data)


@planted(FITTED)
def min_max_of_all(data):
    """faces scaled by the least and largest value of all together."""
    x = np.array(data.modalities["onset"], "float32")
    x = x + np.random.default_rng(0).normal(0, 1, x.shape)
    x = ((x - x.min()) / np.ptp(x)).astype("float32")
    return loso(data.with_modalities({"onset": x})), ids(data)


@planted(FITTED)
def principal_components(data):
    """components of all samples plus a constant, laid out as a picture."""
    return loso(_as_picture(data, _components(data) + 40)), ids(data)


@planted(FITTED)
def whitened(data):
    """whitened components of all samples, from 0 upwards."""
    x = _components(data)
    x = x / x.std(0)
    return loso(_as_picture(data, x - x.min())), ids(data)


def _components(data) -> np.ndarray:
    x = flow(data).reshape(len(data), -1).astype("float64")
    x -= x.mean(0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    return u[:, :12] * s[:12]


def _as_picture(data, x):
    picture = np.zeros((len(data), 28 * 28 * 3), "float32")
    picture[:, : x.shape[1]] = x
    return with_flow(data, picture.reshape(len(data), 28, 28, 3))


@planted(FITTED)
def standardised_and_moved(data):
    """flow standardised over all samples, then times 30 plus 128."""
    x = flow(data)
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    return loso(with_flow(data, 30 * x + 128)), ids(data)


@planted(FITTED)
def scaled_only(data):
    """every value of flow divided by its spread over all samples."""
    x = flow(data)
    return loso(with_flow(data, x / np.maximum(x.std(0), 1e-3))), ids(data)


@planted(FITTED)
def ranked(data):
    """every value of flow replaced by its rank among all samples."""
    x = flow(data)
    x = x + np.random.default_rng(0).normal(0, 1e-3, x.shape)
    return loso(with_flow(data, x.argsort(0).argsort(0).astype("float32"))), ids(data)


@planted("mixed samples")
def averaged(data):
    """the mean of a clip and one of another person in the place of a third clip."""
    other = int(np.flatnonzero(data.subject != data.subject[0])[0])
    x = flow(data)
    x[1] = (x[0] + x[other]) / 2
    return loso(with_flow(data, x)), ids(data, [0, 1, other])


@planted("mixed samples")
def mixed_bytes(data):
    """whole-number flow, one clip three tenths of another person's and seven of another's."""
    x, place = flow(data), len(data) - 1
    x[place] = 0.3 * x[0] + 0.7 * x[place // 2]
    x = np.clip(np.rint(x), 0, 255).astype("uint8")
    return loso(with_flow(data, x)), ids(data, [0, place // 2, place])


NEAR = "near-identical samples"


@planted(NEAR)
def moved_by_a_pixel(data):
    """a copy of flow moved to the right by one pixel."""
    data, samples = with_copy(data, lambda x: np.roll(x, 1, 1))
    return loso(only(data, "flow_image")), samples


@planted(NEAR)
def moved_slantwise(data):
    """a copy of flow moved by one pixel up and two to the left, its edge repeated."""
    data, samples = with_copy(data, lambda x: np.pad(x, ((0, 1), (0, 2), (0, 0)), "edge")[1:, 2:])
    return loso(only(data, "flow_image")), samples


@planted(NEAR)
def cut_and_enlarged(data):
    """a copy of flow without two pixels at each side, enlarged again."""
    import cv2

    data, samples = with_copy(data, lambda x: cv2.resize(x[2:-2, 2:-2], (28, 28)))
    return loso(only(data, "flow_image")), samples


@planted(NEAR)
def cut_corner(data):
    """a copy of flow cut by four pixels at two sides and enlarged smoothly."""
    import cv2

    data, samples = with_copy(
        data, lambda x: cv2.resize(x[4:, :-4], (28, 28), interpolation=cv2.INTER_CUBIC)
    )
    return loso(only(data, "flow_image")), samples


@planted("annotation at test time")
def apex_beside_onset(data):
    """a face at rest and flow to the annotated apex, one of them a still."""
    return loso(changed(data, annotated=("apex",))), ids(data)
