#!/usr/bin/env python3
"""Times one stage of OpenVINO in a process of its own; compare.py starts it.

python run_openvino.py --disk DIR --stage prefill --setting int8_row
"""

import numpy as np
import openvino as ov

import measure
import shapes

# model and how many values of an activation row share a scale. A matrix whose rows are no multiple of the group runs
# in bf16 with widened weights: 2048 divides all of the text model's (the feed-forward's 8192 in four groups), 576 all
# of the encoder's but the 4304 of fc2, which has no group of use. 32 is what OpenVINO takes by itself.
GROUP = "DYNAMIC_QUANTIZATION_GROUP_SIZE"
ROW = {"encode": 576, "prefill": 2048, "decode": 2048}
SETTINGS = {
    "f32": ("{}_f16", None),
    "bf16": ("{}_f16", None),
    "int8_static": ("{}_int8_static", None),
    "int8_row": ("{}_int8", ROW),
    "int8_g32": ("{}_int8", 32),
    "int4_g32": ("{}_int4_g32", 32),
    "int4_g128": ("{}_int4_g128", 128),
}
# settings of the stage first_token: of the encoder and of the text model
FIRST_TOKEN = {
    "bf16": ("bf16", "bf16"),
    "int8_best": ("int8_static", "int8_row"),
    "int8_usual": ("int8_static", "int8_g32"),
    "int4_best": ("int8_static", "int4_g128"),
}


def compile_model(args, stage, setting, extra=None):
    kind = "encoder" if stage == "encode" else "text"
    if setting == "int8_static" and kind == "text":
        kind = "prefix"
    name, group = SETTINGS[setting]
    config = {
        "INFERENCE_NUM_THREADS": str(args.threads),
        "INFERENCE_PRECISION_HINT": "f32" if setting == "f32" else "bf16",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
    }
    if group:
        config[GROUP] = str(group[stage] if group is ROW else group)
    config |= extra or {}
    path = args.disk / "openvino" / (name.format(kind) + ".xml")
    return ov.Core().compile_model(path, "CPU", config), config


def text_inputs(rows, first):
    cos, sin = shapes.rope_tables(first, len(rows))
    return {"embeddings": rows[None], "cos": cos, "sin": sin, "beam_idx": np.zeros(1, np.int32)}


def result_of(request, inputs):
    return request.infer(inputs).to_tuple()[0]


def prepare(stage, setting, request):
    """A function that runs the stage once and returns its result."""
    if stage == "encode":
        patches = shapes.patches()[None]
        return lambda: result_of(request, {"patches": patches})
    if setting == "int8_static":
        rows = shapes.embeddings(shapes.PREFIX)[None]
        return lambda: result_of(request, {"embeddings": rows})
    if stage == "prefill":
        inputs = text_inputs(shapes.embeddings(shapes.PREFIX), 0)

        def prefill():
            request.reset_state()
            return result_of(request, inputs)

        return prefill
    result_of(request, text_inputs(shapes.embeddings(shapes.PAST), 0))
    step = text_inputs(shapes.embeddings(shapes.PAST + 1)[-1:], shapes.PAST)
    return lambda: result_of(request, step)  # the past grows by one each time


def prepare_first_token(encode, request):
    """Picture to logits: encode, the prefix of BOS and what encode gave, one step after it."""
    rows = shapes.embeddings(shapes.PREFIX + 1)
    step = text_inputs(rows[-1:], shapes.PREFIX)

    def first_token():
        rows[1 : shapes.PREFIX] = encode()[0]
        request.reset_state()
        result_of(request, text_inputs(rows[: shapes.PREFIX], 0))
        return result_of(request, step)

    return first_token


def first_token(args):
    image, text = FIRST_TOKEN[args.setting]
    encoder, encoder_config = compile_model(args, "encode", image)
    decoder, config = compile_model(args, "prefill", text)
    encode = prepare("encode", image, encoder.create_infer_request())
    times, _ = measure.time_runs(prepare_first_token(encode, decoder.create_infer_request()), args.repeat)
    flags = {f"encoder {key}": value for key, value in encoder_config.items() if config.get(key) != value}
    measure.report(args, "openvino", ov.__version__, flags | config, times)


def main():
    args = measure.arguments(__doc__.splitlines()[0], [*SETTINGS, *FIRST_TOKEN])
    if args.stage == "first_token":
        return first_token(args)
    compiled, config = compile_model(args, args.stage, args.setting)
    run = prepare(args.stage, args.setting, compiled.create_infer_request())
    times, result = measure.time_runs(run, args.repeat)
    partly = args.setting == "int8_static" and args.stage != "encode"  # a part of the layers
    # neither a part's result nor a step's, whose past grows, is what the reference holds
    comparable = not partly and args.stage != "decode"
    error = measure.error_of(args, args.stage, result) if args.check and comparable else None
    if partly:
        layers, part = shapes.TEXT["layers"], shapes.STATIC_LAYERS
        times = [t * layers / part for t in times]
        config["scaled"] = f"{part} layers timed, x {layers // part}"
    measure.report(args, "openvino", ov.__version__, config, times, relative_l2=error)


if __name__ == "__main__":
    main()
