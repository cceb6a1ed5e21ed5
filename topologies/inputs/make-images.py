#!/usr/bin/env python3
"""Makes data.jpg and asteroid.png, the images that the labs send, and smaller ones of them.

Both are computed from fixed seeds: mountains over a lake, and an asteroid before stars. Needs NumPy
and Pillow (Debian: python3-numpy python3-pil). Run it in this folder; it replaces the files.
"""

import numpy as np
from PIL import Image


def smooth(x):
    """Eases from 0 to 1 with flat ends (Perlin's fade)."""
    return x * x * x * (x * (x * 6 - 15) + 10)


def noise(points, seed):
    """Value noise from -1 to 1 at points of any dimension, the last axis holding the coordinates."""
    size = 32
    dimensions = points.shape[-1]
    lattice = np.random.default_rng(seed).uniform(-1, 1, (size,) * dimensions)
    cell = np.floor(points).astype(int)
    share = smooth(points - cell)
    total = np.zeros(points.shape[:-1])
    for corner in np.ndindex((2,) * dimensions):
        weight = np.prod(np.where(corner, share, 1 - share), axis=-1)
        total += weight * lattice[tuple(np.moveaxis((cell + corner) % size, -1, 0))]
    return total


def fractal(points, seed, octaves, gain=0.5):
    """Sums noise of doubling frequency and falling weight."""
    layers = (gain**i * noise(points * 2**i + 7.3 * i, seed + i) for i in range(octaves))
    return sum(layers)


def mix(a, b, share):
    """Blends two colours, or pictures, by a share per pixel."""
    share = np.asarray(share)[..., None]
    return a * (1 - share) + b * share


def landscape(width, height):
    """Mountain ridges in the mist of an evening, mirrored by a lake."""
    shore = int(height * 0.70)
    y, x = np.mgrid[0:shore, 0:width].astype(float)
    u, v = x / width, y / shore
    dusk, rose, gold = (np.array(c, float) for c in ((38, 52, 94), (214, 122, 120), (255, 205, 142)))
    scene = mix(mix(dusk, rose, smooth(np.clip(v * 1.25, 0, 1))), gold, np.clip(v * 2.2 - 1.1, 0, 1) ** 1.5)
    sun = np.hypot((u - 0.64) * width / shore, v - 0.60)
    scene = mix(scene, np.array([255, 238, 205.0]), np.exp(-sun * 5) * 0.75)
    scene = mix(scene, np.array([255, 250, 235.0]), smooth(np.clip((0.052 - sun) * 160, 0, 1)))
    clouds = fractal(np.stack([u * 5, v * 22], -1), 11, 6, 0.55)
    veil = np.clip(clouds * 0.9 + 0.05, 0, 1) * np.clip(1.1 - v, 0, 1)
    scene = mix(scene, mix(np.array([120, 92, 128.0]), np.array([255, 196, 170.0]), v), veil * 0.6)

    far, near = np.array([176, 132, 150.0]), np.array([16, 24, 40.0])
    for layer in range(6):
        depth = layer / 5
        line = np.stack([np.arange(width) / width * (2.2 + 1.8 * depth) + 9 * layer, np.full(width, layer * 3.7)], -1)
        ridge = 1 - np.abs(fractal(line, 40 + 10 * layer, 8, 0.52))
        top = (0.52 + 0.085 * layer - 0.30 * (1 - 0.45 * depth) * (ridge - 0.45)) * shore
        below = (y - top) / shore
        colour = mix(far, near, depth**0.8)
        texture = fractal(np.stack([u * 60, v * 90], -1), 80 + layer, 4, 0.6)
        light = 1 + 0.10 * texture * (0.4 + depth)
        mist = np.clip(below * 5.5, 0, 1) * (1 - depth) * 0.6
        body = mix(colour * light[..., None], np.array([236, 186, 170.0]), mist)
        scene = mix(scene, body, np.clip(below * shore, 0, 1))

    depth, x = np.mgrid[0 : height - shore, 0:width].astype(float)
    near_share = depth / (height - shore)
    wave = fractal(np.stack([x / width * 30 / (0.25 + near_share), 40 * np.sqrt(depth + 1)], -1), 5, 4, 0.6)
    row = np.clip(shore - 1 - depth * 1.5 - wave * (1 + 9 * near_share), 0, shore - 1).astype(int)
    column = np.clip(x + wave * 5 * near_share, 0, width - 1).astype(int)
    lake = scene[row, column] * (0.80 - 0.25 * near_share)[..., None]
    lake = mix(lake, np.array([30, 44, 78.0]), 0.15 + 0.35 * near_share)
    glitter = np.clip(wave * 1.4 - 0.35, 0, 1) * np.exp(-(((x / width - 0.64) / 0.05) ** 2))
    lake = mix(lake, np.array([255, 226, 180.0]), glitter * 0.8)
    picture = np.concatenate([scene, lake])
    grain = np.random.default_rng(3).normal(0, 2.2, picture.shape[:2])
    return np.clip(picture + grain[..., None], 0, 255).astype(np.uint8)


def craters(directions, count, seed):
    """Heights of bowls with rims, strewn over the unit sphere: few large ones, many small ones."""
    random = np.random.default_rng(seed)
    height = np.zeros(directions.shape[:-1])
    for _ in range(count):
        centre = random.normal(size=3)
        centre /= np.linalg.norm(centre)
        radius = min(0.035 / random.uniform(0.02, 1) ** 0.62, 0.42)
        distance = np.arccos(np.clip(directions @ centre, -1, 1)) / radius
        bowl = np.where(distance < 1, distance**2 - 1, 0) * 0.55
        rim = 0.30 * np.exp(-(((distance - 1) / 0.22) ** 2))
        height += radius * 0.34 * (bowl + rim)
    return height


def asteroid(size):
    """A cratered rock in the sun's light, before stars."""
    random = np.random.default_rng(8)
    y, x = (np.mgrid[0:size, 0:size] - size / 2) / (size / 2)
    rows, columns = np.mgrid[0:size, 0:size]
    space = np.zeros((size, size, 3))
    cloud = fractal(np.stack([x * 2, y * 2], -1) + 5, 21, 5, 0.55)
    space += np.clip(cloud + 0.1, 0, 1)[..., None] * np.array([20, 18, 42])
    for _ in range(900):
        row, column = random.uniform(0, size, 2)
        brightness = 30 * random.pareto(1.3) + 25
        spread = 0.55 + min(brightness, 900) / 700
        r, c = int(row), int(column)
        window = np.s_[max(r - 6, 0) : r + 7, max(c - 6, 0) : c + 7]
        away = (rows[window] - row) ** 2 + (columns[window] - column) ** 2
        glow = np.exp(-away / (2 * spread**2))
        tint = np.array([1, 1, 1]) + random.uniform(-0.22, 0.22) * np.array([1, 0.1, -1])
        space[window] += (min(brightness, 900) * glow)[..., None] * tint

    # The rock: a stretched sphere, turned a little, with a lumpy outline.
    turn = 0.45
    u = (x * np.cos(turn) + y * np.sin(turn)) / 0.80
    v = (-x * np.sin(turn) + y * np.cos(turn)) / 0.62
    angle = np.arctan2(v, u)
    lumps = fractal(np.stack([np.cos(angle), np.sin(angle)], -1) * 0.9 + 3, 31, 5, 0.45)
    reach = np.hypot(u, v) / (1 + 0.13 * lumps)
    depth = np.sqrt(np.clip(1 - reach**2, 0, 1))
    scale = np.where(reach > 0, reach / np.maximum(np.hypot(u, v), 1e-9), 1)
    directions = np.stack([u * scale, v * scale, depth], -1)
    directions /= np.maximum(np.linalg.norm(directions, axis=-1, keepdims=True), 1e-9)
    rough = fractal(directions * 3 + 11, 51, 7, 0.55)
    relief = craters(directions, 420, 17) + 0.055 * rough
    surface = 0.62 * depth + relief * 0.62
    slope_y, slope_x = np.gradient(surface, 2 / size)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(surface)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    sun = np.array([-0.70, -0.48, 0.53])
    light = np.clip(normal @ (sun / np.linalg.norm(sun)), 0, 1)
    # The terminator falls where the whole body turns from the sun, not only a slope.
    body = np.clip(directions @ (sun / np.linalg.norm(sun)) * 2.6 + 0.35, 0, 1)
    shade = 0.025 + 1.05 * light**0.85 * smooth(body)
    hue = fractal(directions * 2 + 40, 71, 4, 0.5)[..., None]
    rock = np.array([176, 164, 150]) + hue * np.array([26, 14, 2])
    rock = rock * (1 + 0.16 * fractal(directions * 26, 91, 3, 0.7))[..., None]
    stone = rock * shade[..., None]
    edge = np.clip((1 - reach) * size / 3, 0, 1)
    picture = mix(space, stone, edge)
    grain = random.normal(0, 1.6, picture.shape[:2])
    return np.clip(picture + grain[..., None], 0, 255).astype(np.uint8)


if __name__ == "__main__":
    lake = Image.fromarray(landscape(1200, 800))
    rock = Image.fromarray(asteroid(900))
    jpeg = {"quality": 89, "subsampling": "4:2:0"}
    lake.save("data.jpg", **jpeg)
    rock.save("asteroid.png", optimize=True)
    lake.resize((780, 520)).save("data-medium.jpg", **jpeg)
    lake.resize((390, 260)).save("data-small.jpg", **jpeg)
    rock.resize((110, 110)).save("asteroid-small.png", optimize=True)
