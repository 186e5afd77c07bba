"""Everything that the comparison needs, under one folder, each step once: the peers from the package indexes,
llama.cpp's builds, the weights, the models in each peer's own form.

compare.py calls install(); a step that is done (its file or folder is there) is left alone. About 23 GB of disk.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LLAMA = "0.3.36"  # of llama-cpp-python, whose source archive carries llama.cpp
LLAMA_FLAGS = {
    "native": ["-DGGML_NATIVE=ON"],
    "avx2": [
        "-DGGML_NATIVE=OFF",
        "-DGGML_AVX2=ON",
        "-DGGML_FMA=ON",
        "-DGGML_F16C=ON",
        "-DGGML_BMI2=ON",
        "-DGGML_AVX512=OFF",
    ],
}
LLAMA_TYPES = ["f16", "q8_0", "q4_0"]


def run(*command, **more):
    print("+", *command, file=sys.stderr, flush=True)
    subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr, **more)


def python(disk):
    return disk / "venv/bin/python"


def packages(disk):
    stamp = disk / "venv/installed.txt"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not python(disk).exists():
        run(sys.executable, "-m", "venv", disk / "venv")
    run(python(disk), "-m", "pip", "install", "-r", HERE / "requirements.txt")
    stamp.write_text(wanted)


def llama_source(disk):
    folder = disk / f"llama_cpp_python-{LLAMA}"
    if not folder.exists():
        archives = disk / "archives"
        options = ["--no-deps", "--no-binary", ":all:", "-d", archives]
        run(python(disk), "-m", "pip", "download", *options, f"llama-cpp-python=={LLAMA}")
        shutil.unpack_archive(archives / f"llama_cpp_python-{LLAMA}.tar.gz", disk)
    return folder


def llama_build(disk, name):
    build = disk / f"build-{name}"
    if (build / "vendor/llama.cpp/tools/mtmd/libmtmd.so").exists():
        return
    leave_out = [f"-DLLAMA_BUILD_{part}=OFF" for part in ("TOOLS", "EXAMPLES", "TESTS", "SERVER")]
    options = ["-DCMAKE_BUILD_TYPE=Release", *leave_out, *LLAMA_FLAGS[name]]
    run("cmake", "-S", llama_source(disk), "-B", build, *options)
    run("cmake", "--build", build, "--parallel", "2", "--target", "llama", "mtmd")


def synth(moonbeam, variant, out, *options):
    if not out.exists():
        run(moonbeam, "weights", "synth", variant, out, *options)


def reference(disk, moonbeam):
    """What reference.py writes, which needs the weights of the pair in the published layout for a while."""
    if (disk / "reference/encode_one_map.npy").exists():
        return
    synth(moonbeam, "moondream2-2024-05-08", disk / "weights-2024", "--dtype", "bf16")
    run(python(disk), HERE / "reference.py", "--disk", disk)
    shutil.rmtree(disk / "weights-2024")


def install(disk, moonbeam, peers, check=False):
    """`moonbeam`: the command line program, which makes the weights. `check`: also what errors are measured against."""
    disk.mkdir(parents=True, exist_ok=True)
    packages(disk)
    synth(moonbeam, "moondream2", disk / "weights", "--dtype", "bf16")
    if "llama.cpp" in peers:
        llama_build(disk, "native")
        llama_build(disk, "avx2")
        for dtype in LLAMA_TYPES:
            options = ["--layout", "llama.cpp", "--dtype", dtype]
            synth(moonbeam, "moondream2-2024-05-08", disk / f"llama-{dtype}", *options)
    if "openvino" in peers:
        run(python(disk), HERE / "openvino_build.py", "--disk", disk)
    if "onnxruntime" in peers:
        run(python(disk), HERE / "onnx_build.py", "--disk", disk)
    if check:
        reference(disk, moonbeam)
