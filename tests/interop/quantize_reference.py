"""Compares `tfjs cp --quantize` with the Python converter's own writer, on some thousand random weights.

    cargo build --release -p tfjs-cli
    python3 tests/interop/quantize_reference.py target/release/tfjs

Installs tensorflowjs 4.22.0 (without TensorFlow, which its writer does not need) and NumPy 2 into target/interop/python
the first time. Codes, file by file, and the text of each number in the manifest must be equal.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "target" / "interop" / "python"
SHARD_BYTES = 1 << 20


def enter_environment():
    """Installs what is needed, once, and goes on with the Python that has it."""
    python = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    if pathlib.Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        return
    if not (ENVIRONMENT / "installed").exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        packages = ["tensorflowjs==4.22.0", "numpy>=2,<3"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *packages], check=True)
        (ENVIRONMENT / "installed").touch()
    sys.exit(subprocess.run([python, *sys.argv]).returncode)


def load_writer():
    """The writer, without the package around it that would import TensorFlow."""
    import importlib.util

    package = types.ModuleType("tensorflowjs")
    package.__path__ = importlib.util.find_spec("tensorflowjs").submodule_search_locations
    sys.modules["tensorflowjs"] = package
    tensorflow = types.ModuleType("tensorflow")
    tensorflow.io = types.SimpleNamespace(gfile=types.SimpleNamespace(GFile=open))
    sys.modules["tensorflow"] = tensorflow
    from tensorflowjs import write_weights

    return write_weights.write_weights


def random_arrays(seed):
    """Arrays of every kind that the arithmetic tells apart."""
    import numpy as np

    random = np.random.default_rng(seed)
    tiny = float(np.finfo(np.float32).smallest_subnormal)

    def one(kind, size):
        match kind:
            case "uniform":
                return random.uniform(-1, 1, size) * 10.0 ** random.integers(-6, 7)
            case "normal":
                return random.normal(random.normal(), 0.1, size)
            case "positive":
                return random.uniform(1, 2, size)
            case "negative":
                return -random.uniform(0, 1e-3, size) - 1e-5
            case "far":
                return 1e6 + random.uniform(0, 1, size)
            case "integers":
                return random.integers(-300, 300, size)
            case "few integers":
                return random.integers(-3, 4, size)
            case "subnormal":
                return random.integers(-1000, 1000, size) * tiny
            case "positive subnormal":
                return random.integers(1, 70000, size) * tiny
            case "huge":
                return random.uniform(-1, 1, size) * float(np.finfo(np.float32).max)
            case "bits":
                bits = random.integers(0, 1 << 32, size, dtype=np.uint64).astype(np.uint32)
                values = bits.view(np.float32)
                return np.where(np.isfinite(values), values, np.float32(1))
            case "halves":
                bits = random.integers(0, 1 << 16, size).astype(np.uint16)
                values = bits.view(np.float16).astype(np.float32)
                return np.where(np.isfinite(values), values, np.float32(-0.0))
            case "constant":
                return np.full(size, random.normal())
            case "zeros":
                return np.zeros(size)

    kinds = ["uniform", "normal", "positive", "negative", "far", "integers", "few integers", "subnormal"]
    kinds += ["positive subnormal", "huge", "bits", "halves", "constant", "zeros"]
    entries = []
    for index in range(1500):
        kind = kinds[index % len(kinds)]
        size = int(random.choice([1, 2, 3, 7, 64, 1000]))
        with np.errstate(over="ignore"):
            data = one(kind, size).astype(np.float32)
        entries.append({"name": f"{kind}/{index}/{'kernel' if index % 3 else 'bias'}:0", "data": data})
    entries.append({"name": "steps", "data": np.arange(5, dtype=np.int32)})
    return [entries[:900], entries[900:]]


RULES = [
    {"uint8": True},
    {"uint16": True},
    {"float16": True},
    {"uint8": ["*/kernel:0"], "float16": True},
    {"uint16": ["[!fn]*/?/*", "*[0-3]/bias:?"], "uint8": ["few*/??/kernel*"]},
]


def flags(rules):
    for dtype, patterns in rules.items():
        for rule in [dtype] if patterns is True else [f"{dtype}={pattern}" for pattern in patterns]:
            yield from ["--quantize", rule]


def read(folder, manifest):
    """Bytes of each group, and its entries with their numbers as text."""
    groups = []
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        groups.append((group["paths"], data, group["weights"]))
    return groups


def compare(tfjs, write_weights, seed, rules):
    import numpy as np

    arrays = random_arrays(seed)
    with tempfile.TemporaryDirectory() as temporary:
        plain, expected, actual = (pathlib.Path(temporary, name) for name in ["plain", "expected", "actual"])
        for folder in [plain, expected]:
            folder.mkdir()
        manifest = write_weights([list(group) for group in arrays], plain, SHARD_BYTES, write_manifest=False)
        (plain / "model.json").write_text(json.dumps({"modelTopology": {"node": []}, "weightsManifest": manifest}))
        with np.errstate(over="ignore"):
            write_weights([list(group) for group in arrays], expected, SHARD_BYTES, quantization_dtype_map=rules)
        command = [tfjs, "cp", "--json", "--shard-size", str(SHARD_BYTES), *flags(rules), plain, actual]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        texts = {"parse_float": str, "parse_int": str}
        theirs = json.loads((expected / "weights_manifest.json").read_text(), **texts)
        ours = json.loads((actual / "model.json").read_text(), **texts)["weightsManifest"]
        differences = 0
        for group, (one, other) in enumerate(zip(read(expected, theirs), read(actual, ours), strict=True)):
            if one[:2] != other[:2]:
                differences += 1
                print(f"group {group + 1}: the bytes differ")
            for spec, our_spec in zip(one[2], other[2], strict=True):
                # Text against text, so that the order of the keys counts too.
                if json.dumps(spec) != json.dumps(our_spec):
                    differences += 1
                    print(f"{json.dumps(spec)}\n  but here {json.dumps(our_spec)}")
        quantized = sum("quantization" in spec for group in theirs for spec in group["weights"])
        print(f"seed {seed}, {rules}: {quantized} weights quantized, {differences} differences")
        return differences


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    enter_environment()
    tfjs = pathlib.Path(sys.argv[1]).resolve()
    write_weights = load_writer()
    runs = [compare(tfjs, write_weights, seed, rules) for seed in range(2) for rules in RULES]
    sys.exit(1 if sum(runs) else 0)


main()
