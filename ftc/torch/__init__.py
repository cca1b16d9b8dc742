"""Patches for PyTorch modules (extra `torch`)."""

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise ImportError("ftc.torch needs PyTorch: pip install 'fine-tuning-capacity[torch]'") from None

from ftc.torch.module import AdditivePatch
from ftc.torch.patching import ModulePatch, Rerun, evaluate, patch_module, rerun

__all__ = ["AdditivePatch", "ModulePatch", "Rerun", "evaluate", "patch_module", "rerun"]
