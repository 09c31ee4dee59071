"""The networks: one file each, loaded when used. See `registry.py` for lookup by name."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what `__getattr__` gives, for editors and type checkers
    from merzoo.models.abpn import ABPN
    from merzoo.models.alexnet import AlexNet
    from merzoo.models.bi_woof import BiWOOFSVM
    from merzoo.models.broadbentnet import BroadbentNet
    from merzoo.models.capsulenet import CapsuleNet, MarginLoss
    from merzoo.models.classes import class_names, decode_predictions
    from merzoo.models.cvanet import CVANet
    from merzoo.models.densemixednet import DenseMixedNet
    from merzoo.models.dfrnet import DFRNet
    from merzoo.models.dssn import DSSN, SSSN
    from merzoo.models.dualinception import DualInception
    from merzoo.models.elrcn import ELRCN
    from merzoo.models.emr import EMR
    from merzoo.models.fgrl_auf import FGRLAUF
    from merzoo.models.flow_krr import FlowKRR
    from merzoo.models.googlenet import GoogLeNet
    from merzoo.models.hog_top import HIGOTOPSVM, HOGTOPSVM
    from merzoo.models.htnet import HTNet
    from merzoo.models.keyregionnet import KeyRegionNet
    from merzoo.models.lbp_sip import LBPSIPSVM
    from merzoo.models.lbp_top import LBPTOPSVM
    from merzoo.models.loading import load_model
    from merzoo.models.mdmo import MDMOSVM
    from merzoo.models.micron_bert import MicronBERT
    from merzoo.models.mirrorflownet import MirrorFlowNet
    from merzoo.models.mmnet import MMNet
    from merzoo.models.offapexnet import OffApexNet
    from merzoo.models.p3d import P3D
    from merzoo.models.rcn import RCN
    from merzoo.models.registry import create_model, list_models, model_info
    from merzoo.models.resnet3d18 import ResNet3D18
    from merzoo.models.resnet18 import ResNet18
    from merzoo.models.saving import save_model
    from merzoo.models.slstt import SLSTT
    from merzoo.models.softnet import SOFTNet
    from merzoo.models.ststnet import STSTNet
    from merzoo.models.tscnn import TSCNN
    from merzoo.models.videomae import VideoMAE
    from merzoo.models.vision_encoder import VisionEncoder

# Public name -> the file that has it.
FILES = {
    "ABPN": "abpn",
    "DSSN": "dssn",
    "ELRCN": "elrcn",
    "EMR": "emr",
    "FGRLAUF": "fgrl_auf",
    "HIGOTOPSVM": "hog_top",
    "HOGTOPSVM": "hog_top",
    "LBPSIPSVM": "lbp_sip",
    "LBPTOPSVM": "lbp_top",
    "MDMOSVM": "mdmo",
    "P3D": "p3d",
    "RCN": "rcn",
    "SLSTT": "slstt",
    "SOFTNet": "softnet",
    "SSSN": "dssn",
    "TSCNN": "tscnn",
    "AlexNet": "alexnet",
    "BiWOOFSVM": "bi_woof",
    "BroadbentNet": "broadbentnet",
    "CVANet": "cvanet",
    "CapsuleNet": "capsulenet",
    "DFRNet": "dfrnet",
    "DenseMixedNet": "densemixednet",
    "DualInception": "dualinception",
    "FlowKRR": "flow_krr",
    "GoogLeNet": "googlenet",
    "HTNet": "htnet",
    "KeyRegionNet": "keyregionnet",
    "MMNet": "mmnet",
    "MarginLoss": "capsulenet",
    "MicronBERT": "micron_bert",
    "MirrorFlowNet": "mirrorflownet",
    "OffApexNet": "offapexnet",
    "ResNet18": "resnet18",
    "ResNet3D18": "resnet3d18",
    "STSTNet": "ststnet",
    "VideoMAE": "videomae",
    "VisionEncoder": "vision_encoder",
    "class_names": "classes",
    "create_model": "registry",
    "decode_predictions": "classes",
    "list_models": "registry",
    "load_model": "loading",
    "model_info": "registry",
    "save_model": "saving",
}
__all__ = [
    "ABPN",
    "DSSN",
    "ELRCN",
    "EMR",
    "FGRLAUF",
    "HIGOTOPSVM",
    "HOGTOPSVM",
    "LBPSIPSVM",
    "LBPTOPSVM",
    "MDMOSVM",
    "P3D",
    "RCN",
    "SLSTT",
    "SSSN",
    "TSCNN",
    "AlexNet",
    "BiWOOFSVM",
    "BroadbentNet",
    "CVANet",
    "CapsuleNet",
    "DFRNet",
    "DenseMixedNet",
    "DualInception",
    "FlowKRR",
    "GoogLeNet",
    "HTNet",
    "KeyRegionNet",
    "MMNet",
    "MarginLoss",
    "MicronBERT",
    "MirrorFlowNet",
    "OffApexNet",
    "ResNet3D18",
    "ResNet18",
    "SOFTNet",
    "STSTNet",
    "VideoMAE",
    "VisionEncoder",
    "class_names",
    "create_model",
    "decode_predictions",
    "list_models",
    "load_model",
    "model_info",
    "save_model",
]


if not TYPE_CHECKING:  # to a type checker, a name that is not above is an error

    def __getattr__(name):
        if name not in FILES:
            raise AttributeError(f"module 'merzoo.models' has no attribute '{name}'")
        return getattr(importlib.import_module(f"merzoo.models.{FILES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
