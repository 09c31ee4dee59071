"""The test fold is out of reach: what training gets, when the test part is opened, what travels."""

import pickle

import keras
import numpy as np
import pytest
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.fold import FoldData, FoldJob, run_fold
from merzoo.evaluation.splits.protocols import loso
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays

QUICK = Recipe("quick", epochs=2, batch_size=8)


def test_training_gets_training_samples_and_the_test_part_has_no_labels():
    data = flow_arrays()
    fold = loso(data)[0]
    part = FoldData.of(data, fold)
    train, test = part.train(), part.test()
    own = train.arrays()
    assert own.ids().tolist() == data.ids()[fold.train].tolist()
    assert not np.shares_memory(own.modalities["flow_image"], data.modalities["flow_image"])
    np.testing.assert_array_equal(
        test.modalities["flow_image"], data.modalities["flow_image"][fold.test]
    )
    assert set(vars(test)) == {"modalities"}
    # Nothing else that travels knows labels or names of the test samples.
    assert part.known.ids().tolist() == own.ids().tolist() and not part.known.modalities
    assert train.known.ids().tolist() == own.ids().tolist()
    assert train.label.tolist() == data.label[fold.train].tolist()


def test_the_test_part_is_opened_after_training():
    order = []

    class Watched(FoldData):
        def test(self):
            order.append("test opened")
            return super().test()

    class Note(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            order.append("training ended")

        def __deepcopy__(self, memo):
            return Note()

    data = flow_arrays(subjects=3)
    fold = loso(data)[0]
    part = Watched(**vars(FoldData.of(data, fold)))
    job = FoldJob(part, fold, 0, resolve("ststnet", QUICK), callbacks=(Note(),))
    run_fold(job)
    assert order == ["training ended", "test opened"]


def test_memory_mapped_samples_travel_by_name(tmp_path):
    data = flow_arrays()
    np.save(tmp_path / "flow.npy", data.modalities["flow_image"])
    mapped = np.load(tmp_path / "flow.npy", mmap_mode="r")
    part = FoldData.of(data.with_modalities({"flow_image": mapped}), loso(data)[0])

    def seen_there(part):  # a function of a function travels by value: workers import little
        array = part.modalities["flow_image"]
        return type(array).__name__, str(array.filename), len(part.train())

    found = Parallel(2)(delayed(seen_there)(part) for _ in range(2))
    get_reusable_executor().shutdown()
    assert found == [("memmap", str(tmp_path / "flow.npy"), 25)] * 2


class CountEpochs(keras.callbacks.Callback):
    """Stops training when it has seen three epochs, of whatever fold."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1
        if self.seen == 3:
            self.model.stop_training = True


def test_every_fold_starts_with_the_users_callbacks_as_given(tmp_path):
    recipe = Recipe("quick", epochs=5, batch_size=8)
    mine = CountEpochs()
    evaluate("ststnet", flow_arrays(subjects=3), recipe=recipe, callbacks=[mine], out=tmp_path)
    lengths = [len(np.load(file)["history_loss"]) for file in (tmp_path / "folds").iterdir()]
    assert lengths == [3, 3, 3] and mine.seen == 0
    with pytest.raises(InputError, match="its callbacks"):
        evaluate("ststnet", flow_arrays(subjects=3), recipe=recipe, out=tmp_path)
    with pytest.raises(InputError, match="it has no epochs"):
        evaluate("flow-krr", flow_arrays(), callbacks=[mine])


def test_folds_share_the_names_of_samples_and_send_those_of_their_training_samples_only():
    """Names of all samples once a fold would be the most of an evaluation's memory."""
    data = flow_arrays()
    folds = [FoldData.of(data, fold) for fold in loso(data)]
    assert all(np.shares_memory(part.names.clip, data.clip) for part in folds)
    assert all((part.names.label == -1).all() for part in folds)  # labels are not among them
    sent = pickle.loads(pickle.dumps(folds[1]))
    known = folds[1].known
    assert sent.names.ids().tolist() == sent.known.ids().tolist() == known.ids().tolist()
    assert sent.known.label.tolist() == data.label[folds[1].train_rows].tolist()
