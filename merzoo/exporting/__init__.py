"""Export of trained models to SavedModel, ONNX, LiteRT and OpenVINO, with their preprocessing."""

from merzoo.exporting.exporter import Export, export
from merzoo.exporting.formats import FORMATS
from merzoo.exporting.graph import with_preprocessing
from merzoo.exporting.run import load_export

__all__ = ["FORMATS", "Export", "export", "load_export", "with_preprocessing"]
