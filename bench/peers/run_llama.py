#!/usr/bin/env python3
"""Times one stage of llama.cpp in a process of its own; compare.py starts it.

    python run_llama.py --disk DIR --stage encode --setting q8_0 [--build avx2]

Drives libllama and libmtmd through the bindings of llama-cpp-python, from the two GGUF files that Moonbeam wrote. Its
image prefix is causal, and its projector takes one feature map: 52 of the 105 GFLOP of prefill attention and 14 of
the 719 GFLOP of an encode are not asked of it.
"""

import ctypes
import os
import sys

import numpy as np

import measure
import shapes

llama = mtmd = None  # modules, imported once the build is known


def load_bindings(args):
    global llama, mtmd
    build = args.disk / f"build-{args.build}"
    os.environ["LLAMA_CPP_LIB_PATH"] = str(build / "bin")
    os.environ["MTMD_CPP_LIB"] = str(build / "vendor/llama.cpp/tools/mtmd")
    sys.path.insert(0, str(next(args.disk.glob("llama_cpp_python-*"))))
    import llama_cpp
    from llama_cpp import llama_cpp as low
    from llama_cpp import mtmd_cpp

    llama, mtmd = low, mtmd_cpp
    keep = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(keep, None)
    mtmd.mtmd_log_set(keep, None)
    llama.llama_backend_init()
    return llama_cpp.__version__, keep


def open_text(args):
    params = llama.llama_model_default_params()
    params.n_gpu_layers = 0
    folder = args.disk / f"llama-{args.setting}"
    model = llama.llama_model_load_from_file(str(folder / f"text-{args.setting}.gguf").encode(), params)
    if not model:
        raise SystemExit("run_llama.py: llama.cpp did not load the text model")
    return model


def open_context(args, model):
    params = llama.llama_context_default_params()
    params.n_ctx = shapes.CONTEXT
    params.n_batch, params.n_ubatch = shapes.CONTEXT, args.ubatch
    params.n_threads = params.n_threads_batch = args.threads
    params.flash_attn_type = args.flash
    params.no_perf = True
    context = llama.llama_init_from_model(model, params)
    if not context:
        raise SystemExit("run_llama.py: llama.cpp made no context")
    return context


class Batch:
    """Rows of embeddings at positions first, first + 1, ...; the last one's logits if asked for."""

    def __init__(self, rows, first, logits):
        count = len(rows)
        self.batch = llama.llama_batch_init(count, rows.shape[1], 1)
        self.batch.n_tokens = count
        ctypes.memmove(self.batch.embd, rows.ctypes.data, rows.nbytes)
        for i in range(count):
            self.batch.pos[i], self.batch.n_seq_id[i], self.batch.seq_id[i][0] = first + i, 1, 0
            self.batch.logits[i] = logits and i == count - 1


def decode(context, batch):
    if llama.llama_decode(context, batch.batch) != 0:
        raise SystemExit("run_llama.py: llama_decode failed")


def logits(context):
    return np.ctypeslib.as_array(llama.llama_get_logits_ith(context, -1), (shapes.TEXT["vocab"],)).copy()


def prepare_text(args, model):
    context = open_context(args, model)
    memory = llama.llama_get_memory(context)
    if args.stage == "prefill":
        batch = Batch(shapes.embeddings(shapes.PREFIX), 0, True)

        def prefill():
            llama.llama_memory_clear(memory, False)
            decode(context, batch)
            return logits(context)

        return prefill
    decode(context, Batch(shapes.embeddings(shapes.PAST), 0, True))
    step = Batch(shapes.embeddings(shapes.PAST + 1)[-1:], shapes.PAST, True)

    def one():
        decode(context, step)
        result = logits(context)
        llama.llama_memory_seq_rm(memory, 0, shapes.PAST, -1)
        return result

    return one


def prepare_encode(args, model):
    params = mtmd.mtmd_context_params_default()
    params.use_gpu, params.print_timings, params.n_threads = False, False, args.threads
    params.flash_attn_type, params.warmup = args.flash, False
    path = args.disk / f"llama-{args.setting}" / f"mmproj-{args.setting}.gguf"
    context = mtmd.mtmd_init_from_file(str(path).encode(), model, params)
    if not context:
        raise SystemExit("run_llama.py: llama.cpp did not load the image encoder")
    pixels = shapes.picture()
    side = pixels.shape[0]
    bitmap = mtmd.mtmd_bitmap_init(side, side, pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))
    marker = mtmd.mtmd_default_marker()
    text = mtmd.mtmd_input_text(marker, len(marker), False, True)
    chunks = mtmd.mtmd_input_chunks_init()
    bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
    if mtmd.mtmd_tokenize(context, chunks, ctypes.byref(text), bitmaps, 1) != 0:
        raise SystemExit("run_llama.py: mtmd_tokenize failed")
    images = [mtmd.mtmd_input_chunks_get(chunks, i) for i in range(mtmd.mtmd_input_chunks_size(chunks))]
    (image,) = [chunk for chunk in images if mtmd.mtmd_input_chunk_get_type(chunk) == 1]
    count = mtmd.mtmd_input_chunk_get_n_tokens(image)
    assert count == shapes.VISION["patches"], count

    def encode():
        if mtmd.mtmd_encode_chunk(context, image) != 0:
            raise SystemExit("run_llama.py: mtmd_encode_chunk failed")
        out = mtmd.mtmd_get_output_embd(context)
        return np.ctypeslib.as_array(out, (count * shapes.PROJECTOR["out"],)).copy()

    return encode


def prepare_first_token(args, model):
    """Picture to logits: encode, the prefix of BOS and what encode gave, one step after it."""
    encode, context = prepare_encode(args, model), open_context(args, model)
    memory = llama.llama_get_memory(context)
    rows = shapes.embeddings(shapes.PREFIX + 1)
    step = Batch(rows[-1:], shapes.PREFIX, True)
    prefix = Batch(rows[:-1], 0, False)

    def first_token():
        embeddings = encode()
        ctypes.memmove(
            ctypes.addressof(prefix.batch.embd.contents) + rows[0].nbytes, embeddings.ctypes.data, embeddings.nbytes
        )
        llama.llama_memory_clear(memory, False)
        decode(context, prefix)
        decode(context, step)
        return logits(context)

    return first_token


PREPARE = {
    "encode": prepare_encode,
    "prefill": prepare_text,
    "decode": prepare_text,
    "first_token": prepare_first_token,
}


def add_options(parser):
    parser.add_argument("--build", default="native", choices=["native", "avx2"])
    parser.add_argument("--ubatch", type=int, default=1024, help="rows that llama.cpp takes at a time")
    parser.add_argument("--flash", type=int, default=1, choices=[-1, 0, 1], help="flash attention: auto, off, on")


def main():
    args = measure.arguments(__doc__.splitlines()[0], ["f16", "q8_0", "q4_0"], add_options)
    version, _keep = load_bindings(args)
    run = PREPARE[args.stage](args, open_text(args))
    times, result = measure.time_runs(run, args.repeat)
    name = "encode_one_map" if args.stage == "encode" else f"{args.stage}_causal"
    error = measure.error_of(args, name, result) if args.check else None
    flags = {"build": args.build, "ubatch": args.ubatch, "flash_attention": args.flash}
    peer = "llama.cpp" if args.build == "native" else f"llama.cpp-{args.build}"
    measure.report(args, peer, f"llama-cpp-python {version}", flags, times, relative_l2=error)


if __name__ == "__main__":
    main()
