#!/usr/bin/env python3
"""Times the image encoder of ONNX Runtime in a process of its own; compare.py starts it.

python run_onnx.py --disk DIR --stage encode --setting int8_dynamic
"""

import onnxruntime

import measure
import shapes

MODELS = {"f32": "encoder_f32.onnx", "int8_dynamic": "encoder_int8.onnx"}


def main():
    args = measure.arguments(__doc__.splitlines()[0], list(MODELS))
    if args.stage != "encode":
        raise SystemExit("run_onnx.py: only the image encoder is built")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    path = str(args.disk / "onnx" / MODELS[args.setting])
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    patches = shapes.patches()[None]
    times, result = measure.time_runs(lambda: session.run(None, {"patches": patches})[0], args.repeat)
    error = measure.error_of(args, "encode", result) if args.check else None
    measure.report(args, "onnxruntime", onnxruntime.__version__, {"optimisation": "all"}, times, relative_l2=error)


if __name__ == "__main__":
    main()
