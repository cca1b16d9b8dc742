"""A frozen module and an additive patch, as one module."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

import torch
from torch import Tensor, fx, nn

__all__ = ["AdditivePatch", "submodule", "tapped"]

_SHOWN = 20


class AdditivePatch(nn.Module):
    """The logits of `base` plus a network `g` of its input, or of what one of its submodules gives.

    With logits `f`, what comes out is `f - (0 - g)`: the same as `f + g`, except that the bits of `f` stay
    what they are where `g` is 0, those of `-0.0` included. `g` is made of buffers: it has no parameters, and
    nothing of `base` is touched, whether it is to be trained or not. `self.base` is the very module, so that
    is how a patch is taken off. Inputs and features of any shape are flattened for `g`, except for the first
    dimension, that of the batch, and rounded to its dtype; the sum has the wider of the two. A row where
    floats give no finite `g` is left alone.

    *Floats.* A certificate's claim `deployed` is about sums of products in IEEE arithmetic. So `forward`
    refuses autocast, matrix products in TF32 or bfloat16 and subnormal numbers that are flushed. A change of
    dtype (`half()`, `double()`) and a state dict of another dtype are refused as well, before anything of
    the patch or its base changes; of a module around it, what comes before the patch has changed by then.
    What is traced, scripted, exported or compiled runs none of this code: under autocast or in TF32, after
    `half()` and with a rounded state dict, it gives other numbers without a word.

    *Exports.* `torch.jit.trace`, `torch.export.export` and `torch.onnx.export` take it like any other module,
    if they take `base`. `torch.jit.script` takes it if it takes `base`, which then has one input; for a
    feature, the modules that contain it must also be such that `torch.fx` can trace them, which an
    `AdditivePatch` is not: a patch of a feature inside of another patch cannot be scripted.

    Args:
        base: a module that gives logits `(K, C)` in float32 or float64, `C >= 2`.
        layers: weights `(out, in)` and biases `(out,)` of `g`, arrays or tensors of one dtype, float32 or
            float64; a ReLU stands between them.
        feature: the name of a submodule as in `base.named_modules()`, which gives a tensor and runs once.
        edited: inputs whose labels were fixed, kept for a further patch (see `patch_module`).

    Raises:
        ValueError: layers that do not fit together, no such submodule; in use, an output or a feature that
            is no tensor or has another shape or dtype, or an arithmetic or dtype as above.

    >>> base = nn.Sequential(nn.Identity(), nn.Linear(1, 2, bias=False)).requires_grad_(False)
    >>> _ = base[1].weight.copy_(torch.tensor([[1.0], [0.0]]))
    >>> g = [(torch.ones(1, 1), torch.tensor([-2.0])), (torch.tensor([[0.0], [9.0]]), torch.zeros(2))]
    >>> AdditivePatch(base, g, feature="0")(torch.tensor([[1.0], [3.0]]))
    tensor([[1., 0.],
            [3., 9.]])
    """

    def __init__(
        self,
        base: nn.Module,
        layers: Sequence[tuple[Any, Any]],
        *,
        feature: str | None = None,
        edited: Tensor | None = None,
    ) -> None:
        super().__init__()
        if feature is not None:
            submodule(base, feature)
        self.base = base
        self.feature = feature
        self.patch = PatchNetwork(layers)
        self.edited: Tensor | None
        self.register_buffer("edited", edited)
        self.training = base.training

    @property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases of `g`."""
        return [(layer.weight, layer.bias) for layer in self.patch.layers if isinstance(layer, FixedLinear)]

    def forward(self, x: Any, *rest: Any, **named: Any) -> Tensor:
        eager = not (_tracing() or torch.compiler.is_compiling())
        if not torch.compiler.is_compiling():
            refuse_other_arithmetic(self.layers[0][0].device)
        found: list[Tensor] = []
        if self.feature is None:
            found.append(self._g(x, "its input", eager))
            logits = self.base(x, *rest, **named)
        else:
            what = f"its feature {self.feature!r}"
            with tapped(self.base, self.feature, lambda output: found.append(self._g(output, what, eager))):
                logits = self.base(x, *rest, **named)
            if len(found) != 1:
                raise ValueError(_cannot(self.base, f"{what} is computed {len(found)} times in one pass"))
        require_logits(self.base, logits)
        if eager and logits.shape != found[0].shape:
            raise ValueError(
                _cannot(
                    self.base,
                    f"logits have shape {tuple(logits.shape)}, and the patch {tuple(found[0].shape)}",
                )
            )
        return joined(logits, found[0])

    def _g(self, x: Any, what: str, eager: bool) -> Tensor:
        require_feature(self.base, x, what)
        takes = self.layers[0][0].shape[1]
        if eager and x[:1].numel() != takes and len(x):
            raise ValueError(
                _cannot(
                    self.base, f"{what} has shape {tuple(x.shape)}, and the patch takes {takes} numbers a row"
                )
            )
        out: Tensor = self.patch(x)
        return out

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        for patch in self.modules():  # those below it, too, before anything changes
            if isinstance(patch, AdditivePatch):
                weight = patch.layers[0][0]
                dtype = fn(torch.empty(0, dtype=weight.dtype, device=weight.device)).dtype
                if dtype != weight.dtype:
                    raise ValueError(
                        f"a patch in {weight.dtype} is for {weight.dtype}: it cannot be made {dtype}"
                    )
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for place, part in self.named_modules(prefix=prefix.removesuffix(".")):
            if isinstance(part, AdditivePatch | FixedLinear):  # a patch below counts, too
                for name, mine in part.named_buffers(place, recurse=False):
                    theirs = getattr(state_dict.get(name), "dtype", mine.dtype)
                    if theirs != mine.dtype:
                        raise ValueError(f"{name} is {mine.dtype}: it cannot be loaded from {theirs}")
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def __prepare_scriptable__(self) -> nn.Module:  # torch.jit.script asks for it by this name
        if self.feature is None:
            return _OnInput(self.base, self.patch)
        return _on_feature(self.base, self.patch, self.feature)


class FixedLinear(nn.Module):
    """An affine layer of buffers."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, a: Tensor) -> Tensor:
        return nn.functional.linear(a, self.weight, self.bias)


class PatchNetwork(nn.Module):
    """`g`: rows of any shape to `(K, C)`, 0 where it is not finite."""

    def __init__(self, layers: Sequence[tuple[Any, Any]]) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        before: Tensor | None = None
        for k, pair in enumerate(layers):
            weight, bias = (torch.as_tensor(array).detach().clone() for array in pair)
            if weight.dtype not in (torch.float32, torch.float64) or bias.dtype != weight.dtype:
                raise ValueError(
                    f"layer {k} of the patch is {weight.dtype} and {bias.dtype}: expected float32 or float64"
                )
            if weight.dim() != 2 or bias.shape != weight.shape[:1]:
                raise ValueError(
                    f"layer {k} of the patch has shapes {tuple(weight.shape)} and {tuple(bias.shape)}: "
                    "expected (out, in) and (out,)"
                )
            if before is not None and (before.shape[0], before.dtype) != (weight.shape[1], weight.dtype):
                raise ValueError(
                    f"layer {k} of the patch takes {weight.shape[1]} numbers in {weight.dtype}, and the one "
                    f"before gives {before.shape[0]} in {before.dtype}"
                )
            if not (weight.isfinite().all() and bias.isfinite().all()):
                raise ValueError(f"layer {k} of the patch has numbers that are not finite")
            parts += [nn.ReLU()] * bool(k) + [FixedLinear(weight, bias)]
            before = weight
        if before is None:
            raise ValueError("a patch has no layers: expected at least one")
        self.layers = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        a = x.flatten(1) if x.dim() > 1 else x.unsqueeze(1)
        g = self.layers(a.to(self.layers[0].weight.dtype))  # type: ignore[arg-type]
        return torch.where(torch.isfinite(g).all(dim=1, keepdim=True), g, torch.zeros_like(g))


def joined(logits: Tensor, g: Tensor) -> Tensor:
    """`logits + g`; `0 - g` is never `-0.0`, and what is less `+0.0` keeps its bits."""
    return logits - (0.0 - g)


@contextmanager
def tapped(base: nn.Module, feature: str, take: Callable[[Any], None]) -> Iterator[None]:
    """Calls `take` with what the submodule gives in this thread, before anything can change it in place."""
    thread = threading.get_ident()

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            take(output)

    handle = submodule(base, feature).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def submodule(base: nn.Module, feature: str) -> nn.Module:
    """The submodule of that name.

    Raises:
        ValueError: there is none.
    """
    with suppress(AttributeError):
        if feature:
            return base.get_submodule(feature)
    names = [name for name, _ in base.named_modules() if name]
    shown = ", ".join(names[:_SHOWN] + [".."] * (len(names) > _SHOWN)) or "none"
    raise ValueError(_cannot(base, f"it has no submodule {feature!r}; those of it are: {shown}"))


def require_feature(base: nn.Module, x: Any, what: str) -> None:
    """Raises ValueError unless `x` is a tensor of real numbers with a batch dimension."""
    if not isinstance(x, Tensor):
        raise ValueError(_cannot(base, f"{what} is a {type(x).__name__}, expected a tensor"))
    if not x.dim() or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(_cannot(base, f"{what} has shape {tuple(x.shape)} and {x.dtype}, expected numbers"))


def require_logits(base: nn.Module, logits: Any) -> None:
    """Raises ValueError unless they are a tensor `(K, C)` of float32 or float64, `C >= 2`."""
    if not isinstance(logits, Tensor):
        raise ValueError(_cannot(base, f"its output is a {type(logits).__name__}, expected a tensor (K, C)"))
    if logits.dim() != 2 or (not _tracing() and logits.shape[1] < 2):
        raise ValueError(
            _cannot(base, f"its output has shape {tuple(logits.shape)}, expected logits (K, C) with C >= 2")
        )
    if logits.dtype not in (torch.float32, torch.float64):
        raise ValueError(_cannot(base, f"its output is {logits.dtype}, expected float32 or float64"))


def refuse_other_arithmetic(device: torch.device) -> None:
    """Raises ValueError where matrix products are not those of IEEE arithmetic in their own dtype."""
    if torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type):
        raise ValueError("a patch cannot run under autocast: it is certified for its own dtype")
    if _tracing():  # which keeps what autocast does, and no other setting
        return
    for backend in (torch.backends.cuda, torch.backends.mkldnn):
        precision = getattr(getattr(backend, "matmul", None), "fp32_precision", "none")
        if precision not in ("none", "ieee"):
            raise ValueError(
                f"a patch cannot run with {backend.__name__}.matmul.fp32_precision {precision!r}: "
                "expected 'ieee' (torch.set_float32_matmul_precision 'highest')"
            )
    if device.type == "cpu" and not float(torch.tensor(2.0**-149) * 1):
        raise ValueError("a patch cannot run with torch.set_flush_denormal(True)")


def _tracing() -> bool:
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def _cannot(base: nn.Module, why: str) -> str:
    return f"{type(base).__name__} cannot be patched: {why}"


class _OnInput(nn.Module):
    """What is scripted for a patch of the input."""

    def __init__(self, base: nn.Module, patch: PatchNetwork) -> None:
        super().__init__()
        self.base, self.patch = base, patch
        self.training = base.training

    def forward(self, x: Tensor) -> Tensor:
        g = self.patch(x)
        return joined(self.base(x), g)


class _Containers(fx.Tracer):
    """Traces the modules that contain a feature, and takes all others as they are."""

    def __init__(self, feature: str) -> None:
        super().__init__()
        self.feature = feature

    def is_leaf_module(self, m: nn.Module, qualified: str) -> bool:  # noqa: ARG002
        return not self.feature.startswith(f"{qualified}.")


def _on_feature(base: nn.Module, patch: PatchNetwork, feature: str) -> fx.GraphModule:
    """What is scripted for a patch of a feature: the graph of `base`, where `g` runs after the feature."""
    why = f"torch.jit.script cannot reach the feature {feature!r}, torch.jit.trace and torch.export may"
    try:
        graph = _Containers(feature).trace(base)
    except Exception as error:  # whatever its forward does
        raise ValueError(_cannot(base, f"{why}: {error}")) from error
    calls = [node for node in graph.nodes if node.op == "call_module" and node.target == feature]
    end = graph.output_node()
    if len(calls) != 1 or not isinstance(end.args[0], fx.Node):
        raise ValueError(_cannot(base, why))
    with graph.inserting_after(calls[0]):
        g = graph.call_module("additive_patch", (calls[0],))
    with graph.inserting_before(end):
        end.args = (graph.call_function(joined, (end.args[0], g)),)
    root = nn.Module()
    root.__dict__["_modules"] = {**base._modules, "additive_patch": patch}
    root.__dict__["_parameters"], root.__dict__["_buffers"] = dict(base._parameters), dict(base._buffers)
    module = fx.GraphModule(root, graph)
    module.training = base.training
    return module
