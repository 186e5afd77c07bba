#!/usr/bin/env python3
"""Writes the image encoder as ONNX under DISK/onnx: encoder_f32, and encoder_int8 as ONNX Runtime's own tool makes it
(dynamic quantisation, a scale per output column).

Attention, GELU and LayerNorm are the operators that ONNX Runtime's optimiser would fuse them to.
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

import shapes
from shapes import EPS, VISION

MICROSOFT = "com.microsoft"


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.tensors = weights, [], []

    def constant(self, name, values):
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names if outputs > 1 else names[0]

    def vector(self, name):
        return self.constant(name, self.weights(name))

    def linear(self, x, name):
        matrix = self.constant(name + ".weight", self.weights(name + ".weight").T)
        return self.node("Add", [self.node("MatMul", [x, matrix]), self.vector(name + ".bias")])

    def norm(self, x, name):
        parts = [x, self.vector(name + ".weight"), self.vector(name + ".bias")]
        return self.node("LayerNormalization", parts, axis=-1, epsilon=EPS)

    def mlp(self, x, name):
        return self.linear(self.node("FastGelu", [self.linear(x, name + ".fc1")], domain=MICROSOFT), name + ".fc2")

    def attention(self, x, name):
        q, k, v = self.node("Split", [self.linear(x, name + ".qkv")], 3, axis=-1, num_outputs=3)
        out = self.node("MultiHeadAttention", [q, k, v], domain=MICROSOFT, num_heads=VISION["heads"])
        return self.linear(out, name + ".proj")


def encoder(weights):
    """patches [1, 729, 588] -> embeddings [1, 729, 2048]"""
    g = Graph(weights)
    x = g.node("Add", [g.linear("patches", "vision.patch_emb"), g.vector("vision.pos_emb")])
    for i in range(VISION["layers"]):
        block = f"vision.blocks.{i}."
        x = g.node("Add", [x, g.attention(g.norm(x, block + "ln1"), block + "attn")])
        x = g.node("Add", [x, g.mlp(g.norm(x, block + "ln2"), block + "mlp")])
    features = g.norm(x, "vision.post_ln")
    out = g.mlp(g.node("Concat", [features, features], axis=-1), "vision.proj_mlp")
    patches = helper.make_tensor_value_info("patches", TensorProto.FLOAT, [1, VISION["patches"], VISION["patch_dim"]])
    result = helper.make_tensor_value_info(out, TensorProto.FLOAT, None)
    graph = helper.make_graph(g.nodes, "moondream2_encoder", [patches], [result], g.tensors)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disk", required=True, type=pathlib.Path)
    args = parser.parse_args()
    folder = args.disk / "onnx"
    folder.mkdir(exist_ok=True)
    plain, quantised = folder / "encoder_f32.onnx", folder / "encoder_int8.onnx"
    if not plain.exists():
        model = encoder(shapes.Weights(args.disk / "weights"))
        onnx.save(model, plain, save_as_external_data=True, location="encoder_f32.bin")
    if not quantised.exists():
        # shapes are not inferred through ONNX Runtime's own operators
        options = {"DefaultTensorType": TensorProto.FLOAT}
        quantize_dynamic(
            plain,
            quantised,
            weight_type=QuantType.QInt8,
            per_channel=True,
            use_external_data_format=True,
            extra_options=options,
        )


if __name__ == "__main__":
    main()
