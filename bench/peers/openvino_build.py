#!/usr/bin/env python3
"""Writes OpenVINO's models under DISK/openvino, compressed and quantised by its own tool (NNCF):

encoder_f16, encoder_int8 (weights), encoder_int8_static (weights and activations, calibrated on pictures),
text_f16, text_int8 (a scale a row), text_int4_g32, text_int4_g128 (symmetric, the vocabulary stays at 8 bits)
"""

import argparse
import gc
import pathlib

import nncf
import numpy as np
import openvino as ov

import openvino_model
import shapes

INT8, INT4 = nncf.CompressWeightsMode.INT8_SYM, nncf.CompressWeightsMode.INT4_SYM


def calibration(count=8):
    """Pictures as unlike each other as noise of several grains makes them, and the one that is timed."""
    rng = np.random.default_rng(2)
    side = shapes.VISION["side"]
    pictures = [shapes.picture()]
    for i in range(count - 1):
        grain = 2 ** (i % 6 + 1)
        coarse = rng.integers(0, 256, (side // grain + 1, side // grain + 1, 3), dtype=np.uint8)
        pictures.append(coarse.repeat(grain, 0).repeat(grain, 1)[:side, :side])
    return nncf.Dataset([shapes.patches(p)[None] for p in pictures])


def text_calibration(count=4):
    rng = np.random.default_rng(3)
    shape = (1, shapes.PREFIX, shapes.TEXT["dim"])
    return nncf.Dataset([rng.standard_normal(shape, dtype=np.float32) for _ in range(count)])


def prefix_static(model):
    return nncf.quantize(model, text_calibration(), model_type=nncf.ModelType.TRANSFORMER, subset_size=4)


def encoder_static(model):
    return nncf.quantize(model, calibration(), model_type=nncf.ModelType.TRANSFORMER, subset_size=8)


MODELS = {
    "encoder_int8": ("encoder_f16", lambda m: nncf.compress_weights(m, mode=INT8)),
    "encoder_int8_static": ("encoder_f16", encoder_static),
    "prefix_int8_static": ("prefix_f16", prefix_static),
    "text_int8": ("text_f16", lambda m: nncf.compress_weights(m, mode=INT8)),
    "text_int4_g32": ("text_f16", lambda m: nncf.compress_weights(m, mode=INT4, group_size=32, ratio=1.0)),
    "text_int4_g128": ("text_f16", lambda m: nncf.compress_weights(m, mode=INT4, group_size=128, ratio=1.0)),
}
GRAPHS = {
    "encoder_f16": openvino_model.encoder,
    "text_f16": openvino_model.decoder,
    "prefix_f16": lambda weights: openvino_model.prefix(weights, shapes.STATIC_LAYERS),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disk", required=True, type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=[*GRAPHS, *MODELS])
    args = parser.parse_args()
    folder = args.disk / "openvino"
    folder.mkdir(exist_ok=True)
    weights = shapes.Weights(args.disk / "weights")
    for name in args.names:
        path = folder / f"{name}.xml"
        if path.exists():
            continue
        if name in GRAPHS:
            model = GRAPHS[name](weights)
        else:
            source, change = MODELS[name]
            model = change(ov.Core().read_model(folder / f"{source}.xml"))
        ov.save_model(model, path, compress_to_fp16=False)
        print(name, flush=True)
        del model
        gc.collect()


if __name__ == "__main__":
    main()
