"""Moondream 2 (2025) from plain torch modules with random f32 weights: what PyTorch makes of the same shapes.

Leaves timing to compare.py. Letters: S positions, D width, H heads, K head width, F feed-forward width.
"""

import torch
import torch.nn.functional as F
from torch import nn

VISION = dict(dim=1152, heads=16, ff=4304, layers=27, patches=729, patch_dim=588)
PROJECTOR = dict(inner=8192, out=2048)
TEXT = dict(dim=2048, heads=32, ff=8192, layers=24, vocab=51200, rope_dims=32)
PREFIX = 730  # BOS and 729 image embeddings; all see each other


def gelu(x):
    return F.gelu(x, approximate="tanh")


def split_heads(qkv, heads):
    """[S, 3 D] -> three of [1, H, S, K]"""
    rows, width = qkv.shape
    return qkv.view(1, rows, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)


def join_heads(x):
    """[1, H, S, K] -> [S, D]"""
    return x.transpose(1, 2).reshape(x.shape[2], -1)


class VisionBlock(nn.Module):
    def __init__(self, dim, heads, ff):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, ff), nn.Linear(ff, dim)

    def forward(self, x):
        q, k, v = split_heads(self.qkv(self.ln1(x)), self.heads)
        x = x + self.proj(join_heads(F.scaled_dot_product_attention(q, k, v)))
        return x + self.fc2(gelu(self.fc1(self.ln2(x))))


class Encoder(nn.Module):
    """One crop's patches [729, 588] -> embeddings [729, 2048]. The picture is one crop: both maps are equal."""

    def __init__(self, layers):
        super().__init__()
        v = VISION
        self.patch_emb = nn.Linear(v["patch_dim"], v["dim"])
        self.pos_emb = nn.Parameter(torch.randn(v["patches"], v["dim"]) * 0.02)
        self.blocks = nn.ModuleList(VisionBlock(v["dim"], v["heads"], v["ff"]) for _ in range(layers))
        self.post_ln = nn.LayerNorm(v["dim"])
        self.fc1 = nn.Linear(2 * v["dim"], PROJECTOR["inner"])
        self.fc2 = nn.Linear(PROJECTOR["inner"], PROJECTOR["out"])

    def forward(self, patches):
        x = self.patch_emb(patches) + self.pos_emb
        for block in self.blocks:
            x = block(x)
        features = self.post_ln(x)
        return self.fc2(gelu(self.fc1(torch.cat([features, features], dim=-1))))


def rope(x, cos, sin):
    """x [1, H, S, K]: rotates the first dims of each head in halves; cos, sin [S, dims / 2]."""
    half = cos.shape[1]
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos, rest], dim=-1)


class TextBlock(nn.Module):
    """Attention and MLP side by side after one norm. Keys and values go into a cache made beforehand."""

    def __init__(self, dim, heads, ff, context):
        super().__init__()
        self.heads = heads
        self.ln = nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, ff), nn.Linear(ff, dim)
        self.k = torch.zeros(1, heads, context, dim // heads)
        self.v = torch.zeros(1, heads, context, dim // heads)

    def forward(self, x, position, cos, sin):
        n = self.ln(x)
        q, k, v = split_heads(self.qkv(n), self.heads)
        end = position + x.shape[0]
        self.k[:, :, position:end] = rope(k, cos, sin)
        self.v[:, :, position:end] = v
        # A prefix sees all of itself, a single position sees all before it: no mask in either case.
        out = F.scaled_dot_product_attention(rope(q, cos, sin), self.k[:, :, :end], self.v[:, :, :end])
        return x + self.proj(join_heads(out)) + self.fc2(gelu(self.fc1(n)))


class Decoder(nn.Module):
    """Embeddings [S, 2048] -> hidden [S, 2048]; logits of one position by logits()."""

    def __init__(self, layers, context=1024):
        super().__init__()
        t = TEXT
        self.blocks = nn.ModuleList(TextBlock(t["dim"], t["heads"], t["ff"], context) for _ in range(layers))
        self.post_ln = nn.LayerNorm(t["dim"])
        self.lm_head = nn.Linear(t["dim"], t["vocab"])
        inverse = 1.0 / (10000.0 ** (torch.arange(0, t["rope_dims"], 2).float() / t["rope_dims"]))
        angles = torch.arange(context).float()[:, None] * inverse
        self.cos, self.sin = angles.cos(), angles.sin()

    def forward(self, x, position):
        end = position + x.shape[0]
        for block in self.blocks:
            x = block(x, position, self.cos[position:end], self.sin[position:end])
        return x

    def logits(self, hidden):
        return self.lm_head(self.post_ln(hidden[-1:]))
