#!/usr/bin/env python3
"""Takes named files out of Qt resource files (.rcc, versions 1 to 3).

usage: unpack_rcc.py LIST FOLDER OUT

LIST has lines "resource file, path in it, name to write", with tabs between and anything behind; the resource files lie
in FOLDER. Ends with 1, naming what is missing, unless every file of the list was written.
"""
import pathlib
import struct
import sys
import zlib

PACKED, DIRECTORY = 1, 2  # flags of an entry


def entries(data):
    """All files of one resource file: path -> (flags, stored bytes)."""
    if data[:4] != b"qres":
        raise ValueError("not a Qt resource file")
    version, tree, contents, names = struct.unpack(">4I", data[4:20])
    size = 22 if version >= 2 else 14  # from version 2 on a time stands behind each entry
    found = {}

    def name(offset):
        length = struct.unpack(">H", data[names + offset:names + offset + 2])[0]
        start = names + offset + 6  # behind the length and a hash
        return data[start:start + 2 * length].decode("utf-16-be")

    def walk(index, path):
        at = tree + index * size
        name_offset, flags = struct.unpack(">IH", data[at:at + 6])
        if index:
            path = f"{path}/{name(name_offset)}" if path else name(name_offset)
        if flags & DIRECTORY:
            count, first = struct.unpack(">II", data[at + 6:at + 14])
            for child in range(first, first + count):
                walk(child, path)
        else:
            start = contents + struct.unpack(">I", data[at + 10:at + 14])[0]
            length = struct.unpack(">I", data[start:start + 4])[0]
            found[path] = flags, data[start + 4:start + 4 + length]

    walk(0, "")
    return found


def unpacked(flags, stored):
    if flags & PACKED:
        return zlib.decompress(stored[4:])  # the length unpacked stands in front
    if flags & ~(PACKED | DIRECTORY):
        raise ValueError("packed in a way that is not known here")
    return stored


def main(listed, folder, out):
    files, missing = {}, []
    for line in pathlib.Path(listed).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        resource, path, name = line.split("\t")[:3]
        if resource not in files:
            files[resource] = entries((pathlib.Path(folder) / resource).read_bytes())
        if path not in files[resource]:
            missing.append(f"{resource}: {path}")
            continue
        (pathlib.Path(out) / name).write_bytes(unpacked(*files[resource][path]))
    for one in missing:
        print(f"unpack_rcc: not there: {one}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[2])
    sys.exit(main(*sys.argv[1:]))
