"""Small networks: 4 to 12 steps as exporters write them, whose extents have names and two sizes.

A step takes values of the network and adds a few nodes: layers, shapes that are computed from shapes, selections whose
places or sizes only a call knows, quantized layers, and branches and loops around further steps.
"""
import dataclasses

import numpy as np
from onnx import TensorProto, helper

from cases import ERRORS, Sample
from maker import ELEMENTS, NUMPY, RUNTIME_OPSET, Skip

UNARY = ["Relu", "Sigmoid", "Tanh", "Neg", "Abs", "Erf", "Softplus", "HardSwish", "LeakyRelu", "Softsign", "Floor"]
BINARY = ["Add", "Sub", "Mul", "Max", "Min"]


@dataclasses.dataclass(frozen=True)
class Value:
    """A tensor of the network; an extent is a number, an expression of names, or None where data decide."""

    name: str
    dims: tuple
    kind: str


class Network:
    """Nodes of a graph that is being drawn."""

    def __init__(self, rng, version, kind, sizes, outer=None):
        self.rng, self.version, self.kind, self.sizes = rng, version, kind, sizes
        self.nodes, self.values, self.depth = [], [], 0
        self.generator = np.random.default_rng(rng.getrandbits(48))
        if outer is None:
            # Of the whole model: names, inputs with extents and a value for each size, and constants.
            self.names, self.inputs, self.constants, self.count, self.narrowed = {}, {}, {}, [0], []
        else:
            self.names, self.inputs, self.constants = outer.names, outer.inputs, outer.constants
            self.count, self.narrowed = outer.count, outer.narrowed
            self.values, self.depth = list(outer.values), outer.depth + 1

    # Parts

    def fresh(self):
        self.count[0] += 1
        return f"v{self.count[0]}"

    def node(self, kind, *inputs, count=1, domain="", **attributes):
        results = [self.fresh() for _ in range(count)]
        names = [each.name if isinstance(each, Value) else each for each in inputs]
        self.nodes.append(helper.make_node(kind, names, results, name=f"{kind}_{results[0]}", domain=domain,
                                           **attributes))
        return results[0] if count == 1 else results

    def keep(self, name, dims, kind=None):
        value = Value(name, tuple(dims), kind or self.kind)
        self.values.append(value)
        return value

    def constant(self, value):
        name = self.fresh()
        self.constants[name] = np.asarray(value)
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weights(self, *shape, scale=1.0):
        width = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 1
        return self.constant(self.generator.uniform(-scale, scale, shape).astype(NUMPY[self.kind])
                             / NUMPY[self.kind].type(max(1.0, width ** 0.5 / 2)))

    def scalar(self, number):
        return self.constant(np.array(number, NUMPY[self.kind]))

    def input(self, dims, draw, kind=None):
        """An input; `draw` gives its value for sizes of the names."""
        name = self.fresh()
        self.names[name] = list(dims)
        self.inputs[name] = [draw(sizes) for sizes in self.sizes]
        return Value(name, tuple(dims), kind or self.kind)

    def data(self, *dims):
        def draw(sizes):
            shape = [extent(each, sizes) for each in dims]
            return self.generator.uniform(-2, 2, shape).astype(NUMPY[self.kind])
        value = self.input(dims, draw)
        self.values.append(value)
        return value

    def extents(self, dim):
        """What an extent is at each of the sizes; nothing where data decide."""
        return None if dim is None else [extent(dim, sizes) for sizes in self.sizes]

    def any(self, fits=lambda dims: True, kind=None):
        found = [value for value in self.values if value.kind == (kind or self.kind) and fits(value.dims)]
        if not found:
            raise Skip
        return self.rng.choice(found[-5:])

    def alike(self, x):
        """Values that have the extents of another one."""
        return [each for each in self.values if each.dims == x.dims and each.kind == x.kind and None not in x.dims]

    def maybe(self, chance=0.5):
        return self.rng.random() < chance

    def shape(self, value):
        return self.node("Shape", value)

    def axis(self, value, fits=lambda dim: True):
        axes = [axis for axis, dim in enumerate(value.dims) if fits(dim)]
        if not axes:
            raise Skip
        return self.rng.choice(axes)

    def part(self, shape, axis):
        """One element of a shape, as a vector."""
        return self.node("Gather", shape, self.ints(axis), axis=0)

    def unsqueezed(self, name, *axes):
        return self.node("Unsqueeze", name, self.ints(*axes))

    # Layers

    def unary(self):
        x = self.any()
        self.keep(self.node(self.rng.choice(UNARY), x), x.dims)

    def binary(self):
        x = self.any()
        others = self.alike(x)
        kind = self.rng.choice(BINARY)
        if others and self.maybe(0.6):
            other = self.rng.choice(others).name
        elif x.dims and isinstance(x.dims[-1], int) and self.maybe():
            other = self.weights(x.dims[-1])
        else:
            other = self.scalar(self.rng.uniform(-1, 1))
        self.keep(self.node(kind, *((x, other) if self.maybe(0.7) else (other, x))), x.dims)

    def activation(self):
        """An activation of several nodes."""
        x = self.any()
        form = self.rng.choice(["gelu", "silu", "swish", "clip", "sqrt"])
        if form == "gelu":
            erf = self.node("Erf", self.node("Div", x, self.scalar(2 ** 0.5)))
            y = self.node("Mul", self.node("Mul", x, self.node("Add", erf, self.scalar(1))), self.scalar(0.5))
        elif form == "silu":
            y = self.node("Mul", x, self.node("Sigmoid", x))
        elif form == "swish":
            bounded = self.node("Clip", self.node("Add", x, self.scalar(3)), self.scalar(0), self.scalar(6))
            y = self.node("Mul", x, bounded)
        elif form == "clip":
            y = self.node("Clip", x, self.scalar(-1), self.scalar(1) if self.maybe() else "")
        else:
            y = self.node("Sqrt", self.node("Add", self.node("Abs", x), self.scalar(0.5)))
        self.keep(y, x.dims)

    def weight(self, shape, axis):
        """Constant weights, plain or quantized for each position on an axis."""
        if self.kind not in ("float", "float16") or self.kind == "float16" and self.version < 19 or self.maybe():
            return self.weights(*shape)
        newer = ["int4", "uint4", "int16", "uint16"] if self.version >= 21 else []
        kind = self.rng.choice(["int8", "uint8", "int8"] + newer)
        low, high = {"int8": (-127, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15), "int16": (-999, 999),
                     "uint16": (0, 1999)}[kind]
        each = [shape[axis]] if self.maybe(0.7) else []
        middle = (low + high) // 2
        zero = np.full(each, middle if kind[0] == "u" else 0)
        if self.maybe(0.7):
            zero = self.generator.integers(middle - 2, middle + 2, each)
        scale = self.generator.uniform(0.5, 1.5, each) / (high - low)
        arguments = [self.constant(self.generator.integers(low, high, shape, endpoint=True).astype(NUMPY[kind])),
                     self.constant(scale.astype(NUMPY[self.kind]))]
        if zero.any() or self.maybe():
            arguments.append(self.constant(zero.astype(NUMPY[kind])))
        return self.node("DequantizeLinear", *arguments, axis=axis)

    def product(self):
        x = self.any(lambda dims: len(dims) >= 1 and isinstance(dims[-1], int) and dims[-1] > 0)
        columns = self.rng.choice([1, 3, 4, 8, 17])
        if len(x.dims) == 2 and self.maybe():
            turned = self.maybe()
            weight = self.weight([columns, x.dims[-1]] if turned else [x.dims[-1], columns], 0 if turned else 1)
            bias = [self.weights(columns)] if self.maybe(0.7) else []
            y = self.node("Gemm", x, weight, *bias, transB=int(turned), alpha=self.rng.choice([1.0, 0.5]))
        else:
            y = self.node("MatMul", x, self.weight([x.dims[-1], columns], 1))
            if self.maybe():
                y = self.node("Add", y, self.weights(columns))
        self.keep(y, x.dims[:-1] + (columns,))

    def both(self):
        """A product of two computed factors, summed over the last axis of both."""
        x = self.any(lambda dims: len(dims) >= 2 and None not in dims)
        others = [v for v in self.values if v.kind == self.kind and len(v.dims) == len(x.dims)
                  and v.dims[:-2] == x.dims[:-2] and v.dims[-1] == x.dims[-1]]
        other = self.rng.choice(others)
        rank = len(x.dims)
        order = list(range(rank - 2)) + [rank - 1, rank - 2]
        scores = self.node("MatMul", x, self.node("Transpose", other, perm=order))
        dims = x.dims[:-1] + (other.dims[-2],)
        if self.maybe(0.6):
            if self.maybe() and self.version >= 14:
                mask = self.node("Trilu", self.node("ConstantOfShape", self.shape(scores), value=helper.make_tensor(
                    "", ELEMENTS[self.kind], [1], [1.0])), upper=0)
                masked = self.node("Greater", mask, self.scalar(0.5))
                scores = self.node("Where", masked, scores, self.scalar(-1e4 if self.kind != "float16" else -6e4))
            share = self.node("Softmax", self.node("Mul", scores, self.scalar(0.3)), axis=-1)
            self.keep(self.node("MatMul", share, other), x.dims[:-1] + (other.dims[-1],))
        else:
            self.keep(self.node("Mul", scores, self.scalar(0.1)), dims)

    def image(self):
        return self.any(lambda dims: len(dims) in (3, 4) and isinstance(dims[1], int) and dims[1] > 0
                        and None not in dims)

    def convolution(self):
        x = self.image()
        rank, channels = len(x.dims) - 2, x.dims[1]
        form = self.rng.choice(["same", "half", "point", "depth", "twice"])
        filters = self.rng.choice([1, 3, 4, 16])
        spatial = x.dims[2:]
        if form == "twice":
            y = self.node("ConvTranspose", x, self.weight([channels, filters] + [2] * rank, 1), strides=[2] * rank)
            spatial = tuple(times(2, dim) for dim in spatial)
        else:
            kernel = [1 if form == "point" else 3] * rank
            group = channels if form == "depth" else 1
            filters = channels if form == "depth" else filters
            arguments = [x, self.weight([filters, channels // group] + kernel, 0)]
            if self.maybe():
                arguments.append(self.weights(filters))
            y = self.node("Conv", *arguments, kernel_shape=kernel, group=group, pads=[kernel[0] // 2] * 2 * rank,
                          strides=[2 if form == "half" else 1] * rank)
            if form == "half":
                spatial = tuple(halved(dim) for dim in spatial)
        self.keep(y, (x.dims[0], filters) + spatial)

    def pooling(self):
        x = self.image()
        rank = len(x.dims) - 2
        form = self.rng.choice(["MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "DepthToSpace"])
        spatial = x.dims[2:]
        if form == "GlobalAveragePool":
            y, spatial = self.node(form, x), (1,) * rank
        elif form == "Resize":
            if self.kind not in ("float", "float16"):
                raise Skip
            scales = np.array([1, 1] + [2] * rank, np.float32)
            spatial = tuple(times(2, dim) for dim in spatial)
            if self.maybe():
                y = self.node("Resize", x, "", self.constant(scales), mode="nearest")
            else:
                sizes = self.node("Mul", self.shape(x), self.ints(1, 1, *[2] * rank))
                y = self.node("Resize", x, "", "", sizes, mode=self.rng.choice(["nearest", "linear"]))
        elif form == "DepthToSpace":
            if rank != 2 or x.dims[1] % 4:
                raise Skip
            y = self.node(form, x, blocksize=2, mode=self.rng.choice(["DCR", "CRD"]))
            return self.keep(y, (x.dims[0], x.dims[1] // 4) + tuple(times(2, dim) for dim in spatial))
        else:
            y = self.node(form, x, kernel_shape=[3] * rank, pads=[1] * 2 * rank, strides=[2] * rank)
            spatial = tuple(halved(dim) for dim in spatial)
        return self.keep(y, x.dims[:2] + spatial)

    def normalization(self):
        x = self.any(lambda dims: len(dims) >= 1)
        form = self.rng.choice(["layer", "softmax", "batch", "moments", "instance"])
        if form == "layer" and isinstance(x.dims[-1], int) and self.version >= 17:
            y = self.node("LayerNormalization", x, self.weights(x.dims[-1]), self.weights(x.dims[-1]), epsilon=0.01)
        elif form == "batch" and len(x.dims) >= 2 and isinstance(x.dims[1], int):
            vectors = [self.weights(x.dims[1]) for _ in range(3)]
            variance = self.constant(self.generator.uniform(0.5, 2, x.dims[1]).astype(NUMPY[self.kind]))
            y = self.node("BatchNormalization", x, *vectors, variance)
        elif form == "instance" and len(x.dims) >= 3 and isinstance(x.dims[1], int):
            y = self.node("InstanceNormalization", x, self.weights(x.dims[1]), self.weights(x.dims[1]), epsilon=0.01)
        elif form == "moments":
            centered = self.node("Sub", x, self.mean(x))
            square = self.node("Pow", centered, self.scalar(2))
            root = self.node("Sqrt", self.node("Add", self.mean(square), self.scalar(0.1)))
            y = self.node("Div", centered, root)
        else:
            y = self.node("Softmax", x, axis=self.rng.randint(-len(x.dims), len(x.dims) - 1))
        self.keep(y, x.dims)

    def mean(self, x):
        if self.version >= 18:
            return self.node("ReduceMean", x, self.ints(-1))
        return self.node("ReduceMean", x, axes=[-1])

    def reduction(self):
        x = self.any(lambda dims: len(dims) >= 1)
        axis = self.axis(x)
        keeps = self.maybe()
        y = self.node("ReduceSum", x, self.ints(axis), keepdims=int(keeps))
        self.keep(self.node("Mul", y, self.scalar(0.2)), x.dims[:axis] + ((1,) if keeps else ()) + x.dims[axis + 1:])

    def recurrent(self):
        if self.kind != "float":
            raise Skip
        x = self.any(lambda dims: len(dims) == 3 and isinstance(dims[2], int) and dims[2] > 0 and None not in dims)
        kind, hidden = self.rng.choice([("LSTM", 3), ("GRU", 2), ("RNN", 4)])
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        direction, count = self.rng.choice([("forward", 1), ("reverse", 1), ("bidirectional", 2)])
        turned = self.node("Transpose", x, perm=[1, 0, 2])
        y = self.node(kind, turned, self.weights(count, gates * hidden, x.dims[2]),
                      self.weights(count, gates * hidden, hidden), hidden_size=hidden, direction=direction)
        self.keep(y, (x.dims[1], count, x.dims[0], hidden))

    # Shapes

    def transpose(self):
        x = self.any(lambda dims: len(dims) >= 2)
        order = self.rng.sample(range(len(x.dims)), len(x.dims))
        self.keep(self.node("Transpose", x, perm=order), [x.dims[axis] for axis in order])

    def joined(self):
        """Two neighbouring axes become one, by a shape that is computed or has -1."""
        x = self.any(lambda dims: len(dims) >= 2)
        axis = self.rng.randint(0, len(x.dims) - 2)
        dims = x.dims[:axis] + (times(*x.dims[axis:axis + 2]),) + x.dims[axis + 2:]
        if self.maybe():
            shape = self.shape(x)
            pair = self.node("Mul", self.part(shape, axis), self.part(shape, axis + 1))
            before = self.node("Slice", shape, self.ints(0), self.ints(axis))
            after = self.node("Slice", shape, self.ints(axis + 2), self.ints(99))
            target = self.node("Concat", before, pair, after, axis=0)
        else:
            known = all(isinstance(dim, int) for dim in x.dims[axis + 2:])
            if not known or self.extents_have_zero(x):
                raise Skip
            target = self.ints(*[0] * axis, -1, *x.dims[axis + 2:])
        self.keep(self.node("Reshape", x, target), dims)

    def extents_have_zero(self, x):
        return any(each is None or 0 in each for each in map(self.extents, x.dims))

    def divided(self):
        """An axis becomes two."""
        x = self.any(lambda dims: any(isinstance(dim, int) and dim % 2 == 0 and dim for dim in dims) and len(dims) < 5)
        axis = self.axis(x, lambda dim: isinstance(dim, int) and dim % 2 == 0 and dim)
        parts = [2, x.dims[axis] // 2]
        if self.maybe():
            parts.reverse()
        shape = self.shape(x)
        target = self.node("Concat", self.node("Slice", shape, self.ints(0), self.ints(axis)), self.ints(*parts),
                           self.node("Slice", shape, self.ints(axis + 1), self.ints(99)), axis=0)
        self.keep(self.node("Reshape", x, target), x.dims[:axis] + tuple(parts) + x.dims[axis + 1:])

    def units(self):
        x = self.any(lambda dims: len(dims) < 5)
        ones = [axis for axis, dim in enumerate(x.dims) if dim == 1]
        if ones and self.maybe():
            axis = self.rng.choice(ones)
            self.keep(self.node("Squeeze", x, self.ints(axis)), x.dims[:axis] + x.dims[axis + 1:])
        else:
            axis = self.rng.randint(0, len(x.dims))
            self.keep(self.unsqueezed(x, axis), x.dims[:axis] + (1,) + x.dims[axis:])

    def concatenation(self):
        x = self.any(lambda dims: len(dims) >= 1)
        axis = self.axis(x)
        others = [v for v in self.values if v.kind == self.kind and len(v.dims) == len(x.dims) and None not in v.dims
                  and v.dims[:axis] + v.dims[axis + 1:] == x.dims[:axis] + x.dims[axis + 1:]]
        other = self.rng.choice(others + [x])
        self.keep(self.node("Concat", x, other, axis=axis - (len(x.dims) if self.maybe(0.3) else 0)),
                  x.dims[:axis] + (plus(x.dims[axis], other.dims[axis]),) + x.dims[axis + 1:])

    def copies(self):
        x = self.any(lambda dims: 1 <= len(dims) < 5)
        form = self.rng.choice(["tile", "expand", "pad"])
        axis = self.axis(x)
        lead, rest = x.dims[:axis], x.dims[axis + 1:]
        if form == "tile":
            repeats = [1] * len(x.dims)
            repeats[axis] = 2
            self.keep(self.node("Tile", x, self.ints(*repeats)), lead + (times(2, x.dims[axis]),) + rest)
        elif form == "expand":
            target = self.node("Concat", self.ints(2), self.shape(x), axis=0)
            self.keep(self.node("Expand", x, target), (2,) + x.dims)
        else:
            pads = [0] * 2 * len(x.dims)
            pads[axis], pads[axis + len(x.dims)] = self.rng.randint(0, 2), self.rng.randint(0, 2)
            total = pads[axis] + pads[axis + len(x.dims)]
            given = self.ints(*pads)
            if self.maybe():
                given = self.input([2 * len(x.dims)], lambda _: np.array(pads, np.int64), "int64").name
            self.keep(self.node("Pad", x, given, *([self.scalar(0.5)] if self.maybe() else [])),
                      lead + (plus(x.dims[axis], total),) + rest)

    def parts(self):
        x = self.any(lambda dims: any(isinstance(dim, int) and dim >= 2 for dim in dims))
        axis = self.axis(x, lambda dim: isinstance(dim, int) and dim >= 2)
        first = self.rng.randint(1, x.dims[axis] - 1)
        sizes = [first, x.dims[axis] - first]
        for name, size in zip(self.node("Split", x, self.ints(*sizes), count=2, axis=axis), sizes):
            self.keep(name, x.dims[:axis] + (size,) + x.dims[axis + 1:])

    def positions(self):
        """Numbers along an axis whose extent a shape gives."""
        x = self.any(lambda dims: len(dims) >= 1)
        axis = self.axis(x)
        count = self.node("Squeeze", self.part(self.shape(x), axis), self.ints(0))
        numbers = self.node("Range", self.constant(np.int64(0)), count, self.constant(np.int64(1)))
        floats = self.node("Mul", self.node("Cast", numbers, to=ELEMENTS[self.kind]), self.scalar(0.125))
        rest = len(x.dims) - 1 - axis
        if rest:
            floats = self.unsqueezed(floats, *range(1, rest + 1))
        self.keep(self.node("Add", x, floats), x.dims)

    def sums_so_far(self):
        if self.kind not in ("float", "double"):
            raise Skip
        x = self.any(lambda dims: len(dims) >= 1)
        y = self.node("CumSum", x, self.constant(np.int64(self.axis(x))), exclusive=int(self.maybe()))
        self.keep(self.node("Mul", y, self.scalar(0.25)), x.dims)

    # Selections

    def place(self, dim):
        """An input with a number up to an extent."""
        return self.input([1], lambda sizes: np.array([self.rng.randint(0, extent(dim, sizes))]), "int64").name

    def slices(self):
        """From and to places that may be inputs."""
        x = self.any(lambda dims: any(dim is not None for dim in dims))
        axis = self.axis(x, lambda dim: dim is not None)
        tops = self.extents(x.dims[axis])
        if self.maybe():
            start = self.place(x.dims[axis])
        else:
            start = self.ints(self.rng.choice([0, 1, -1, -2, min(tops)]))
        end = self.part(self.shape(x), axis)
        if self.maybe(0.7):
            end = self.ints(self.rng.choice([2**31 - 1, 2**63 - 1, -1, 3]))
        step = [self.ints(axis), self.ints(self.rng.choice([1, 1, 2]))]
        self.keep(self.node("Slice", x, start, end, *step), x.dims[:axis] + (None,) + x.dims[axis + 1:])

    def gathering(self):
        """Rows by indices that are inputs or the places of greatest elements."""
        x = self.any(lambda dims: any(dim is not None for dim in dims))
        axis = self.axis(x, lambda dim: dim is not None)
        if min(self.extents(x.dims[axis])) == 0:
            raise Skip
        shape = self.rng.choice([[], [3], ["n"], [2, "m"]])

        def draw(sizes):
            top = extent(x.dims[axis], sizes)
            return self.generator.integers(-top, top, [extent(dim, sizes) for dim in shape]).astype(np.int64)

        indices = self.input(shape, draw, "int64")
        self.keep(self.node("Gather", x, indices, axis=axis), x.dims[:axis] + tuple(shape) + x.dims[axis + 1:])

    def greatest(self):
        x = self.any(lambda dims: any(dim is not None for dim in dims))
        axis = self.axis(x, lambda dim: dim is not None)
        if self.kind == "bfloat16" or min(self.extents(x.dims[axis])) == 0:
            raise Skip
        if self.maybe():
            limit = self.place(x.dims[axis])
            count = None
        else:
            count = self.rng.randint(1, min(self.extents(x.dims[axis])))
            limit = self.ints(count)
        dims = x.dims[:axis] + (count,) + x.dims[axis + 1:]
        best, places = self.node("TopK", x, limit, count=2, axis=axis, largest=int(self.maybe()))
        self.keep(best, dims)
        self.keep(self.node("Mul", self.node("Cast", places, to=ELEMENTS[self.kind]), self.scalar(0.1)), dims)
        if self.maybe():
            self.keep(self.node("GatherElements", x, places, axis=axis), dims)

    def filtered(self):
        """What is positive, in a number that data decide."""
        x = self.any(lambda dims: len(dims) >= 1)
        form = self.rng.choice(["nonzero", "compress", "rows"])
        positive = self.node("Greater", x, self.scalar(0.1))
        if form == "nonzero":
            places = self.node("Transpose", self.node("NonZero", positive), perm=[1, 0])
            self.keep(self.node("GatherND", x, places), (None,))
        elif form == "compress":
            flat = self.node("Reshape", positive, self.ints(-1))
            if self.extents_have_zero(x):
                raise Skip
            self.keep(self.node("Compress", x, flat), (None,))
        else:
            axis = self.axis(x)
            others = [each for each in range(len(x.dims)) if each != axis]
            sums = self.node("ReduceSum", x, self.ints(*others), keepdims=0) if others else x
            rows = self.node("Greater", sums, self.scalar(0))
            self.keep(self.node("Compress", x, rows, axis=axis), x.dims[:axis] + (None,) + x.dims[axis + 1:])

    def scattering(self):
        x = self.any(lambda dims: len(dims) >= 2 and dims[0] is not None and None not in dims)
        if min(self.extents(x.dims[0])) < 2 or self.kind == "bfloat16":
            raise Skip
        rest = x.dims[1:]
        at = self.input([2, 1], lambda sizes: self.generator.permutation(extent(x.dims[0], sizes))[:2, None], "int64")
        rows = self.node("Mul", self.node("GatherND", x, at), self.scalar(-0.5))
        extra = {"reduction": "add"} if self.version >= 16 and self.maybe(0.3) else {}
        self.keep(self.node("ScatterND", x, at, rows, **extra), (x.dims[0],) + rest)

    def condition(self):
        x = self.any()
        others = self.alike(x)
        other = self.rng.choice(others) if others else self.scalar(0.25)
        test = self.node(self.rng.choice(["Greater", "Less", "GreaterOrEqual"]), x, self.scalar(0.1))
        if self.maybe(0.3):
            test = self.node("And", test, self.node("Not", self.node("Less", x, self.scalar(-0.3))))
        self.keep(self.node("Where", test, x, other), x.dims)

    def classes(self):
        """Rows of a table by the place of the greatest element."""
        x = self.any(lambda dims: len(dims) >= 1 and isinstance(dims[-1], int) and dims[-1] > 0)
        if self.kind == "bfloat16":
            raise Skip
        if self.extents_have_zero(x):
            raise Skip
        ids = self.node("ArgMax", x, axis=-1, keepdims=0)
        if self.maybe():
            self.keep(self.node("Gather", self.weights(x.dims[-1], 4), ids), x.dims[:-1] + (4,))
        else:
            ends = self.constant(np.array([0, 1], NUMPY[self.kind]))
            self.keep(self.node("OneHot", ids, self.ints(x.dims[-1]), ends), x.dims)

    # Quantization and types

    def quantized(self):
        """To few bits and back."""
        # Half floats err by so much that roundings often differ.
        if self.kind != "float":
            raise Skip
        x = self.any()
        kinds = ["uint8", "int8"]
        if self.version >= 21:
            kinds += ["int16", "uint16", "int4", "uint4"]
        kind = self.rng.choice(kinds)
        bits = int("".join(c for c in kind if c.isdigit()))
        axis = self.rng.randrange(len(x.dims)) if x.dims else 0
        each = [x.dims[axis]] if x.dims and isinstance(x.dims[axis], int) and self.maybe(0.3) else []
        scale = self.constant((self.generator.uniform(0.9, 1.1, each) * 6 / 2 ** bits).astype(NUMPY[self.kind]))
        middle = 2 ** (bits - 1) if kind[0] == "u" else 0
        zero = self.constant((self.generator.integers(-2, 3, each) + middle).astype(NUMPY[kind]))
        numbers = self.node("QuantizeLinear", x, scale, zero, axis=axis)
        if x.dims and self.maybe(0.3) and not each:
            numbers = self.node("Transpose", numbers, perm=list(range(len(x.dims))))
        self.keep(self.node("DequantizeLinear", numbers, scale, zero, axis=axis), x.dims)

    def dynamic(self):
        """A product of bytes whose scale data decide."""
        x = self.any(lambda dims: len(dims) >= 2 and isinstance(dims[-1], int) and dims[-1] > 0 and None not in dims)
        if self.kind != "float" or self.extents_have_zero(x):
            raise Skip
        columns, kind = self.rng.choice([3, 8, 17]), self.rng.choice(["int8", "uint8"])
        numbers, scale, zero = self.node("DynamicQuantizeLinear", x, count=3)
        info = np.iinfo(NUMPY[kind])
        weight = self.constant(self.generator.integers(info.min, info.max, [x.dims[-1], columns]).astype(NUMPY[kind]))
        middle = self.constant(np.array(128 if kind == "uint8" else 0, NUMPY[kind]))
        sums = self.node("Cast", self.node("MatMulInteger", numbers, weight, zero, middle), to=TensorProto.FLOAT)
        both = self.node("Mul", scale, self.constant(np.float32(0.01)))
        self.keep(self.node("Mul", sums, both), x.dims[:-1] + (columns,))

    def converted(self):
        """Through another type."""
        x = self.any()
        other = "float" if self.kind in ("double", "float16", "bfloat16") else "double"
        if self.kind == "double":
            self.narrowed.append(other)
        y = self.node("Tanh", self.node("Cast", x, to=ELEMENTS[other]))
        self.keep(self.node("Cast", y, to=ELEMENTS[self.kind]), x.dims)

    # Branches and loops

    def inner(self, *given):
        block = Network(self.rng, self.version, self.kind, self.sizes, self)
        block.values += given
        return block

    def body(self, block, inputs, outputs):
        number = ELEMENTS[self.kind]
        infos = [helper.make_tensor_value_info(name, kind or number, None if dims is None else [None] * len(dims))
                 for name, dims, kind in outputs]
        return helper.make_graph(block.nodes, self.fresh(), inputs, infos)

    def of_shape(self, block, dims):
        """A value of given extents that a block computes itself."""
        found = [v for v in block.values if v.dims == tuple(dims) and v.kind == self.kind]
        return block.node("Tanh", self.rng.choice(found[-3:]))

    def branch(self):
        x = self.any(lambda dims: None not in dims)
        total = self.node("ReduceSum", self.any(lambda dims: True), keepdims=0)
        test = self.node("Less", total, self.scalar(self.rng.uniform(-1, 1)))
        sides = []
        for _ in range(2):
            block = self.inner()
            block.steps(self.rng.randint(1, 3))
            sides.append(self.body(block, [], [(self.of_shape(block, x.dims), x.dims, None)]))
        self.keep(self.node("If", test, then_branch=sides[0], else_branch=sides[1]), x.dims)

    def loop(self):
        x = self.any(lambda dims: None not in dims)
        turn, going, state = self.fresh(), self.fresh(), Value(self.fresh(), x.dims, self.kind)
        block = self.inner(state)
        block.steps(self.rng.randint(1, 3))
        flag = block.node("Identity", going)
        outputs = [(flag, (), TensorProto.BOOL), (self.of_shape(block, x.dims), x.dims, None)]
        collects = self.maybe(0.4)
        if collects:
            outputs.append((self.of_shape(block, x.dims), x.dims, None))
        inputs = [helper.make_tensor_value_info(turn, TensorProto.INT64, []),
                  helper.make_tensor_value_info(going, TensorProto.BOOL, []),
                  helper.make_tensor_value_info(state.name, ELEMENTS[self.kind], [None] * len(x.dims))]
        turns = self.rng.randint(0 if not collects else 1, 4)
        limit = self.constant(np.int64(turns)) if self.maybe() else \
            self.input([], lambda _: np.array(turns, np.int64), "int64").name
        start = self.constant(np.bool_(True)) if self.maybe() else ""
        body = self.body(block, inputs, outputs)
        results = self.node("Loop", limit, start, x, count=2, body=body) if collects \
            else [self.node("Loop", limit, start, x, body=body)]
        self.keep(results[0], x.dims)
        if collects:
            self.keep(results[1], (None,) + x.dims)

    def scan(self):
        x = self.any(lambda dims: len(dims) >= 2 and None not in dims)
        if self.extents_have_zero(x):
            raise Skip
        row = x.dims[1:]
        start = self.node("ReduceSum", x, self.ints(0), keepdims=0)
        state, element = Value(self.fresh(), row, self.kind), Value(self.fresh(), row, self.kind)
        block = self.inner(state, element)
        mixed = block.keep(block.node("Tanh", block.node("Add", state, element)), row)
        block.steps(self.rng.randint(0, 2))
        outputs = [(block.node("Mul", mixed, self.scalar(0.5)), row, None), (self.of_shape(block, row), row, None)]
        inputs = [helper.make_tensor_value_info(each.name, ELEMENTS[self.kind], [None] * len(row))
                  for each in (state, element)]
        last, rows = self.node("Scan", start, x, count=2, body=self.body(block, inputs, outputs), num_scan_inputs=1)
        self.keep(last, row)
        self.keep(rows, x.dims)

    # The whole

    LAYERS = ["unary", "binary", "activation", "product", "product", "both", "convolution", "convolution", "pooling",
              "normalization", "normalization", "reduction", "recurrent"]
    SHAPES = ["transpose", "joined", "divided", "units", "concatenation", "copies", "parts", "positions", "sums_so_far"]
    SELECTIONS = ["slices", "gathering", "greatest", "filtered", "scattering", "condition", "classes"]
    TYPES = ["quantized", "quantized", "dynamic", "converted"]
    BODIES = ["branch", "loop", "scan"]

    def steps(self, count):
        """Adds steps; one that does not fit the values is left out."""
        for _ in range(count * 4):
            if count == 0:
                break
            groups = [self.LAYERS, self.LAYERS, self.SHAPES, self.SELECTIONS, self.TYPES]
            group = self.rng.choice(groups + ([self.BODIES] if self.depth < 2 else []))
            before = len(self.nodes)
            kept = list(self.values)
            try:
                getattr(self, self.rng.choice(group))()
                count -= 1
            except Skip:
                del self.nodes[before:]
                self.values = kept


def extent(dim, sizes):
    """What an extent is for sizes of the names."""
    return dim if isinstance(dim, int) else int(eval(dim, {}, sizes))


def times(first, second):
    if first is None or second is None:
        return None
    return first * second if isinstance(first, int) and isinstance(second, int) else f"({first})*({second})"


def plus(first, second):
    if first is None or second is None:
        return None
    return first + second if isinstance(first, int) and isinstance(second, int) else f"({first})+({second})"


def halved(dim):
    return (dim - 1) // 2 + 1 if isinstance(dim, int) else f"(({dim})-1)//2+1"


def draw(rng):
    """A network of 4 to 12 steps."""
    version = rng.randint(13, RUNTIME_OPSET)
    kind = rng.choice(["float"] * 4 + ["double", "float16"] + ["bfloat16"] * (version >= 22))
    first = {"n": rng.randint(1, 4), "m": rng.randint(2, 6)}
    second = {"n": rng.choice([0, 1, 2, 3, 5, 9, 17]), "m": rng.choice([1, 2, 3, 4, 7, 16, 33])}
    network = Network(rng, version, kind, [first, second])
    shapes = [("n", "m", 8), ("n", 6), ("n", 4, "m", 5), ("n", 3, 6, 6), ("m", 4), (2, "m", 3), ("n", 4, "m"), (4, 7)]
    for _ in range(rng.randint(1, 2)):
        network.data(*rng.choice(shapes))
    network.steps(rng.randint(4, 12))
    made = {name for node in network.nodes for name in node.output}
    used = {name for node in network.nodes for name in node.input}
    outputs = [value.name for value in network.values if value.name in made and value.name not in used][-3:]
    if not outputs:
        raise Skip
    fixed = {name: True for name in network.inputs}
    fixed |= {name: value.dtype.kind == "f" and rng.random() < 0.05 for name, value in network.constants.items()}
    values = [{**network.constants, **{name: given[size] for name, given in network.inputs.items()}} for size in (0, 1)]
    # Of errors of the type that numbers have in between.
    slack = 20 * max([ERRORS[each] / ERRORS[kind] for each in network.narrowed] + [1])
    return Sample(f"Network-{version}", network.nodes, values[0], outputs, {"": version}, slack=slack, fixed=fixed,
                  names=network.names, other=values[1])


