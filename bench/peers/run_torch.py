#!/usr/bin/env python3
"""Times one stage of PyTorch in a process of its own; compare.py starts it.

python run_torch.py --disk DIR --stage encode --setting bf16
"""

import torch

import measure
import modules
import shapes

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def prepare(args):
    """A function that runs the stage once and returns its result."""
    dtype = DTYPES[args.setting]
    weights = shapes.Weights(args.disk / "weights")
    if args.stage == "encode":
        model = modules.load(modules.Encoder, weights, "vision", dtype)
        patches = torch.from_numpy(shapes.patches()).to(dtype)
        return lambda: model(patches)
    model = modules.load(lambda: modules.Decoder(shapes.CONTEXT), weights, "text", dtype)
    if args.stage == "prefill":
        rows = torch.from_numpy(shapes.embeddings(shapes.PREFIX)).to(dtype)
        return lambda: model.logits(model(rows, 0))
    model(torch.from_numpy(shapes.embeddings(shapes.PAST)).to(dtype), 0)
    token = torch.from_numpy(shapes.embeddings(shapes.PAST + 1)[-1:]).to(dtype)
    return lambda: model.logits(model(token, shapes.PAST))


def main():
    args = measure.arguments(__doc__.splitlines()[0], list(DTYPES))
    torch.set_num_threads(args.threads)
    with torch.inference_mode():
        times, result = measure.time_runs(prepare(args), args.repeat)
    values = result.float().numpy()
    error = measure.error_of(args, args.stage, values) if args.check else None
    flags = {"isa": torch.backends.cpu.get_cpu_capability(), "mkldnn": torch.backends.mkldnn.is_available()}
    measure.report(args, "pytorch", torch.__version__, flags, times, relative_l2=error)


if __name__ == "__main__":
    main()
