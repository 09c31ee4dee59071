"""The handcrafted baselines: descriptors of patterns known by hand, and what fitting may see."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

import merzoo
from merzoo.errors import InputError
from merzoo.models.bi_woof import BiWOOF
from merzoo.models.descriptor_svm import DescriptorSVM
from merzoo.models.hog_top import HOGTOP
from merzoo.models.lbp_sip import LBPSIP
from merzoo.models.lbp_top import LBPTOP
from merzoo.models.mdmo import MDMO

ESTIMATORS = ("bi-woof", "higo-top", "hog-top", "lbp-sip", "lbp-top", "mdmo")


def test_lbp_top_of_one_pixel_by_hand():
    volume = np.full((9, 3, 3), 100)
    volume[4, 1, 1] = 101  # brighter than all of its neighbours ...
    volume[4, 1, 2] = 150  # ... but that ahead on x ...
    volume[0, 1, 1] = 150  # ... and that behind on t
    codes = LBPTOP().patterns(volume)
    # Bits: ahead on the first axis 1, ahead on the second 2, behind on the first 4, second 8.
    assert codes.shape == (3, 1, 1, 1)
    assert codes.ravel().tolist() == [1, 1 + 8, 8]  # planes XY, XT, YT


def test_lbp_top_of_a_still_clip_has_one_pattern_in_time_and_is_normalised():
    rng = np.random.default_rng(0)
    clip = np.repeat(rng.integers(0, 256, (1, 42, 42, 1)), 10, axis=0)
    vector = LBPTOP().transform(clip[None])[0].reshape(3, 25, 16)
    np.testing.assert_allclose(vector.sum(-1), 1, atol=1e-6)
    in_time = vector[1:]  # nothing changes: both neighbours in time are "at least as bright"
    kept = [code for code in range(16) if code & 2 and code & 8]
    np.testing.assert_allclose(in_time[..., kept].sum(-1), 1, atol=1e-6)


def test_lbp_sip_of_one_pixel_by_hand():
    volume = np.full((9, 3, 3), 100)
    volume[4, 1, 1] = 101  # brighter than all of its neighbours ...
    volume[4, 0, 1] = 150  # ... but that behind on y ...
    volume[8, 1, 1] = 150  # ... and that ahead on t
    spatial, temporal = LBPSIP().patterns(volume)
    assert (spatial.item(), temporal.item()) == (8, 1)


def test_lbp_sip_counts_each_point_once():
    clip = np.random.default_rng(0).integers(0, 256, (10, 42, 42, 1))
    spatial, temporal = np.split(LBPSIP().describe(clip), [25 * 16])
    np.testing.assert_allclose(temporal.reshape(25, 4).sum(-1), 1)
    # Its pattern in space is that of LBP-TOP's XY plane.
    np.testing.assert_array_equal(spatial, LBPTOP().describe(clip)[: 25 * 16])


# grey = a t + b y + c x; the bin of each plane XY, XT, YT by its angle, 45 degrees a bin from -180.
RAMPS = {
    (0, 0, 3): (4, 4, None),  # to the right: 0 degrees; nothing on YT
    (0, 2, 0): (6, None, 4),  # downwards: 90 degrees on XY, 0 on YT
    (-1, 0, 0): (None, 2, 2),  # darker in time: -90 degrees
    (2, 1, -2): (7, 7, 5),  # 153, 135 and 63 degrees
}


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("slopes", RAMPS)
def test_gradient_orientations_of_ramps_by_hand(slopes, weighted):
    place = np.stack(np.meshgrid(np.arange(5), np.arange(8), np.arange(8), indexing="ij"))
    clip = np.tensordot(slopes, place, 1)[..., None]
    found = HOGTOP(weighted, blocks=2).describe(clip).reshape(3, 4, 8)
    for plane, expected in zip(found, RAMPS[slopes], strict=True):
        one = np.zeros((4, 8))
        if expected is not None:
            one[:, expected] = 1
        np.testing.assert_array_equal(plane, one)


def test_higo_ignores_how_steep_gradients_are_and_hog_does_not():
    frame = np.zeros((4, 10))
    frame[:, :6] = 3 * np.arange(6)  # brighter by 3 a pixel,
    frame[:, 6:] = 15 - np.arange(4)  # then darker by 1 a pixel
    clip = np.repeat(frame[None, ..., None], 3, axis=0)
    hog = HOGTOP(blocks=1).describe(clip)[:8]
    higo = HOGTOP(weighted=False, blocks=1).describe(clip)[:8]
    # The neighbours of the columns 1..8 differ by 6, 6, 6, 6, 3, -1, -2, -2.
    assert higo[4] == pytest.approx(5 / 8) and hog[4] == pytest.approx(27 / 32)
    assert higo[[0, 7]].sum() == pytest.approx(3 / 8) and hog[[0, 7]].sum() == pytest.approx(5 / 32)


def test_bi_woof_weighs_pixels_by_magnitude_and_blocks_by_strain():
    flow = np.zeros((16, 16, 3))
    flow[:8, :8] = [0, -3, 0.5]  # upper left block: 64 px, 3 px upwards (-90 degrees)
    flow[8:, 8:] = [2, 0, 0.25]  # lower right block: 2 px to the right (0 degrees)
    vector = BiWOOF(blocks=2).transform(flow[None])[0].reshape(4, 8)
    expected = np.zeros((4, 8))
    expected[0, 2] = 64 * 3 * 0.5
    expected[3, 4] = 64 * 2 * 0.25
    np.testing.assert_allclose(vector, expected)


def test_mdmo_takes_the_mean_of_the_commonest_direction():
    flow = np.zeros((12, 12, 3))
    flow[..., 1] = 1  # everything moves down by one pixel
    flow[0, 0] = [-8, 0, 0]  # one pixel of the first region is an outlier
    flow[2:4, 2:4, 1] = 4
    vector = MDMO().transform(flow[None])[0]
    assert vector.shape == (72,)
    magnitude, angle = vector[:36], vector[36:]
    expected = np.full(36, 0.25)
    expected[7] = 1
    np.testing.assert_allclose(magnitude, expected)
    np.testing.assert_allclose(angle, np.pi / 2, rtol=1e-6)


def moving_faces(count=24, size=48, seed=0):
    """Flow of faces whose mouth corner goes up (class 1), or down (class 0), plus noise."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    flow = rng.normal(0, 0.1, (count, size, size, 3))
    flow[..., 2] = np.abs(flow[..., 2])
    flow[:, 30:42, 8:20, 1] += np.where(label, -1, 1)[:, None, None]
    return flow, label, np.arange(count) // 4


@pytest.mark.parametrize("name", ["bi-woof", "mdmo"])
def test_flow_baselines_learn_across_subjects(name):
    flow, label, subject = moving_faces()
    found = cross_val_predict(
        merzoo.create_model(name), flow, label, groups=subject, cv=LeaveOneGroupOut()
    )
    assert (found == label).mean() >= 0.9


def test_lbp_top_tells_a_brightening_region_from_a_still_one():
    rng = np.random.default_rng(0)
    label = np.arange(16) % 2
    clips = np.repeat(rng.uniform(0, 255, (16, 1, 40, 40, 1)), 10, axis=1)
    for clip, moves in zip(clips, label, strict=True):
        if moves:
            clip[:, 20:] += 5 * np.arange(10)[:, None, None, None]
    model = merzoo.create_model("lbp-top").fit(clips[:12], label[:12])
    assert (model.predict(clips[12:]) == label[12:]).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_state_their_input_and_give_probabilities(name):
    model = clone(merzoo.create_model(name, classes=3))
    ((modality, shape),) = model.inputs.items()
    assert merzoo.model_info(name)["inputs"] == {modality: list(shape)}
    rng = np.random.default_rng(0)
    label = np.arange(9) % 3
    samples = rng.uniform(0, 255, (9, *shape)).astype("float32")
    model.fit(samples, label, groups=np.arange(9))
    probabilities = model.predict_proba(samples)
    assert probabilities.shape == (9, 3) and model.classes_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(model.predict(samples), probabilities.argmax(1))


def test_the_scaler_sees_training_samples_only():
    flow, label, _ = moving_faces()
    model = DescriptorSVM(MDMO()).fit(flow[:16], label[:16])
    scaler = model.pipeline_[0]
    np.testing.assert_allclose(scaler.mean_, MDMO().transform(flow[:16]).mean(0), atol=1e-5)


def test_unusable_samples_are_named():
    with pytest.raises(InputError, match="takes samples of 3 axes"):
        MDMO().transform(np.zeros((4, 12, 12)))
    with pytest.raises(InputError, match="needs more than a clip"):
        LBPTOP().transform(np.zeros((1, 8, 40, 40, 1)))
    with pytest.raises(InputError, match="cannot be cut into 8 x 8 blocks"):
        BiWOOF().transform(np.zeros((1, 6, 6, 3)))
