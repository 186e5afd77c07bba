"""Moondream 2 from plain torch modules with the weights that every peer gets.

Leaves timing to run_torch.py. Letters: S positions, D width, H heads, K head width, F feed-forward width.
"""

import torch
import torch.nn.functional as F
from torch import nn

from shapes import EPS, PROJECTOR, TEXT, VISION, rope_tables


def gelu(x):
    return F.gelu(x, approximate="tanh")


def split_heads(qkv, heads):
    """[S, 3 D] -> three of [1, H, S, K]"""
    rows, width = qkv.shape
    return qkv.view(1, rows, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)


def join_heads(x):
    """[1, H, S, K] -> [S, D]"""
    return x.transpose(1, 2).reshape(x.shape[2], -1)


class Mlp(nn.Module):
    def __init__(self, dim, inner, out):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, out)

    def forward(self, x):
        return self.fc2(gelu(self.fc1(x)))


class Attention(nn.Module):
    """The two matrices; what happens between them is the block's."""

    def __init__(self, dim):
        super().__init__()
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)


class VisionBlock(nn.Module):
    def __init__(self, dim, heads, ff):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(dim, EPS), nn.LayerNorm(dim, EPS)
        self.attn, self.mlp = Attention(dim), Mlp(dim, ff, dim)

    def forward(self, x):
        q, k, v = split_heads(self.attn.qkv(self.ln1(x)), self.heads)
        x = x + self.attn.proj(join_heads(F.scaled_dot_product_attention(q, k, v)))
        return x + self.mlp(self.ln2(x))


class Encoder(nn.Module):
    """One crop's patches [729, 588] -> embeddings [729, 2048]. The picture is one crop: both maps are equal."""

    def __init__(self, maps=2):
        super().__init__()
        v = VISION
        self.maps = maps
        self.patch_emb = nn.Linear(v["patch_dim"], v["dim"])
        self.pos_emb = nn.Parameter(torch.empty(1, v["patches"], v["dim"]))
        self.blocks = nn.ModuleList(VisionBlock(v["dim"], v["heads"], v["ff"]) for _ in range(v["layers"]))
        self.post_ln = nn.LayerNorm(v["dim"], EPS)
        self.proj_mlp = Mlp(maps * v["dim"], PROJECTOR["inner"], PROJECTOR["out"])

    def forward(self, patches):
        x = self.patch_emb(patches) + self.pos_emb[0]
        for block in self.blocks:
            x = block(x)
        features = self.post_ln(x)
        return self.proj_mlp(torch.cat([features] * self.maps, dim=-1))


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
        self.ln = nn.LayerNorm(dim, EPS)
        self.attn, self.mlp = Attention(dim), Mlp(dim, ff, dim)
        self.register_buffer("k", torch.zeros(1, heads, context, dim // heads), persistent=False)
        self.register_buffer("v", torch.zeros(1, heads, context, dim // heads), persistent=False)

    def forward(self, x, position, cos, sin, causal):
        n = self.ln(x)
        q, k, v = split_heads(self.attn.qkv(n), self.heads)
        end = position + x.shape[0]
        self.k[:, :, position:end] = rope(k, cos, sin)
        self.v[:, :, position:end] = v
        # A prefix sees all of itself, a single position sees all before it: no mask in either case.
        out = F.scaled_dot_product_attention(
            rope(q, cos, sin), self.k[:, :, :end], self.v[:, :, :end], is_causal=causal and x.shape[0] > 1
        )
        return x + self.attn.proj(join_heads(out)) + self.mlp(n)


class Decoder(nn.Module):
    """Embeddings [S, 2048] -> hidden [S, 2048]; logits of the last position by logits()."""

    def __init__(self, context):
        super().__init__()
        t = TEXT
        self.blocks = nn.ModuleList(TextBlock(t["dim"], t["heads"], t["ff"], context) for _ in range(t["layers"]))
        self.post_ln = nn.LayerNorm(t["dim"], EPS)
        self.lm_head = nn.Linear(t["dim"], t["vocab"])
        cos, sin = (torch.from_numpy(table) for table in rope_tables(0, context))
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, x, position, causal=False):
        end = position + x.shape[0]
        for block in self.blocks:
            x = block(x, position, self.cos[position:end], self.sin[position:end], causal)
        return x

    def logits(self, hidden):
        return self.lm_head(self.post_ln(hidden[-1:]))


def load(make, weights, prefix, dtype):
    """A module whose parameters are the weights' "prefix.NAME", read one at a time, without gradients."""
    with torch.device("meta"):
        model = make()
    buffers = dict(model.named_buffers())
    for name, _ in list(model.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        value = torch.from_numpy(weights(f"{prefix}.{name}")).to(dtype)
        setattr(model.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
    for name, buffer in buffers.items():
        owner, _, leaf = name.rpartition(".")
        value = torch.zeros(buffer.shape, dtype=dtype) if buffer.is_meta else buffer.to(dtype)
        setattr(model.get_submodule(owner), leaf, value)
    return model.eval()
