"""The networks: one file each, one import line each. See `registry.py` for lookup by name."""

from merzoo.models.alexnet import AlexNet
from merzoo.models.bi_woof import BiWOOFSVM
from merzoo.models.broadbentnet import BroadbentNet
from merzoo.models.capsulenet import CapsuleNet, MarginLoss
from merzoo.models.cvanet import CVANet
from merzoo.models.densemixednet import DenseMixedNet
from merzoo.models.dfrnet import DFRNet
from merzoo.models.dssn import DSSN, SSSN
from merzoo.models.dualinception import DualInception
from merzoo.models.flow_krr import FlowKRR
from merzoo.models.htnet import HTNet
from merzoo.models.keyregionnet import KeyRegionNet
from merzoo.models.lbp_top import LBPTOPSVM
from merzoo.models.mdmo import MDMOSVM
from merzoo.models.mmnet import MMNet
from merzoo.models.offapexnet import OffApexNet
from merzoo.models.rcn import RCN
from merzoo.models.registry import create_model, list_models, model_info
from merzoo.models.resnet18 import ResNet18
from merzoo.models.ststnet import STSTNet

__all__ = [
    "DSSN",
    "LBPTOPSVM",
    "MDMOSVM",
    "RCN",
    "SSSN",
    "AlexNet",
    "BiWOOFSVM",
    "BroadbentNet",
    "CVANet",
    "CapsuleNet",
    "DFRNet",
    "DenseMixedNet",
    "DualInception",
    "FlowKRR",
    "HTNet",
    "KeyRegionNet",
    "MMNet",
    "MarginLoss",
    "OffApexNet",
    "ResNet18",
    "STSTNet",
    "create_model",
    "list_models",
    "model_info",
]
