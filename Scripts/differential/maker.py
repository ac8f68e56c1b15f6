"""Draws arguments and attributes of operators at random."""
import numpy as np
import onnx
from onnx import TensorProto, helper

MAX_OPSET = onnx.defs.onnx_opset_version()
# The newest operator set that ONNX Runtime takes.
RUNTIME_OPSET = 26
FLOATS = ["float", "double", "float16", "bfloat16"]
ELEMENTS = {
    "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16, "int8": TensorProto.INT8, "int16": TensorProto.INT16,
    "int32": TensorProto.INT32, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16, "uint32": TensorProto.UINT32, "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL, "int4": TensorProto.INT4, "uint4": TensorProto.UINT4,
    "float8e4m3fn": TensorProto.FLOAT8E4M3FN, "float8e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "float8e5m2": TensorProto.FLOAT8E5M2, "float8e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
}
NUMPY = {name: np.dtype(helper.tensor_dtype_to_np_dtype(number)) for name, number in ELEMENTS.items()}
NAMES = {dtype: name for name, dtype in NUMPY.items()}
NAMES[np.dtype(object)] = "string"


WORDS = ["a", "b", "cat", "dog", "", "B", "ß", "dog "]


class Skip(Exception):
    """A combination that makes no case."""


class Maker:
    """Draws arguments and attributes of one operator."""

    def __init__(self, rng, name, version, domain="", first=None):
        self.rng, self.name, self.version, self.domain = rng, name, version, domain
        # The domain of ONNX Runtime has no definitions in the package of ONNX.
        self.schema = None if domain == "com.microsoft" else onnx.defs.get_schema(name, version, domain)
        self.given = first
        self.types = {}
        self.attributes = {}
        self.outputs = 1
        # Positions of arguments whose extents get no names, because an oracle takes others that do not fit.
        self.rigid = set()
        # Whether no number is infinite or NaN, for what oracles compute in ways that these show.
        self.finite = False
        # Positions of results that are asked for; all if None.
        self.outputs_wanted = None
        # What gives the results for arguments, where the oracles have none.
        self.answer = None

    # Choices

    def maybe(self, chance=0.5):
        return self.rng.random() < chance

    def pick(self, *values):
        return self.rng.choice(values)

    def integer(self, low, high):
        return self.rng.randint(low, high)

    def attribute(self, name, value, chance=0.6):
        """Sets an attribute or leaves it out; returns whether it is set."""
        if not self.maybe(chance):
            return False
        self.attributes[name] = value
        return True

    def set(self, **values):
        self.attributes.update({name: value for name, value in values.items() if value is not None})

    def extent(self):
        return self.rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 7]) if self.maybe(0.25) else self.integer(1, 6)

    def shape(self, low=0, high=6):
        rank = self.integer(low, min(high, 4)) if self.maybe(0.85) else self.integer(low, high)
        shape = [self.extent() for _ in range(rank)]
        while np.prod(shape, dtype=int) > 3000:
            shape[shape.index(max(shape))] = 1
        return shape

    def axis(self, rank, low=None):
        if rank == 0:
            raise Skip
        axis = self.integer(0 if low is None else low, rank - 1)
        return axis - rank if self.maybe(0.4) else axis

    # Types and data

    def element(self, position, among=None):
        """The element type of an argument, the same for arguments of the same type variable."""
        inputs = self.schema.inputs
        formal = inputs[min(position, len(inputs) - 1)].type_str
        if formal in self.types:
            return self.types[formal]
        allowed = [formal]
        for constraint in self.schema.type_constraints:
            if constraint.type_param_str == formal:
                allowed = constraint.allowed_type_strs
        names = [name[7:-1] for name in allowed if name.startswith("tensor(")]
        names = sorted(name for name in names if name in ELEMENTS and (among is None or name in among))
        if not names:
            raise Skip
        if "float" in names and self.maybe(0.4):
            names = ["float"]
        self.types[formal] = self.rng.choice(names)
        return self.types[formal]

    def fill(self, element, shape, low=None, high=None):
        """Random elements of a type within bounds."""
        generator = np.random.default_rng(self.rng.getrandbits(48))
        dtype = NUMPY[element]
        if element == "bool":
            return generator.integers(0, 2, shape).astype(bool)
        if element in FLOATS or element.startswith("float8"):
            if low is not None:
                return np.asarray(generator.uniform(low, high, shape)).astype(dtype)
            scale = self.rng.choice([1, 1, 1, 4, 20])
            values = np.asarray(generator.standard_normal(shape) * scale)
            if self.maybe(0.2):
                values = np.round(values * 2) / 2
            if self.maybe(0.05) and values.size and not self.finite and not element.startswith("float8"):
                values.flat[generator.integers(values.size)] = self.rng.choice([np.nan, np.inf, -np.inf, -0.0])
            return values.astype(dtype)
        if element in ("int4", "uint4"):
            bounds = (-8, 7) if element == "int4" else (0, 15)
        else:
            bounds = (np.iinfo(dtype).min, np.iinfo(dtype).max)
            if low is None and self.maybe(0.7):
                bounds = (max(bounds[0], -9), min(bounds[1], 9))
        if low is not None:
            bounds = (max(bounds[0], int(low)), min(bounds[1], int(high)))
        wide = np.uint64 if bounds[1] >= 2**63 else np.int64
        return generator.integers(bounds[0], bounds[1], shape, endpoint=True, dtype=wide).astype(dtype)

    def data(self, position, shape=None, among=None, low=None, high=None, ranks=(0, 6)):
        """An argument; the first one may be the value that a chain continues."""
        if position == 0 and self.given is not None:
            formal = self.schema.inputs[0].type_str
            name = NAMES[self.given.dtype]
            if self.types.get(formal, name) != name or shape is not None and list(self.given.shape) != list(shape):
                raise Skip
            if among is not None and name not in among or not ranks[0] <= self.given.ndim <= ranks[1]:
                raise Skip
            self.types[formal] = name
            if self.element(0) != name:
                raise Skip
            return self.given
        element = self.element(position, among)
        return self.fill(element, self.shape(*ranks) if shape is None else shape, low, high)

    def subshape(self, shape):
        """A shape that broadcasts to another."""
        own = [1 if self.maybe(0.25) else extent for extent in shape]
        return own[self.integer(0, len(own)):] if self.maybe(0.3) else own

    def pair(self):
        """Two shapes that broadcast, the first that of a given value."""
        if self.given is not None:
            return list(self.given.shape), self.subshape(list(self.given.shape))
        shape = self.shape()
        return (self.subshape(shape), shape) if self.maybe() else (shape, self.subshape(shape))

    def ints(self, *values):
        return np.array(values, np.int64)

    def words(self, shape, among=WORDS):
        """Strings."""
        return np.array([self.pick(*among) for _ in range(int(np.prod(shape)))], object).reshape(shape)

    def real(self, shape, low=None, high=None):
        """Floats of the type that the node computes in."""
        return self.fill(self.types.setdefault("T", "float"), list(shape), low, high)


MAKERS = {}
CHAINED = []


def makes(*names, domain="", chained=False):
    """Registers a function that draws the arguments of operators."""
    def register(function):
        for name in names:
            MAKERS[domain, name] = function
            if chained:
                CHAINED.append(name)
        return function
    return register
