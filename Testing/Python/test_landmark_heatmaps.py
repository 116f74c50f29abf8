"""A point becomes a heatmap and comes back from it, between the cells, at the border too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from XRayAILib.learning.landmarks.heatmaps import divergence, gaussians
from XRayAILib.learning.landmarks.network import halving, heatmap_network
from XRayAILib.learning.landmarks.peaks import peak, places
from XRayAILib.learning.networks import U_NETS

SIZE = 96
POINTS = [(40.3, 51.8), (0.0, 0.0), (-0.5, 95.5), (95.2, 30.0), (1.4, 94.9), (47.5, 47.5), (63.99, 0.2)]


def heatmaps(points: list[tuple[float, float]], stride: int, sigma: float) -> np.ndarray:
    """Logits (N, rows, columns) of clean heatmaps."""
    down, across = gaussians(torch.tensor(points), (SIZE // stride, SIZE // stride), stride, sigma)
    return (down[:, :, None] * across[:, None, :]).clamp(min=1e-30).log().numpy()


@pytest.mark.parametrize(("stride", "sigma"), [(1, 1.0), (1, 3.0), (2, 2.0), (2, 3.0), (4, 4.0)])
def test_a_point_comes_back_to_a_twentieth_of_a_pixel(stride: int, sigma: float) -> None:
    generator = np.random.default_rng(1)
    points = [*POINTS, *map(tuple, generator.uniform(-0.5, SIZE - 0.5, (40, 2)).tolist())]
    for (x, y), logits in zip(points, heatmaps(points, stride, sigma), strict=True):
        found = peak(logits, stride, sigma)
        assert np.hypot(found.x - x, found.y - y) < 0.05, (x, y, found)


def test_noise_moves_a_point_by_a_fraction_of_a_cell() -> None:
    generator = np.random.default_rng(2)
    noisy = heatmaps(POINTS[:1] * 20, 2, 3.0) + generator.normal(0, 0.3, (20, SIZE // 2, SIZE // 2))
    errors = [np.hypot(p.x - 40.3, p.y - 51.8) for p in (peak(logits, 2, 3.0) for logits in noisy)]
    assert np.mean(errors) < 0.5


def test_a_heatmap_sums_to_one_wherever_the_point_is() -> None:
    down, across = gaussians(torch.tensor([*POINTS, (-400.0, 1000.0)]), (SIZE, SIZE), 1, 2.0)
    assert torch.allclose(down.sum(dim=-1), torch.ones(8)) and torch.allclose(across.sum(dim=-1), torch.ones(8))


def test_the_radius_holds_nine_tenths_and_grows_with_doubt() -> None:
    clean, wide = (peak(heatmaps([(50.0, 50.0)], 1, sigma)[0], 1, 3.0) for sigma in (3.0, 6.0))
    # Of a two-dimensional Gaussian, the circle of 2.146 standard deviations holds 90 %.
    assert clean.radius == pytest.approx(2.146 * 3, abs=0.5) and wide.radius == pytest.approx(2.146 * 6, abs=0.5)
    assert clean.mass > 0.98 > 0.75 > wide.mass


def test_of_two_places_the_likelier_is_taken_and_the_other_is_the_doubt() -> None:
    first, second = np.exp(heatmaps([(20.0, 20.0), (70.0, 20.0)], 1, 2.0))
    found = peak(np.log(0.7 * first + 0.3 * second + 1e-30), 1, 2.0)
    assert (found.x, found.y) == pytest.approx((20.0, 20.0), abs=0.05)
    assert found.mass == pytest.approx(0.7, abs=0.02) and found.radius == pytest.approx(50, abs=3)


def test_one_bright_cell_does_not_outweigh_a_broad_hill() -> None:
    logits = heatmaps([(30.0, 60.0)], 1, 3.0)[0]
    logits[5, 5] = logits.max() + 0.5
    assert (peak(logits, 1, 3.0).x, peak(logits, 1, 3.0).y) == pytest.approx((30.0, 60.0), abs=0.05)


@pytest.mark.parametrize(("size", "stride", "sigma"), [(96, 1, 3.0), (96, 2, 3.0), (24, 2, 12.0)])
def test_many_heatmaps_at_once_give_the_same_places(size: int, stride: int, sigma: float) -> None:
    maps = torch.randn(3, 4, size // stride, size // stride, generator=torch.Generator().manual_seed(0)).cumsum(dim=-1)
    many = places(maps, stride, sigma)
    for image, found in zip(maps.numpy(), many, strict=True):
        for logits, place in zip(image, found, strict=True):
            one = peak(logits, stride, sigma)
            assert place == pytest.approx((one.x, one.y), abs=1e-3)


def test_a_flat_heatmap_is_all_doubt() -> None:
    found = peak(np.zeros((32, 32)), 2, 3.0)
    assert 0 <= found.x <= 63 and 0 <= found.y <= 63 and found.mass < 0.2 and found.radius > 25


def test_the_divergence_is_zero_at_the_gaussian_and_grows_with_the_distance() -> None:
    point = torch.tensor([[[40.3, 51.8]]])
    maps = torch.from_numpy(heatmaps([(40.3, 51.8), (42.3, 51.8), (50.3, 51.8)], 2, 3.0))[None]
    values = divergence(maps, point.expand(1, 3, 2), 2, 3.0)[0]
    assert values[0] == pytest.approx(0, abs=1e-3)
    # Of two Gaussians of one width: the distance squared over twice the variance.
    assert values[1] == pytest.approx(2**2 / (2 * 9), rel=0.02) and values[2] == pytest.approx(100 / 18, rel=0.02)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_network_sees_every_pixel_and_answers_by_cells(stride: int) -> None:
    body = torch.nn.Conv2d(stride**2, 6, 1)
    network = heatmap_network(body, 3, stride)
    images = torch.rand(2, 1, 16, 16, requires_grad=True)
    found = network(images)
    assert found["heatmaps"].shape == (2, 3, 16 // stride, 16 // stride) and found["presence"].shape == (2, 3)
    found["heatmaps"].square().sum().backward()
    assert images.grad is not None and bool((images.grad != 0).all())


def test_presence_is_judged_where_the_point_would_be() -> None:
    maps = torch.zeros(1, 2, 8, 8)
    maps[0, 0, 3, 4] = 40.0
    maps[0, 1, 3, 4], maps[0, 1, 0, 0] = 5.0, -100.0
    network = heatmap_network(torch.nn.Identity(), 1, 1)
    assert float(network(maps)["presence"]) == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("name", sorted(U_NETS))
def test_every_network_of_the_list_has_its_divisor(name: str) -> None:
    divisor = halving(name, U_NETS[name])
    assert divisor in (8, 16, 32) and 96 % divisor == 0
