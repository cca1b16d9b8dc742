"""Patches inside ONNX models: merged into the graph, taken out again, run and compared (extra `onnx`)."""

INSTALL = "pip install 'fine-tuning-capacity[onnx]'"

try:
    from ftc.onnx.compare import Comparison, compare
    from ftc.onnx.graph import read
    from ftc.onnx.merge import Restored, merge, patches, unmerge
    from ftc.onnx.model import OnnxClassifier
    from ftc.onnx.network import layers_to_model
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("onnx", "onnxruntime"):
        raise
    raise ImportError(f"ONNX models need {error.name}, which is not installed: {INSTALL}") from None

__all__ = [
    "INSTALL", "Comparison", "OnnxClassifier", "Restored", "compare", "layers_to_model", "merge", "patches",
    "read", "unmerge",
]  # fmt: skip
