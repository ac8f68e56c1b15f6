"""Samples, the oracles' answers for them, and cases of both."""
import dataclasses
import json
import os
import random
import resource
import select
import signal
import subprocess
import warnings
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from maker import CHAINED, ELEMENTS, FLOATS, MAKERS, MAX_OPSET, NAMES, NUMPY, Maker, Skip

# The relative rounding error of a type, and what may come of a few operations on it.
ERRORS = {"double": 1e-7, "float": 1e-4, "float16": 4e-3, "bfloat16": 3e-2}
VERSIONS = {}
for schema in onnx.defs.get_all_schemas_with_history():
    key = schema.domain, schema.name
    VERSIONS[key] = sorted({*VERSIONS.get(key, ()), schema.since_version})


class Refused(Exception):
    """No oracle has an answer."""


class Slow(Exception):
    """An oracle takes too long."""


@dataclasses.dataclass
class Sample:
    """Nodes with values for what they take, and the results to ask for."""

    label: str
    nodes: list
    values: dict
    outputs: list
    opsets: dict
    functions: list = dataclasses.field(default_factory=list)
    # How much more than a single operation the results may err.
    slack: float = 1
    # Names of values that must be inputs or constants.
    fixed: dict = dataclasses.field(default_factory=dict)
    # Names of values whose extents get no names.
    rigid: set = dataclasses.field(default_factory=set)
    # Names of extents of inputs, and values for another size; both are drawn if they are left out.
    names: dict | None = None
    other: dict | None = None
    # The results, where the sample itself knows them, or what gives them for values.
    answer: list | Callable | None = None

    def typed(self):
        """Whether the package of ONNX knows all operators."""
        return "com.microsoft" not in self.opsets


def build(sample, inputs, constants, outputs, shapes=None):
    """A model; `shapes` names extents of inputs, and `outputs` are pairs of name and type or nothing."""
    declared = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype),
                                              (shapes or {}).get(name, list(value.shape)))
                for name, value in inputs.items()]
    results = [onnx.ValueInfoProto(name=name, type=kind) if kind is None or isinstance(kind, onnx.TypeProto)
               else helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(sample.nodes, "g", declared, results, initializers)
    imports = [helper.make_opsetid(domain, version) for domain, version in sample.opsets.items()]
    return helper.make_model(graph, opset_imports=imports, functions=sample.functions,
                             ir_version=11 if sample.opsets.get("", 0) >= 23 else 10)


def plain(array):
    """Whether NumPy itself knows the type."""
    name = NAMES[np.asarray(array).dtype]
    return name not in ("bfloat16", "int4", "uint4") and array.dtype.kind != "V" and not name.startswith("float8")


def run_runtime(sample):
    """Results of ONNX Runtime; what NumPy does not know goes in as constants and comes out as floats."""
    kinds = result_types(sample) if sample.typed() else {}
    nodes, outputs = list(sample.nodes), []
    for name in sample.outputs:
        kind = kinds.get(name)
        if kind in (TensorProto.BFLOAT16, TensorProto.INT4, TensorProto.UINT4) or kind and 17 <= kind <= 20:
            nodes.append(helper.make_node("Cast", [name], [name + "_f"], to=TensorProto.FLOAT))
            outputs.append((name + "_f", TensorProto.FLOAT))
        else:
            outputs.append((name, kind))
    inputs = {name: value for name, value in sample.values.items() if plain(value)}
    constants = {name: value for name, value in sample.values.items() if not plain(value)}
    model = build(dataclasses.replace(sample, nodes=nodes), inputs, constants, outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = [np.asarray(each) for each in session.run(None, inputs)]
    return [each.astype(helper.tensor_dtype_to_np_dtype(kinds[name])) if kinds.get(name) else each
            for name, each in zip(sample.outputs, results)]


def result_types(sample):
    """Element types of values, by inference."""
    model = build(sample, {}, sample.values, [(n, 0) for n in sample.outputs])
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=False)
    declared = list(inferred.graph.output) + list(inferred.graph.value_info)
    kinds = {value.name: value.type.tensor_type.elem_type for value in declared}
    known = {value.name for value in declared if value.type.WhichOneof("value")}
    if not known.issuperset(sample.outputs):
        raise Refused("no type")
    return {name: kind for name, kind in kinds.items() if kind}


def run_reference(sample):
    """Results of the reference evaluator."""
    model = build(sample, sample.values, {}, [(n, 0) for n in sample.outputs])
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True)
    kinds = {o.name: o.type.tensor_type.elem_type for o in inferred.graph.output}
    results = ReferenceEvaluator(model).run(None, sample.values)
    checked = []
    for name, result in zip(sample.outputs, results):
        result = np.asarray(result)
        if result.dtype.kind == "U":
            result = result.astype(object)
        kind = helper.np_dtype_to_tensor_dtype(result.dtype) if result.dtype in NAMES else -1
        if kinds.get(name) not in (0, None, kind):
            raise Refused("a result of another type")
        checked.append(result)
    return checked


# Where the reference evaluator does not do what the operator is defined to do.
MISTAKEN = {"LRN", "LpNormalization", "OneHot", "QLinearConv", "QLinearMatMul", "GlobalMaxPool", "MaxPool", "Unique",
            "TreeEnsembleClassifier", "StringNormalizer", "Loop"}
# Where it computes what the newest version is defined to compute.
MODERN = {"Softmax": 13, "LogSoftmax": 13, "Hardmax": 13, "BatchNormalization": 14, "Dropout": 12}


def error(results, values=()):
    """The relative error that results may have, by the least precise type among results and arguments."""
    kinds = [NAMES[r.dtype] for r in list(results) + list(values)]
    return max([ERRORS.get(k, 0.26 if k.startswith("float8") else 0) for k in kinds] + [0])


def magnitude(arrays):
    """The greatest finite absolute value of float arrays."""
    floats = [a.astype(np.float64) for a in arrays if NAMES[a.dtype] in FLOATS]
    return max([float(np.max(np.abs(a[np.isfinite(a)]), initial=0)) for a in floats] + [0])


def same(a, b, relative):
    """Whether two results agree."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "iubO" and NAMES[a.dtype] not in ("int4", "uint4"):
        return np.array_equal(a, b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    top = np.max(np.abs(a[np.isfinite(a)]), initial=0)
    return np.allclose(a, b, rtol=relative, atol=relative * max(top, 1e-3), equal_nan=True)


def limited(function, *arguments):
    """Calls a function, giving up after some seconds."""
    def stop(*_):
        raise Slow
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(5)
    try:
        return function(*arguments)
    finally:
        signal.alarm(0)


def every(nodes):
    """All nodes, those of body graphs included."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from every(attribute.g.node)


def consult(sample, relative):
    """Who gave an answer, and the answer."""
    if callable(sample.answer):
        try:
            return "numpy", sample.answer(sample.values)
        except Exception as reason:  # noqa: BLE001, arguments of other sizes may not fit
            raise Refused(str(reason)) from reason
    if sample.answer is not None:
        return "numpy", sample.answer
    answers, reasons = {}, []
    newest = sample.opsets.get("", 0)
    # It passes functions in body graphs other values.
    trusted = sample.typed() and not sample.functions and not any(
        node.op_type in MISTAKEN or not node.domain and newest < MODERN.get(node.op_type, 0)
        for node in every(sample.nodes))
    for who, function in (("ort", run_runtime), *([("ref", run_reference)] if trusted else [])):
        try:
            answers[who] = limited(function, sample)
        except Exception as reason:  # noqa: BLE001, an oracle may fail in any way
            reasons.append(f"{who}: {str(reason)[:300]}")
    if not answers:
        raise Refused("; ".join(reasons).replace("\n", " "))
    if len(answers) == 2 and not all(same(a, b, relative) for a, b in zip(answers["ort"], answers["ref"])):
        return None, answers
    who = "ort" if "ort" in answers else "ref"
    return (who if len(answers) == 1 else "both"), answers[who]


def random_version(rng, domain, name):
    """A version of the standard that changes an operator, or the oldest that is looked at."""
    if domain == "com.microsoft":
        return 1
    versions = VERSIONS[domain, name]
    oldest = 7 if not domain else 1
    return rng.choice([v for v in versions if oldest <= v <= MAX_OPSET] or [oldest]
                      if versions[0] >= oldest or oldest in versions
                      else [v for v in versions if oldest <= v <= MAX_OPSET] + [oldest])


def random_node(rng, domain, name, prefix, first=None, version=None):
    """A node with values for its arguments, and what made it."""
    if version is None:
        version = random_version(rng, domain, name)
    m = Maker(rng, name, version, domain, first)
    values = [value if value is None else np.asarray(value) for value in MAKERS[domain, name](m)]
    while values and values[-1] is None:
        values.pop()
    names = [f"{prefix}x{i}" if v is not None else "" for i, v in enumerate(values)]
    outputs = [f"{prefix}y{i}" if m.outputs_wanted is None or i in m.outputs_wanted else "" for i in range(m.outputs)]
    node = helper.make_node(name, names, outputs, name=f"{prefix}{name}", domain=domain,
                            **{key: value for key, value in m.attributes.items() if value != []})
    return node, {n: v for n, v in zip(names, values) if n}, [n for n in outputs if n], m


def single(rng, domain, name):
    """One operator."""
    node, values, outputs, m = random_node(rng, domain, name, "")
    opsets = {"": m.version} if not domain else {"": rng.randint(17, 21), domain: m.version}
    rigid = {f"x{position}" for position in m.rigid}
    answer = m.answer and (lambda own: m.answer(*[own.get(given) for given in node.input]))
    return Sample(f"{name}-{m.version}", [node], values, outputs, opsets, rigid=rigid, answer=answer)


def exact(array):
    """Whether floats are not so large that their rounding decides about what follows, and hold all integers."""
    kind = NAMES[array.dtype]
    if kind in FLOATS or kind.startswith("float8"):
        return (np.abs(array.astype(np.float64)) < 1e6).all()
    return kind not in ("int64", "uint64") or (np.abs(array.astype(np.float64)) < 2.0**53).all()


def chain(rng):
    """A chain of nodes, each of which takes a result of an earlier one."""
    version = rng.randint(13, MAX_OPSET)
    nodes, values, known, used = [], {}, {}, set()
    length = rng.randint(3, 10)
    for step in range(60):
        if len(nodes) == length:
            break
        name = rng.choice(CHAINED)
        first = None
        if known:
            key = rng.choice(sorted(known)[-3:])
            first = known[key]
        try:
            opset = onnx.defs.get_schema(name, version).since_version
            node, own, outputs, _ = random_node(rng, "", name, f"n{step}", first, opset)
            if first is not None:
                node.input[0] = key
                del own[f"n{step}x0"]
            arguments = {**own, **({key: first} if first is not None else {})}
            who, results = consult(Sample("", [node], arguments, outputs, {"": version}), 1e-2)
        except (Skip, Refused, onnx.defs.SchemaError):
            continue
        if who is None or any(r.size > 4000 or r.dtype not in NAMES for r in results) or not all(map(exact, results)):
            continue
        nodes.append(node)
        values.update(own)
        known.update(zip(outputs, results))
        if first is not None:
            used.add(key)
    outputs = [name for name in known if name not in used]
    if len(nodes) < 3 or not outputs:
        raise Skip
    return Sample(f"Chain-{version}", nodes, values, outputs[-3:], {"": version}, slack=10)


def named_extents(rng, inputs, rigid):
    """Names for some extents of inputs, but not those of vectors, which often say how many axes there are."""
    names = {}
    for key, value in inputs.items():
        if value.ndim > 1 and key not in rigid:
            names[key] = [rng.choice([f"n{extent}", f"{key}_{axis}"]) if rng.random() < 0.5 and extent != 1 else extent
                          for axis, extent in enumerate(value.shape)]
    return names


def resized(rng, inputs, shapes):
    """The inputs with another value of one name, or None; what is 1 could broadcast, which names do not."""
    names = sorted({extent for shape in shapes.values() for extent in shape if isinstance(extent, str)})
    if not names:
        return None
    name, change = rng.choice(names), rng.choice([-1, 1, 2, 5])
    changed = {}
    for key, value in inputs.items():
        shape = [extent + change if named == name else extent
                 for extent, named in zip(value.shape, shapes.get(key, value.shape))]
        if not value.size or any(new < 2 and new != old for new, old in zip(shape, value.shape)):
            return None
        changed[key] = np.resize(value, shape)
    return changed


def are_maps(value):
    """Whether a result is a sequence of maps."""
    return value.dtype == object and value.size > 0 and isinstance(value.flat[0], dict)


def key_type(value):
    """The type of the keys of maps."""
    return TensorProto.STRING if isinstance(next(iter(value.flat[0])), str) else TensorProto.INT64


def maps_type(value):
    """The type of a sequence of maps."""
    number = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    return helper.make_sequence_type_proto(helper.make_map_type_proto(key_type(value), number))


def maps(name, value):
    """A sequence of maps from numbers or strings to floats."""
    kind = key_type(value)

    def one(row):
        keys = list(row)
        numbers = [numpy_helper.from_array(np.array(number, np.float32)) for number in row.values()]
        values = helper.make_sequence("", onnx.SequenceProto.TENSOR, numbers)
        return helper.make_map("", kind, [key.encode() for key in keys] if kind == TensorProto.STRING else keys, values)

    return helper.make_sequence(name, onnx.SequenceProto.MAP, [one(row) for row in value])


def write_data(folder, inputs, outputs):
    """One set of inputs and outputs of a case."""
    os.makedirs(folder)
    for role, values in (("input", inputs), ("output", outputs)):
        for index, (name, value) in enumerate(values.items()):
            proto = maps(name, value) if are_maps(value) else numpy_helper.from_array(value, name)
            with open(os.path.join(folder, f"{role}_{index}.pb"), "wb") as file:
                file.write(proto.SerializeToString())


def write_case(folder, sample, inputs, results, rng, relative):
    """A model of the sample with its data; some extents may have names, and then other values in a further set."""
    constants = {key: value for key, value in sample.values.items() if key not in inputs}
    shapes = sample.names or (named_extents(rng, inputs, sample.rigid) if rng.random() < 0.35 else {})
    kinds = [(n, maps_type(r) if are_maps(r) else helper.np_dtype_to_tensor_dtype(r.dtype))
             for n, r in zip(sample.outputs, results)]
    model = build(sample, inputs, constants, kinds, shapes)
    write_data(os.path.join(folder, "test_data_set_0"), inputs, dict(zip(sample.outputs, results)))
    every = list(results)
    for _ in range(0 if not shapes or isinstance(sample.answer, list) else 4):
        other = {key: sample.other[key] for key in inputs} if sample.other else resized(rng, inputs, shapes)
        if not other:
            continue
        try:
            who, answer = consult(dataclasses.replace(sample, values={**constants, **other}), relative)
        except Refused:
            continue
        # An oracle alone may take sizes that do not fit.
        is_trusted = who == "both" or who and (sample.other or not sample.typed())
        if is_trusted and [a.dtype for a in answer] == [r.dtype for r in results]:
            write_data(os.path.join(folder, "test_data_set_1"), other, dict(zip(sample.outputs, answer)))
            every += answer
            break
    top = max(magnitude(every), 0.1 * magnitude(sample.values.values()), 0.01)
    relative = error(results, sample.values.values())
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
    with open(os.path.join(folder, "data.json"), "w", encoding="utf-8") as file:
        json.dump({"rtol": relative * sample.slack, "atol": relative * top}, file)


def case(root, draw, number, rng, invalid):
    """Makes one case; returns its name and what became of it."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        sample = draw(rng)
    except (Skip, onnx.defs.SchemaError):
        return f"{number}", "skipped"
    name = f"{sample.label}-{number}"
    folder = os.path.join(root, name)
    if invalid:
        return name, mutated(rng, folder, sample, invalid)
    relative = max(error([], sample.values.values()), 1e-3)
    try:
        who, results = consult(sample, relative)
    except Refused as reason:
        return name, f"refused: {reason}"
    if who is None:
        return name, f"oracles differ: {[r.ravel()[:4].tolist() for a in results.values() for r in a]}"
    if any(result.dtype not in NAMES for result in results):
        return name, "skipped"
    inputs = {key: value for key, value in sample.values.items() if sample.fixed.get(key, rng.random() >= 0.35)}
    write_case(folder, sample, inputs, results, rng, relative)
    return name, who


WILD = [-1, 0, 1, 7, -9, 100, 2**31, -(2**31), 2**63 - 1, -(2**63), 1 << 40]


def change_attribute(rng, attribute):
    """Changes a number of an attribute, or drops some."""
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = rng.choice(WILD)
    elif rng.random() < 0.3:
        del attribute.ints[rng.randint(0, max(0, len(attribute.ints) - 1)):]
    elif attribute.ints:
        attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(WILD)


def changed_value(rng, change, value):
    """An argument of another shape, rank or type, or with another element; None where there is no such change."""
    if change == "shape" and value.ndim:
        shape = list(value.shape)
        shape[rng.randrange(len(shape))] += rng.choice([1, -1, 2, 5])
        if min(shape) < 0:
            return None
        return np.resize(value, shape) if value.size else np.zeros(shape, value.dtype)
    if change == "rank":
        return value[None] if rng.random() < 0.5 or not value.ndim else value.reshape(-1)
    if change == "type":
        return np.zeros(value.shape, NUMPY[rng.choice(sorted(NUMPY))])
    if change == "value" and value.dtype.kind in "iu" and value.size:
        value = value.copy()
        value.flat[rng.randrange(value.size)] = np.array(rng.choice([-1, 0, 99, -99, 2**31 - 1, -(2**62)])) \
            .astype(value.dtype)
        return value
    return None


def mutated(rng, folder, sample, compiler):
    """Writes a model with one thing wrong, most probably; returns what the compiler and ONNX Runtime say."""
    node = rng.choice(sample.nodes)
    change = rng.choice(["int", "ints", "drop", "shape", "shape", "type", "value", "rank", "extra"])
    names = [n for n in node.input if n in sample.values]
    if change in ("int", "ints"):
        attributes = [a for a in node.attribute if a.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)]
        if not attributes:
            return "skipped"
        change_attribute(rng, rng.choice(attributes))
    elif change == "drop":
        if node.input:
            node.input[rng.randrange(len(node.input))] = ""
    elif change == "extra":
        node.input.append(node.input[0] if node.input else "")
    else:
        key = rng.choice(names) if names else None
        value = changed_value(rng, change, sample.values[key]) if key else None
        if value is None:
            return "skipped"
        sample.values[key] = value
    constants = {key: value for key, value in sample.values.items() if change == "value" or rng.random() < 0.4}
    inputs = {key: value for key, value in sample.values.items() if key not in constants}
    try:
        model = build(sample, inputs, constants, [(n, 0) for n in sample.outputs])
    except Exception:  # noqa: BLE001, the mutation may be beyond what protobuf holds
        return "skipped"
    os.makedirs(folder)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
    return judged(sample, os.path.join(folder, "model.onnx"), change, compiler)


def judged(sample, model, change, compiler):
    """What the compiler and ONNX Runtime say about a changed model."""
    check = subprocess.run([compiler, "check", model], capture_output=True, text=True, timeout=120, check=False)
    named = "node '" in check.stderr or any(f"'{name}'" in check.stderr for name in sample.values)
    if check.returncode not in (0, 2, 3) or check.returncode and not named:
        return f"CRASH: {check.returncode} after {change}: {check.stderr[-300:]}"
    answer = "refused" if check.returncode else "taken"
    reason = refusal(sample)
    if reason is None:
        return f"{answer}, as by ONNX Runtime" if answer == "taken" else f"{answer} alone: {check.stderr}"
    return f"taken alone after {change}: {reason}" if answer == "taken" else "refused, as by ONNX Runtime"


def isolated(function, *arguments):
    """What a function returns in a process of its own, which an oracle may end; None if it does."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        try:
            os.write(writer, json.dumps(function(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    answer = b""
    while select.select([reader], [], [], 40)[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            break
        answer += part
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reader)
    os.waitpid(child, 0)
    return None if not answer else json.loads(answer)


def refusal(sample):
    """Why ONNX Runtime refuses a model, which it may crash; None if it does not."""
    def reason():
        signal.alarm(10)
        try:
            run_runtime(sample)
            return ""
        except BaseException as caught:  # noqa: BLE001
            return str(caught).replace("\n", " ")[:300] or "refused"
    answer = isolated(reason)
    return "a crash" if answer is None else answer or None


def work(arguments):
    """One case of a number, in a process of its own."""
    root, seed, number, draw, invalid = arguments
    rng = random.Random(f"{seed}/{number}")
    answer = isolated(case, root, draw, number, rng, invalid)
    return answer or (f"{number}", "an oracle crashed")
