"""Records the outputs that tests/models/test_golden.py compares with, in tests/golden.

Run it after adding a network, or after a change of one network's maths that is meant:
`python tools/record_golden.py NAME ...`; without names, for networks that have no file yet.
`python tools/record_golden.py --cam` records the Grad-CAM maps of tests/explain instead.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from merzoo.models import list_models
from tests.battery import CAM_NETWORKS, GOLDEN, golden_cam, golden_outputs


def main() -> None:
    if sys.argv[1:] == ["--cam"]:
        (GOLDEN / "cam").mkdir(exist_ok=True)
        maps = {name: golden_cam(name) for name in CAM_NETWORKS}
        np.savez_compressed(GOLDEN / "cam" / "maps.npz", **maps)
        print(f"recorded {', '.join(maps)}")
        return
    missing = [n for n in list_models(kind="network") if not (GOLDEN / f"{n}.npz").exists()]
    for name in sys.argv[1:] or missing:
        np.savez_compressed(GOLDEN / f"{name}.npz", logits=golden_outputs(name))
        print(f"recorded {name}")


if __name__ == "__main__":
    main()
