"""Exact integer bounds on the fine-tuning capacity FTC_L(N, K).

FTC_L(N, K), defined in [Sohn2024], is the least number of hidden neurons (in all layers together)
with which an L-layer ReLU network (L-1 hidden layers, affine output) can change the values of a
frozen model at N of any K points to any new values and leave it unchanged at the other K - N.
`one_sign` restricts the changes to one sign.  `k=None` stands for any large K.

The bounds are results of this project, except where a docstring says otherwise.  Everything is
computed in integers; no function here uses floating point.

>>> [upper(layers, 100) for layers in (2, 3, 4)], upper(3, 100, one_sign=True)
([300, 40, 24], 35)
>>> [lower(layers, 100) for layers in (2, 3, 4)]
[300, 38, 19]
>>> crossing_width(100), crossing_width(100, restart_every=1)[0] + 4
((20, 10), 32)

Four layers provably need fewer neurons than three for N = 12 and for every N from 14 on:

>>> [n for n in range(1, 1000) if not lower(3, n) > upper(4, n)]
[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13]
"""

from __future__ import annotations

from math import isqrt


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def ceil_two_sqrt(target: int) -> int:
    """`ceil(2 sqrt(target))`: the least `x + y` of non-negative integers with `x * y >= target`.

    >>> [ceil_two_sqrt(t) for t in (0, 1, 2, 4, 5, 6, 7, 100, 101)]
    [0, 2, 3, 4, 5, 5, 6, 20, 21]
    """
    return isqrt(4 * target - 1) + 1 if target > 0 else 0


def least_width_product(target: int, hidden: int) -> int:
    """Least `w_1 + .. + w_hidden` over integers `w_i >= 1` with `prod (w_i + 1) >= target`.

    For a given sum the product is largest when the widths differ by at most one, and it grows with
    the sum, so bisection finds the answer.

    >>> [least_width_product(t, 2) for t in (1, 4, 5, 6, 7)], least_width_product(301, 3)
    ([2, 2, 3, 3, 4], 18)
    """
    if hidden < 1:
        raise ValueError(f"need at least one hidden layer, got {hidden}")
    if target.bit_length() <= hidden:  # then 2 ** hidden >= target
        return hidden

    def largest(total: int) -> int:
        low, extra = divmod(total + hidden, hidden)
        return int((low + 1) ** extra * low ** (hidden - extra))

    fails, works = hidden - 1, hidden
    while largest(works) < target:
        fails, works = works, 2 * works
    while works - fails > 1:
        middle = (fails + works) // 2
        if largest(middle) >= target:
            works = middle
        else:
            fails = middle
    return works


def restarts(groups: int, every: int | None) -> int:
    """Number of extra knots when the construction starts afresh after each `every` groups.

    >>> restarts(10, None), restarts(10, 1), restarts(10, 3), restarts(9, 3)
    (0, 9, 3, 2)
    """
    if every is None:
        return 0
    if every < 1:
        raise ValueError(f"restart_every must be at least 1, got {every}")
    return max(groups - 1, 0) // every


def least_width(n: int, columns_cost: int, restart_every: int | None = None) -> tuple[int, int]:
    """`(width, r)`: least `ceil(n/r) + columns_cost * r + restarts(ceil(n/r))`, largest such r.

    With `a = 1 + 1/restart_every`, or 1 without restarts, and `h(r) = a n / r + columns_cost * r` the width
    at r is at least `h(r) - 1` and at most `h(r) + 1`. So if `most` neurons do at some r, the best r have
    `h(r) <= most + 1`: they lie between the roots of a quadratic, and all r there are tried. With
    `most` from where h is least these are `O(n^(1/4))`.

    >>> least_width(100, 4), least_width(100, 3), least_width(0, 4)
    ((40, 5), (35, 6), (0, 0))
    """
    if n < 0 or columns_cost < 1 or (restart_every is not None and restart_every < 1):
        raise ValueError(
            f"need n >= 0, columns_cost >= 1 and restart_every >= 1, got {n}, {columns_cost}, {restart_every}"
        )
    if n == 0:
        return 0, 0

    def width(r: int) -> int:
        groups = _ceil_div(n, r)
        return groups + columns_cost * r + restarts(groups, restart_every)

    p, q = (1, 1) if restart_every is None else (restart_every + 1, restart_every)  # a = p / q
    lead = columns_cost * q
    middle = q * (width(max(1, isqrt(p * n // lead))) + 1)
    root = isqrt(middle * middle - 4 * lead * p * n) + 1
    low, high = max(1, (middle - root) // (2 * lead)), min(n, (middle + root) // (2 * lead))
    r = min(range(low, high + 1), key=lambda r: (width(r), -r))
    return width(r), r


def crossing_width(n: int, restart_every: int | None = None) -> tuple[int, int]:
    """`(width, r)` of the two hidden layers that carry the crossing function (one neuron a column).

    Without restarts the width is `ceil(2 sqrt n)`.

    >>> crossing_width(100), crossing_width(100, restart_every=1), crossing_width(10000)
    ((20, 10), (28, 17), (200, 100))
    """
    return least_width(n, 1, restart_every)


def _check(layers: int, n: int, k: int | None) -> None:
    if layers < 2:
        raise ValueError(f"need at least 2 layers, got {layers}")
    if n < 0:
        raise ValueError(f"the number of edits must not be negative, got {n}")
    if k is not None and (k < 1 or n > k):
        raise ValueError(f"need 1 <= K and N <= K, got N = {n}, K = {k}")


def two_layer_small(n: int, k: int) -> int:
    """Exact FTC_2 for `1 <= K <= 4` and either sign rule (this project): 0, 1, 2, (2 or 3).

    `K = 4` takes 2 neurons if `N = 1`, and 3 otherwise: no two neurons fit `(1, 0, 1, 0)`.

    >>> [two_layer_small(1, k) for k in (1, 2, 3, 4)], two_layer_small(2, 4)
    ([0, 1, 2, 2], 3)
    """
    if not 1 <= k <= 4:
        raise ValueError(f"need 1 <= K <= 4, got {k}")
    if n == 0:
        return 0
    return (0, 1, 2, 2 if n == 1 else 3)[k - 1]


def two_layer_exact(n: int, k: int | None = None) -> int:
    """FTC_2(N, K) = min(3N, K-2) for `K >= 5` and any signs (this project).

    Upper bound: a tent takes 3 neurons; five points take 3 and each further point one more.
    Lower bound: data on a line with strictly alternating second differences.

    >>> two_layer_exact(2, 5), two_layer_exact(2, 8), two_layer_exact(2, 9), two_layer_exact(100)
    (3, 6, 6, 300)
    """
    if k is None:
        return 3 * n
    return two_layer_small(n, k) if k < 5 else min(3 * n, k - 2)


def windows(n: int, k: int | None = None, one_sign: bool = False) -> int:
    """Breakpoints that some instance on a line forces on every interpolant (this project).

    Any signs: `min(3N, K-2)`, from `0 0 + 0 0 - 0 0 + ..`.  One sign: `0 0 + 0 + 0 .. + 0 0` gives
    `K - 2` for `K <= 2N+3`; beyond, each two zeros added between neighbouring edits
    (`+ 0 0 0 +`) give one more, up to 3N at `K = 4N+1`.  Both grow with N and K.

    >>> windows(3, 9), [windows(3, k, one_sign=True) for k in (9, 10, 11, 12, 13, 99)]
    (7, [7, 7, 8, 8, 9, 9])
    """
    if k is None:
        return 3 * n
    most = max(0, min(3 * n, k - 2))
    if not one_sign or k <= 2 * n + 3:
        return most
    return min(most, 2 * n + 1 + (k - 2 * n - 3) // 2)


def upper_grid(n: int, one_sign: bool = False) -> int:
    """FTC_3 <= min_r ceil(N/r) + c r for every K, c = 3 for one sign and 4 else (this project).

    >>> upper_grid(100), upper_grid(100, one_sign=True), upper_grid(1)
    (40, 35, 4)
    """
    return least_width(n, 3 if one_sign or n == 1 else 4)[0]


def upper_crossing(layers: int, n: int, one_sign: bool = False) -> int:
    """FTC_L <= ceil(2 sqrt N) + h + (L - 4), L >= 4, h = 3 for one sign and 4 else (this project).

    >>> upper_crossing(4, 100), upper_crossing(4, 100, one_sign=True), upper_crossing(6, 10000)
    (24, 23, 206)
    """
    if layers < 4:
        raise ValueError(f"need at least 4 layers, got {layers}")
    return ceil_two_sqrt(n) + (3 if one_sign or n == 1 else 4) + layers - 4 if n else 0


def upper(layers: int, n: int, k: int | None = None, one_sign: bool = False) -> int:
    """The best upper bound on FTC_L(N, K) here; each is reached by a construction (this project).

    Three layers can also memorize all K points with `ceil(2 sqrt K)` neurons, and one more layer
    never costs more than one always-active neuron.

    >>> upper(3, 10, 12), upper(3, 1), upper(4, 1), upper(5, 100), upper(2, 3, 1 + 3)
    (7, 4, 5, 25, 3)
    """
    _check(layers, n, k)
    if n == 0 or k == 1:
        return 0
    best = two_layer_exact(n, k)
    if layers == 2:
        return best
    best = min(best + 1, upper_grid(n, one_sign))
    if k is not None:
        best = min(best, ceil_two_sqrt(k))
    if layers == 3:
        return best
    return min(best + layers - 3, upper_crossing(layers, n, one_sign))


def lower_windows(layers: int, n: int, k: int | None = None, one_sign: bool = False) -> int:
    """Widths `w_i >= 1` give at most `prod (w_i + 1)` pieces on a line (this project's instances).

    So `prod (w_i + 1) >= windows + 1` over the `L - 1` hidden layers; 0 without a window.

    >>> lower_windows(2, 100), lower_windows(3, 100), lower_windows(4, 100), lower_windows(4, 2, 2)
    (300, 33, 18, 0)
    """
    found = windows(n, k, one_sign)
    return least_width_product(found + 1, layers - 1) if found else 0


def lower_halves(n: int, k: int | None = None) -> int:
    """FTC_3 for any signs is at least `floor(2 sqrt(2w + 1)) - 2`, `w = min(2N, (K-1) // 2)`.

    Edits four apart, positive ones left of negative ones, force w disjoint windows: convex ones, and
    then y concave ones.  With `P_i` knot intervals meeting part i and a, b second-layer neurons of
    positive and negative output weight, `P_1 (a+1) >= w - y + 1`, `P_2 (b+1) >= y + 1`, and the network
    has at least `P_1 + P_2 - 2 + a + b` neurons, so at least
    `ceil(2 sqrt(w-y+1)) + ceil(2 sqrt(y+1)) - 4`.  The least w for which some y makes this X - 2 is
    `floor(x^2 / 4) + floor((X-x)^2 / 4)`, `x = X // 2`: `(X^2 - 4) / 8`, `(X^2 - 1) / 8` or `X^2 / 8`.
    Large K: `floor(2 sqrt(4N + 1)) - 2`, against `4 sqrt(N) + 1` from above.

    >>> lower_halves(100), lower_halves(100, 401), lower_halves(100, 400)
    (38, 38, 37)
    """
    found = 2 * n if k is None else min(2 * n, (k - 1) // 2)
    return isqrt(8 * found + 4) - 2


def lower_on_line(layers: int, n: int, k: int | None = None, one_sign: bool = False) -> int:
    """The better of `lower_windows` and, for three layers and any signs, `lower_halves`: what the windows
    of one instance on a line show.

    >>> lower_on_line(3, 100), lower_on_line(3, 100, one_sign=True), lower_on_line(5, 100)
    (38, 33, 13)
    """
    best = lower_windows(layers, n, k, one_sign)
    return max(best, lower_halves(n, k)) if layers == 3 and not one_sign else best


def lower_parameters(layers: int, n: int) -> int:
    """Free parameters on a line must number at least N (this project's count), L >= 3.

    Up to scaling of each neuron: `(p+1)(q+1)` for widths p, q; at most `floor((m+1)^2 / 4) + 1` for
    L = 4; at most `(m+2)^2 / 4` at any depth.

    >>> [lower_parameters(layers, 100) for layers in (3, 4, 5, 9)]
    [18, 19, 18, 18]
    """
    if layers < 3:
        raise ValueError(f"need at least 3 layers, got {layers}")
    if layers == 4:
        return max(0, ceil_two_sqrt(n - 1) - 1)
    return max(0, ceil_two_sqrt(n) - 2)


def lower(layers: int, n: int, k: int | None = None, one_sign: bool = False) -> int:
    """The best lower bound on FTC_L(N, K) here (this project); every hidden layer needs a neuron.

    Two layers and any signs: exact.

    >>> lower(2, 100, one_sign=True), lower(3, 100, one_sign=True), lower(3, 10, 12), lower(5, 100)
    (300, 33, 5, 18)
    """
    _check(layers, n, k)
    if n == 0 or k == 1:
        return 0
    if layers == 2:
        if k is None or not one_sign:
            return two_layer_exact(n, k)
        small = two_layer_small(min(n, 4), min(k, 4))
        return max(small, windows(n, k, one_sign=True))
    return max(layers - 1, lower_on_line(layers, n, k, one_sign), lower_parameters(layers, n))
