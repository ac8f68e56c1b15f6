#!/usr/bin/env python3
"""Write random small models with the results of an oracle, in the layout that `onnxc verify --suite` reads.

    differential.py DIR [--seed N] [--count N] [--only OPERATOR ...] [--invalid ONNXC]

A case is one operator or a chain of 3 to 10, of a random version of its definition, with random element types, shapes
(empty ones included), attributes and optional arguments; arguments are inputs, with fixed or named extents, or
constants. The oracle is ONNX Runtime, and the reference evaluator of `onnx` where that refuses; where both answer and
differ the case is left out and listed in models.txt. With --invalid one thing of every model is changed at random
instead, and `onnxc check` must take it or name the node; models.txt says which of them ONNX Runtime alone refuses.
"""
import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import warnings

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

MAX_OPSET = onnx.defs.onnx_opset_version()
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
# The relative rounding error of a type, and what may come of a few operations on it.
ERRORS = {"double": 1e-7, "float": 1e-4, "float16": 4e-3, "bfloat16": 3e-2}


class Skip(Exception):
    """A combination that makes no case."""


class Maker:
    """Draws arguments and attributes of one operator."""

    def __init__(self, rng, name, version, domain="", first=None):
        self.rng, self.name, self.version, self.domain = rng, name, version, domain
        self.schema = onnx.defs.get_schema(name, version, domain)
        self.given = first
        self.types = {}
        self.attributes = {}
        self.constants = set()
        self.outputs = 1

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
            if self.maybe(0.05) and values.size and not element.startswith("float8"):
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


MAKERS = {}
CHAINED = []


def makes(*names, chained=False):
    def register(function):
        for name in names:
            MAKERS[name] = function
            if chained:
                CHAINED.append(name)
        return function
    return register


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


# Cases


VERSIONS = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        VERSIONS[schema.name] = sorted({*VERSIONS.get(schema.name, ()), schema.since_version})


class Refused(Exception):
    """No oracle has an answer."""


class Slow(Exception):
    """An oracle takes too long."""


def infos(values, names):
    return [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for n, v in zip(names, values)]


def build(nodes, inputs, constants, outputs, opsets, shapes=None):
    """A model; `shapes` names extents of inputs, and `outputs` are pairs of name and type."""
    declared = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype),
                                              (shapes or {}).get(name, list(value.shape)))
                for name, value in inputs.items()]
    results = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", declared, results, initializers)
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=11 if opsets.get("", 0) >= 23 else 10)


def plain(array):
    return NAMES[np.asarray(array).dtype] not in ("bfloat16", "int4", "uint4") and array.dtype.kind != "V" \
        and not NAMES[array.dtype].startswith("float8")


def run_runtime(nodes, values, names, opsets):
    """Results of ONNX Runtime; what NumPy does not know goes in as constants and comes out as floats."""
    inferred = onnx.shape_inference.infer_shapes(
        build(nodes, {}, values, [(n, 0) for n in names], opsets), check_type=True, strict_mode=False)
    declared = list(inferred.graph.output) + list(inferred.graph.value_info)
    kinds = {value.name: value.type.tensor_type.elem_type for value in declared}
    nodes, outputs = list(nodes), []
    for name in names:
        kind = kinds.get(name, 0)
        if kind == 0:
            raise Refused("no type")
        if kind in (TensorProto.BFLOAT16, TensorProto.INT4, TensorProto.UINT4) or 17 <= kind <= 20:
            nodes.append(helper.make_node("Cast", [name], [name + "_f"], to=TensorProto.FLOAT))
            outputs.append((name + "_f", TensorProto.FLOAT))
        else:
            outputs.append((name, kind))
    inputs = {name: value for name, value in values.items() if plain(value)}
    constants = {name: value for name, value in values.items() if not plain(value)}
    model = build(nodes, inputs, constants, outputs, opsets)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(None, inputs)
    return [np.asarray(r).astype(helper.tensor_dtype_to_np_dtype(kinds[n])) for n, r in zip(names, results)]


def run_reference(nodes, values, names, opsets):
    """Results of the reference evaluator."""
    model = build(nodes, values, {}, [(n, 0) for n in names], opsets)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True)
    kinds = {o.name: o.type.tensor_type.elem_type for o in inferred.graph.output}
    results = ReferenceEvaluator(model).run(None, values)
    checked = []
    for name, result in zip(names, results):
        result = np.asarray(result)
        if result.dtype not in NAMES or kinds.get(name) not in (0, None, ELEMENTS[NAMES[result.dtype]]):
            raise Refused("a result of another type")
        checked.append(result)
    return checked


# Where the reference evaluator does not do what the operator is defined to do.
MISTAKEN = {"LRN", "LpNormalization", "OneHot", "QLinearConv", "QLinearMatMul", "GlobalMaxPool", "MaxPool", "Unique"}
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
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "iub" and NAMES[a.dtype] not in ("int4", "uint4"):
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


def consult(nodes, values, names, opsets, relative):
    """The answer of the oracles and who gave it."""
    answers, reasons = {}, []
    trusted = not any(node.op_type in MISTAKEN or opsets[""] < MODERN.get(node.op_type, 0) for node in nodes)
    for who, function in (("ort", run_runtime), *([("ref", run_reference)] if trusted else [])):
        try:
            answers[who] = limited(function, nodes, values, names, opsets)
        except Exception as reason:  # noqa: BLE001, an oracle may fail in any way
            reasons.append(f"{who}: {str(reason)[:200]}")
    if not answers:
        raise Refused("; ".join(reasons))
    if len(answers) == 2 and not all(same(a, b, relative) for a, b in zip(answers["ort"], answers["ref"])):
        return None, answers
    who = "ort" if "ort" in answers else "ref"
    return (who if len(answers) == 1 else "both"), answers[who]


def random_node(rng, name, prefix, first=None, version=None):
    """A node with values for its arguments."""
    versions = VERSIONS[name]
    since = [v for v in versions if 7 <= v <= MAX_OPSET] + ([7] if versions[0] < 7 and 7 not in versions else [])
    if version is None:
        version = rng.choice(since)
    m = Maker(rng, name, version, first=first)
    values = [value if value is None else np.asarray(value) for value in MAKERS[name](m)]
    while values and values[-1] is None:
        values.pop()
    names = [f"{prefix}x{i}" if v is not None else "" for i, v in enumerate(values)]
    outputs = [f"{prefix}y{i}" for i in range(m.outputs)]
    node = helper.make_node(name, names, outputs, name=f"{prefix}{name}",
                            **{key: value for key, value in m.attributes.items() if value != []})
    return node, {n: v for n, v in zip(names, values) if n}, outputs, version


def chain(rng, number):
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
            node, own, outputs, _ = random_node(rng, name, f"n{step}", first, opset)
            if first is not None:
                node.input[0] = key
                del own[f"n{step}x0"]
            arguments = {**own, **({key: first} if first is not None else {})}
            who, results = consult([node], arguments, outputs, {"": version}, 1e-2)
        except (Skip, Refused, onnx.defs.SchemaError):
            continue
        if who is None or any(r.size > 4000 or r.dtype not in NAMES for r in results) or not all(
                np.isfinite(r.astype(np.float64)).all() for r in results if r.dtype.kind == "f"):
            continue
        nodes.append(node)
        values.update(own)
        known.update(zip(outputs, results))
        if first is not None:
            used.add(key)
    outputs = [name for name in known if name not in used]
    if len(nodes) < 3 or not outputs:
        raise Skip
    return nodes, values, outputs[-3:], version


def named_extents(rng, inputs):
    """Names for some extents of inputs, but those of vectors, which mostly say how many axes there are."""
    return {key: [f"{key}_{axis}" if rng.random() < 0.5 and extent != 1 else extent
                  for axis, extent in enumerate(value.shape)]
            for key, value in inputs.items() if value.ndim > 1}


def write_case(folder, model, inputs, outputs, tolerance):
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
    for role, values in (("input", inputs), ("output", outputs)):
        for index, (name, value) in enumerate(values.items()):
            with open(os.path.join(data, f"{role}_{index}.pb"), "wb") as file:
                file.write(numpy_helper.from_array(value, name).SerializeToString())
    with open(os.path.join(folder, "data.json"), "w", encoding="utf-8") as file:
        json.dump(tolerance, file)


def case(arguments):
    """Makes one case; returns its name and what became of it."""
    root, seed, number, only, invalid = arguments
    rng = random.Random(f"{seed}/{number}")
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    names = sorted(only or MAKERS)
    try:
        if not only and rng.random() < 0.25:
            label = "Chain"
            nodes, values, outputs, version = chain(rng, number)
        else:
            label = rng.choice(names)
            node, values, outputs, version = random_node(rng, label, "")
            nodes = [node]
    except (Skip, onnx.defs.SchemaError):
        return f"{number}", "skipped"
    name = f"{label}-{version}-{number}"
    if invalid:
        return name, mutated(rng, os.path.join(root, name), nodes, values, outputs, version, invalid)
    relative = error([], values.values())
    try:
        who, results = consult(nodes, values, outputs, {"": version}, max(relative, 1e-3))
    except Refused as reason:
        return name, f"refused: {reason}"
    if who is None:
        return name, f"oracles differ: {[r.ravel()[:4].tolist() for a in results.values() for r in a]}"
    constants = {key: value for key, value in values.items() if rng.random() < 0.35}
    inputs = {key: value for key, value in values.items() if key not in constants}
    shapes = {}
    if rng.random() < 0.35:
        shapes = named_extents(rng, inputs)
    kinds = [(n, helper.np_dtype_to_tensor_dtype(r.dtype)) for n, r in zip(outputs, results)]
    model = build(nodes, inputs, constants, kinds, {"": version}, shapes)
    relative = error(results, values.values())
    top = max(magnitude(results), 0.1 * magnitude(values.values()), 0.01)
    write_case(os.path.join(root, name), model, inputs, dict(zip(outputs, results)),
               {"rtol": relative * (10 if label == "Chain" else 1), "atol": relative * top})
    return name, who


def mutated(rng, folder, nodes, values, outputs, version, compiler):
    """Writes a model with one thing wrong, most probably; returns what the compiler and ONNX Runtime say."""
    node = rng.choice(nodes)
    values = dict(values)
    change = rng.choice(["int", "ints", "drop", "shape", "shape", "type", "value", "rank", "extra"])
    names = [n for n in node.input if n in values]
    if change in ("int", "ints"):
        attributes = [a for a in node.attribute if a.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)]
        if not attributes:
            return "skipped"
        attribute = rng.choice(attributes)
        wild = [-1, 0, 1, 7, -9, 100, 2**31, -(2**31), 2**63 - 1, -(2**63), 1 << 40]
        if attribute.type == onnx.AttributeProto.INT:
            attribute.i = rng.choice(wild)
        elif rng.random() < 0.3:
            del attribute.ints[rng.randint(0, max(0, len(attribute.ints) - 1)):]
        elif attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(wild)
    elif change == "drop":
        if node.input:
            node.input[rng.randrange(len(node.input))] = ""
    elif change == "extra":
        node.input.append(node.input[0] if node.input else "")
    elif not names:
        return "skipped"
    else:
        key = rng.choice(names)
        value = values[key]
        if change == "shape" and value.ndim:
            shape = list(value.shape)
            shape[rng.randrange(len(shape))] += rng.choice([1, -1, 2, 5])
            if min(shape) < 0:
                return "skipped"
            values[key] = np.resize(value, shape) if value.size else np.zeros(shape, value.dtype)
        elif change == "rank":
            values[key] = value[None] if rng.random() < 0.5 or not value.ndim else value.reshape(-1)
        elif change == "type":
            values[key] = np.zeros(value.shape, NUMPY[rng.choice(sorted(NUMPY))])
        elif change == "value" and value.dtype.kind in "iu" and value.size:
            value = value.copy()
            wild = np.array(rng.choice([-1, 0, 99, -99, 2**31 - 1, -(2**62)]))
            value.flat[rng.randrange(value.size)] = wild.astype(value.dtype)
            values[key] = value
        else:
            return "skipped"
    constants = {key: value for key, value in values.items() if change == "value" or rng.random() < 0.4}
    inputs = {key: value for key, value in values.items() if key not in constants}
    try:
        model = build(nodes, inputs, constants, [(n, 0) for n in outputs], {"": version})
    except Exception:  # noqa: BLE001, the mutation may be beyond what protobuf holds
        return "skipped"
    os.makedirs(folder)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
    check = subprocess.run([compiler, "check", os.path.join(folder, "model.onnx")], capture_output=True, text=True,
                           timeout=120, check=False)
    named = any(f"'{name}'" in check.stderr for name in [each.name for each in nodes] + list(values))
    if check.returncode not in (0, 2, 3) or check.returncode and not named:
        return f"CRASH: {check.returncode} after {change}: {check.stderr[-300:]}"
    answer = "refused" if check.returncode else "taken"
    reason = refusal(nodes, values, outputs, version)
    if reason is None:
        return f"{answer}, as by ONNX Runtime" if answer == "taken" else f"{answer} alone: {check.stderr}"
    return f"taken alone after {change}: {reason}" if answer == "taken" else "refused, as by ONNX Runtime"


def refusal(nodes, values, outputs, version):
    """Why ONNX Runtime refuses a model, in a process of its own, which it may crash; None if it does not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        signal.alarm(10)
        reason = ""
        try:
            run_runtime(nodes, values, outputs, {"": version})
        except BaseException as caught:  # noqa: BLE001
            reason = str(caught).replace("\n", " ")[:300] or "refused"
        os.write(writer, reason.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        reason = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return "a crash" if status else reason or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dir")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--invalid", metavar="ONNXC", help="break the models, and have this compiler check them")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    os.makedirs(arguments.dir)
    work = [(arguments.dir, arguments.seed, n, arguments.only, arguments.invalid) for n in range(arguments.count)]
    tally = {}
    with multiprocessing.Pool(arguments.jobs, maxtasksperchild=500) as pool_of_workers, \
            open(os.path.join(arguments.dir, "models.txt"), "w", encoding="utf-8") as log:
        for name, outcome in pool_of_workers.imap(case, work, chunksize=8):
            kind = outcome.split(":")[0].split(" after")[0]
            tally[kind] = tally.get(kind, 0) + 1
            log.write(f"{name}\t{outcome}\n")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(tally.items())))
    sys.exit(1 if "CRASH" in tally else 0)


if __name__ == "__main__":
    main()
