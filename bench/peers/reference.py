#!/usr/bin/env python3
"""Writes what each stage gives in f32 (PyTorch, the bf16 weights widened) to DISK/reference/*.npy.

encode, prefill, decode: the model of 2025. *_one_map, *_causal: what llama.cpp computes, from the weights of the pair.
"""

import argparse
import pathlib

import numpy as np
import torch

import modules
import shapes


def save(folder, name, tensor):
    np.save(folder / f"{name}.npy", tensor.float().numpy())
    print(name, flush=True)


def encode(folder, weights, name, maps):
    model = modules.load(lambda: modules.Encoder(maps), weights, "vision", torch.float32)
    save(folder, name, model(torch.from_numpy(shapes.patches())))


def text(folder, weights):
    model = modules.load(lambda: modules.Decoder(shapes.CONTEXT), weights, "text", torch.float32)
    for ending, causal in (("", False), ("_causal", True)):
        prefix = torch.from_numpy(shapes.embeddings(shapes.PREFIX))
        save(folder, "prefill" + ending, model.logits(model(prefix, 0, causal)))
        model(torch.from_numpy(shapes.embeddings(shapes.PAST)), 0, causal)
        token = torch.from_numpy(shapes.embeddings(shapes.PAST + 1)[-1:])
        save(folder, "decode" + ending, model.logits(model(token, shapes.PAST)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disk", required=True, type=pathlib.Path)
    args = parser.parse_args()
    folder = args.disk / "reference"
    folder.mkdir(exist_ok=True)
    with torch.inference_mode():
        weights = shapes.Weights(args.disk / "weights")
        encode(folder, weights, "encode", 2)
        text(folder, weights)
        encode(folder, shapes.Weights(args.disk / "weights-2024"), "encode_one_map", 1)


if __name__ == "__main__":
    main()
