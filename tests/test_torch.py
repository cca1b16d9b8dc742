"""Patches of PyTorch modules: what they change and what they leave alone, in every way of running them."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'fine-tuning-capacity[torch]'")
from torch import Tensor, nn  # noqa: E402

import verify  # noqa: E402
from constructions import write_certificate  # noqa: E402
from ftc.torch import AdditivePatch, evaluate, patch_module, rerun  # noqa: E402

FEATURES = [None, "body.0", "body", "1"]
EDITS = {i: (7 * i + 3) % 10 for i in range(12)}
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The TorchScript type system:UserWarning"),  # about torch.fx itself
]


def network() -> nn.Module:
    """A small convolutional network; the feature `body.0` is changed in place once it is computed."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    named = nn.Sequential()
    named.add_module("body", body)
    named.add_module("1", nn.Flatten())
    named.add_module("head", nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10)))
    return named


def images(count: int = 60) -> Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def bits(rows: Any) -> bytes:
    return (rows.detach().numpy() if isinstance(rows, Tensor) else rows).tobytes()


def state(module: nn.Module) -> dict[str, Any]:
    return {name: (bits(t), t.requires_grad) for name, t in module.state_dict(keep_vars=True).items()}


def constant(value: list[float], takes: int = 64, dtype: Any = torch.float32) -> list[tuple[Tensor, Tensor]]:
    """A patch that adds the same everywhere."""
    return [(torch.zeros(len(value), takes, dtype=dtype), torch.tensor(value, dtype=dtype))]


def test_inputs_are_left_alone_by_layers_that_work_in_place() -> None:
    torch.manual_seed(0)
    base = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)).requires_grad_(False)
    x = torch.randn(20, 3)
    before = bits(x)
    wrong = {4: 1 - int(base(x.clone())[4].argmax())}
    found = patch_module(base, x, wrong)
    assert bits(x) == before
    assert all(run.as_certified for run in found.reruns)
    assert bits(found.module.edited) == bits(x[[4]])


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_patched_module_does_what_its_certificate_says(tmp_path: Path, feature: Any, dtype: str) -> None:
    base = network()
    base[0][0].requires_grad_(False)
    before, modes, x = state(base), [m.training for m in base.modules()], images()
    found = patch_module(base, x, EDITS, feature=feature, dtype=dtype)
    verdict = verify.check(write_certificate(found.patch, tmp_path / "certificate"))
    assert verdict.status == "accepted", verdict.text()
    assert f"(deployed): in {dtype} arithmetic" in verdict.text()
    assert [r.batch for r in found.reruns] == [1, 60]
    assert all(r.as_certified and (r.edits, r.protected, r.same_label) == (12, 48, 48) for r in found.reruns)
    assert found.module.base is base
    assert state(base) == before
    assert [m.training for m in base.modules()] == modes
    assert not any(hooks for m in base.modules() for hooks in (m._forward_hooks, m._forward_pre_hooks))
    assert len([*found.module.parameters()]) == len([*base.parameters()])

    patched = found.module.eval()
    out, frozen = patched(x), base(x)
    assert out.dtype == getattr(torch, dtype)
    assert bits(out[12:]) == bits(frozen[12:].to(out.dtype))
    assert out[:12].argmax(1).tolist() == [*EDITS.values()]
    g = [(w.numpy(), b.numpy()) for w, b in patched.layers]
    for mine, theirs in zip(g, found.patch.layers, strict=True):
        assert [a.tolist() for a in mine] == [a.tolist() for a in theirs]


def test_points_are_the_feature_as_it_is_before_later_layers_change_it() -> None:
    base, x = network().eval(), images()
    points, logits = evaluate(base, x, feature="body.0", batch=7)
    expected = base[0][0](x)
    assert (points < 0).any()
    np.testing.assert_allclose(points, expected.detach().numpy().reshape(60, -1), atol=1e-6)
    np.testing.assert_allclose(logits, base(x).detach().numpy(), atol=1e-6)
    inputs, _ = evaluate(base, x.numpy())
    assert bits(inputs) == bits(x.reshape(60, -1))


def export(module: nn.Module, x: Tensor) -> Any:
    dynamic = ({0: torch.export.Dim("batch")},)
    return torch.export.export(module, (x,), dynamic_shapes=dynamic).module()


def saved_script(module: nn.Module, _: Tensor) -> Any:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    return torch.jit.load(io.BytesIO(file.getvalue()))


WAYS: dict[str, Callable[[nn.Module, Tensor], Any]] = {
    "script": saved_script, "trace": torch.jit.trace, "export": export, "copy": lambda m, _: copy.deepcopy(m),
}  # fmt: skip


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("way", WAYS)
def test_other_ways_to_run_it_give_the_same_bits(feature: Any, way: str) -> None:
    x = images()
    patched = patch_module(network(), x, EDITS, feature=feature).module.eval()
    before = state(patched)
    other = WAYS[way](patched, x[:3])
    assert bits(other(x)) == bits(patched(x))
    assert bits(other(x[:1])) == bits(patched(x[:1]))
    assert state(patched) == before


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning")  # torch's own
@pytest.mark.parametrize("feature", [None, "body.0"])
def test_an_onnx_model_has_the_labels(tmp_path: Path, feature: Any) -> None:
    pytest.importorskip("onnxscript", reason="needs onnxscript")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    x = images()
    patched = patch_module(network(), x, EDITS, feature=feature).module.eval()
    sessions = []
    for name, module in {"patched": patched, "base": patched.base}.items():
        path = tmp_path / f"{name}.onnx"
        torch.onnx.export(
            module,
            (x[:3],),
            path,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
        sessions.append(runtime.InferenceSession(path))
    after, before = (s.run(None, {s.get_inputs()[0].name: x.numpy()})[0] for s in sessions)
    assert after[:12].argmax(1).tolist() == [*EDITS.values()]
    assert bits(after[12:]) == bits(before[12:])


def test_zeros_keep_their_sign_and_rows_without_a_finite_patch_are_left_alone() -> None:
    class Zeros(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x[:, 0] * 0, x[:, 0] * 0 - 0.0], 1)

    x = torch.tensor([[-1.0], [1.0], [-0.0]])
    for bias in ([0.0, 0.0], [-0.0, -0.0]):
        patched = AdditivePatch(Zeros(), constant(bias, 1))
        for run in (patched, torch.jit.script(patched)):
            assert bits(run(x)) == bits(Zeros()(x))
            assert run(x).signbit().any()
    steep = [(torch.full((2, 1), 1e38), torch.zeros(2)), (torch.eye(2) * 9, torch.ones(2))]
    base = nn.Linear(1, 2)
    y = torch.tensor([[1e30], [float("inf")], [-3.0]])
    out = AdditivePatch(base, steep)(y)
    assert bits(out[:2]) == bits(base(y)[:2])
    assert bits(out[2]) == bits(base(y)[2] + 1)


def test_patches_stack_and_come_off_again(tmp_path: Path) -> None:
    base, x = network().eval(), images()
    first = patch_module(base, x, {0: 1, 1: 2, 2: 3}, feature="body.0").module
    new = images(90)[60:]
    found = patch_module(first, new, {0: 4, 1: 5}, feature="base.1", dtype="float64")
    second = found.module.eval()
    assert found.patch.problem.K == 33
    assert verify.check(write_certificate(found.patch, tmp_path / "certificate")).status == "accepted"
    assert second(x[:3]).argmax(1).tolist() == [1, 2, 3]
    assert second(new[:2]).argmax(1).tolist() == [4, 5]
    assert bits(second(x[:3])) == bits(first(x[:3]).double())
    assert bits(second(new[2:])) == bits(base(new[2:]).double())
    assert second.base is first
    assert first.base is base
    assert bits(second.edited) == bits(torch.cat([x[:3], new[:2]]))
    with pytest.raises(
        ValueError, match=r"but point 4 gets .*points from 60 on were fixed by the patch below"
    ):
        patch_module(second, torch.cat([x[3:7], x[:1], x[4:59]]), {4: 5}, dtype="float64")
    with pytest.raises(
        ValueError, match=r"X has rows of shape \(64,\) in torch.float32, and the inputs that"
    ):
        patch_module(second, x.flatten(1), {4: 5})
    assert bits(torch.jit.trace(second, x[:2])(x)) == bits(second(x))
    with pytest.raises(
        ValueError, match=r"torch\.jit\.script cannot reach the feature 'base\.1', torch\.jit"
    ):
        torch.jit.script(second)


def test_a_state_dict_goes_round_and_modes_are_passed_on() -> None:
    x = images()
    found = patch_module(network(), x, EDITS, feature="body.0")
    patched = found.module.eval()
    other = AdditivePatch(
        network(), [(w * 0, b * 0) for w, b in found.patch.layers], feature="body.0",
        edited=torch.zeros_like(patched.edited),
    )  # fmt: skip
    nn.init.zeros_(other.base[0][0].weight)
    other.load_state_dict(patched.state_dict())
    assert state(other.eval()) == state(patched)
    assert bits(other(x)) == bits(patched(x))
    assert other.train().base[2][0].training
    assert not other.eval().base[2][0].training


def test_a_device_may_change_and_a_dtype_may_not() -> None:
    patched = patch_module(network(), images(), EDITS, feature="1").module
    before = state(patched)
    for convert in (patched.half, patched.double, lambda: patched.to(torch.bfloat16)):
        with pytest.raises(
            ValueError, match=r"a patch in torch.float32 is for torch.float32: it cannot be made"
        ):
            convert()
    with pytest.raises(ValueError, match=r"cannot be made torch.float64"):
        nn.Sequential(patched).double()
    assert state(patched) == before
    below = AdditivePatch(nn.Linear(4, 2), constant([0.0, 1.0], 4))
    above = AdditivePatch(nn.Sequential(nn.Linear(4, 4), below), constant([0.0, 1.0], 4, dtype=torch.float64))
    before = state(above)
    with pytest.raises(ValueError, match=r"torch.float32: it cannot be made torch.float64"):
        above.double()
    assert state(above) == before
    moved = patched.float().to("meta")
    assert moved(torch.zeros(5, 1, 8, 8, device="meta")).shape == (5, 10)


def test_parts_of_a_module_around_it_that_come_before_have_changed_by_then() -> None:
    patched = AdditivePatch(nn.Linear(4, 2), constant([0.0, 1.0], 4))
    around = nn.Sequential(nn.Linear(4, 4), patched, nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"cannot be made torch.float16"):
        around.half()
    assert [part.weight.dtype for part in (around[0], patched.base, around[2])] == [
        torch.float16, torch.float32, torch.float32,
    ]  # fmt: skip


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_dict_of_another_dtype_is_refused(assign: bool) -> None:
    below = patch_module(network(), images(), {50: 1}).module
    patched = patch_module(below, images(), EDITS, feature="base.1").module
    around, before = nn.Sequential(patched), state(patched)
    own = [name for name in patched.state_dict() if not name.startswith("base.base.")]
    assert {"edited", "base.edited", "patch.layers.0.weight", "base.patch.layers.0.bias"} < set(own)
    for name in own:
        for dtype in (torch.float64, torch.float16):
            for module, key in ((patched, name), (around, f"0.{name}")):
                given = {k: v + 1 for k, v in module.state_dict().items()}
                given[key] = given[key].to(dtype)
                with pytest.raises(
                    ValueError, match=rf"^{key} is torch.float32: it cannot be loaded from {dtype}$"
                ):
                    module.load_state_dict(given, assign=assign)
                assert state(patched) == before
    less = {name: value for name, value in patched.state_dict().items() if name not in own}
    less |= {name: value.double() for name, value in less.items()}
    if not assign:  # the base is not the patch's to judge, and missing names are told by torch
        assert patched.load_state_dict(less, strict=False).missing_keys == own
    assert state(patched) == before
    patched.load_state_dict({k: v.clone() for k, v in patched.state_dict().items()}, assign=assign)
    assert state(patched) == before


@pytest.fixture
def precision() -> Iterator[None]:
    yield
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("precision")
def test_another_arithmetic_is_refused() -> None:
    x, base = images(), network().eval()
    patched = patch_module(base, x, EDITS).module
    want = bits(patched(x))
    with torch.autocast("cpu"):
        for run in (patched, lambda x: torch.jit.trace(patched, x, check_trace=False)):
            with pytest.raises(ValueError, match="cannot run under autocast"):
                run(x)
    torch.set_float32_matmul_precision("medium")
    for run in (patched, lambda _: patch_module(base, x, EDITS)):
        with pytest.raises(ValueError, match=r"matmul.fp32_precision '\w+': expected 'ieee'"):
            run(x)
    torch.set_float32_matmul_precision("highest")
    if torch.set_flush_denormal(True):
        with pytest.raises(ValueError, match=r"cannot run with torch\.set_flush_denormal"):
            patched(x)
        torch.set_flush_denormal(False)
    assert bits(patched(x)) == want


def test_what_is_traced_refuses_nothing() -> None:
    """As its documentation says: it does not run the code that would."""
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    patched = patch_module(nn.Flatten(), x, {i: int(x[i].argmin()) for i in range(9)}).module
    traced = torch.jit.trace(patched, x[:3])
    want = bits(patched(x))
    assert bits(traced(x)) == want
    with torch.autocast("cpu"):
        assert bits(patched.base(x)) == bits(x)
        assert bits(traced(x)) != want
    assert {t.dtype for t in traced.half().buffers()} == {torch.float16}


def test_threads_do_not_take_each_others_features() -> None:
    x = images()
    patched = patch_module(network(), x, EDITS, feature="body.0").module.eval()
    want, wrong = {bits(row): bits(patched(row[None])) for row in x}, []

    def serve(rows: Tensor) -> None:
        try:
            wrong.extend(row for row in rows if bits(patched(row[None])) != want[bits(row)])
        except Exception as error:  # told below
            wrong.append(error)

    threads = [threading.Thread(target=serve, args=(x[k::4].repeat(8, 1, 1, 1),)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_rerun_counts_what_it_finds() -> None:
    x = images()
    base = network().eval()
    labels = base(x).argmax(1)
    patched = AdditivePatch(base, constant([0.0] * 9 + [100.0]))
    found = rerun(patched, x, {0: 9, 1: 8}, batch=7)
    assert (found.batch, found.edits, found.right, found.protected) == (7, 2, 1, 58)
    assert (found.same_label, found.same_bits) == (int((labels[2:] == 9).sum()), 0)
    assert not found.as_certified
    assert found.text() == (
        "run in batches of 7: 1 of 2 wanted labels; of 58 others, "
        f"{found.same_label} keep their label and 0 their logits, bit for bit"
    )


def test_a_spread_is_allowed_for() -> None:
    class Wavers(nn.Module):
        """Its feature and logits hang on the size of the batch."""

        def __init__(self) -> None:
            super().__init__()
            self.feature = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            x = self.feature(x + 2.0**-12 * (len(x) == 1))
            return torch.cat([x * 0 + 1 + 2.0**-6 * (len(x) == 1), x * 0], 1)

    x = torch.arange(20.0)[:, None]
    found = patch_module(Wavers(), x, {4: 1}, feature="feature")
    assert (found.logit_spread, found.feature_spread) == (2.0**-6, 2.0**-12)
    assert found.patch.margin == 2.0**-4
    assert found.patch.radius is not None
    assert found.patch.radius >= 2.0**-11
    assert all(r.as_certified for r in found.reruns)
    least = patch_module(Wavers(), x, {4: 1}, feature="feature", compare=()).patch.radius
    assert least is not None
    assert least >= 8 * 19 * 2.0**-23
    assert patch_module(Wavers(), x, {4: 1}, feature="feature", margin=0, compare=()).patch.margin == 0
    with pytest.raises(ValueError, match="was not found"):
        patch_module(Wavers(), x, {4: 1}, feature="feature", radius=1.0)


def test_dead_units_contribute_nothing(tmp_path: Path) -> None:
    base, x = nn.Sequential(nn.Identity(), nn.Linear(6, 3)), torch.randn(40, 6)
    x[:, 2], x[:, 5] = x[:, 2] * 1e-33, 3.0
    found = patch_module(base, x, {4: 1, 5: 0, 6: 2}, feature="0", margin=1.0)
    assert found.patch.radius is not None
    assert found.patch.radius > 1e-6
    assert bits(found.patch.problem.points) == bits(x)
    assert verify.check(write_certificate(found.patch, tmp_path / "certificate")).status == "accepted"


class Gives(nn.Module):
    """Something else than logits, or a feature that is something else."""

    def __init__(
        self, output: Callable[[Tensor], Any], feature: Callable[[Tensor], Any], times: int = 1
    ) -> None:
        super().__init__()
        self.part = nn.Module()
        self.part.forward = feature
        self.output, self.times = output, times

    def forward(self, x: Tensor) -> Any:
        for _ in range(self.times):
            self.part(x)
        return self.output(x)


def same(x: Tensor) -> Tensor:
    return x


WRONG: list[tuple[str, nn.Module, str]] = [
    ("its output is a tuple, expected a tensor (K, C)", Gives(lambda x: (x, x), same), "part"),
    ("its output is a dict, expected a tensor (K, C)", Gives(lambda x: {"logits": x}, same), "part"),
    ("its output has shape (5,), expected logits (K, C)", Gives(lambda x: x[:, 0], same), "part"),
    (
        "its output has shape (5, 1), expected logits (K, C) with C >= 2",
        Gives(lambda x: x[:, :1], same),
        "part",
    ),
    ("its output is torch.float16, expected float32", Gives(lambda x: x.half(), same), "part"),
    ("its output is torch.int64, expected float32", Gives(lambda x: x.long(), same), "part"),
    ("its feature 'part' is a list, expected a tensor", Gives(same, lambda x: [x]), "part"),
    ("its feature 'part' has shape () and torch.float32", Gives(same, lambda x: x.sum()), "part"),
    ("its feature 'part' has shape (5, 2) and torch.bool", Gives(same, lambda x: x > 0), "part"),
    ("its feature 'part' is computed 2 times in one pass", Gives(same, same, 2), "part"),
    ("its feature 'part' is computed 0 times in one pass", Gives(same, same, 0), "part"),
    ("it has no submodule 'other'; those of it are: part", Gives(same, same), "other"),
    ("it has no submodule ''; those of it are: part", Gives(same, same), ""),
]


@pytest.mark.parametrize(("message", "module", "feature"), WRONG, ids=[message for message, _, _ in WRONG])
def test_what_cannot_be_patched_is_named(message: str, module: nn.Module, feature: str) -> None:
    x = torch.arange(10.0).reshape(5, 2)
    with pytest.raises(ValueError) as caught:
        patch_module(module, x, {1: 0}, feature=feature)
    assert f"Gives cannot be patched: {message}" in str(caught.value)
    with pytest.raises(ValueError) as caught:
        AdditivePatch(module, constant([1.0, 1.0], 2), feature=feature)(x)
    assert f"Gives cannot be patched: {message}" in str(caught.value)


def test_wrong_numbers_and_arguments_are_named() -> None:
    x = torch.arange(10.0).reshape(5, 2)
    base = nn.Linear(2, 3)

    def refused(message: str, *given: Any, **more: Any) -> None:
        with pytest.raises(ValueError) as caught:
            patch_module(*given, **more)
        assert message in str(caught.value)

    refused("X has shape (0, 2): expected at least one row", base, x[:0], {})
    refused("X is no tensor, and cannot be made one", base, [["a"]], {})
    refused("batch is 0: expected a positive integer", base, x, {0: 1}, batch=0)
    refused("Linear cannot run on X from row 0 on: mat1 and mat2", base, x[:, :1], {0: 1})
    refused("edit index 5 is out of range: X has 5 rows, from 0", base, x, {5: 1})
    refused("the label of point 0 is 3: expected a class from 0 to 2", base, x, {0: 3})
    refused("every listed input has its label already", base, x, {})
    refused("every listed input has its label already", base, x, {0: int(base(x[:1]).argmax())}, margin=0)
    refused("dtype is 'float16': expected float32 or float64", base, x, {0: 1}, dtype="float16")
    x[3, 1] = float("nan")
    refused("Linear cannot be patched: its input is nan at row 3, column 1", base, x, {0: 1}, batch=2)
    refused("its output is nan at row 0, column 0", Gives(lambda x: x / 0 * 0, same), x[:3], {0: 1})
    refused("its output has shape (3, 2) when flattened, for 2 inputs",
            Gives(lambda x: torch.ones(3, 2), same), x[:2], {0: 1})  # fmt: skip

    w, b = torch.ones(4, 2), torch.ones(4)
    for layers, message in (
        ([], "a patch has no layers"),
        ([(w.half(), b.half())], "layer 0 of the patch is torch.float16 and torch.float16"),
        ([(w, b.double())], "layer 0 of the patch is torch.float32 and torch.float64"),
        ([(w, b[1:])], "layer 0 of the patch has shapes (4, 2) and (3,)"),
        (
            [(w, b), (w, b)],
            "layer 1 of the patch takes 2 numbers in torch.float32, and the one before gives 4",
        ),
        ([(w, b / 0)], "layer 0 of the patch has numbers that are not finite"),
    ):
        with pytest.raises(ValueError) as caught:
            AdditivePatch(base, layers)
        assert message in str(caught.value)
    with pytest.raises(ValueError, match=r"logits have shape \(5, 3\), and the patch \(5, 4\)"):
        AdditivePatch(base, [(w, b)])(x)
    with pytest.raises(
        ValueError, match=r"its input has shape \(5, 3\), and the patch takes 2 numbers a row"
    ):
        AdditivePatch(base, [(w, b)])(torch.ones(5, 3))


def test_without_torch_the_install_command_is_shown() -> None:
    code = "import sys; sys.modules['torch'] = None; import ftc.torch"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.endswith(
        "ImportError: ftc.torch needs PyTorch: pip install 'fine-tuning-capacity[torch]'\n"
    )
