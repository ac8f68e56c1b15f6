"""Operators of the newest operator sets and of the domains for previews."""
import numpy as np
from onnx import TensorProto, helper

from maker import ELEMENTS, FLOATS, NAMES, NUMPY, makes

PREVIEW = "ai.onnx.preview"
TRAINING = "ai.onnx.preview.training"


@makes("BitCast")
def bit_cast(m):
    x = m.data(0)
    kinds = [name for name, dtype in NUMPY.items() if dtype.itemsize == x.dtype.itemsize and name not in
             ("bool", "int4", "uint4")]
    if NAMES[x.dtype] in ("bool", "int4", "uint4"):
        kinds = [NAMES[x.dtype]]
    m.set(to=ELEMENTS[m.pick(*sorted(kinds))])
    return [x]


@makes("SwiGLU")
def gated_unit(m):
    shape = m.shape()
    m.attribute("alpha", m.rng.uniform(0.3, 2))
    return [m.data(0, shape), m.data(1, shape)]


@makes("CausalConvWithState")
def causal_conv(m):
    batch, channels, steps, kernel = m.integer(1, 2), m.integer(1, 4), m.integer(1, 5), m.integer(1, 4)
    m.attribute("activation", m.pick("none", "silu", "swish"))
    m.outputs = 2
    return [m.data(0, [batch, channels, steps]), m.data(1, [channels, 1, kernel]),
            m.data(2, [channels]) if m.maybe() else None,
            m.data(3, [batch, channels, kernel - 1]) if m.maybe() else None]


@makes("LinearAttention")
def linear_attention(m):
    m.finite = True
    kv_heads, group = m.integer(1, 2), m.integer(1, 2)
    heads, size, width = kv_heads * group, m.integer(1, 4), m.integer(1, 4)
    batch, steps = m.integer(1, 2), m.integer(1, 5)
    rule = m.pick("linear", "gated", "delta", "gated_delta")
    m.set(q_num_heads=heads, kv_num_heads=kv_heads)
    m.attribute("update_rule", rule, 1 if rule != "gated_delta" else 0.5)
    m.attribute("scale", m.pick(0.0, m.rng.uniform(0.2, 1)), 0.4)
    m.attribute("chunk_size", m.pick(1, 2, 64), 0.2)
    m.outputs = 2
    return [m.data(0, [batch, steps, heads * size], low=-2, high=2),
            m.data(1, [batch, steps, kv_heads * size], low=-0.7, high=0.7),
            m.data(2, [batch, steps, kv_heads * width], low=-2, high=2),
            m.data(3, [batch, kv_heads, size, width], low=-1, high=1) if m.maybe() else None,
            m.data(4, [batch, steps, kv_heads * m.pick(1, size)], low=-1, high=0) if "gated" in rule else None,
            m.data(5, [batch, steps, m.pick(1, kv_heads)], low=0, high=1) if "delta" in rule else None]


def body(m, element):
    """A body graph that changes a tensor of rank 4 without changing its shape."""
    number = ELEMENTS[element]
    shape = ["b", "h", "q", "k"]
    kind = m.pick("Tanh", "Mul", "Causal")
    nodes = []
    if kind == "Tanh":
        nodes.append(helper.make_node("Tanh", ["s"], ["t"]))
    elif kind == "Mul":
        factor = helper.make_tensor("", number, [], [m.rng.uniform(0.3, 2)])
        nodes.append(helper.make_node("Constant", [], ["c"], value=factor))
        nodes.append(helper.make_node("Mul", ["s", "c"], ["t"]))
    else:
        nodes.append(helper.make_node("Trilu", ["s"], ["t"], upper=0))
    return helper.make_graph(nodes, "mod", [helper.make_tensor_value_info("s", number, shape)],
                             [helper.make_tensor_value_info("t", number, shape)])


@makes("FlexAttention", domain=PREVIEW)
def flexible_attention(m):
    m.finite = True
    batch, kv_heads, group = m.integer(1, 2), m.integer(1, 2), m.pick(1, 1, 2)
    queries, keys, size, width = m.integer(1, 4), m.integer(1, 5), m.integer(1, 4), m.integer(1, 4)
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    precise = "double" if m.element(0, FLOATS) == "double" else "float"
    if m.attribute("softmax_precision", ELEMENTS[m.pick("float", "double")], 0.3):
        precise = "float" if m.attributes["softmax_precision"] == TensorProto.FLOAT else "double"
    for name in ("score_mod", "prob_mod"):
        if m.maybe(0.4):
            m.attributes[name] = body(m, precise)
    return [m.data(0, [batch, kv_heads * group, queries, size], low=-2, high=2),
            m.data(1, [batch, kv_heads, keys, size], low=-2, high=2),
            m.data(2, [batch, kv_heads, keys, width], low=-2, high=2)]


@makes("Adagrad", "Adam", "Momentum", domain=TRAINING)
def optimizer(m):
    m.finite = True
    kind = m.pick("float", "float", "double")
    count = m.integer(1, 3)
    # The reference evaluator gives f32 for several tensors.
    if count > 1:
        kind = "float"
    m.attribute("norm_coefficient", m.rng.uniform(0, 0.5), 1 if m.name == "Momentum" else 0.6)
    if m.name == "Adagrad":
        m.attribute("decay_factor", m.rng.uniform(0, 0.5))
    else:
        m.attribute("alpha", m.rng.uniform(0.5, 0.95), 1 if m.name == "Momentum" else 0.6)
        m.attribute("beta", m.rng.uniform(0.5, 0.95), 1 if m.name == "Momentum" else 0.6)
    if m.name == "Momentum":
        m.set(mode=m.pick("standard", "nesterov"))
    else:
        m.attribute("epsilon", m.rng.uniform(1e-6, 1e-2))
    if m.name == "Adam":
        m.attribute("norm_coefficient_post", m.rng.uniform(0, 0.5))
    shapes = [m.shape(0, 3) for _ in range(count)]
    groups = {"Adagrad": 3, "Adam": 4, "Momentum": 3}[m.name]
    values = [m.fill(kind, [], 0.01, 0.5), np.array(m.integer(0, 5), np.int64)]
    for group in range(groups):
        values += [m.fill(kind, shape, 0.1 if group > 1 else -2, 2) for shape in shapes]
    m.outputs = (groups - 1) * count
    return values
