"""The Python packages of safetensors and NumPy, asked what a file of tensors holds, and told to write some.

Reads a JSON array of jobs from stdin and prints a JSON array of answers:

    {"op": "digest", "path": FILE}                 -> [{"name", "dtype", "shape", "sha256"}], as the packages read it
    {"op": "rewrite", "path": FILE, "to": FILE}    -> how many tensors were read by the package and written by it
    {"op": "foreign", "to": FOLDER}                -> the digests of what was written into several files there, as TensorFlow.js
                                                      would have it: {FILE: [{"name", "dtype", "shape", "sha256"}]}
"""

import hashlib
import json
import os
import sys
import zipfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

# What our files have beside the arrays.
ENVELOPE = "__tfjs__.json"
# What TensorFlow.js calls the types.
NAMES = {"bool": "bool", "float32": "float32", "int32": "int32", "complex64": "complex64"}


def described(name, array, dtype=None):
    return {
        "name": name,
        "dtype": dtype or NAMES.get(array.dtype.name, array.dtype.name),
        "shape": list(array.shape),
        "sha256": hashlib.sha256(array.tobytes("C")).hexdigest(),
    }


def arrays(path):
    if path.endswith(".safetensors"):
        return load_file(path)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name != ENVELOPE}


def digest(job):
    return [described(name, array) for name, array in arrays(job["path"]).items()]


def rewrite(job):
    path, to = job["path"], job["to"]
    tensors = arrays(path)
    if path.endswith(".safetensors"):
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
        save_file(tensors, to, metadata=metadata)
    else:
        np.savez_compressed(to, **tensors)
        # Which NumPy does not write, and anybody may add.
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "a") as destination:
            destination.writestr(ENVELOPE, source.read(ENVELOPE), zipfile.ZIP_DEFLATED)
    return len(tensors)


def foreign(job):
    """Each file with what it must become in TensorFlow.js; numbers of other types become what they can without loss."""
    random = np.random.default_rng(1)
    singles = random.standard_normal((3, 4, 5), dtype=np.float32)
    halves = singles.astype(np.float16)
    same = {
        "singles": singles,
        "ints": np.arange(-7, 7, dtype=np.int32).reshape(7, 2),
        "bools": np.array([True, False, True]),
        "scalar": np.array(3.5, dtype=np.float32),
        "nothing": np.zeros((0, 3), dtype=np.float32),
        "large": random.standard_normal(300_000, dtype=np.float32),
        "dense/kernel:0": singles[0].copy(),
    }
    converted = {
        "halves": (halves, halves.astype(np.float32)),
        "doubles": (np.array([0.1, 1e30, -0.0, np.nan]), None),
        "longs": (np.array([[1, -2], [2**31 - 1, -(2**31)]], dtype=np.int64), None),
        "bytes": (np.arange(256, dtype=np.uint8), None),
        "shorts": (np.array([-1, 7], dtype=np.int16), None),
        "unsigned": (np.array([0, 2**31 - 1], dtype=np.uint64), None),
    }
    expected = {name: described(name, array) for name, array in same.items()}
    for name, (array, value) in converted.items():
        if value is None:
            value = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
        expected[name] = described(name, value)
    theirs = {**same, **{name: array for name, (array, _) in converted.items()}}
    # Orders of dimensions and of bytes that mean the same numbers, and a type that safetensors got late.
    strange = {
        "fortran": np.asfortranarray(singles),
        "big": singles.astype(">f4"),
        "big fortran": np.asfortranarray(np.arange(24, dtype=">i8").reshape(2, 3, 4)),
        "complex": (singles[0] + 1j * singles[1]).astype(np.complex64),
        "big complex": (singles[0] - 1j * singles[1]).astype(">c8"),
    }
    of_strange = {
        "fortran": described("fortran", singles),
        "big": described("big", singles),
        "big fortran": described("big fortran", np.arange(24, dtype=np.int32).reshape(2, 3, 4)),
        "complex": described("complex", strange["complex"]),
        "big complex": described("big complex", strange["big complex"].astype("<c8")),
    }
    folder = job["to"]
    written = {}

    def write(name, save, tensors, digests):
        save(os.path.join(folder, name), tensors)
        written[name] = sorted((digests[tensor] for tensor in tensors), key=lambda tensor: tensor["name"])

    write("theirs.safetensors", lambda path, tensors: save_file(tensors, path, metadata={"made by": "them"}), theirs, expected)
    write("theirs.npz", lambda path, tensors: np.savez(path, **tensors), theirs, expected)
    write("compressed.npz", lambda path, tensors: np.savez_compressed(path, **tensors), theirs, expected)
    write("strange.npz", lambda path, tensors: np.savez(path, **tensors), strange, of_strange)
    write("strange-compressed.npz", lambda path, tensors: np.savez_compressed(path, **tensors), strange, of_strange)
    return written


OPERATIONS = {"digest": digest, "rewrite": rewrite, "foreign": foreign}
answers = [OPERATIONS[job["op"]](job) for job in json.load(sys.stdin)]
json.dump(answers, sys.stdout)
