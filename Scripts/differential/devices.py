"""Operators of ONNX Runtime's own domain that have no code for processors there: the results are NumPy's."""
import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from maker import FLOATS, makes as makes_any

DOMAIN = "com.microsoft"


def makes(*names):
    return makes_any(*names, domain=DOMAIN)


def real(m):
    """Draws the type of an operator that takes any float."""
    m.finite = True
    return m.types.setdefault("T", m.pick("float", "float", "double", "float16", "bfloat16"))


def exactly(function):
    """The function in f64, with results of the type of its first argument."""
    def wrapped(*values):
        wide = [value if value is None or value.dtype.kind in "iub" else value.astype(np.float64) for value in values]
        return [np.asarray(result).astype(values[0].dtype) for result in function(*wide)]
    return wrapped


def standard(kind, *values, **attributes):
    """What a standard operator gives for f64."""
    names = [f"x{index}" if value is not None else "" for index, value in enumerate(values)]
    given = {name: value for name, value in zip(names, values) if name}
    infos = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
             for name, value in given.items()]
    graph = helper.make_graph([helper.make_node(kind, names, ["y"], **attributes)], "g", infos,
                              [helper.make_tensor_value_info("y", 0, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return ReferenceEvaluator(model).run(None, given)[0]


def error_function(x):
    return standard("Erf", np.asarray(x))


def gelu(x):
    return 0.5 * x * (1 + error_function(x / np.sqrt(2)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def share(x, axes):
    terms = np.exp(x - x.max(axes, keepdims=True))
    return terms / terms.sum(axes, keepdims=True)


@makes("GroupNorm", "SkipGroupNorm")
def group_norm(m):
    m.finite = True
    m.types["T"] = m.pick("float", "float", "float16")
    groups, batch, rank = m.integer(1, 3), m.integer(1, 3), m.pick(1, 2, 2, 3)
    channels, spatial = groups * m.integer(1, 3), [m.integer(1, 5) for _ in range(rank)]
    last, swish = m.integer(0, 1), m.integer(0, 1)
    m.attribute("channels_last", last, 1 if not last else 0.5)
    m.set(groups=groups, activation=swish)
    epsilon = m.rng.uniform(1e-5, 1e-1)
    m.set(epsilon=epsilon)
    shape = [batch] + spatial + [channels] if last else [batch, channels] + spatial
    values = [m.real(shape), m.real([channels]), m.real([channels])]
    skips = m.name == "SkipGroupNorm"
    if skips:
        middle = [1] * rank
        short = [batch] + middle + [channels] if last else [batch, channels] + middle
        values += [m.real(m.pick(shape, short, [batch, channels])), m.real([channels]) if m.maybe() else None]
        m.outputs = m.integer(1, 2)

    def answer(x, scale, shift, skip=None, bias=None):
        order = [0, rank + 1, *range(1, rank + 1)] if last else list(range(rank + 2))
        x = x.transpose(order)
        wide = (-1,) + (1,) * rank
        if skip is not None:
            x = x + (skip.transpose(order) if skip.ndim > 2 else skip.reshape(skip.shape + (1,) * rank))
        if bias is not None:
            x = x + bias.reshape(wide)
        parts = x.reshape(x.shape[0], groups, -1)
        normal = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + epsilon)
        y = normal.reshape(x.shape) * scale.reshape(wide) + shift.reshape(wide)
        if swish:
            y = y * sigmoid(y)
        back = np.argsort(order)
        return [y.transpose(back), x.transpose(back)][:m.outputs]

    m.answer = exactly(answer)
    return values


@makes("BiasAdd", "BiasSplitGelu", "BiasDropout", "BitmaskBiasDropout", "BitmaskDropout")
def biased(m):
    real(m)
    if m.name == "BiasAdd":
        m.answer = exactly(lambda x, bias, skip: [x + bias + skip])
        shape = m.shape(3, 3)
        return [m.real(shape), m.real(shape[-1:]), m.real(shape)]
    if m.name == "BiasSplitGelu":
        half = m.integer(1, 6)
        m.answer = exactly(lambda x, bias: [(x + bias)[..., :half] * gelu((x + bias)[..., half:])])
        return [m.real([m.extent(), m.extent(), 2 * half]), m.real([2 * half])]
    m.attribute("seed", 3, 0.3)
    m.outputs = m.integer(1, 2)
    bits = m.name.startswith("Bitmask")

    def answer(x, bias=None, residual=None, *_):
        y = x + (0 if bias is None else bias)
        kept = np.ones(y.shape, bool)
        mask = np.full([(y.size + 31) // 32], 2**32 - 1, np.uint32) if bits else kept
        y = y + (0 if residual is None else residual)
        return [y, mask][:m.outputs]

    def typed(*values):
        first = answer(*[v if v is None else v.astype(np.float64) for v in values])
        return [first[0].astype(values[0].dtype)] + first[1:]

    shape = m.shape(1, 4)
    ratio = [m.fill("float", [], 0, 0.9)] if m.maybe() else []
    if m.name == "BitmaskDropout":
        m.answer = lambda x, *_: typed(x)
        return [m.real(shape)] + ratio
    m.answer = lambda x, bias, residual=None, *_: typed(x, bias, residual)
    return [m.real(shape), m.real(shape[-1:] if m.maybe() else shape), m.real(shape) if m.maybe() else None] + ratio


@makes("BiasSoftmax")
def bias_softmax(m):
    real(m)
    shape = [m.integer(1, 5) for _ in range(m.integer(2, 5))]
    axis = m.integer(1, len(shape) - 1)
    m.attribute("axis", axis, 1 if axis != 1 else 0.5)
    inner = m.integer(0, 1)
    m.set(is_inner_broadcast=inner)
    cut = m.integer(0, axis)
    bias = shape[:cut] + [1] * (axis - cut) + shape[axis:] if inner else [1] * cut + shape[cut:]
    m.answer = exactly(lambda x, bias: [share(x + bias, tuple(range(axis, len(shape))))])
    return [m.real(shape), m.real(bias)]


@makes("ComplexMul", "ComplexMulConj", "Rfft", "Irfft")
def complex_numbers(m):
    m.finite = True
    m.types["T"] = m.pick("float", "double", "float16")
    # The last extent is the number of parts.
    m.rigid |= {0, 1}
    if m.name.startswith("Complex"):
        first, second = m.pair()

        def product(a, b):
            b = b[..., 0] + 1j * b[..., 1] * (-1 if m.name == "ComplexMulConj" else 1)
            y = (a[..., 0] + 1j * a[..., 1]) * b
            return [np.stack([y.real, y.imag], -1)]

        m.answer = exactly(product)
        return [m.real(first + [2]), m.real(second + [2])]
    count = m.integer(1, 3)
    signal = [m.integer(1, 6) for _ in range(count)]
    # The inverse has an even number of values.
    signal[-1] += signal[-1] % 2
    m.set(signal_ndim=count, normalized=0, onesided=1)
    outer, axes = [m.integer(1, 3) for _ in range(m.integer(0, 2))], tuple(range(-count, 0))
    if m.name == "Rfft":
        def forward(x):
            y = np.fft.rfftn(x, axes=axes)
            return [np.stack([y.real, y.imag], -1)]
        m.answer = exactly(forward)
        return [m.real(outer + signal)]

    def backward(x):
        return [np.fft.irfftn(x[..., 0] + 1j * x[..., 1], axes=axes)]

    m.answer = exactly(backward)
    return [m.real(outer + signal[:-1] + [signal[-1] // 2 + 1, 2])]


@makes("GemmFastGelu", "FusedMatMulActivation")
def fused_products(m):
    real(m)
    n, k, o = m.integer(1, 5), m.integer(1, 6), m.integer(1, 5)
    batch = m.shape(0, 2)
    if m.name == "GemmFastGelu":
        def answer(x, w, bias=0):
            y = x @ w + bias
            return [0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))]
        m.answer = exactly(answer)
        return [m.real(batch + [n, k], -1, 1), m.real([k, o], -1, 1)] + ([m.real([o])] if m.maybe() else [])
    ta, tb, alpha = m.integer(0, 1), m.integer(0, 1), m.rng.uniform(0.3, 2)
    m.set(transA=ta, transB=tb, alpha=alpha)
    kind = m.pick("Relu", "Tanh", "Sigmoid", "LeakyRelu")
    m.set(activation=kind)
    slope = m.rng.uniform(0.1, 1)
    if kind == "LeakyRelu":
        m.set(activation_alpha=slope)
    apply = {"Relu": lambda y: np.maximum(y, 0), "Tanh": np.tanh, "Sigmoid": sigmoid,
             "LeakyRelu": lambda y: np.where(y < 0, y * slope, y)}[kind]
    m.answer = exactly(lambda a, b: [apply(alpha * ((a.swapaxes(-1, -2) if ta else a)
                                                    @ (b.swapaxes(-1, -2) if tb else b)))])
    return [m.real(batch + ([k, n] if ta else [n, k]), -1, 1), m.real(m.subshape(batch) + ([o, k] if tb else [k, o]))]


@makes("GemmaRotaryEmbedding")
def gemma_rotary(m):
    batch, heads, steps, width = m.integer(1, 2), m.integer(1, 3), m.integer(1, 4), m.pick(2, 4)
    m.finite = True
    angles = m.fill("float", [batch, steps, width], -3, 3)
    parts = [m.fill("float16", [batch, heads, steps, width], -2, 2) for _ in range(4)]

    def answer(angles, q, q_turned, k, k_turned):
        wide = angles.astype(np.float64)[:, None]
        turned = lambda x, y: (x * np.cos(wide) + y * np.sin(wide)).astype(np.float16)
        return [turned(q, q_turned), turned(k, k_turned)]

    m.answer = answer
    m.outputs = 2
    return [angles] + parts


@makes("IsAllFinite")
def all_finite(m):
    kinds = {"isinf_only": np.isinf, "isnan_only": np.isnan}
    name = m.pick("", *kinds)
    if name:
        m.attributes[name] = 1
    is_bad = kinds.get(name, lambda x: ~np.isfinite(x))
    values = [m.fill(m.types.setdefault("V", m.pick("float", "double", "float16")), m.shape())
              for _ in range(m.integer(1, 3))]
    m.answer = lambda *given: [np.array(not any(is_bad(value.astype(np.float64)).any() for value in given))]
    return values


@makes("MulInteger", "ReduceSumInteger", "QLinearReduceMean")
def integers(m):
    kind = m.pick("int8", "uint8")
    if m.name == "MulInteger":
        first, second = m.pair()
        other = m.pick("int8", "uint8") if kind == "uint8" else kind
        zero = lambda name: m.fill(name, [], 0, 9) if m.maybe(0.7) else None
        wide = lambda x: np.int32(0) if x is None else x.astype(np.int32)
        m.answer = lambda a, za, b, zb=None: [(wide(a) - wide(za)) * (wide(b) - wide(zb))]
        return [m.fill(kind, first), zero(kind), m.fill(other, second), zero(other)]
    x = m.fill(kind, m.shape(1, 4))
    axes = sorted(m.rng.sample(range(x.ndim), m.integer(1, x.ndim)))
    keeps = m.integer(0, 1)
    m.set(axes=[a - x.ndim if m.maybe(0.3) else a for a in axes], keepdims=keeps)
    if m.name == "ReduceSumInteger":
        wide = np.int32 if kind == "int8" else np.uint32
        m.answer = lambda x: [x.astype(np.int64).sum(tuple(axes), keepdims=bool(keeps)).astype(wide)]
        return [x]
    x = m.fill(kind, [m.integer(1, 5) for _ in x.shape])

    def mean(x, scale, zero, out_scale, out_zero):
        real_values = (x.astype(np.float64) - zero.astype(np.float64)) * scale
        y = np.rint(real_values.mean(tuple(axes), keepdims=bool(keeps)) / out_scale) + out_zero
        return [np.clip(y, np.iinfo(x.dtype).min, np.iinfo(x.dtype).max).astype(x.dtype)]

    m.answer = mean
    # Scales whose quotients are seldom halves.
    return [x, m.fill("float", [], 0.05, 0.5), m.fill(kind, [], 0, 9), m.fill("float", [], 0.05, 0.5),
            m.fill(kind, [], 0, 9)]


@makes("NhwcConv", "NhwcFusedConv")
def channels_last_conv(m):
    real(m)
    group, kernel = m.pick(1, 1, 2), [m.integer(1, 3), m.integer(1, 3)]
    channels, filters = group * m.integer(1, 3), group * m.integer(1, 3)
    spatial = [m.integer(4, 8), m.integer(4, 8)]
    attributes = {"strides": [m.integer(1, 2), m.integer(1, 2)], "group": group,
                  "pads": [m.integer(0, k - 1) for k in kernel + kernel]}
    m.attributes.update(attributes)
    fused = m.name == "NhwcFusedConv" and m.maybe(0.7)
    if fused:
        m.set(activation="Relu")

    def answer(x, w, bias=None):
        y = standard("Conv", x.transpose(0, 3, 1, 2), w, bias, **attributes).transpose(0, 2, 3, 1)
        return [np.maximum(y, 0) if fused else y]

    m.answer = exactly(answer)
    values = [m.real([m.integer(1, 2)] + spatial + [channels]), m.real([filters, channels // group] + kernel)]
    return values + ([m.real([filters])] if m.maybe() else [])


@makes("TorchEmbedding")
def embedding(m):
    rows = m.integer(1, 6)
    m.answer = lambda table, indices, *_: [table[indices]]
    table = m.fill(m.pick(*FLOATS), [rows, m.extent()])
    return [table, m.fill("int64", m.shape(0, 3), 0, rows - 1)] + ([m.ints(0).reshape([])] if m.maybe(0.3) else [])


@makes("SimplifiedLayerNormalization")
def root_mean_square(m):
    real(m)
    shape = [m.integer(1, 5) for _ in range(m.integer(1, 4))]
    axis = m.axis(len(shape))
    m.attribute("axis", axis, 1 if axis % len(shape) != len(shape) - 1 else 0.5)
    epsilon = m.rng.uniform(1e-5, 1e-1)
    m.set(epsilon=epsilon)
    axes = tuple(range(axis % len(shape), len(shape)))
    m.answer = exactly(lambda x, scale: [x / np.sqrt((x * x).mean(axes, keepdims=True) + epsilon) * scale])
    return [m.real(shape), m.real(shape[axis:])]


@makes("RelativePositionBias")
def position_bias(m):
    m.finite = True
    both, heads = m.integer(0, 1), m.integer(1, 3)
    buckets, limit = m.pick(8, 16, 32), m.pick(20, 50, 100)
    m.set(max_distance=limit)
    m.attribute("is_bidirectional", both, 1 if both else 0.5)

    def answer(table, queries, keys):
        distance = np.arange(keys.item())[None] - np.arange(queries.item())[:, None]
        count, ahead = buckets, 0
        if both:
            count //= 2
            ahead = np.where(distance > 0, count, 0)
            distance = np.abs(distance)
        else:
            distance = np.maximum(-distance, 0)
        exact = count // 2
        ratio = np.log(np.maximum(distance, 1) / exact) / np.log(limit / exact)
        far = np.minimum(exact + (ratio * (count - exact)).astype(np.int64), count - 1)
        # In memory the table has one row per head.
        return [table.reshape(heads, buckets)[:, ahead + np.where(distance < exact, distance, far)][None]]

    m.answer = answer
    kind = m.pick("float", "float16")
    return [m.fill(kind, [buckets, heads]), m.ints(m.integer(1, 40)), m.ints(m.integer(1, 40))]


@makes("GatedRelativePositionBias")
def gated_position_bias(m):
    m.finite = True
    m.types["T"] = m.pick("float", "float", "float16")
    heads, width, batch, steps, half = m.integer(1, 3), m.integer(1, 4), m.integer(1, 2), m.integer(1, 5), m.pick(1, 4)
    m.set(num_heads=heads)

    def answer(query, bias, position, weight, weight_bias, scale):
        q = (query + bias).reshape(batch, steps, heads, width).transpose(0, 2, 1, 3)
        gates = sigmoid((q @ weight + weight_bias).reshape(batch, heads, steps, 2, half).sum(-1))
        share_of_all = gates[..., 0] * (gates[..., 1] * scale.reshape(1, heads, 1) - 1) + 2
        return [share_of_all[..., None] * position]

    m.answer = exactly(answer)
    m.rigid |= {0, 2}
    return [m.real([batch, steps, heads * width], -2, 2), m.real([heads * width], -1, 1),
            m.real([1, heads, steps, steps]), m.real([width, 2 * half], -1, 1), m.real([2 * half]),
            m.real([1, heads, 1, 1])]
