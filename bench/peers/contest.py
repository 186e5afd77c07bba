"""Who runs against whom: the settings of each peer that reach the accuracy of our mode, by stage.

A setting is a key of SETTINGS in the peer's runner. Peers run what they are best at; a setting that is here only to
show what it costs says so in `why`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    name: str  # of --peers
    runner: str
    setting: str
    more: tuple = ()  # arguments of the runner
    label: str = ""

    @property
    def title(self):
        return f"{self.label or self.name} {self.setting}"


def torch(setting):
    return Peer("pytorch", "run_torch.py", setting)


def llama(setting):
    return Peer("llama.cpp", "run_llama.py", setting)


def openvino(setting):
    return Peer("openvino", "run_openvino.py", setting)


def onnx(setting):
    return Peer("onnxruntime", "run_onnx.py", setting)


CONTESTS = {
    ("encode", "f32"): [torch("f32")],
    ("encode", "bf16"): [openvino("bf16"), torch("bf16"), llama("f16")],
    ("encode", "int8"): [openvino("int8_static"), openvino("int8_row"), onnx("int8_dynamic"), llama("q8_0")],
    ("prefill", "f32"): [torch("f32")],
    ("prefill", "bf16"): [openvino("bf16"), torch("bf16"), llama("f16")],
    ("prefill", "int8"): [openvino("int8_static"), openvino("int8_row"), openvino("int8_g32"), llama("q8_0")],
    ("prefill", "int4"): [openvino("int4_g32"), openvino("int4_g128"), llama("q4_0")],
    ("decode", "f32"): [torch("f32")],
    ("decode", "bf16"): [openvino("bf16"), torch("bf16"), llama("f16")],
    ("decode", "int8"): [openvino("int8_row"), llama("q8_0")],
    ("decode", "int4"): [openvino("int4_g32"), openvino("int4_g128"), llama("q4_0")],
    # a picture of one crop to the logits of the first token: encode, prefill and a step in one process
    ("first_token", "bf16"): [openvino("bf16"), llama("f16")],
    ("first_token", "int8"): [openvino("int8_best"), openvino("int8_usual"), llama("q8_0")],
    ("first_token", "int4"): [openvino("int4_best"), llama("q4_0")],
}


def avx2(contests):
    """The same against llama.cpp's build without AVX-512 alone."""
    out = {}
    for key, peers in contests.items():
        mine = [peer for peer in peers if peer.name == "llama.cpp"]
        if mine:
            out[key] = [Peer(p.name, p.runner, p.setting, ("--build", "avx2"), "llama.cpp-avx2") for p in mine]
    return out
