"""Overlap, surface distance, readers' intersections, signed ranks and equivalence, against hand-worked values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from inference.training.statistics.agreement import equivalent_to_readers, tost_paired, wilcoxon_paired
from inference.training.statistics.overlap import against_others, dice, hd95

# Darwin's maize: crossed and self-fertilised plants in eighths of an inch (Fisher, Design of Experiments, 1935, §17).
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48.0])


def cube(shift: tuple[int, int, int] = (0, 0, 0), side: int = 10) -> np.ndarray:
    mask = np.zeros((40, 40, 40), bool)
    mask[tuple(slice(10 + s, 10 + s + side) for s in shift)] = True
    return mask


def test_dice_by_hand() -> None:
    assert dice(cube(), cube((5, 0, 0))) == 0.5
    assert dice(cube(), cube()) == 1
    assert dice(cube(), cube((10, 0, 0))) == 0
    assert dice(np.zeros(3, bool), np.zeros(3, bool)) == 1
    assert dice(np.zeros(3, bool), np.ones(3, bool)) == 0


def test_shifted_cubes_are_apart_by_the_shift_in_millimetres() -> None:
    # 488 surface voxels, of which a face of 100 (20.5 %) is the full shift away.
    assert hd95(cube(), cube((0, 0, 2)), (3.0, 0.7, 0.6)) == pytest.approx(1.2)
    assert hd95(cube(), cube((2, 0, 0)), (3.0, 0.7, 0.6)) == pytest.approx(6.0)
    assert hd95(cube(), cube(), (1, 1, 1)) == 0


def test_a_single_far_voxel_is_among_the_five_per_cent_left_out() -> None:
    speck = cube()
    speck[38, 38, 38] = True
    assert hd95(speck, cube(), (1, 1, 1)) == 0
    assert hd95(cube(), speck, (1, 1, 1)) == 0


def test_distance_is_the_larger_of_both_directions_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 12, 9)) < 0.06
    spacing = np.array([0.8, 1.7])
    places = [np.argwhere(mask) * spacing for mask in (a, b)]  # no voxel here has four neighbours: all are surface
    between = np.linalg.norm(places[0][:, None] - places[1][None], axis=-1)
    expected = max(np.percentile(between.min(axis=1), 95), np.percentile(between.min(axis=0), 95))
    assert hd95(a, b, spacing.tolist()) == pytest.approx(expected)
    assert hd95(b, a, spacing.tolist()) == pytest.approx(expected)


def test_a_mask_at_the_edge_of_the_array_has_a_surface_there() -> None:
    whole, part = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    part[:, :1] = True
    assert hd95(whole, part, (1, 1)) == pytest.approx(3.0)


def test_empty_masks() -> None:
    empty = np.zeros((40, 40, 40), bool)
    assert hd95(empty, empty, (1, 1, 1)) == 0
    assert hd95(cube(), empty, (1, 1, 1)) == hd95(empty, cube(), (1, 1, 1)) == np.inf


def test_readers_and_network_share_the_reference_of_the_other_readers() -> None:
    readers = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 1]], bool)
    network = np.array([0, 0, 1, 1, 0], bool)
    of_readers, of_network = against_others(readers, network)
    # Intersections of the others: {1, 2, 3}, {1, 2}, {1, 2}.
    assert of_readers == pytest.approx([4 / 6, 4 / 5, 4 / 6])
    assert of_network == pytest.approx([4 / 5, 2 / 4, 2 / 4])
    with pytest.raises(ValueError, match="one only"):
        against_others(readers[:1], network)


def exact_signed_rank(difference: np.ndarray) -> float:
    """Enumerate all signs: two-sided p of the rank sum, without ties and zeros."""
    ranks = np.argsort(np.argsort(np.abs(difference))) + 1
    seen = ranks[difference > 0].sum()
    sums = np.array(
        [sum(ranks[k] for k in range(len(ranks)) if sign[k]) for sign in itertools.product((0, 1), repeat=len(ranks))]
    )
    return float(min(1.0, 2 * min((sums >= seen).mean(), (sums <= seen).mean())))


def test_signed_ranks_by_enumeration() -> None:
    difference = np.array([0.3, -0.1, 0.7, 0.45, -0.2, 0.9, 0.55, 0.05])
    found = wilcoxon_paired(difference, np.zeros(8))
    assert found.p == pytest.approx(exact_signed_rank(difference))
    assert (found.pairs, found.ties) == (8, 0)
    assert found.median_difference == pytest.approx(0.375)


def test_darwins_maize() -> None:
    # R: wilcox.test of these gives V = 96 and p = 0.04126 (exact).
    assert wilcoxon_paired(MAIZE, np.zeros(15)).p == pytest.approx(0.04126, abs=5e-6)


def test_zero_differences_are_counted_and_may_be_dropped_or_ranked() -> None:
    first = np.array([0.0, 0.0, 0.3, -0.1, 0.7, 0.45, -0.2, 0.9, np.nan])
    dropped = wilcoxon_paired(first, np.zeros(9))
    assert (dropped.pairs, dropped.ties) == (8, 2)
    assert dropped.p == pytest.approx(exact_signed_rank(first[2:8]))
    assert wilcoxon_paired(first, np.zeros(9), zero_method="pratt").p != dropped.p
    assert dropped.as_dict()["zero_differences"] == "wilcox"
    assert wilcoxon_paired(first, first).p == 1


def test_equivalence_by_hand() -> None:
    # Differences 1, 2, 3, 4, 5 (mean 3, SD √2.5, error √0.5): against 1 and 6, t = 2√2 and −3√2 with 4 degrees of
    # freedom. Its distribution there is ½ + ½ sin θ (1 + ½ cos² θ), tan θ = t/2.
    def upper_tail(t: float) -> float:
        theta = np.arctan(t / 2)
        return 0.5 - 0.5 * np.sin(theta) * (1 + 0.5 * np.cos(theta) ** 2)

    found = tost_paired(np.array([2.0, 4, 6, 8, 10, np.nan]), np.array([1.0, 2, 3, 4, 5, 6]), (1.0, 6.0))
    assert found.p_lower == pytest.approx(upper_tail(2 * np.sqrt(2)))
    assert found.p_upper == pytest.approx(upper_tail(3 * np.sqrt(2)))
    assert found.p == found.p_lower
    assert (found.difference, found.pairs) == (3, 5)
    assert (found.low, found.high) == pytest.approx((3 - 2.13185 * np.sqrt(0.5), 3 + 2.13185 * np.sqrt(0.5)), abs=1e-5)
    assert found.as_dict()["interval_90"] == [1.4926, 4.5074]


@pytest.mark.parametrize(("half", "equivalent"), [(0.02, False), (0.05, True)])
def test_p_below_5_per_cent_is_a_90_per_cent_interval_within_the_margins(half: float, equivalent: bool) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(0.75, 0.1, 50)
    found = tost_paired(first, first + rng.normal(0.01, 0.05, 50), (-half, half))
    assert (found.p < 0.05) == equivalent == (-half < found.low and found.high < half)


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(ValueError, match="margin"):
        tost_paired(MAIZE, MAIZE[::-1], (0.1, 0.1))
    with pytest.raises(ValueError, match="differ"):
        tost_paired(MAIZE, MAIZE, (-1.0, 1.0))


def test_network_between_worst_and_best_reader() -> None:
    rng = np.random.default_rng(0)
    of_readers = np.stack([rng.normal(mean, 0.05, 60) for mean in (0.78, 0.69, 0.84)], axis=1)
    of_network = rng.normal(0.77, 0.05, (60, 3))
    found = equivalent_to_readers(of_readers, of_network)
    assert (found.worst, found.best) == (1, 2)
    assert found.p < 0.05
    assert found.above_worst == wilcoxon_paired(of_network[:, 1], of_readers[:, 1], "greater")
    assert found.below_best == wilcoxon_paired(of_network[:, 2], of_readers[:, 2], "less")
    assert found.as_dict()["below_best"]["reader"] == 3
    assert equivalent_to_readers(of_readers, of_network + 0.2).p > 0.5
