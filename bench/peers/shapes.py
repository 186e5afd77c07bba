"""Moondream 2 in numbers, and what every peer is given: the same weights and the same inputs.

Letters: S positions, D width. The weights are those of `moonbeam weights synth`, in bf16; only numpy is needed.
"""

import json
import pathlib

import numpy as np

VISION = dict(dim=1152, heads=16, ff=4304, layers=27, patches=729, patch_dim=588, side=378, patch=14)
PROJECTOR = dict(inner=8192, out=2048)
TEXT = dict(dim=2048, heads=32, ff=8192, layers=24, vocab=51200, rope_dims=32, theta=10000.0)
EPS = 1e-5
PREFIX = 730  # BOS and 729 image embeddings; all see each other
PAST = 760  # positions in the cache of a decode step
CONTEXT = 1024
STATIC_LAYERS = 4  # of the text model, where OpenVINO's static quantisation is timed; scaled up to all


class Weights:
    """Tensors of a folder in the published layout, by plain name, read when asked for."""

    def __init__(self, folder):
        path = pathlib.Path(folder) / "model.safetensors"
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            self.header = json.loads(file.read(size))
        self.data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + size)

    def __call__(self, name):
        """The tensor in f32."""
        entry = self.header["model." + name]
        first, last = entry["data_offsets"]
        if entry["dtype"] != "BF16":
            return self.data[first:last].view(np.float32).reshape(entry["shape"]).copy()
        raw = self.data[first:last].view(np.uint16).astype(np.uint32)
        raw <<= 16
        return raw.view(np.float32).reshape(entry["shape"])


def picture():
    """378 x 378 RGB bytes [y, x, 3]: smooth waves and noise."""
    side = VISION["side"]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    waves = np.stack([np.sin(9 * x + 3 * y), np.cos(7 * y * x), np.sin(20 * (x - y))], axis=-1)
    noise = np.random.default_rng(0).standard_normal((side, side, 3)).astype(np.float32)
    return np.clip(128 + 80 * waves + 24 * noise, 0, 255).astype(np.uint8)


def patches(pixels=None):
    """[729, 588]: values -1..1, channel first within a patch."""
    pixels = picture() if pixels is None else pixels
    side, patch = VISION["side"] // VISION["patch"], VISION["patch"]
    x = (pixels.astype(np.float32) / 255 - 0.5) / 0.5
    x = x.reshape(side, patch, side, patch, 3).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(x.reshape(side * side, VISION["patch_dim"]))


def embeddings(count):
    """[count, 2048], of the size that projector and token table give."""
    return np.random.default_rng(1).standard_normal((count, TEXT["dim"])).astype(np.float32)


def rope_tables(first, count):
    """cos, sin [count, rope_dims / 2]"""
    half = TEXT["rope_dims"] // 2
    inverse = 1.0 / TEXT["theta"] ** (np.arange(half, dtype=np.float32) / half)
    angles = np.arange(first, first + count, dtype=np.float32)[:, None] * inverse
    return np.cos(angles), np.sin(angles)


def relative_l2(values, reference):
    values, reference = (np.asarray(x, dtype=np.float64).ravel() for x in (values, reference))
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))
