"""Operators of the standard domain."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

from maker import ELEMENTS, FLOATS, NAMES, NUMPY, Skip, makes

DOMAIN = ""
TEXTS = ["a", "cat", "Dog", "DOG", "", "Übel", "ÉTÉ", "été", "日本"]

# Elementwise

BOUNDS = {
    "Acos": (-1, 1), "Asin": (-1, 1), "Acosh": (1, 9), "Atanh": (-0.99, 0.99), "Log": (0.01, 9), "Sqrt": (0, 9),
    "Tan": (-1.2, 1.2), "Cosh": (-4, 4), "Sinh": (-4, 4), "Exp": (-5, 5), "Reciprocal": (0.2, 5),
}


@makes("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "Exp",
       "Floor", "HardSwish", "Identity", "IsNaN", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid",
       "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "Size", chained=True)
def unary(m):
    low, high = BOUNDS.get(m.name, (None, None))
    return [m.data(0, low=low, high=high)]


@makes("LeakyRelu", "Elu", "Erf", "Selu", "Celu", "HardSigmoid", "ThresholdedRelu", "Gelu", "IsInf", "Shrink", "Swish",
       chained=True)
def activation(m):
    if m.name == "IsInf":
        m.attribute("detect_negative", m.integer(0, 1))
        m.attribute("detect_positive", m.integer(0, 1))
    elif m.name == "Gelu":
        m.attribute("approximate", m.pick("none", "tanh"))
    elif m.name == "Shrink":
        m.attribute("lambd", m.rng.uniform(0, 2))
        m.attribute("bias", m.rng.uniform(-1, 1))
    elif m.name == "Erf":
        return [m.data(0, among=FLOATS)]
    else:
        m.attribute("alpha", m.rng.uniform(0.1, 2))
        if m.name == "Selu":
            m.attribute("gamma", m.rng.uniform(0.1, 2))
        if m.name == "HardSigmoid":
            m.attribute("beta", m.rng.uniform(0.1, 1))
    return [m.data(0)]


@makes("Add", "Sub", "Mul", "And", "Or", "Xor", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
       "BitwiseAnd", "BitwiseOr", "BitwiseXor", chained=True)
def binary(m):
    first, second = m.pair()
    return [m.data(0, first), m.data(1, second)]


@makes("Div", "Mod", "BitShift", "Pow", "PRelu")
def guarded(m):
    first, second = m.pair()
    if m.name == "PRelu":
        shape = m.shape()
        return [m.data(0, shape), m.data(1, m.subshape(shape))]
    if m.name == "BitShift":
        m.set(direction=m.pick("LEFT", "RIGHT"))
        return [m.data(0, first), m.data(1, second, low=0, high=7)]
    if m.name == "Pow":
        base = m.data(0, first, low=0.2, high=3)
        return [base, m.data(1, second, low=0, high=4)]
    element = m.element(0)
    if m.name == "Mod" and (element in FLOATS or m.maybe(0.3)):
        m.set(fmod=1)
    divisor = m.data(1, second)
    divisor = np.where(divisor == 0, np.ones_like(divisor), divisor)
    # The least integer divided by -1 has no result.
    if element.startswith("int"):
        divisor = np.where(divisor == np.array(-1, divisor.dtype), np.array(2, divisor.dtype), divisor)
    return [m.data(0, first), divisor.astype(NUMPY[element])]


@makes("Max", "Min", "Mean", "Sum", chained=True)
def variadic(m):
    first, second = m.pair()
    values = [m.data(0, first), m.data(0 if m.given is None else 1, second)]
    if m.given is not None:
        values[1] = m.fill(m.element(0), second)
    while m.maybe(0.3):
        values.append(m.fill(m.element(0), m.subshape(second if len(second) > len(first) else first)))
    return values[:1] if m.maybe(0.1) else values


@makes("Where")
def where(m):
    first, second = m.pair()
    whole = list(np.broadcast_shapes(tuple(first), tuple(second)))
    return [m.data(0, m.subshape(whole)), m.data(1, first), m.data(2, second)]


@makes("Clip", chained=True)
def clip(m):
    x = m.data(0)
    if m.version < 11:
        m.attribute("min", m.rng.uniform(-2, 0))
        m.attribute("max", m.rng.uniform(0, 2))
        return [x]
    element = m.element(0)
    bounds = [m.fill(element, [], 0, 2) if m.maybe(0.7) else None, m.fill(element, [], 3, 5) if m.maybe(0.7) else None]
    return [x] + bounds


@makes("Cast", chained=True)
def cast(m):
    target = m.rng.choice(sorted(ELEMENTS))
    allowed = next(c for c in m.schema.type_constraints if c.type_param_str == "T2").allowed_type_strs
    if f"tensor({target})" not in allowed:
        raise Skip
    m.set(to=ELEMENTS[target])
    source = m.element(0) if m.given is None else NAMES[m.given.dtype]
    if m.version >= 19 and target.startswith("float8"):
        m.attribute("saturate", m.integer(0, 1))
    # Conversions of what the target does not hold have no result.
    low, high = (0, 7) if source in FLOATS or source.startswith("float8") else (None, None)
    if m.given is not None and target not in FLOATS and target != "bool":
        raise Skip
    return [m.data(0, low=low, high=high)]


@makes("CastLike")
def cast_like(m):
    x = m.data(0, low=0, high=7)
    return [x, m.data(1, [1])]


@makes("Dropout", chained=True)
def dropout(m):
    x = m.data(0)
    m.outputs = m.integer(1, 2) if m.version >= 12 else 1
    if m.version < 12:
        m.attribute("ratio", m.rng.uniform(0, 0.9))
        return [x]
    return [x] + ([m.fill(m.element(1), [], 0, 0.9)] if m.maybe() else [])


# Reductions

@makes("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
       "ReduceProd", "ReduceSum", "ReduceSumSquare", chained=True)
def reduction(m):
    logarithmic = m.name.startswith("ReduceLog")
    bounds = (0.1, 3) if logarithmic or m.name == "ReduceProd" else (-9, 9)
    x = m.data(0, among=FLOATS if logarithmic else None, low=bounds[0], high=bounds[1])
    if m.name == "ReduceMean" and x.size == 0:
        raise Skip
    m.attribute("keepdims", m.integer(0, 1))
    axes = m.rng.sample(range(x.ndim), m.integer(0, x.ndim))
    axes = [axis - x.ndim if m.maybe(0.3) else axis for axis in axes]
    as_input = len(m.schema.inputs) > 1
    if as_input:
        m.attribute("noop_with_empty_axes", m.integer(0, 1), 0.3)
    if m.maybe(0.3):
        return [x]
    if not as_input:
        if axes:
            m.set(axes=axes)
        return [x]
    return [x, m.ints(*axes)]


@makes("ArgMax", "ArgMin", chained=True)
def arg_extreme(m):
    x = m.data(0, ranks=(1, 6))
    m.attribute("keepdims", m.integer(0, 1))
    m.attribute("axis", m.axis(x.ndim))
    if m.version >= 12:
        m.attribute("select_last_index", m.integer(0, 1))
    if 0 in x.shape:
        raise Skip
    return [x]


@makes("Softmax", "LogSoftmax", "Hardmax", chained=True)
def softmax(m):
    x = m.data(0, ranks=(1 if m.version >= 13 else 2, 6))
    m.attribute("axis", m.axis(x.ndim))
    return [x]


@makes("CumSum", "CumProd")
def cumulative(m):
    x = m.data(0, ranks=(1, 6), low=-2, high=2)
    m.attribute("exclusive", m.integer(0, 1))
    m.attribute("reverse", m.integer(0, 1))
    return [x, np.array(m.axis(x.ndim), NUMPY[m.element(1)])]


@makes("TopK", chained=True)
def top_k(m):
    x = m.data(0, ranks=(1, 6))
    axis = m.axis(x.ndim)
    m.attributes["axis"] = axis
    m.outputs = 2
    if m.version >= 11:
        m.attribute("largest", m.integer(0, 1))
        m.attribute("sorted", 1)
    k = m.integer(0, x.shape[axis])
    if m.version < 10:
        m.set(k=max(k, 1))
        return [x]
    return [x, m.ints(k)]


# Products

@makes("MatMul", chained=True)
def matmul(m):
    if m.given is not None:
        x = m.data(0, ranks=(1, 6))
        return [x, m.fill(m.element(0), [x.shape[-1], m.extent()])]
    n, k, o = m.extent(), m.extent(), m.extent()
    batch = m.shape(0, 2)
    first, second = m.subshape(batch) + [n, k], m.subshape(batch) + [k, o]
    if m.maybe(0.15):
        first = [k]
    elif m.maybe(0.15):
        second = [k]
    return [m.data(0, first), m.data(1, second)]


@makes("MatMulInteger", "QLinearMatMul")
def quantized_matmul(m):
    n, k, o = m.extent(), m.extent(), m.extent()
    batch = m.shape(0, 1)
    first, second = batch + [n, k], (batch if m.maybe() else []) + [k, o]
    if m.name == "MatMulInteger":
        a, b = m.data(0, first), m.data(1, second)
        zeros = [m.fill(NAMES[a.dtype], [], 0, 9), m.fill(NAMES[b.dtype], [] if m.maybe() else [o], 0, 9)]
        return [a, b] + zeros[:m.integer(0, 2)]
    a, b = m.data(0, first), m.data(3, second)
    kind = m.element(1)
    scale = lambda shape=(): m.fill(kind, list(shape), 0.05, 0.5)
    y = m.element(7)
    return [a, scale(), m.fill(NAMES[a.dtype], [], 0, 9), b, scale(), m.fill(NAMES[b.dtype], [], 0, 9), scale(),
            m.fill(y, [], 0, 9)]


@makes("Gemm")
def gemm(m):
    n, k, o = m.extent(), m.extent(), m.extent()
    ta, tb = m.integer(0, 1), m.integer(0, 1)
    if ta or m.maybe():
        m.set(transA=ta)
    if tb or m.maybe():
        m.set(transB=tb)
    integral = m.element(0) not in FLOATS
    for name in ("alpha", "beta"):
        m.attribute(name, float(m.integer(1, 3)) if integral else m.rng.uniform(0.5, 2))
    bounds = (-9, 9) if integral else (None, None)
    values = [m.data(0, [k, n] if ta else [n, k], None, *bounds), m.data(1, [o, k] if tb else [k, o], None, *bounds)]
    if m.version < 11 or m.maybe(0.7):
        values.append(m.data(2, m.pick([], [1], [o], [n, 1], [1, o], [n, o])))
    return values


@makes("Einsum")
def einsum(m):
    labels = {label: m.integer(1, 4) for label in "abcde"}
    equation = m.pick("ab,bc->ac", "ab,ab->", "aab->b", "abc,cd->abd", "a,b->ab", "ab->ba", "abc,abd->acd", "ij,jk",
                      "...ab,...bc->...ac", "ab,bc,cd->ad", "aa->a", "abc->b", "ab", "a,a->", "abb,ba->a", "...a->...")
    labels.update({label: m.integer(1, 4) for label in "ijk"})
    dots = m.shape(0, 2)
    values = []
    for position, term in enumerate(equation.split("->")[0].split(",")):
        shape = (m.subshape(dots) if position else dots) if "..." in term else []
        values.append(m.data(position, shape + [labels[label] for label in term.replace("...", "")], low=-3, high=3))
    m.set(equation=equation)
    return values


def window(m, spatial, kernel, dilates=True, ceil=False):
    """Attributes of a sliding window that fits the data."""
    strides = [m.integer(1, 3) for _ in spatial]
    dilations = [m.integer(1, 2) for _ in spatial] if dilates and m.maybe(0.4) else [1] * len(spatial)
    if any(d != 1 for d in dilations) or dilates and m.maybe(0.1):
        m.set(dilations=dilations)
    if m.maybe(0.7):
        m.set(strides=strides)
    mode = m.pick("", "", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    # ONNX Runtime disregards dilations there, and crops the data where the stride exceeds the kernel.
    if mode.startswith("SAME"):
        m.attributes.pop("dilations", None)
        if "strides" in m.attributes:
            m.set(strides=[min(s, k) for s, k in zip(strides, kernel)])
    if mode:
        m.set(auto_pad=mode)
    if mode in ("", "NOTSET"):
        pads = [m.integer(0, k - 1) for k in kernel] + [m.integer(0, k - 1) for k in kernel]
        if m.maybe(0.7):
            m.set(pads=pads)
    if ceil:
        m.attribute("ceil_mode", m.integer(0, 1), 0.4)


@makes("Conv", "ConvInteger", "QLinearConv", "DeformConv")
def convolution(m):
    rank = 2 if m.name == "DeformConv" else m.pick(1, 1, 2, 2, 2, 3)
    group = m.pick(1, 1, 2, 3)
    channels, filters = group * m.integer(1, 3), group * m.integer(1, 3)
    if m.maybe(0.2):
        group, filters = channels, channels * m.integer(1, 2)
    batch = m.integer(1, 2)
    kernel = [m.integer(1, 3) for _ in range(rank)]
    spatial = [m.integer(5, 9) for _ in range(rank)]
    if group > 1 or m.maybe():
        m.set(group=group)
    m.attribute("kernel_shape", kernel)
    shape, weight = [batch, channels] + spatial, [filters, channels // group] + kernel
    if m.name == "DeformConv":
        strides, dilations = [m.integer(1, 2) for _ in kernel], [m.integer(1, 2) for _ in kernel]
        pads = [m.integer(0, 1) for _ in range(2 * rank)]
        offsets = m.pick(1, channels)
        m.set(strides=strides, dilations=dilations, pads=pads, offset_group=offsets)
        out = [(spatial[i] + pads[i] + pads[rank + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
               for i in range(rank)]
        taps = int(np.prod(kernel))
        values = [m.data(0, shape), m.data(1, weight), m.data(2, [batch, offsets * taps * rank] + out, low=-2, high=2)]
        values.append(m.data(3, [filters]) if m.maybe() else None)
        values.append(m.data(4, [batch, offsets * taps] + out) if m.maybe() else None)
        return values
    window(m, spatial, kernel)
    if m.name == "ConvInteger":
        x, w = m.data(0, shape), m.data(1, weight)
        return [x, w] + [m.fill(NAMES[x.dtype], [], 0, 9), m.fill(NAMES[w.dtype], [], 0, 9)][:m.integer(0, 2)]
    if m.name == "QLinearConv":
        x, w = m.data(0, shape), m.data(3, weight)
        scale = lambda shape=(): m.fill("float", list(shape), 0.05, 0.5)
        each = [filters] if m.maybe() else []
        zero = m.fill(NAMES[w.dtype], each, 0, 0) if each else m.fill(NAMES[w.dtype], [], 0, 9)
        values = [x, scale(), m.fill(NAMES[x.dtype], [], 0, 9), w, scale(each), zero, scale(),
                  m.fill(m.element(7), [], 0, 9)]
        return values + ([m.fill("int32", [filters], -50, 50)] if m.maybe() else [])
    values = [m.data(0, shape), m.data(1, weight)]
    return values + ([m.data(2, [filters])] if m.maybe() else [])


@makes("ConvTranspose")
def conv_transpose(m):
    rank, group = m.pick(1, 2, 2, 3), m.pick(1, 1, 2)
    channels, filters = group * m.integer(1, 3), m.integer(1, 3)
    kernel, spatial = [m.integer(1, 3) for _ in range(rank)], [m.integer(2, 5) for _ in range(rank)]
    strides = [m.integer(1, 3) for _ in kernel]
    m.set(strides=strides)
    if group > 1:
        m.set(group=group)
    m.attribute("kernel_shape", kernel)
    m.attribute("dilations", [m.integer(1, 2) for _ in kernel], 0.3)
    if m.maybe(0.3):
        m.set(output_padding=[m.integer(0, max(0, s - 1)) for s in strides])
    if m.maybe(0.25):
        m.set(auto_pad=m.pick("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif m.maybe():
        m.set(pads=[m.integer(0, (k - 1) // 2) for k in kernel + kernel])
    values = [m.data(0, [m.integer(1, 2), channels] + spatial), m.data(1, [channels, filters] + kernel)]
    return values + ([m.data(2, [filters * group])] if m.maybe() else [])


@makes("MaxPool", "AveragePool", "LpPool")
def pool(m):
    rank = m.pick(1, 2, 2, 3)
    kernel, spatial = [m.integer(1, 3) for _ in range(rank)], [m.integer(5, 8) for _ in range(rank)]
    m.set(kernel_shape=kernel)
    attributes = m.schema.attributes
    window(m, spatial, kernel, "dilations" in attributes, "ceil_mode" in attributes)
    if "count_include_pad" in attributes:
        m.attribute("count_include_pad", m.integer(0, 1))
    if m.name == "LpPool":
        m.attribute("p", m.integer(1, 3))
    if m.name == "MaxPool" and m.version >= 8:
        m.outputs = m.integer(1, 2)
        m.attribute("storage_order", m.integer(0, 1), 0.3)
    return [m.data(0, [m.integer(1, 2), m.integer(1, 3)] + spatial)]


@makes("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(m):
    if m.name == "GlobalLpPool":
        m.attribute("p", m.integer(1, 3))
    return [m.data(0, [m.integer(1, 3) for _ in range(m.integer(3, 5))])]


@makes("MaxUnpool")
def max_unpool(m):
    kernel = [2] * m.pick(1, 2)
    m.set(kernel_shape=kernel, strides=kernel)
    shape = [1, m.integer(1, 2)] + [m.integer(1, 3) for _ in kernel]
    count = int(np.prod(shape))
    places = np.array(m.rng.sample(range(count * 2 ** len(kernel)), count), np.int64).reshape(shape)
    return [m.data(0, shape), places]


@makes("BatchNormalization", "InstanceNormalization", "LpNormalization", "LRN", "MeanVarianceNormalization",
       "LayerNormalization", "RMSNormalization", "GroupNormalization")
def normalization(m):
    channels = m.integer(1, 4)
    shape = [m.integer(1, 3), channels] + [m.integer(1, 4) for _ in range(m.integer(1, 3))]
    if m.name not in ("LpNormalization", "MeanVarianceNormalization"):
        m.attribute("epsilon" if m.name != "LRN" else "bias", m.rng.uniform(0.001, 1))
    if m.name == "BatchNormalization":
        if m.maybe(0.2):
            shape = shape[:2]
        values = [m.data(0, shape)] + [m.data(i, [channels]) for i in (1, 2, 3)]
        values.append(m.data(4, [channels], low=0.1, high=3))
        if m.version >= 14 and m.maybe(0.3):
            m.set(training_mode=1)
            m.outputs = 3
            m.attribute("momentum", m.rng.uniform(0.1, 0.9))
        return values
    if m.name == "InstanceNormalization":
        return [m.data(0, shape), m.data(1, [channels]), m.data(2, [channels])]
    if m.name == "LpNormalization":
        x = m.data(0, m.shape(1, 5))
        m.attribute("axis", m.axis(x.ndim))
        m.attribute("p", m.integer(1, 2))
        return [x]
    if m.name == "LRN":
        m.set(size=m.pick(1, 3, 5))
        m.attribute("alpha", m.rng.uniform(0.001, 1))
        m.attribute("beta", m.rng.uniform(0.3, 1))
        return [m.data(0, shape)]
    if m.name == "MeanVarianceNormalization":
        axes = sorted(m.rng.sample(range(len(shape)), m.integer(1, len(shape))))
        m.attribute("axes", axes, 1 if len(shape) < 4 else 0.6)
        return [m.data(0, shape)]
    if m.name == "GroupNormalization":
        groups = m.pick(*[g for g in range(1, channels + 1) if channels % g == 0])
        m.set(num_groups=groups)
        count = groups if m.version < 21 else channels
        return [m.data(0, shape), m.data(1, [count]), m.data(2, [count])]
    x = m.data(0, m.shape(1, 5))
    axis = m.axis(x.ndim)
    if axis not in (-1, x.ndim - 1) or m.maybe():
        m.set(axis=axis)
    scale = list(x.shape[axis:])
    if m.name == "RMSNormalization":
        return [x, m.data(1, scale)]
    m.outputs = m.pick(1, 1, 3)
    return [x, m.data(1, scale)] + ([m.data(2, scale)] if m.maybe() else [])


# Shapes

@makes("Transpose", chained=True)
def transpose(m):
    x = m.data(0)
    m.attribute("perm", m.rng.sample(range(x.ndim), x.ndim), 0.8)
    return [x]


@makes("Shape", chained=True)
def shape_of(m):
    x = m.data(0)
    if m.version >= 15:
        m.attribute("start", m.integer(-x.ndim, x.ndim + 1))
        m.attribute("end", m.integer(-x.ndim, x.ndim + 1))
    return [x]


@makes("Reshape", chained=True)
def reshape(m):
    x = m.data(0)
    rest, shape = x.size, []
    while rest > 1 and len(shape) < 5:
        factor = m.pick(*[f for f in range(1, rest + 1) if rest % f == 0])
        shape.append(factor)
        rest //= factor
    shape += [rest] if rest != 1 or m.maybe(0.2) else []
    if x.size == 0:
        shape = list(x.shape) + [m.integer(1, 3)]
        m.set(allowzero=1 if m.version >= 14 else None)
        if m.version < 14:
            raise Skip
    elif shape and m.maybe(0.4):
        shape[m.integer(0, len(shape) - 1)] = -1
    elif m.version >= 14:
        m.attribute("allowzero", m.integer(0, 1), 0.2)
    for axis in range(min(len(shape), x.ndim)):
        if shape[axis] == x.shape[axis] and m.maybe(0.3) and not m.attributes.get("allowzero"):
            shape[axis] = 0
    return [x, m.ints(*shape)]


@makes("Flatten", chained=True)
def flatten(m):
    x = m.data(0, ranks=(1, 6))
    m.attribute("axis", m.integer(0 if m.version < 11 else -x.ndim, x.ndim))
    return [x]


@makes("Squeeze", "Unsqueeze", chained=True)
def squeeze(m):
    x = m.data(0, ranks=(0, 4))
    if m.name == "Squeeze":
        ones = [axis for axis, extent in enumerate(x.shape) if extent == 1]
        axes = m.rng.sample(ones, m.integer(0, len(ones)))
        rank = x.ndim
        if not axes:
            # Whether a dimension is 1 may depend on data in a chain.
            if m.given is not None:
                raise Skip
            return [x]
    else:
        rank = x.ndim + m.integer(1, 2)
        axes = m.rng.sample(range(rank), rank - x.ndim)
    axes = [axis - rank if m.version >= 11 and m.maybe(0.3) else axis for axis in axes]
    if m.version < 13:
        m.set(axes=sorted(axes) if m.name == "Unsqueeze" and m.version < 11 else axes)
        return [x]
    return [x, m.ints(*axes)]


@makes("Concat", chained=True)
def concat(m):
    x = m.data(0, ranks=(1, 6))
    axis = m.axis(x.ndim, 0)
    if m.version < 11:
        axis %= x.ndim
    m.set(axis=axis)
    values = [x]
    for _ in range(m.integer(0, 3)):
        shape = list(x.shape)
        shape[axis] = m.extent()
        values.append(m.fill(m.element(0), shape))
    if m.maybe(0.3):
        m.rng.shuffle(values)
    return values


@makes("Split", chained=True)
def split(m):
    x = m.data(0, ranks=(1, 6))
    axis = m.axis(x.ndim)
    if m.version < 11:
        axis %= x.ndim
    m.set(axis=axis)
    extent = x.shape[axis]
    parts = m.integer(1, 3)
    m.outputs = parts
    sizes = []
    for part in range(parts):
        sizes.append(m.integer(0, extent - sum(sizes)) if part < parts - 1 else extent - sum(sizes))
    if m.maybe(0.6):
        if m.version < 13:
            m.set(split=sizes)
            return [x]
        return [x, m.ints(*sizes)]
    if m.version >= 18:
        m.set(num_outputs=parts)
        if -(-extent // parts) * (parts - 1) > extent or extent < parts:
            raise Skip
    elif extent % parts:
        raise Skip
    return [x]


@makes("Slice", chained=True)
def slices(m):
    x = m.data(0, ranks=(1, 6))
    axes = m.rng.sample(range(x.ndim), m.integer(1, x.ndim))
    steps = [m.pick(1, 1, 2, 3, -1, -2) for _ in axes]
    if m.version < 10:
        steps = [1] * len(axes)
    def edge(axis):
        if m.maybe(0.2):
            return m.pick(2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
        return m.integer(-x.shape[axis] - 2, x.shape[axis] + 2)
    starts, ends = [edge(a) for a in axes], [edge(a) for a in axes]
    # Backwards from before the first element: the reference evaluator has no result, the definition has the element.
    if any(step < 0 and start < -x.shape[a] for step, start, a in zip(steps, starts, axes)):
        raise Skip
    if m.version < 10:
        if len(axes) == x.ndim and m.maybe():
            axes = list(range(x.ndim))
        m.set(starts=starts, ends=ends, axes=axes)
        return [x]
    axes = [a - x.ndim if m.maybe(0.3) else a for a in axes]
    kind = NUMPY[m.element(1)]
    if kind == np.int32:
        starts, ends = [list(np.clip(v, -2**31, 2**31 - 1)) for v in (starts, ends)]
    values = [x, np.array(starts, kind), np.array(ends, kind), np.array(axes, kind)]
    if steps != [1] * len(axes) or m.maybe():
        values.append(np.array(steps, kind))
    return values


@makes("Gather", "GatherElements", "GatherND", chained=True)
def gather(m):
    x = m.data(0, ranks=(1, 5))
    if 0 in x.shape:
        raise Skip
    kind = m.element(1) if m.name != "GatherND" else "int64"
    if m.name == "GatherND":
        batch = 0
        if m.version >= 12 and m.maybe(0.4):
            batch = m.integer(0, x.ndim - 1)
            m.set(batch_dims=batch)
        size = m.integer(1, x.ndim - batch)
        outer = list(x.shape[:batch]) + m.shape(0 if batch else 1, 2)
        columns = [m.fill(kind, outer, -x.shape[batch + i], x.shape[batch + i] - 1) for i in range(size)]
        return [x, np.stack(columns, -1)]
    axis = m.axis(x.ndim)
    if axis % x.ndim or m.maybe():
        m.set(axis=axis)
    extent = x.shape[axis if "axis" in m.attributes else 0]
    low = 0 if m.version < 11 else -extent
    if m.name == "Gather":
        return [x, m.fill(kind, m.shape(0, 3), low, extent - 1)]
    shape = [m.integer(1, e) for e in x.shape]
    shape[axis] = m.integer(0, 5)
    return [x, m.fill(kind, shape, low, extent - 1)]


@makes("Scatter", "ScatterElements", "ScatterND")
def scatter(m):
    x = m.data(0, m.shape(1, 4))
    if 0 in x.shape:
        raise Skip
    reductions = ["none"] + (["add", "mul"] if m.version >= 16 else []) + (["max", "min"] if m.version >= 18 else [])
    reduction = m.rng.choice(reductions) if m.element(0) != "bool" else "none"
    if m.version >= 16 and (reduction != "none" or m.maybe()):
        m.set(reduction=reduction)
    if m.name == "ScatterND":
        size = m.integer(1, x.ndim)
        total = int(np.prod(x.shape[:size]))
        count = m.integer(1, 4) if reduction != "none" else m.integer(1, min(4, total))
        flat = m.rng.sample(range(total), count) if reduction == "none" \
            else [m.integer(0, total - 1) for _ in range(count)]
        indices = np.stack(np.unravel_index(flat, x.shape[:size]), -1).astype(np.int64)
        return [x, indices, m.data(2, [count] + list(x.shape[size:]))]
    axis = m.axis(x.ndim)
    if axis % x.ndim or m.maybe():
        m.set(axis=axis)
    else:
        axis = 0
    shape = [m.integer(1, e) for e in x.shape]
    kind = NUMPY[m.element(1)]
    extent = x.shape[axis]
    if reduction == "none":
        order = np.array(m.rng.sample(range(extent), shape[axis]))
        view = [1] * x.ndim
        view[axis] = shape[axis]
        indices = np.broadcast_to(order.reshape(view), shape)
    else:
        indices = m.fill("int64", shape, -extent, extent - 1)
    return [x, indices.astype(kind), m.data(2, shape)]


@makes("Tile", "Expand", chained=True)
def tile(m):
    x = m.data(0, ranks=(1, 4))
    if m.name == "Tile":
        return [x, m.ints(*[m.integer(0 if m.maybe(0.1) else 1, 3) for _ in x.shape])]
    shape = [m.integer(1, 4) if e == 1 else (1 if m.maybe(0.3) else e) for e in x.shape]
    return [x, m.ints(*((m.shape(0, 2) if m.maybe(0.3) else []) + shape))]


@makes("Pad", chained=True)
def pad(m):
    x = m.data(0, ranks=(1, 4))
    mode = m.pick("constant", "constant", "reflect", "edge", *(["wrap"] if m.version >= 19 else []))
    if mode != "constant" and 0 in x.shape:
        raise Skip
    axes = list(range(x.ndim))
    if m.version >= 18 and m.maybe(0.4):
        axes = m.rng.sample(axes, m.integer(1, x.ndim))
    top = lambda e: m.integer(0, 3 if mode in ("constant", "edge") else max(0, e - 1))
    sizes = [top(x.shape[a]) for a in axes + axes]
    if mode == "constant" and m.maybe(0.2):
        sizes = [-1 if m.maybe(0.3) and x.shape[(axes + axes)[i]] > 2 else s for i, s in enumerate(sizes)]
    if mode != "constant" or m.maybe():
        m.set(mode=mode)
    if m.version < 11:
        m.set(pads=sizes)
        m.attribute("value", m.rng.uniform(-2, 2))
        return [x]
    values = [x, m.ints(*sizes), m.fill(m.element(0), []) if m.maybe() else None]
    if len(axes) < x.ndim or axes != sorted(axes):
        values.append(m.ints(*[a - x.ndim if m.maybe(0.3) else a for a in axes]))
    return values


@makes("DepthToSpace", "SpaceToDepth")
def depth(m):
    block = m.integer(1, 3)
    m.set(blocksize=block)
    mode = m.pick("DCR", "CRD")
    if "mode" in m.schema.attributes:
        m.attribute("mode", mode)
    if m.name == "DepthToSpace":
        return [m.data(0, [m.integer(1, 2), block * block * m.integer(1, 2), m.integer(1, 3), m.integer(1, 3)])]
    return [m.data(0, [m.integer(1, 2), m.integer(1, 3), block * m.integer(1, 2), block * m.integer(1, 3)])]


@makes("Resize", "Upsample")
def resize(m):
    # How integers are rounded is not defined.
    x = m.data(0, [m.integer(1, 2), m.integer(1, 2)] + [m.integer(2, 5) for _ in range(m.pick(1, 2, 2))], FLOATS)
    if m.name == "Upsample":
        m.attribute("mode", m.pick("nearest", "linear") if x.ndim == 4 else "nearest")
        scales = [1.0, 1.0] + [float(m.integer(1, 3)) for _ in x.shape[2:]]
        if m.version < 9:
            m.set(scales=scales)
            return [x]
        return [x, np.array(scales, np.float32)]
    mode = m.pick("nearest", "linear", "cubic") if x.ndim == 4 and m.version >= 11 else m.pick("nearest", "linear")
    m.set(mode=mode)
    scales = np.array([1, 1] + [m.pick(0.5, 0.75, 1, 1.5, 2, 2.6) for _ in x.shape[2:]], np.float32)
    if m.version < 11:
        return [x, scales]
    m.attribute("coordinate_transformation_mode", m.pick(
        "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
        *(["half_pixel_symmetric"] if m.version >= 19 else [])))
    if mode == "nearest":
        m.attribute("nearest_mode", m.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
    if mode == "cubic":
        m.attribute("cubic_coeff_a", m.pick(-0.5, -0.75))
        m.attribute("exclude_outside", m.integer(0, 1))
    if m.version >= 18 and mode != "nearest":
        m.attribute("antialias", m.integer(0, 1), 0.3)
    roi = np.zeros(0, np.float32) if m.version < 13 else None
    if m.maybe():
        return [x, roi, scales]
    sizes = list(x.shape[:2]) + [m.integer(1, 8) for _ in x.shape[2:]]
    if m.version >= 18 and m.maybe(0.4):
        m.set(axes=list(range(2, x.ndim)))
        sizes = sizes[2:]
        m.attribute("keep_aspect_ratio_policy", m.pick("stretch", "not_larger", "not_smaller"))
    return [x, roi, np.zeros(0, np.float32) if m.version < 13 else None, m.ints(*sizes)]


@makes("CenterCropPad")
def center_crop_pad(m):
    x = m.data(0, m.shape(1, 4))
    axes = m.rng.sample(range(x.ndim), m.integer(1, x.ndim))
    m.set(axes=[a - x.ndim if m.maybe(0.3) else a for a in axes])
    return [x, np.array([m.integer(1, 7) for _ in axes], NUMPY[m.element(1)])]


@makes("ReverseSequence")
def reverse_sequence(m):
    x = m.data(0, [m.integer(1, 4), m.integer(1, 4)] + m.shape(0, 2))
    time = m.integer(0, 1)
    m.set(time_axis=time, batch_axis=1 - time)
    return [x, m.fill("int64", [x.shape[1 - time]], 1, x.shape[time])]


@makes("Trilu", chained=True)
def trilu(m):
    x = m.data(0, ranks=(2, 5))
    m.attribute("upper", m.integer(0, 1))
    return [x] + ([np.array(m.integer(-4, 4), np.int64)] if m.maybe() else [])


@makes("EyeLike")
def eye_like(m):
    m.attribute("k", m.integer(-3, 3))
    m.attribute("dtype", ELEMENTS[m.pick("float", "double", "int32", "int64")])
    return [m.data(0, [m.integer(1, 4), m.integer(1, 4)])]


@makes("OneHot")
def one_hot(m):
    depth_value = m.integer(1, 5)
    indices = m.data(0, m.shape(0, 3), low=-depth_value, high=depth_value)
    indices = np.round(indices.astype(np.float64)).astype(indices.dtype)
    m.attribute("axis", m.integer(-indices.ndim - 1, indices.ndim))
    depths = np.array(depth_value).astype(NUMPY[m.element(1)])
    return [indices, depths if m.maybe() else depths.reshape(1), m.data(2, [2])]


@makes("Compress")
def compress(m):
    x = m.data(0, m.shape(1, 4))
    axis = m.axis(x.ndim)
    flat = m.maybe(0.3)
    if not flat:
        m.set(axis=axis)
    extent = x.size if flat else x.shape[axis]
    return [x, m.fill("bool", [m.integer(min(1, extent), extent)])]


@makes("NonZero", chained=True)
def non_zero(m):
    return [m.data(0, ranks=(1, 4))]


@makes("Unique")
def unique(m):
    x = m.data(0, m.shape(1, 3), low=0, high=4)
    m.attribute("axis", m.axis(x.ndim), 0.4)
    m.attribute("sorted", m.integer(0, 1))
    m.outputs = m.integer(1, 4)
    return [x]


@makes("Range")
def ranges(m):
    delta = m.pick(1, 2, 3, -1, -2)
    start = m.integer(-5, 5)
    kind = NUMPY[m.element(0)]
    return [np.array(v).astype(kind) for v in (start, start + m.integer(-2, 9) * (1 if delta > 0 else -1), delta)]


@makes("ConstantOfShape")
def constant_of_shape(m):
    element = m.pick("float", "double", "float16", "int8", "int64", "bool", "uint8", "int32")
    if m.maybe(0.7):
        m.set(value=numpy_helper.from_array(m.fill(element, [1])))
    return [m.ints(*m.shape())]


@makes("Col2Im")
def col2im(m):
    rank = 2
    image, block = [m.integer(4, 6) for _ in range(rank)], [m.integer(1, 3) for _ in range(rank)]
    strides, dilations = [m.integer(1, 2) for _ in block], [m.integer(1, 2) for _ in block]
    pads = [m.integer(0, 1) for _ in range(2 * rank)]
    blocks = [(image[i] + pads[i] + pads[rank + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1
              for i in range(rank)]
    if min(blocks) < 1:
        raise Skip
    m.set(strides=strides, dilations=dilations, pads=pads)
    shape = [m.integer(1, 2), m.integer(1, 3) * int(np.prod(block)), int(np.prod(blocks))]
    return [m.data(0, shape, among=FLOATS), m.ints(*image), m.ints(*block)]


@makes("GridSample")
def grid_sample(m):
    rank = 3 if m.version >= 20 and m.maybe(0.3) else 2
    batch = m.integer(1, 2)
    modes = ["nearest", "linear", "cubic"] if m.version >= 20 else ["nearest", "bilinear", "bicubic"]
    m.attribute("mode", m.rng.choice(modes[:2] if rank == 3 else modes))
    m.attribute("padding_mode", m.pick("zeros", "border", "reflection"))
    m.attribute("align_corners", m.integer(0, 1))
    x = m.data(0, [batch, m.integer(1, 2)] + [m.integer(1, 5) for _ in range(rank)], among=FLOATS)
    return [x, m.data(1, [batch] + [m.integer(1, 4) for _ in range(rank)] + [rank], low=-1.3, high=1.3)]


@makes("AffineGrid")
def affine_grid(m):
    rank, batch = m.pick(2, 3), m.integer(1, 2)
    m.attribute("align_corners", m.integer(0, 1))
    return [m.data(0, [batch, rank, rank + 1]), m.ints(batch, 1, *[m.integer(2, 4) for _ in range(rank)])]


@makes("RoiAlign", "MaxRoiPool")
def roi(m):
    x = m.data(0, [m.integer(1, 2), m.integer(1, 2), m.integer(3, 6), m.integer(3, 6)])
    count = m.integer(1, 3)
    corners = m.fill("float", [count, 2], 0, 3)
    boxes = np.concatenate([corners, corners + m.fill("float", [count, 2], 0.5, 4)], -1).astype(x.dtype)
    m.attribute("spatial_scale", m.pick(0.5, 1.0))
    if m.name == "MaxRoiPool":
        m.set(pooled_shape=[m.integer(1, 3), m.integer(1, 3)])
        return [x, np.concatenate([m.fill("int64", [count, 1], 0, x.shape[0] - 1).astype(x.dtype), boxes], -1)]
    m.attribute("mode", m.pick("avg", "max"))
    m.attribute("output_height", m.integer(1, 3))
    m.attribute("output_width", m.integer(1, 3))
    m.attribute("sampling_ratio", m.integer(0, 2))
    if m.version >= 16:
        m.attribute("coordinate_transformation_mode", m.pick("half_pixel", "output_half_pixel"))
    return [x, boxes, m.fill("int64", [count], 0, x.shape[0] - 1)]


@makes("NonMaxSuppression")
def non_max_suppression(m):
    batch, boxes, classes = m.integer(1, 2), m.integer(1, 6), m.integer(1, 3)
    m.attribute("center_point_box", m.integer(0, 1))
    values = [m.fill("float", [batch, boxes, 4], 0, 1), m.fill("float", [batch, classes, boxes], 0, 1),
              m.ints(m.integer(0, 4)), np.array([m.rng.uniform(0, 1)], np.float32), np.array([0.2], np.float32)]
    return values[:m.integer(2, 5)]


# Quantization

@makes("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
def quantization(m):
    bounds = (-99, 99) if m.name == "QuantizeLinear" else (None, None)
    x = m.data(0, m.shape(1, 4), None, *bounds)
    if m.name == "DynamicQuantizeLinear":
        if x.size == 0 or not np.isfinite(x).all():
            raise Skip
        m.outputs = 3
        return [x]
    shape = []
    axis = m.axis(x.ndim)
    if m.version >= 13 and m.maybe():
        m.set(axis=axis)
        shape = [x.shape[axis]]
        if m.version >= 21 and m.maybe(0.4) and x.shape[axis]:
            block = m.integer(1, x.shape[axis])
            m.set(block_size=block)
            shape = list(x.shape)
            shape[axis] = -(-shape[axis] // block)
    elif m.version >= 13 and x.ndim < 2:
        m.set(axis=0)
    if m.name == "QuantizeLinear":
        # The reference evaluator does not round quotients to the type of the scale.
        if m.element(0) in ("float16", "bfloat16") or m.element(1) in ("float16", "bfloat16"):
            raise Skip
        scale = m.data(1, shape, low=0.05 if m.element(1) in FLOATS else 1, high=0.5 if m.element(1) in FLOATS else 3)
        names = [c for c in m.schema.type_constraints if c.type_param_str == m.schema.inputs[2].type_str][0]
        kinds = [t[7:-1] for t in names.allowed_type_strs if t[7:-1] in ELEMENTS]
        kind = m.rng.choice(sorted(kinds))
        zero = np.zeros(shape, NUMPY[kind]) if kind.startswith("float8") else m.fill(kind, shape, 0, 7)
        return [x, scale] + ([zero] if m.maybe(0.8) else [])
    scale = m.data(1, shape, low=0.05, high=0.5)
    zero = m.fill(m.element(0), shape, 0, 0 if m.element(0).startswith(("float8", "int32")) else 7)
    return [x, scale] + ([zero] if m.maybe(0.7) else [])


# Recurrence and attention

@makes("RNN", "GRU", "LSTM")
def recurrent(m):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[m.name]
    steps, batch, size, hidden = m.integer(1, 4), m.integer(1, 3), m.integer(1, 4), m.integer(1, 4)
    direction = m.pick("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    m.set(hidden_size=hidden)
    if direction != "forward" or m.maybe():
        m.set(direction=direction)
    if m.name == "GRU":
        m.attribute("linear_before_reset", m.integer(0, 1))
    m.outputs = m.integer(1, 3 if m.name == "LSTM" else 2)
    state = [directions, batch, hidden]
    x = m.data(0, [steps, batch, size], among=["float", "double", "float16"], low=-2, high=2)
    if x.dtype == np.float32:
        m.attribute("clip", m.rng.uniform(0.5, 3), 0.2)
    values = [x, m.data(1, [directions, gates * hidden, size], low=-1, high=1),
              m.data(2, [directions, gates * hidden, hidden], low=-1, high=1),
              m.data(3, [directions, 2 * gates * hidden], low=-1, high=1) if m.maybe() else None,
              m.fill("int32", [batch], 1, steps) if x.dtype == np.float32 and m.maybe(0.3) else None,
              m.data(5, state, low=-1, high=1) if m.maybe() else None]
    if m.name == "LSTM":
        values.append(m.data(6, state, low=-1, high=1) if m.maybe() else None)
        values.append(m.data(7, [directions, 3 * hidden], low=-1, high=1) if m.maybe(0.3) else None)
        m.attribute("input_forget", m.integer(0, 1), 0.2)
    return values


@makes("Attention")
def attention(m):
    # Masks are added to scores in the reference evaluator, and may be all that counts.
    m.finite = True
    batch, kv_heads, group = m.integer(1, 2), m.integer(1, 2), m.pick(1, 1, 2)
    heads, queries, keys = kv_heads * group, m.integer(1, 4), m.integer(1, 5)
    size, width = m.integer(1, 4), m.integer(1, 4)
    if m.maybe():
        m.set(q_num_heads=heads, kv_num_heads=kv_heads)
        shapes = [[batch, queries, heads * size], [batch, keys, kv_heads * size], [batch, keys, kv_heads * width]]
    else:
        shapes = [[batch, heads, queries, size], [batch, kv_heads, keys, size], [batch, kv_heads, keys, width]]
    m.attribute("is_causal", m.integer(0, 1))
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    m.attribute("softcap", m.rng.uniform(1, 3), 0.2)
    values = [m.data(0, shapes[0], among=["float", "double", "float16"], low=-2, high=2)]
    values += [m.data(position, shapes[position], low=-2, high=2) for position in (1, 2)]
    past = m.maybe(0.3)
    before = m.integer(1, 3) if past else 0
    if "softmax_precision" in m.schema.attributes:
        m.attribute("softmax_precision", ELEMENTS[m.pick("float", "double")], 0.2)
    if m.version >= 25:
        m.attribute("left_window_size", m.integer(-1, 4), 0.4)
        m.attribute("right_window_size", m.integer(-1, 4), 0.4)
    lengths = m.version >= 24 and not past and m.maybe(0.25)
    if m.maybe():
        mask = m.pick([queries, before + keys], [batch, 1, queries, before + keys], [1, heads, queries, before + keys])
        values.append(m.data(3, mask, among=["float", "bool", "double", "float16"], low=-1, high=1))
        if values[-1].dtype == bool:
            values[-1][..., 0] = True
    elif past:
        values.append(None)
    if past:
        values += [m.data(4, [batch, kv_heads, before, size]), m.data(5, [batch, kv_heads, before, width])]
        m.outputs = 3
    elif lengths:
        values += [None] * (6 - len(values)) + [m.fill("int64", [batch], 1, keys)]
    if not past and m.maybe(0.25):
        m.outputs, m.outputs_wanted = 4, {0, 3}
    elif past and m.maybe(0.25):
        m.outputs = 4
    if m.outputs == 4:
        m.attribute("qk_matmul_output_mode", m.integer(0, 3))
    return values


@makes("RotaryEmbedding")
def rotary(m):
    batch, heads, steps, half = m.integer(1, 2), m.integer(1, 3), m.integer(1, 4), m.integer(1, 3)
    rank3 = m.maybe()
    if rank3:
        m.set(num_heads=heads)
    m.attribute("interleaved", m.integer(0, 1))
    x = m.data(0, [batch, steps, heads * 2 * half] if rank3 else [batch, heads, steps, 2 * half])
    if m.maybe():
        rows = m.integer(1, 5)
        return [x, m.data(1, [rows, half]), m.data(2, [rows, half]), m.fill("int64", [batch, steps], 0, rows - 1)]
    return [x, m.data(1, [batch, steps, half]), m.data(2, [batch, steps, half])]


@makes("TensorScatter")
def tensor_scatter(m):
    shape = [m.integer(1, 3), m.integer(1, 2), m.integer(3, 5), m.integer(1, 3)]
    update = list(shape)
    update[2] = m.integer(1, 3)
    mode = m.pick("linear", "circular")
    m.attribute("mode", mode)
    top = shape[2] - update[2] if m.attributes.get("mode", "linear") == "linear" else shape[2] - 1
    return [m.data(0, shape), m.data(1, update)] + ([m.fill("int64", [shape[0]], 0, top)] if m.maybe(0.8) else [])


# Losses, signals and the rest

@makes("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(m):
    classes, rest = m.integer(1, 5), [m.integer(1, 3) for _ in range(m.integer(0, 2))]
    batch = m.integer(1, 4)
    m.attribute("reduction", m.pick("none", "sum", "mean"))
    target = m.fill(m.element(1), [batch] + rest, 0, classes - 1)
    if m.attribute("ignore_index", m.pick(0, classes - 1, -1, -100), 0.4) and m.maybe():
        target = np.where(m.fill("bool", target.shape), target, np.array(m.attributes["ignore_index"], target.dtype))
    if m.name == "SoftmaxCrossEntropyLoss":
        m.outputs = m.integer(1, 2)
    values = [m.data(0, [batch, classes] + rest), target]
    m.rigid.add(0)
    return values + ([m.data(2, [classes], low=0.1, high=2)] if m.maybe(0.4) else [])


@makes("DFT")
def dft(m):
    inverse, onesided = m.integer(0, 1), m.integer(0, 1)
    parts = m.pick(1, 2)
    if onesided and (inverse or parts == 2):
        onesided = 0
    if inverse:
        parts = 2
    shape = [m.integer(1, 2)] + [m.integer(2, 8) for _ in range(m.integer(1, 2))] + [parts]
    axis = m.integer(1, len(shape) - 2)
    m.attribute("inverse", inverse, 1 if inverse else 0.3)
    m.attribute("onesided", onesided, 1 if onesided else 0.3)
    x = m.data(0, shape, among=["float", "double"])
    length = np.array(m.integer(2, 9), np.int64) if m.maybe(0.3) else None
    if m.version < 20:
        m.set(axis=axis)
        return [x] + ([length] if length is not None else [])
    return [x, length, np.array(axis - len(shape) if m.maybe(0.4) else axis, np.int64)]


@makes("HannWindow", "HammingWindow", "BlackmanWindow")
def windows(m):
    m.attribute("periodic", m.integer(0, 1))
    m.attribute("output_datatype", ELEMENTS[m.pick("float", "double")])
    return [np.array(m.integer(2, 12), NUMPY[m.element(0)])]


@makes("MelWeightMatrix")
def mel(m):
    return [np.array(m.integer(1, 6), np.int64), np.array(m.pick(16, 32), np.int64), np.array(8000, np.int64),
            np.array(0, np.float32), np.array(m.pick(2000, 4000), np.float32)]


@makes("STFT")
def stft(m):
    length, step = m.integer(2, 6), m.integer(1, 4)
    signal_length = m.integer(length, 16)
    m.attribute("onesided", m.integer(0, 1))
    signal_values = m.data(0, [m.integer(1, 2), signal_length, 1], among=["float", "double"])
    kind = NUMPY[m.element(1)]
    window_values = m.data(2, [length]) if m.maybe() else None
    return [signal_values, np.array(step, kind), window_values, np.array(length, kind)]


@makes("Det")
def det(m):
    n = m.integer(1, 5)
    return [m.data(0, m.shape(0, 2) + [n, n])]




# Strings

@makes("StringNormalizer")
def string_normalizer(m):
    m.attribute("case_change_action", m.pick("NONE", "LOWER", "UPPER"))
    m.set(locale="C.UTF-8")
    m.attribute("is_case_sensitive", m.integer(0, 1))
    m.attribute("stopwords", m.rng.sample(TEXTS, m.integer(1, 3)))
    count = m.integer(1, 5)
    return [m.words([count] if m.maybe() else [1, count], TEXTS)]


@makes("StringConcat", "StringSplit", "RegexFullMatch")
def texts(m):
    if m.name == "StringConcat":
        first, second = m.pair()
        return [m.words(first), m.words(second)]
    shape = m.shape(1, 3)
    if m.name == "RegexFullMatch":
        m.set(pattern=m.pick("a", "[a-z]+", "(cat|dog) ?", ".*", "", "[^a]*", "\\w+", "."))
        return [m.words(shape)]
    m.attribute("delimiter", m.pick(" ", "a", "b ", "aa", ""))
    m.attribute("maxsplit", m.integer(0, 3))
    m.outputs = 2
    return [m.words(shape, ["a b c", " a  b", "aaa", "", "ab ab ", "b aab", " "])]


@makes("TfIdfVectorizer")
def tfidf(m):
    kind = m.pick("int32", "int64", "string")
    words = ["a", "b", "c", "dd"] if kind == "string" else [1, 2, 3, -4]
    low = m.integer(1, 2)
    high = m.integer(low, 3)
    grams = [[] for _ in range(high)]
    for size in range(1, high + 1):
        for _ in range(m.integer(0 if size < high else 1, 3)):
            gram = [m.pick(*words) for _ in range(size)]
            if gram not in grams[size - 1]:
                grams[size - 1].append(gram)
    counts = [0]
    for size in range(1, high):
        counts.append(counts[-1] + size * len(grams[size - 1]))
    total = sum(len(each) for each in grams)
    places = m.rng.sample(range(total), total)
    m.set(min_gram_length=low, max_gram_length=high, max_skip_count=m.integer(0, 3), mode=m.pick("TF", "IDF", "TFIDF"),
          ngram_counts=counts, ngram_indexes=places)
    pool = [word for each in grams for gram in each for word in gram]
    m.set(**{"pool_strings" if kind == "string" else "pool_int64s": pool})
    m.attribute("weights", [m.rng.uniform(0.1, 3) for _ in range(total)])
    shape = [m.integer(1, 8)] if m.maybe() else [m.integer(1, 3), m.integer(1, 8)]
    x = m.words(shape, words)
    return [x if kind == "string" else x.astype(NUMPY[kind])]
