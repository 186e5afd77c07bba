"""The image encoder and the text decoder as OpenVINO graphs, with matrices in f16 as their tools expect them.

The decoder is stateful as OpenVINO's own exports are (a state for each layer's keys and values, a beam index that
gathers them), so that the CPU plugin fuses attention and cache. Letters: S positions, D width, H heads, K head width.
"""

import numpy as np
import openvino as ov
from openvino import opset15 as op

from shapes import EPS, PREFIX, PROJECTOR, TEXT, VISION, rope_tables


class Builder:
    def __init__(self, weights):
        self.weights = weights

    def vector(self, name):
        return op.constant(self.weights(name))

    def linear(self, x, name):
        matrix = op.convert(op.constant(self.weights(name + ".weight").astype(np.float16)), "f32")
        return op.add(op.matmul(x, matrix, False, True), self.vector(name + ".bias"))

    def norm(self, x, name):
        mean = op.mvn(x, op.constant(np.array([-1], np.int64)), True, EPS, "inside_sqrt")
        return op.add(op.multiply(mean, self.vector(name + ".weight")), self.vector(name + ".bias"))

    def mlp(self, x, name):
        return self.linear(op.gelu(self.linear(x, name + ".fc1"), "tanh"), name + ".fc2")


def named(model, inputs):
    for name, parameter in inputs.items():
        parameter.output(0).get_tensor().set_names({name})
    return model


def ints(*values):
    return op.constant(np.array(values, np.int64))


def split_heads(qkv, heads, width):
    """[1, S, 3 D] -> three of [1, H, S, K]"""
    rows = op.reshape(qkv, ints(0, 0, 3, heads, width // heads), True)
    parts = op.split(op.transpose(rows, ints(2, 0, 3, 1, 4)), op.constant(np.int64(0)), 3)
    return [op.squeeze(part, ints(0)) for part in parts.outputs()]


def join_heads(x, width):
    return op.reshape(op.transpose(x, ints(0, 2, 1, 3)), ints(0, 0, width), True)


def encoder(weights):
    """patches [1, 729, 588] -> embeddings [1, 729, 2048]; the picture is one crop, both maps are equal."""
    b = Builder(weights)
    dim = VISION["dim"]
    patches = op.parameter([1, VISION["patches"], VISION["patch_dim"]], ov.Type.f32)
    x = op.add(b.linear(patches, "vision.patch_emb"), b.vector("vision.pos_emb"))
    for i in range(VISION["layers"]):
        block = f"vision.blocks.{i}."
        q, k, v = split_heads(b.linear(b.norm(x, block + "ln1"), block + "attn.qkv"), VISION["heads"], dim)
        out = op.scaled_dot_product_attention(q, k, v, causal=False)
        x = op.add(x, b.linear(join_heads(out, dim), block + "attn.proj"))
        x = op.add(x, b.mlp(b.norm(x, block + "ln2"), block + "mlp"))
    features = b.norm(x, "vision.post_ln")
    out = b.mlp(op.concat([features, features], -1), "vision.proj_mlp")
    assert PROJECTOR["out"] == TEXT["dim"]
    return named(ov.Model([op.result(out)], [patches], "moondream2_encoder"), {"patches": patches})


def rope(x, cos, sin):
    """x [1, H, S, K]: the first dims of each head turn in halves; cos, sin [S, dims / 2]."""
    half, width = TEXT["rope_dims"] // 2, TEXT["dim"] // TEXT["heads"]
    parts = op.variadic_split(x, op.constant(np.int64(3)), ints(half, half, width - 2 * half)).outputs()
    a, b, rest = parts
    turned_a = op.subtract(op.multiply(a, cos), op.multiply(b, sin))
    turned_b = op.add(op.multiply(a, sin), op.multiply(b, cos))
    return op.concat([turned_a, turned_b, rest], 3)


def cached(x, name, beam_idx, assigns):
    """x appended to what the state `name` holds, [1, H, P + S, K]; the state becomes that."""
    shape = [-1, TEXT["heads"], -1, TEXT["dim"] // TEXT["heads"]]
    info = ov.op.util.VariableInfo()
    info.data_shape, info.data_type, info.variable_id = ov.PartialShape(shape), ov.Type.f32, name
    variable = ov.op.util.Variable(info)
    empty = op.broadcast(op.constant(np.float32(0)), ints(1, shape[1], 0, shape[3]))
    past = op.read_value(empty, variable)
    whole = op.concat([op.gather(past, beam_idx, op.constant(np.int64(0))), x], 2)
    assigns.append(op.assign(whole, variable))
    return whole


def text_block(b, x, i, tables, keep):
    """Attention and MLP side by side; `keep` takes keys and values and gives those to attend to."""
    dim, block = TEXT["dim"], f"text.blocks.{i}."
    n = b.norm(x, block + "ln")
    q, k, v = split_heads(b.linear(n, block + "attn.qkv"), TEXT["heads"], dim)
    k, v = keep(i, rope(k, *tables), v)
    out = op.scaled_dot_product_attention(rope(q, *tables), k, v, causal=False)
    out = b.linear(join_heads(out, dim), block + "attn.proj")
    return op.add(op.add(x, out), b.mlp(n, block + "mlp"))


def decoder(weights):
    """embeddings [1, S, 2048] and cos, sin [S, 16] of their positions -> logits of the last one [1, 1, 51200].

    No mask: a prefix sees all of itself, a single position all before it.
    """
    b = Builder(weights)
    x = embeddings = op.parameter([1, -1, TEXT["dim"]], ov.Type.f32)
    tables = [op.parameter([-1, TEXT["rope_dims"] // 2], ov.Type.f32) for _ in range(2)]
    beam_idx = op.parameter([-1], ov.Type.i32)
    assigns = []

    def keep(i, k, v):
        return [cached(new, f"past.{i}.{kind}", beam_idx, assigns) for new, kind in ((k, "key"), (v, "value"))]

    for i in range(TEXT["layers"]):
        x = text_block(b, x, i, tables, keep)
    last = op.slice(x, ints(-1), ints(2**31 - 1), ints(1), ints(1))
    logits = b.linear(b.norm(last, "text.post_ln"), "text.lm_head")
    inputs = {"embeddings": embeddings, "cos": tables[0], "sin": tables[1], "beam_idx": beam_idx}
    return named(ov.Model([op.result(logits)], assigns, list(inputs.values()), "moondream2_text"), inputs)


def prefix(weights, layers):
    """The first `layers` blocks on the prefix alone, without a cache: what NNCF can calibrate in little memory."""
    b = Builder(weights)
    x = embeddings = op.parameter([1, PREFIX, TEXT["dim"]], ov.Type.f32)
    tables = [op.constant(table) for table in rope_tables(0, PREFIX)]
    for i in range(layers):
        x = text_block(b, x, i, tables, lambda i, k, v: (k, v))
    return named(ov.Model([op.result(x)], [embeddings], "moondream2_prefix"), {"embeddings": embeddings})
