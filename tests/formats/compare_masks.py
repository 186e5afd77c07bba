"""Masks of ours against pycocotools: compare_masks.py MASK_VECTORS FOLDER. Everything has to be equal, run by run."""
import importlib
import json
import subprocess
import sys

PACKAGES = ["pycocotools==2.0.11", "numpy"]
MASKS = 1000


def install(folder):
    sys.path.insert(0, folder)
    try:
        import pycocotools.mask  # noqa: F401
        return
    except ImportError:
        pass
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *PACKAGES],
                         capture_output=True, text=True)
    if pip.returncode != 0:
        lines = pip.stderr.strip().splitlines()
        print("skipped: pycocotools cannot be installed:", lines[-1] if lines else "pip says nothing")
        sys.exit(0)
    importlib.invalidate_caches()  # the folder was not there when it was looked into
    sys.path_importer_cache.pop(folder, None)


def differences(row):
    import numpy
    from pycocotools import mask as reference

    height, width = row["size"]

    def runs(key):
        return {"size": [height, width], "counts": row[key].encode()}

    pixels = numpy.array([c == "1" for c in row["pixels"]], dtype=numpy.uint8).reshape(height, width)
    encoded = reference.encode(numpy.asfortranarray(pixels))
    yield "string", row["a"], encoded["counts"].decode()
    yield "pixels", reference.decode(runs("a")).tolist(), pixels.tolist()
    yield "area", row["area"], int(reference.area(encoded))
    yield "box", row["box"], reference.toBbox(encoded).tolist()
    yield "iou", row["iou"], float(reference.iou([runs("a")], [runs("b")], [0])[0][0])
    yield "crowd iou", row["crowd_iou"], float(reference.iou([runs("a")], [runs("b")], [1])[0][0])
    yield "union", row["union"], reference.merge([runs("a"), runs("b")])["counts"].decode()
    yield "intersection", row["intersection"], reference.merge([runs("a"), runs("b")], intersect=1)["counts"].decode()
    drawn = reference.merge(reference.frPyObjects(row["rings"], height, width))
    yield "outline", reference.decode(runs("drawn")).tolist(), reference.decode(drawn).tolist()
    yield "outline's string", row["drawn"], drawn["counts"].decode()
    yield "outline's area", row["drawn_area"], int(reference.area(drawn))
    yield "outline's box", row["drawn_box"], reference.toBbox(drawn).tolist()


def main():
    program, folder = sys.argv[1:]
    install(folder)
    lines = subprocess.run([program, str(MASKS)], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == MASKS
    wrong = 0
    for number, line in enumerate(lines):
        row = json.loads(line)
        for what, ours, theirs in differences(row):
            if ours != theirs and not (isinstance(ours, float) and abs(ours - theirs) < 1e-12):
                wrong += 1
                print(f"mask {number} of {row['size']}: {what}: ours {ours!s:.200}, theirs {theirs!s:.200}")
    print(f"{MASKS} masks, {wrong} differences")
    sys.exit(1 if wrong else 0)


main()
