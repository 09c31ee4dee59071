"""Custom Keras layers: all registered serialisable under the package name `merzoo`."""

from merzoo.layers.action_unit_graph import ActionUnitGraph
from merzoo.layers.adaptive_pooling import AdaptiveAveragePool
from merzoo.layers.attention import ChannelAttention, MixedAttention, SpatialAttention
from merzoo.layers.broadbent import BroadbentAttention
from merzoo.layers.capsules import CapsuleLength, PrimaryCapsules, RoutedCapsules
from merzoo.layers.class_activation import ClassActivationMap, ClassKernel
from merzoo.layers.diagonal_attention import DiagonalAttention
from merzoo.layers.face_resize import FaceResize
from merzoo.layers.flow_picture import FlowPicture
from merzoo.layers.flow_preparation import FlowPreparation
from merzoo.layers.frames import FoldTime, NeighbourFrames, UnfoldTime, VGGPreparation
from merzoo.layers.learned_position import LearnedPosition
from merzoo.layers.local_response import LocalResponseNormalization
from merzoo.layers.long_range_flow import LongRangeFlow
from merzoo.layers.mirror_views import MirrorViews
from merzoo.layers.motion import FarnebackFlow, FlowImage, FrameDifference, OpticalStrain
from merzoo.layers.patch_convolution import Conv2D, PatchConv2D
from merzoo.layers.pooling import MaxPooling2D, MaxPoolPadded
from merzoo.layers.regions import GatedRegion, RegionCrop
from merzoo.layers.sinusoid_position import SinusoidPosition
from merzoo.layers.stochastic_depth import StochasticDepth
from merzoo.layers.swin import PatchMerging, ShiftedWindowAttention, SwinBlock
from merzoo.layers.tokens import ClassAndPositionTokens
from merzoo.layers.vertical_attention import ContinuousVerticalAttention
from merzoo.layers.window_attention import WindowAttention, WindowPosition

__all__ = [
    "ActionUnitGraph",
    "AdaptiveAveragePool",
    "BroadbentAttention",
    "CapsuleLength",
    "ChannelAttention",
    "ClassActivationMap",
    "ClassAndPositionTokens",
    "ClassKernel",
    "ContinuousVerticalAttention",
    "Conv2D",
    "DiagonalAttention",
    "FaceResize",
    "FarnebackFlow",
    "FlowImage",
    "FlowPicture",
    "FlowPreparation",
    "FoldTime",
    "FrameDifference",
    "GatedRegion",
    "LearnedPosition",
    "LocalResponseNormalization",
    "LongRangeFlow",
    "MaxPoolPadded",
    "MaxPooling2D",
    "MirrorViews",
    "MixedAttention",
    "NeighbourFrames",
    "OpticalStrain",
    "PatchConv2D",
    "PatchMerging",
    "PrimaryCapsules",
    "RegionCrop",
    "RoutedCapsules",
    "ShiftedWindowAttention",
    "SinusoidPosition",
    "SpatialAttention",
    "StochasticDepth",
    "SwinBlock",
    "UnfoldTime",
    "VGGPreparation",
    "WindowAttention",
    "WindowPosition",
]
