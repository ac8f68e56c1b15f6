"""Forms of operators of operator sets 1 to 10 that later ones replaced, with results by NumPy."""
import numpy as np
from onnx import helper

from cases import VERSIONS, Sample
LEGACY = {}


def form(name, *versions):
    def register(function):
        for version in versions:
            LEGACY[name, version] = function
        return function
    return register


class Form:
    """Draws one node; `build` says what it is."""

    def __init__(self, rng, name, version):
        self.rng, self.name, self.version = rng, name, version
        self.generator = np.random.default_rng(rng.getrandbits(32))
        self.attributes = {}

    def data(self, shape, low=-2.0, high=2.0, kind=np.float32):
        return self.generator.uniform(low, high, shape).astype(kind)

    def shape(self, low=1, high=4):
        return [self.rng.randint(1, 5) for _ in range(self.rng.randint(low, high))]

    def consumed(self, count=1):
        """Says that arguments may be overwritten, which some old forms require."""
        if self.version < 6 and self.rng.random() < 0.5:
            self.attributes["consumed_inputs"] = [0] * count


BINARY = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "And": np.logical_and,
    "Or": np.logical_or, "Xor": np.logical_xor, "Equal": np.equal, "Less": np.less, "Greater": np.greater,
}


def binary(f):
    first = f.shape()
    name = f.name
    if name in ("And", "Or", "Xor"):
        make = lambda shape: f.generator.integers(0, 2, shape).astype(bool)
    elif name == "Equal":
        make = lambda shape: f.generator.integers(-2, 3, shape).astype(np.int32)
    else:
        make = lambda shape: f.data(shape, 0.5, 3)
    a = make(first)
    if f.version < 6 and name in ("Add", "Sub", "Mul", "Div"):
        f.consumed(2)
    form_of = f.rng.choice(["same", "suffix", "axis", "scalar", "ones"])
    if form_of == "same":
        b = wide = make(first)
    else:
        f.attributes["broadcast"] = 1
        if form_of == "scalar":
            b = wide = make([])
        elif form_of == "suffix":
            b = wide = make(first[f.rng.randint(0, len(first)):])
        else:
            axis = f.rng.randint(0, len(first) - 1)
            own = first[axis:f.rng.randint(axis + 1, len(first))]
            if form_of == "ones" and f.rng.random() < 0.5:
                own[0] = 1
            b = make(own)
            f.attributes["axis"] = axis
            wide = b.reshape(own + [1] * (len(first) - axis - len(own)))
    return [a, b], [BINARY[name](a, wide)]


for each in BINARY:
    LEGACY[each, 1] = binary
    if each in ("Add", "Sub", "Mul", "Div"):
        LEGACY[each, 6] = binary

UNARY = {
    "Abs": np.abs, "Neg": np.negative, "Exp": np.exp, "Floor": np.floor, "Ceil": np.ceil, "Tanh": np.tanh,
    "Relu": lambda x: np.maximum(x, 0), "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Reciprocal": lambda x: 1 / x,
    "Sqrt": lambda x: np.sqrt(np.abs(x)), "Log": lambda x: np.log(np.abs(x)),
}


def unary(f):
    x = f.data(f.shape())
    if f.name in ("Sqrt", "Log", "Reciprocal"):
        x = np.abs(x) + np.float32(0.1)
    f.consumed()
    return [x], [UNARY[f.name](x)]


for each in UNARY:
    LEGACY[each, 1] = LEGACY[each, 6] = unary


@form("LeakyRelu", 1, 6)
@form("Elu", 1, 6)
@form("Selu", 1, 6)
@form("HardSigmoid", 1, 6)
def activation(f):
    x = f.data(f.shape())
    f.consumed()
    given = f.rng.random() < 0.6
    alpha, beta = f.rng.uniform(0.1, 1), f.rng.uniform(0.1, 1)
    if given:
        f.attributes["alpha"] = alpha
    if f.name == "LeakyRelu":
        return [x], [np.where(x < 0, x * (alpha if given else 0.01), x)]
    if f.name == "Elu":
        return [x], [np.where(x < 0, (alpha if given else 1) * np.expm1(x), x)]
    if f.name == "Selu":
        default = (1.6732, 1.0507) if f.version == 1 else (1.67326319217681884765625, 1.05070102214813232421875)
        gamma = beta if given else default[1]
        if given:
            f.attributes["gamma"] = beta
        return [x], [np.where(x <= 0, gamma * ((alpha if given else default[0]) * np.expm1(x)), gamma * x)]
    if given:
        f.attributes["beta"] = beta
    return [x], [np.clip(x * (alpha if given else 0.2) + (beta if given else 0.5), 0, 1)]


@form("PRelu", 1, 6)
def prelu(f):
    shape = [f.rng.randint(1, 3) for _ in range(f.rng.randint(2, 4))]
    x = f.data(shape)
    f.consumed(2)
    slope = f.data(f.rng.choice([[1], [shape[1]]]))
    wide = slope.reshape([-1] + [1] * (len(shape) - 2))
    return [x, slope], [np.where(x < 0, x * wide, x)]


@form("Clip", 1, 6)
def clip(f):
    x = f.data(f.shape())
    f.consumed()
    low, high = -np.inf, np.inf
    if f.rng.random() < 0.7:
        low = f.attributes["min"] = f.rng.uniform(-1.5, 0)
    if f.rng.random() < 0.7:
        high = f.attributes["max"] = f.rng.uniform(0, 1.5)
    return [x], [np.clip(x, low, high)]


@form("Dropout", 1, 6, 7, 10)
def dropout(f):
    x = f.data(f.shape())
    if f.version < 7:
        f.attributes["is_test"] = 1
        f.consumed()
    f.attributes["ratio"] = f.rng.uniform(0.1, 0.9)
    return [x], [x]


@form("BatchNormalization", 1, 6, 7, 9)
def batch_normalization(f):
    channels = f.rng.randint(1, 4)
    shape = [f.rng.randint(1, 3), channels] + [f.rng.randint(1, 4) for _ in range(f.rng.randint(0, 3))]
    x = f.data(shape)
    if f.version < 7:
        f.attributes["is_test"] = 1
    if f.version < 6:
        f.attributes["consumed_inputs"] = [0, 0, 0, 1, 1]
    epsilon = 1e-5
    if f.rng.random() < 0.6:
        epsilon = f.attributes["epsilon"] = f.rng.uniform(1e-4, 1e-1)
    spatial = f.version >= 9 or f.rng.random() < 0.7
    if f.version < 9 and (not spatial or f.rng.random() < 0.5):
        f.attributes["spatial"] = int(spatial)
    own = [channels] if spatial else shape[1:]
    wide = [channels] + [1] * (len(shape) - 2) if spatial else own
    values = [f.data(own), f.data(own), f.data(own), f.data(own, 0.1, 3)]
    scale, bias, mean, variance = (value.reshape(wide) for value in values)
    return [x] + values, [(x - mean) / np.sqrt(variance + epsilon) * scale + bias]


@form("InstanceNormalization", 1, 6)
def instance_normalization(f):
    shape = [f.rng.randint(1, 3), f.rng.randint(1, 3)] + [f.rng.randint(2, 4) for _ in range(f.rng.randint(1, 2))]
    x, scale, bias = f.data(shape), f.data(shape[1:2]), f.data(shape[1:2])
    f.consumed(3)
    axes = tuple(range(2, len(shape)))
    wide = [-1] + [1] * len(axes)
    deviation = np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    return [x, scale, bias], [(x - x.mean(axes, keepdims=True)) / deviation * scale.reshape(wide) + bias.reshape(wide)]


@form("Pad", 1, 2)
def pad(f):
    x = f.data(f.shape())
    mode = f.rng.choice(["constant", "edge", "reflect"])
    top = [min(e - 1, 2) if mode == "reflect" else 2 for e in x.shape]
    sizes = [f.rng.randint(0, t) for t in top + top]
    f.attributes["paddings" if f.version < 2 else "pads"] = sizes
    if mode != "constant" or f.rng.random() < 0.5:
        f.attributes["mode"] = mode
    extra = {}
    if mode == "constant":
        f.attributes["value"] = 0.5
        extra["constant_values"] = 0.5
    pairs = list(zip(sizes[:x.ndim], sizes[x.ndim:]))
    return [x], [np.pad(x, pairs, mode, **extra)]


@form("Slice", 1)
def slices(f):
    x = f.data(f.shape())
    axes = sorted(f.rng.sample(range(x.ndim), f.rng.randint(1, x.ndim)))
    starts = [f.rng.randint(-x.shape[a], x.shape[a] - 1) for a in axes]
    ends = [f.rng.randint(-x.shape[a], x.shape[a] + 3) for a in axes]
    f.attributes.update(starts=starts, ends=ends)
    if axes != list(range(len(axes))) or f.rng.random() < 0.5:
        f.attributes["axes"] = axes
    index = [slice(None)] * x.ndim
    for axis, start, end in zip(axes, starts, ends):
        index[axis] = slice(start, end)
    return [x], [x[tuple(index)]]


@form("Reshape", 1)
def reshape(f):
    x = f.data(f.shape(2, 4))
    shape = [-1, x.shape[-1]] if f.rng.random() < 0.5 else [0, -1]
    f.attributes["shape"] = shape
    f.consumed()
    return [x], [x.reshape([x.shape[0] if e == 0 else e for e in shape])]


@form("Upsample", 1, 7)
def upsample(f):
    x = f.data([f.rng.randint(1, 2), f.rng.randint(1, 2), f.rng.randint(1, 4), f.rng.randint(1, 4)])
    high, wide = f.rng.randint(1, 3), f.rng.randint(1, 3)
    if f.version == 1:
        f.attributes.update(height_scale=float(high), width_scale=float(wide))
    else:
        f.attributes["scales"] = [1.0, 1.0, float(high), float(wide)]
    f.attributes["mode"] = "nearest"
    return [x], [x.repeat(high, 2).repeat(wide, 3)]


@form("Concat", 1, 4)
def concat(f):
    shape = f.shape(2, 4)
    axis = f.rng.randint(0, len(shape) - 1)
    if f.version == 4 or axis != 1 or f.rng.random() < 0.5:
        f.attributes["axis"] = axis
    values = []
    for _ in range(f.rng.randint(1, 3)):
        own = list(shape)
        own[axis] = f.rng.randint(1, 4)
        values.append(f.data(own))
    return values, [np.concatenate(values, axis)]


@form("Split", 1, 2)
def split(f):
    x = f.data(f.shape())
    axis = f.rng.randint(0, x.ndim - 1)
    f.attributes["axis"] = axis
    sizes = [1] * x.shape[axis] if f.rng.random() < 0.5 else [x.shape[axis]]
    f.attributes["split"] = sizes
    return [x], np.split(x, np.cumsum(sizes)[:-1], axis)


@form("Cast", 1)
def cast(f):
    x = f.data(f.shape(), -5, 5)
    name, kind = f.rng.choice([("INT32", np.int32), ("DOUBLE", np.float64), ("FLOAT16", np.float16), ("BOOL", bool)])
    f.attributes["to"] = name
    return [x], [x.astype(kind)]


@form("Gemm", 1, 6)
def gemm(f):
    n, k, m = (f.rng.randint(1, 5) for _ in range(3))
    a, b = f.rng.randint(0, 1), f.rng.randint(0, 1)
    f.attributes.update(transA=a, transB=b, alpha=0.5, beta=2.0, broadcast=1)
    values = [f.data([k, n] if a else [n, k]), f.data([m, k] if b else [k, m]), f.data(f.rng.choice([[m], [n, m], []]))]
    left, right = values[0].T if a else values[0], values[1].T if b else values[1]
    return values, [0.5 * left @ right + 2 * values[2]]


@form("TopK", 1)
def top_k(f):
    x = f.generator.permutation(60).astype(np.float32)[:24].reshape(f.rng.choice([[24], [4, 6], [2, 3, 4]]))
    axis = f.rng.randint(0, x.ndim - 1)
    count = f.rng.randint(1, x.shape[axis])
    f.attributes.update(axis=axis, k=count)
    order = np.argsort(-x, axis, kind="stable").take(range(count), axis)
    return [x], [np.take_along_axis(x, order, axis), order.astype(np.int64)]


@form("Tile", 1)
def tile(f):
    x = f.data(f.shape())
    axis, copies = f.rng.randint(0, x.ndim - 1), f.rng.randint(1, 3)
    repeats = [copies if a == axis else 1 for a in range(x.ndim)]
    return [x, np.float32(copies), np.float32(axis)], [np.tile(x, repeats)]


@form("Softmax", 1, 11)
@form("LogSoftmax", 1, 11)
@form("Hardmax", 1, 11)
def softmax(f):
    x = f.data(f.shape(1, 4))
    axis = f.rng.randint(0, x.ndim - 1)
    if axis != 1 or x.ndim == 1 or f.rng.random() < 0.5:
        f.attributes["axis"] = axis
    flat = x.reshape(int(np.prod(x.shape[:axis])), -1)
    terms = np.exp(flat - flat.max(1, keepdims=True))
    y = terms / terms.sum(1, keepdims=True)
    if f.name == "LogSoftmax":
        y = np.log(y)
    if f.name == "Hardmax":
        y = np.eye(flat.shape[1], dtype=np.float32)[flat.argmax(1)]
    return [x], [y.reshape(x.shape)]


@form("Max", 1, 6)
@form("Min", 1, 6)
@form("Sum", 1, 6)
@form("Mean", 1, 6)
def variadic(f):
    shape = f.shape()
    values = [f.data(shape) for _ in range(f.rng.randint(1, 4))]
    f.consumed(len(values))
    stacked = np.stack(values)
    return values, [{"Max": stacked.max, "Min": stacked.min, "Sum": stacked.sum, "Mean": stacked.mean}[f.name](0)]


@form("ReduceSum", 1)
@form("ReduceMean", 1)
@form("ReduceMax", 1)
@form("ReduceL2", 1)
def reduction(f):
    x = f.data(f.shape())
    axes = sorted(f.rng.sample(range(x.ndim), f.rng.randint(1, x.ndim)))
    keeps = f.rng.randint(0, 1)
    f.attributes.update(axes=axes, keepdims=keeps)
    squared = lambda *a, **k: np.sqrt(np.sum(np.square(a[0]), **k))
    compute = {"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceL2": squared}[f.name]
    return [x], [compute(x, axis=tuple(axes), keepdims=bool(keeps))]


@form("AveragePool", 1)
@form("MaxPool", 1)
@form("LpPool", 1, 2)
def pool(f):
    x = f.data([f.rng.randint(1, 2), f.rng.randint(1, 2), f.rng.randint(3, 6), f.rng.randint(3, 6)], 0.1, 2)
    kernel, strides = [f.rng.randint(1, 3) for _ in range(2)], [f.rng.randint(1, 2) for _ in range(2)]
    f.attributes.update(kernel_shape=kernel, strides=strides)
    power = 2
    if f.name == "LpPool" and f.rng.random() < 0.5:
        power = f.rng.randint(1, 3)
        f.attributes["p"] = float(power) if f.version == 1 else power
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, (2, 3))[:, :, ::strides[0], ::strides[1]]
    if f.name == "MaxPool":
        return [x], [windows.max((4, 5))]
    if f.name == "AveragePool":
        return [x], [windows.mean((4, 5))]
    return [x], [(np.abs(windows) ** power).sum((4, 5)) ** (1 / power)]


@form("GlobalLpPool", 1, 2)
def global_pool(f):
    x = f.data([f.rng.randint(1, 2), f.rng.randint(1, 3), 3, f.rng.randint(1, 4)])
    power = f.rng.randint(1, 3)
    f.attributes["p"] = float(power) if f.version == 1 else power
    return [x], [(np.abs(x) ** power).sum((2, 3), keepdims=True) ** (1 / power)]


@form("Affine", 1)
@form("ScaledTanh", 1)
@form("ParametricSoftplus", 1)
@form("ImageScaler", 1)
def experimental(f):
    x = f.data([1, 2, 3, f.rng.randint(1, 3)])
    alpha, beta = f.rng.uniform(0.2, 1), f.rng.uniform(0.2, 1)
    if f.name == "ImageScaler":
        f.attributes.update(scale=alpha, bias=[beta, 0.5])
        return [x], [x * alpha + np.array([beta, 0.5]).reshape(1, 2, 1, 1)]
    f.attributes.update(alpha=alpha, beta=beta)
    return [x], [{"Affine": alpha * x + beta, "ScaledTanh": alpha * np.tanh(beta * x),
                  "ParametricSoftplus": alpha * np.log1p(np.exp(beta * x))}[f.name]]


@form("Scale", 1)
@form("Crop", 1)
@form("MeanVarianceNormalization", 1)
def image(f):
    x = f.data([f.rng.randint(1, 2), 2, f.rng.randint(3, 5), f.rng.randint(3, 5)])
    if f.name == "Scale":
        f.attributes["scale"] = f.rng.uniform(0.2, 3)
        return [x], [x * f.attributes["scale"]]
    if f.name == "MeanVarianceNormalization":
        across, divides = f.rng.randint(0, 1), f.rng.randint(0, 1)
        f.attributes.update(across_channels=across, normalize_variance=divides)
        axes = (0, 1, 2, 3) if across else (0, 2, 3)
        centered = x - x.mean(axes, keepdims=True)
        return [x], [centered / x.std(axes, keepdims=True) if divides else centered]
    left, top, right, bottom = f.attributes["border"] = [f.rng.randint(0, 1) for _ in range(4)]
    height, width = x.shape[2] - top - bottom, x.shape[3] - left - right
    if f.rng.random() < 0.5:
        height, width = f.attributes["scale"] = [f.rng.randint(1, height), f.rng.randint(1, width)]
    return [x], [x[:, :, top:top + height, left:left + width]]


@form("DynamicSlice", 1)
def dynamic_slice(f):
    x = f.data(f.shape())
    axes = f.rng.sample(range(x.ndim), f.rng.randint(1, x.ndim))
    starts, ends = [[f.rng.randint(-x.shape[a] - 1, x.shape[a] + 1) for a in axes] for _ in range(2)]
    index = [slice(None)] * x.ndim
    for axis, start, end in zip(axes, starts, ends):
        index[axis] = slice(start, end)
    given = [starts, ends, [a - f.rng.choice([0, x.ndim]) for a in axes]]
    if axes == list(range(len(axes))) and f.rng.random() < 0.5:
        given.pop()
    kind = f.rng.choice([np.int32, np.int64])
    return [x] + [np.array(numbers, kind) for numbers in given], [x[tuple(index)]]


@form("LayerNormalization", 1)
def layer_normalization(f):
    x = f.data(f.shape(2, 4))
    axis = f.rng.randint(1, x.ndim - 1)
    f.attributes.update(axis=f.rng.choice([axis, axis - x.ndim]), epsilon=f.rng.uniform(1e-3, 1e-1))
    values = [f.data(x.shape[axis:]) for _ in range(f.rng.randint(1, 2))]
    axes = tuple(range(axis, x.ndim))
    mean = x.mean(axes, keepdims=True)
    scale = 1 / np.sqrt(x.var(axes, keepdims=True) + f.attributes["epsilon"])
    return [x] + values, [(x - mean) * scale * values[0] + sum(values[1:]), mean, scale]


def draw(rng):
    """One node of an old form; its operator set is one that still has it."""
    name, version = rng.choice(sorted(LEGACY))
    f = Form(rng, name, version)
    values, results = LEGACY[name, version](f)
    names = [f"x{index}" for index in range(len(values))]
    outputs = [f"y{index}" for index in range(len(results))]
    node = helper.make_node(name, names, outputs, name=name, **f.attributes)
    arrays = [np.asarray(value) for value in values]
    kinds = [np.result_type(r) if np.asarray(r).dtype.kind != "f" or name == "Cast" else np.float32 for r in results]
    answers = [np.asarray(r).astype(k) for r, k in zip(results, kinds)]
    until = min([v for v in VERSIONS.get(("", name), []) if v > version] or [8])
    opset = rng.randint(max(version, 1), until - 1)
    return Sample(f"Old{name}-{opset}", [node], dict(zip(names, arrays)), outputs, {"": opset}, answer=answers)
