"""Operators of ONNX Runtime's own domain."""
import numpy as np

from maker import NUMPY, Skip, makes as makes_any

DOMAIN = "com.microsoft"


def makes(*names):
    return makes_any(*names, domain=DOMAIN)


def one(value, kind="int32"):
    return np.array(value, NUMPY[kind])


# Elementwise

@makes("Gelu", "QuickGelu", "SampleOp", "ScaledSiLU", "FastGelu", "BiasGelu")
def activation(m):
    if m.name == "QuickGelu":
        m.attribute("alpha", m.rng.uniform(0.3, 2))
    shape = m.shape(1, 5)
    if m.name == "ScaledSiLU":
        m.types["T"] = m.pick("float", "float16")
        m.attribute("alpha", m.rng.uniform(0.3, 2))
        return [m.real(shape)] + ([m.fill(m.pick("float", "float16"), [])] if m.maybe() else [])
    if m.name == "BiasGelu" or m.name == "FastGelu" and m.maybe():
        return [m.real(shape), m.real(shape[-1:])]
    return [m.real(shape)]


@makes("GatedAdd", "GatedRMSNorm")
def gated(m):
    m.finite = True
    m.types["T"] = m.pick("float", "float16")
    shape = m.shape(1, 4)
    if m.name == "GatedAdd":
        return [m.real(shape), m.real(shape), m.real(shape[:-1] + [1])]
    m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
    m.attribute("activation", m.pick("silu", "sigmoid", "swish", "none"))
    return [m.real(shape), m.real(shape[-1:]), m.real(shape)]


@makes("Trilu", "ExpandDims", "GatherND", "UnfoldTensor", "Pad", "Range", "Inverse", "CDist")
def movement(m):
    if m.name == "Range":
        kind = NUMPY[m.pick("int16", "int32", "int64", "float", "double")]
        start, delta = m.integer(-5, 5), m.pick(1, 2, -1, -2)
        values = [np.array(v).astype(kind) for v in (start, start + m.integer(0, 9) * (1 if delta > 0 else -1), delta)]
        return values if delta != 1 or m.maybe() else values[:2]
    if m.name == "Inverse":
        n = m.integer(1, 5)
        m.types["T"] = m.pick("float", "double")
        return [m.real(m.shape(0, 2) + [n, n]) + (np.eye(n) * 4).astype(NUMPY[m.types["T"]])]
    if m.name == "CDist":
        m.types["T"] = m.pick("float", "double")
        m.attribute("metric", m.pick("euclidean", "sqeuclidean"))
        k = m.integer(1, 5)
        return [m.real([m.integer(1, 5), k]), m.real([m.integer(1, 5), k])]
    if m.name == "Pad":
        x = m.real(m.shape(1, 4))
        mode = m.pick("constant", "reflect", "edge")
        if mode != "constant" and x.size == 0:
            raise Skip
        m.attribute("mode", mode, 1 if mode != "constant" else 0.5)
        sizes = [m.integer(0, max(0, e - 1) if mode == "reflect" else 3) for e in x.shape + x.shape]
        return [x, m.ints(*sizes)] + ([m.real([])] if m.maybe() else [])
    kind = m.pick("float", "double", "int64")
    x = m.fill(kind, m.shape(2 if m.name == "Trilu" else 1, 4))
    if m.name == "Trilu":
        m.attribute("upper", m.integer(0, 1))
        return [x] + ([np.array(m.integer(-4, 4))] if m.maybe() else [])
    if m.name == "ExpandDims":
        return [x, one(m.integer(-x.ndim - 1, x.ndim))]
    if 0 in x.shape:
        raise Skip
    if m.name == "UnfoldTensor":
        axis = m.axis(x.ndim)
        m.set(dim=axis, size=m.integer(1, x.shape[axis]))
        m.attribute("step", m.integer(1, 3))
        return [x]
    size = m.integer(1, x.ndim)
    kind = m.pick("int32", "int64")
    outer = m.shape(0, 2)
    return [x, np.stack([m.fill(kind, outer, -x.shape[i], x.shape[i] - 1) for i in range(size)], -1)]


@makes("MurmurHash3")
def murmur(m):
    m.attribute("seed", m.integer(0, 99))
    m.attribute("positive", m.integer(0, 1))
    return [m.fill(m.pick("int32", "uint32", "int64", "uint64", "float", "double"), m.shape(1, 3))]


@makes("GridSample")
def grid_sample(m):
    m.attribute("mode", m.pick("bilinear", "nearest", "bicubic"))
    m.attribute("padding_mode", m.pick("zeros", "border", "reflection"))
    m.attribute("align_corners", m.integer(0, 1))
    batch = m.integer(1, 2)
    return [m.real([batch, m.integer(1, 2), m.integer(1, 5), m.integer(1, 5)]),
            m.real([batch, m.integer(1, 4), m.integer(1, 4), 2], -1.3, 1.3)]


@makes("CropAndResize")
def crop_and_resize(m):
    m.attribute("mode", m.pick("bilinear", "nearest"))
    m.attribute("extrapolation_value", m.rng.uniform(-2, 2))
    batch, count = m.integer(1, 2), m.integer(1, 3)
    return [m.real([batch, m.integer(1, 2), m.integer(2, 5), m.integer(2, 5)]), m.real([count, 4], -0.2, 1.3),
            m.fill("int32", [count], 0, batch - 1), np.array([m.integer(1, 4), m.integer(1, 4)], np.int32)]


# Products

@makes("FusedMatMul", "TransposeMatMul")
def fused_matmul(m):
    n, k, o = m.integer(1, 5), m.integer(1, 6), m.integer(1, 5)
    batch = m.shape(0, 2)
    if m.name == "FusedMatMul" and m.maybe(0.3):
        m.types["T"] = "double"
    ta, tb = m.integer(0, 1), m.integer(0, 1)
    m.set(transA=ta, transB=tb)
    m.attribute("alpha", m.rng.uniform(0.3, 2))
    first, second = ([k, n] if ta else [n, k]), ([o, k] if tb else [k, o])
    own, other = (batch, batch) if m.maybe() else (m.subshape(batch), m.subshape(batch))
    if m.name == "FusedMatMul" and len(batch) == 1 and own == other == batch and m.maybe(0.6):
        ba, bb = m.integer(0, 1), m.integer(0, 1)
        m.set(transBatchA=ba, transBatchB=bb)
        first = [first[0]] + batch + first[1:] if ba else batch + first
        second = [second[0]] + batch + second[1:] if bb else batch + second
        return [m.real(first), m.real(second)]
    return [m.real(own + first), m.real(other + second)]


@makes("SparseToDenseMatMul")
def sparse_matmul(m):
    """With all elements of the sparse factor, as the compiler takes it."""
    n, k, o = m.extent(), m.extent(), m.extent()
    left, right = m.integer(0, 1), m.integer(0, 1)
    m.set(transA=left, transB=right, alpha=m.rng.uniform(0.3, 2))
    alpha = np.float32(m.attributes["alpha"])
    m.answer = lambda a, b: [alpha * (a.T if left else a) @ (b.T if right else b)]
    sparse = m.real([k, n] if left else [n, k], -2, 2)
    return [sparse * m.fill("bool", sparse.shape), m.real([o, k] if right else [k, o], -2, 2)]


@makes("FusedGemm")
def fused_gemm(m):
    n, k, o = m.extent(), m.integer(1, 6), m.integer(1, 6)
    ta, tb = m.integer(0, 1), m.integer(0, 1)
    m.set(transA=ta, transB=tb)
    m.attribute("alpha", m.rng.uniform(0.3, 2))
    m.attribute("beta", m.rng.uniform(0.3, 2))
    kind = m.pick("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "HardSigmoid", "Softsign", "Softplus", "Selu",
                  "ThresholdedRelu")
    m.set(activation=kind)
    if kind in ("LeakyRelu", "Elu", "HardSigmoid", "ThresholdedRelu", "Selu"):
        m.set(activation_alpha=m.rng.uniform(0.1, 1))
    if kind == "HardSigmoid":
        m.set(activation_beta=m.rng.uniform(0.1, 1))
    if kind == "Selu":
        m.set(activation_gamma=m.rng.uniform(0.1, 1))
    values = [m.real([k, n] if ta else [n, k]), m.real([o, k] if tb else [k, o])]
    return values + ([m.real(m.pick([], [1], [o], [n, 1], [1, o], [n, o]))] if m.maybe() else [])


@makes("FusedConv")
def fused_conv(m):
    rank, group = m.pick(1, 2, 2), m.pick(1, 1, 2)
    channels, filters = group * m.integer(1, 3), group * m.integer(1, 3)
    kernel, spatial = [m.integer(1, 3) for _ in range(rank)], [m.integer(4, 8) for _ in range(rank)]
    m.attribute("kernel_shape", kernel)
    m.set(group=group)
    strides, pads = [m.integer(1, 2) for _ in kernel], [m.integer(0, k - 1) for k in kernel + kernel]
    m.set(strides=strides, pads=pads)
    kind = m.pick("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid")
    if m.maybe(0.9):
        m.set(activation=kind)
        parameters = {"LeakyRelu": [0.2], "Clip": [-0.5, 0.7], "HardSigmoid": [0.3, 0.4]}.get(kind)
        m.set(activation_params=parameters)
    batch = m.integer(1, 2)
    values = [m.real([batch, channels] + spatial), m.real([filters, channels // group] + kernel),
              m.real([filters]) if m.maybe() else None]
    if m.maybe(0.4):
        out = [(s + pads[i] + pads[rank + i] - kernel[i]) // strides[i] + 1 for i, s in enumerate(spatial)]
        values.append(m.real([batch, filters] + out))
    return values


@makes("ConvTransposeWithDynamicPads")
def conv_transpose(m):
    channels, filters, group = 2 * m.integer(1, 2), m.integer(1, 3), m.pick(1, 2)
    strides = [m.integer(1, 3), m.integer(1, 3)]
    m.set(group=group, strides=strides)
    m.attribute("output_padding", [m.integer(0, s - 1) for s in strides], 0.3)
    values = [m.real([m.integer(1, 2), channels, m.integer(2, 4), m.integer(2, 4)]),
              m.real([channels, filters, m.integer(2, 3), m.integer(2, 3)]),
              m.ints(*[m.integer(0, 1) for _ in range(4)])]
    return values + ([m.real([filters * group])] if m.maybe() else [])


@makes("MatMulNBits")
def matmul_nbits(m):
    bits, block = m.pick(2, 4, 4, 8), m.pick(16, 32, 64)
    k, n = m.integer(1, 80), m.integer(1, 7)
    blocks = -(-k // block)
    m.set(K=k, N=n, bits=bits, block_size=block)
    if bits == 4 and m.maybe(0.5):
        del m.attributes["bits"]
    m.attribute("accuracy_level", m.integer(0, 1), 0.3)
    m.types["T"] = m.pick("float", "float", "float16")
    flat = m.maybe(0.3)
    weights = m.fill("uint8", [n, blocks, block * bits // 8], 0, 255)
    scales = m.real([n * blocks] if flat else [n, blocks], 0.01, 0.1)
    values = [m.real(m.shape(0, 2) + [m.extent(), k]), weights, scales, None, None, None]
    if m.maybe():
        if m.maybe(0.3):
            values[3] = m.real([n, blocks], 0, 2**bits - 1)
        else:
            width = -(-blocks * bits // 8)
            values[3] = m.fill("uint8", [n * width] if flat else [n, width], 0, 255)
    # Of blocks that are given by column ONNX Runtime knows 4 bits only, and disregards packed zero points.
    if bits == 4 and m.maybe(0.2) and (values[3] is None or values[3].dtype != np.uint8):
        values[4] = m.fill("int32", [k], 0, blocks - 1)
    if m.maybe(0.3):
        values[5] = m.real([n])
    return values


@makes("MatMulBnb4")
def matmul_bnb4(m):
    block = m.pick(16, 32, 64)
    k, n = m.integer(1, 5) * 16, m.integer(1, 5)
    m.set(K=k, N=n, block_size=block, quant_type=m.integer(0, 1))
    m.attribute("transB", 1)
    return [m.real(m.shape(0, 1) + [m.integer(1, 4), k]), m.fill("uint8", [(n * k + 1) // 2], 0, 255),
            m.real([-(-n * k // block)], 0.1, 1)]


@makes("MatMulFpQ4")
def matmul_q4(m):
    kind, k, n = m.integer(0, 1), m.integer(1, 80), m.integer(1, 7)
    m.set(blk_quant_type=kind)
    blocks = n * -(-k // 32)
    parts = [m.fill("float", [blocks, 1], 0.01, 0.1).view(np.uint8)]
    if kind:
        parts.append(m.fill("uint8", [blocks, 1], 0, 255))
    weights = np.concatenate(parts + [m.fill("uint8", [blocks, 16], 0, 255)], 1).reshape(-1)
    return [m.real(m.shape(0, 2) + [m.extent(), k]), weights, m.ints(k, n)]


@makes("MatMulInteger16", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
def integer_products(m):
    n, k, o = m.integer(1, 5), m.integer(1, 6), m.integer(1, 6)
    batch = m.shape(0, 2)
    if m.name == "MatMulInteger16":
        return [m.fill("int16", m.subshape(batch) + [n, k]), m.fill("int16", m.subshape(batch) + [k, o])]
    if m.name == "DynamicQuantizeMatMul":
        kind = m.pick("int8", "uint8")
        each = m.pick([], [1], [o])
        m.finite = True
        values = [m.real(batch + [n, k]), m.fill(kind, [k, o]), m.real(each, 0.01, 0.5),
                  m.fill(kind, each, 0, 9) if m.maybe(0.7) else None]
        return values + ([m.real([o])] if m.maybe() else [])
    first, second = m.pick(("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8"))
    each = m.pick([], [1], [o])
    values = [m.fill(first, batch + [n, k]), m.fill(second, [k, o]), m.real(m.pick([], [1]), 0.01, 0.5),
              m.real(each, 0.01, 0.5), m.fill(first, m.pick([], [1]), 0, 9) if m.maybe(0.7) else None,
              m.fill(second, each, 0, 9) if m.maybe(0.7) else None]
    return values + ([m.real([o])] if m.maybe() else [])


@makes("QGemm")
def qgemm(m):
    n, k, o = m.integer(1, 5), m.integer(1, 6), m.integer(1, 6)
    ta, tb = m.integer(0, 1), m.integer(0, 1)
    m.set(transA=ta, transB=tb)
    m.attribute("alpha", m.rng.uniform(0.3, 2))
    first, second = m.pick(("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8"))
    each = m.pick([], [o])
    values = [m.fill(first, [k, n] if ta else [n, k]), m.real([], 0.01, 0.5), m.fill(first, [], 0, 9),
              m.fill(second, [o, k] if tb else [k, o]), m.real(each, 0.01, 0.5), m.fill(second, each, 0, 9),
              m.fill("int32", m.pick([o], [n, o], [1, o], [n, 1]), -50, 50) if m.maybe() else None]
    return values + ([m.real([], 0.05, 0.5), m.fill(first, [], 0, 9)] if m.maybe() else [])


# Quantized operators

def quantized(m, shape):
    return m.fill(m.types.setdefault("Q", m.pick("uint8", "int8")), list(shape), *m.pick((-128, 255), (-9, 30)))


def scaling(m, each=()):
    """A scale and a zero point."""
    return [m.real(each, 0.02, 0.6), quantized(m, each)]


@makes("QLinearAdd", "QLinearMul")
def qlinear_binary(m):
    first, second = m.pair()
    return [quantized(m, first)] + scaling(m) + [quantized(m, second)] + scaling(m) + scaling(m)


@makes("QLinearSigmoid", "QLinearLeakyRelu")
def qlinear_unary(m):
    if m.name == "QLinearLeakyRelu":
        m.attribute("alpha", m.rng.uniform(0.01, 0.9))
    return [quantized(m, m.shape())] + scaling(m) + scaling(m)


@makes("QLinearSoftmax")
def qlinear_softmax(m):
    shape = m.shape(1, 4)
    m.set(opset=m.pick(12, 13))
    axis = m.axis(len(shape))
    m.set(axis=axis)
    # ONNX Runtime has no share for a single element.
    if np.prod(shape[axis:][:1 if m.attributes["opset"] == 13 else None]) == 1:
        raise Skip
    return [quantized(m, shape)] + scaling(m) + [m.real([], 0.003, 0.01), quantized(m, [])]


@makes("QLinearWhere")
def qlinear_where(m):
    first, second = m.pair()
    whole = list(np.broadcast_shapes(tuple(first), tuple(second)))
    return [m.fill("bool", m.subshape(whole)), quantized(m, first)] + scaling(m) + [quantized(m, second)] \
        + scaling(m) + scaling(m)


@makes("QLinearConcat")
def qlinear_concat(m):
    shape = m.shape(1, 4)
    axis = m.axis(len(shape))
    m.set(axis=axis)
    values = scaling(m)
    for _ in range(m.integer(1, 3)):
        own = list(shape)
        own[axis] = m.extent()
        values += [quantized(m, own)] + scaling(m)
    return values


@makes("QLinearAveragePool", "QLinearGlobalAveragePool", "NhwcMaxPool")
def quantized_pool(m):
    last = m.name == "NhwcMaxPool" or m.maybe()
    rank = 2 if m.name != "NhwcMaxPool" else m.pick(1, 2, 3)
    spatial = [m.integer(5, 7) for _ in range(rank)]
    batch, channels = m.integer(1, 2), m.integer(1, 4)
    x = quantized(m, [batch] + spatial + [channels] if last else [batch, channels] + spatial)
    if m.name != "NhwcMaxPool":
        m.attribute("channels_last", int(last), 1 if last else 0.5)
    if m.name != "QLinearGlobalAveragePool":
        kernel = [m.integer(1, 3) for _ in spatial]
        m.set(kernel_shape=kernel)
        m.attribute("strides", [m.integer(1, 2) for _ in spatial])
        m.attribute("pads", [m.integer(0, k - 1) for k in kernel + kernel])
        if m.name == "NhwcMaxPool":
            m.attribute("dilations", [m.integer(1, 2) for _ in spatial], 0.3)
            return [x]
        m.attribute("ceil_mode", m.integer(0, 1), 0.3)
        m.attribute("count_include_pad", m.integer(0, 1))
    return [x] + scaling(m) + scaling(m)


@makes("QLinearConv")
def qlinear_conv(m):
    group = m.pick(1, 1, 2)
    channels, filters = group * m.integer(1, 3), group * m.integer(1, 3)
    kernel, spatial = [m.integer(1, 3), m.integer(1, 3)], [m.integer(4, 7), m.integer(4, 7)]
    m.set(group=group, strides=[m.integer(1, 2), m.integer(1, 2)], pads=[m.integer(0, k - 1) for k in kernel + kernel])
    first, second = m.pick(("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8"))
    last = m.integer(0, 1)
    m.set(channels_last=last)
    each = m.pick([], [filters])
    batch = m.integer(1, 2)
    zero = m.fill(second, each, 0, 0) if each else m.fill(second, [], 0, 9)
    return [m.fill(first, [batch] + spatial + [channels] if last else [batch, channels] + spatial),
            m.real([], 0.01, 0.5), m.fill(first, [], 0, 9), m.fill(second, [filters, channels // group] + kernel),
            m.real(each, 0.01, 0.5), zero, m.real([], 0.05, 0.5), m.fill(first, [], 0, 9)] \
        + ([m.fill("int32", [filters], -50, 50)] if m.maybe() else [])


@makes("QuantizeLinear", "DequantizeLinear")
def quantize(m):
    shape = m.shape(1, 4)
    kind = m.pick("uint8", "int8", "uint16", "int16")
    each = []
    if m.maybe():
        axis = m.axis(len(shape))
        m.set(axis=axis)
        each = [shape[axis]]
    scale = m.real(each, 0.05, 0.5)
    zero = m.fill(kind, each, 0, 9)
    if m.name == "QuantizeLinear":
        return [m.real(shape, -99, 99), scale, zero]
    return [m.fill(kind, shape), scale] + ([zero] if m.maybe(0.7) else [])


@makes("GatherBlockQuantized")
def gather_block_quantized(m):
    kind = m.pick("uint8", "uint4", "int4")
    rows, columns, block = m.integer(1, 5), m.integer(1, 3) * 16, 16
    bits = m.pick(4, 8) if kind == "uint8" else 4
    m.set(bits=bits, block_size=block, quantize_axis=1, gather_axis=0)
    m.types["T"] = m.pick("float", "float16")
    packed = columns * bits // 8 if kind == "uint8" else columns
    blocks = columns // block
    values = [m.fill(kind, [rows, packed], -128, 255), m.fill(m.pick("int32", "int64"), m.shape(0, 2), -rows, rows - 1),
              m.real([rows, blocks], 0.05, 0.5)]
    if m.maybe():
        width = -(-blocks * bits // 8) if kind == "uint8" else blocks
        values.append(m.fill(kind, [rows, width], -128, 255))
    return values


# Normalization and embeddings

@makes("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_normalization(m):
    m.types["T"] = m.pick("float", "float", "float16")
    batch, steps, size = m.integer(1, 2), m.integer(1, 4), m.integer(1, 9)
    m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
    shape = m.pick([batch, steps, size], [batch * steps, size])
    skip = m.pick(shape, shape, [1] + shape[1:], shape[1:]) if len(shape) == 3 else shape
    if skip == shape:
        # ONNX Runtime takes fewer rows, and repeats them.
        m.rigid |= {0, 1}
    values = [m.real(shape), m.real(skip), m.real([size])]
    if m.name == "SkipLayerNormalization":
        values.append(m.real([size]) if m.maybe() else None)
    values.append(m.real([size]) if m.maybe() else None)
    if m.maybe():
        m.outputs, m.outputs_wanted = 4, {0, 3}
    return values


@makes("EmbedLayerNormalization")
def embed_normalization(m):
    batch, steps, size, words = m.integer(1, 3), m.integer(1, 4), m.integer(1, 6), m.integer(1, 7)
    segments = m.maybe()
    m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
    masked = m.maybe()
    m.attribute("mask_index_type", m.integer(0, 1), 0.4)
    values = [m.fill("int32", [batch, steps], 0, words - 1),
              m.fill("int32", [batch, steps], 0, 1) if segments else None,
              m.real([words, size]), m.real([steps + 1, size]), m.real([2, size]) if segments else None,
              m.real([size]), m.real([size]), m.fill("int32", [batch, steps], 0, 1) if masked else None]
    if masked:
        values[7] = np.sort(values[7], 1)[:, ::-1].copy()
    values.append(m.fill("int32", [m.pick(1, batch), steps], 0, steps) if m.maybe(0.3) else None)
    m.outputs = m.integer(2, 3)
    return values


@makes("QEmbedLayerNormalization")
def quantized_embed_normalization(m):
    batch, steps, size, words = m.integer(1, 3), m.integer(1, 4), m.integer(1, 6), m.integer(1, 7)
    segments = m.maybe()
    m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
    tables = [quantized(m, shape) for shape in ([words, size], [steps + 1, size], [2, size], [size], [size])]
    scales, zeros = [m.real([], 0.02, 0.6) for _ in tables], [quantized(m, []) for _ in tables]
    ids = [m.fill("int32", [batch, steps], 0, words - 1), m.fill("int32", [batch, steps], 0, 1)]
    mask = np.sort(m.fill("int32", [batch, steps], 0, 1), 1)[:, ::-1].copy() if m.maybe() else None
    values = ids + tables + [mask] + scales + zeros
    if not segments:
        for place in (1, 4, 10, 15):
            values[place] = None
    m.outputs = 2
    return values


@makes("BranchwiseRMSNorm", "HyperConnectionPreMix", "HyperConnectionPostMix", "EngramGate")
def branches(m):
    m.types["T"] = m.pick("float", "float16")
    batch, steps, count, size = m.integer(1, 2), m.integer(1, 3), m.integer(1, 3), m.integer(1, 5)
    if m.name == "EngramGate":
        m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
        values = [m.real([batch, steps, count, size]), m.real([batch, steps, count, size]),
                  m.real([batch, steps, size]),
                  m.real([count, size]), m.real([count, size])]
        if m.maybe():
            values.append(m.real([count, size]))
            m.outputs = 2
        return values
    m.set(num_branches=count)
    streams = m.real([batch, steps, count * size])
    if m.name == "BranchwiseRMSNorm":
        m.attribute("epsilon", m.rng.uniform(1e-5, 1e-2))
        return [streams] + ([m.real([count, size])] if m.maybe() else [])
    mix = m.real([batch, steps, count])
    if m.name == "HyperConnectionPreMix":
        m.attribute("reduction_scale", m.rng.uniform(0.3, 2))
        return [streams, mix]
    return [streams, m.real([batch, steps, size]), mix] + ([m.real([batch, steps, count, count])] if m.maybe() else [])


# Attention

def masks(m, batch, queries, keys):
    """A mask of one of the forms of `mask_index`."""
    form = m.pick("none", "ends", "padding", "pairs")
    if form == "none":
        return None
    if form == "ends":
        return m.fill("int32", [batch], 1, keys)
    if form == "padding":
        value = m.fill("int32", [batch, keys], 0, 1)
        value[:, 0] = 1
        return value
    value = m.fill("int32", [batch, queries, keys], 0, 1)
    value[:, :, 0] = 1
    return value


def projected(m):
    """Extents of an attention that projects its data: heads, their width, batch, steps, columns, and past steps."""
    heads, width = m.integer(1, 3), m.integer(1, 4)
    m.set(num_heads=heads)
    m.attribute("unidirectional", m.integer(0, 1))
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    return heads, width, m.integer(1, 2), m.integer(1, 4), m.integer(1, 6), m.integer(1, 3) if m.maybe(0.3) else 0


@makes("Attention")
def attention(m):
    heads, width, batch, steps, size, before = projected(m)
    hidden = heads * width
    m.attribute("mask_filter_value", -100.0, 0.2)
    value_hidden = hidden
    if not before and m.maybe(0.25):
        value_hidden = heads * m.integer(1, 4)
        m.set(qkv_hidden_sizes=[hidden, hidden, value_hidden])
    # ONNX Runtime crashes without a bias.
    values = [m.real([batch, steps, size]), m.real([size, 2 * hidden + value_hidden], -1, 1),
              m.real([2 * hidden + value_hidden], -1, 1),
              masks(m, batch, steps, before + steps),
              m.real([2, batch, heads, before, width]) if before else None,
              m.real([m.pick(1, batch), m.pick(1, heads), steps, steps]) if not before and m.maybe(0.3) else None]
    if value_hidden == hidden and (before or m.maybe(0.3)):
        m.outputs = 2
    return values


@makes("MultiHeadAttention")
def multi_head(m):
    heads, width, values_width = m.integer(1, 3), m.integer(1, 4), m.integer(1, 4)
    batch, steps, keys = m.integer(1, 2), m.integer(1, 4), m.integer(1, 5)
    hidden = heads * width
    m.set(num_heads=heads)
    # ONNX Runtime lets the last query see all keys, however many there are.
    if keys <= steps:
        m.attribute("unidirectional", m.integer(0, 1), 0.3)
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    form = m.pick("apart", "apart", "packed", "cross")
    before = m.integer(1, 3) if m.maybe(0.3) and form == "apart" else 0
    total = before + keys
    if form == "apart":
        if before:
            values_width = width
        values = [m.real([batch, steps, hidden]), m.real([batch, keys, hidden]),
                  m.real([batch, keys, heads * values_width])]
    elif form == "packed":
        keys = total = steps
        values_width = width
        values = [m.real([batch, steps, heads, 3, width]), None, None]
    else:
        values_width = width
        values = [m.real([batch, steps, hidden]), m.real([batch, heads, keys, width]),
                  m.real([batch, heads, keys, values_width])]
    bias = m.maybe(0.4) and form in ("apart", "cross")
    values.append(m.real([2 * hidden + heads * values_width], -1, 1) if bias else None)
    padding = None
    if m.maybe(0.3):
        padding = m.fill("int32", [batch, total], 0, 1)
        padding[:, 0] = 1
        if m.maybe(0.4):
            padding = m.fill("int32", [batch], 1, total)
    values.append(padding)
    values.append(m.real([m.pick(1, batch), m.pick(1, heads), steps, total]) if m.maybe(0.3) else None)
    if before:
        values += [m.real([batch, heads, before, width]), m.real([batch, heads, before, width])]
        m.outputs = 3
    elif form == "apart" and m.maybe(0.3):
        m.outputs = m.pick(3, 4)
    return values


def rotary_caches(m, rows, half):
    angles = m.fill("float", [rows, half], 0, 3)
    return [np.cos(angles).astype(NUMPY[m.types["T"]]), np.sin(angles).astype(NUMPY[m.types["T"]])]


@makes("GroupQueryAttention")
def group_query(m):
    m.finite = True
    m.types["T"] = m.pick("float", "float", "float16")
    kv_heads, group = m.integer(1, 2), m.integer(1, 3)
    heads, width, batch = kv_heads * group, 16, m.integer(1, 2)
    m.set(num_heads=heads, kv_num_heads=kv_heads)
    prompt = m.maybe()
    steps = m.integer(1, 5) if prompt else 1
    room = steps + m.integer(0, 4) if not prompt else m.pick(0, steps + m.integer(0, 3))
    if prompt:
        lengths = np.full([batch], steps - 1, np.int32) if room == 0 else m.fill("int32", [batch], steps - 1, steps - 1)
        total = steps
    else:
        room = max(room, 2)
        lengths = m.fill("int32", [batch], 0, room - 1)
        total = int(lengths.max()) + 1
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    m.attribute("softcap", m.rng.uniform(1, 5), 0.3)
    m.attribute("local_window_size", m.integer(1, 4), 0.3)
    m.attribute("smooth_softmax", 1, 0.2)
    packed = m.maybe(0.3)
    if packed:
        values = [m.real([batch, steps, (heads + 2 * kv_heads) * width]), None, None]
    else:
        values = [m.real([batch, steps, heads * width])] + [m.real([batch, steps, kv_heads * width]) for _ in range(2)]
    values += [m.real([batch, kv_heads, room, width]) for _ in range(2)]
    values += [lengths, one(total)]
    rotary = m.maybe()
    if rotary:
        m.set(do_rotary=1)
        m.attribute("rotary_interleaved", m.integer(0, 1))
        values += rotary_caches(m, max(room, steps) + 2, width // 2)
    else:
        values += [None, None]
    values.append(None)
    values.append(m.real([m.pick(1, batch), m.pick(1, heads), steps, total]) if m.maybe(0.2) else None)
    values.append(m.real([heads]) if m.maybe(0.2) and "smooth_softmax" not in m.attributes else None)
    m.outputs = 3
    return values


@makes("RotaryEmbedding")
def rotary(m):
    m.types["T"] = m.pick("float", "float16")
    batch, steps, heads, width = m.integer(1, 2), m.integer(1, 4), m.integer(1, 3), m.pick(2, 4, 8)
    m.attribute("interleaved", m.integer(0, 1))
    m.attribute("scale", 1.0, 0.2)
    rows = steps + m.integer(0, 3)
    part = width
    flat = m.maybe()
    if m.maybe(0.3) and width > 2:
        part = width // 2
        m.set(rotary_embedding_dim=part, num_heads=heads)
    elif flat:
        m.attribute("num_heads", heads)
    x = m.real([batch, steps, heads * width] if flat else [batch, heads, steps, width])
    m.rigid.add(0)
    ids = m.fill("int64", [1], 0, rows - steps) if m.maybe() else m.fill("int64", [batch, steps], 0, rows - 1)
    return [x, ids] + rotary_caches(m, rows, part // 2)


@makes("MRotaryEmbedding")
def mrotary(m):
    m.types["T"] = m.pick("float", "float16")
    batch, steps, heads, half = m.integer(1, 2), m.integer(1, 4), m.integer(1, 3), m.integer(1, 5)
    first = m.integer(0, half)
    second = m.integer(0, half - first)
    m.set(mrope_section=[first, second, half - first - second])
    m.attribute("mrope_layout", m.integer(0, 1))
    m.attribute("interleaved", m.integer(0, 1))
    rows, flat, width = steps + m.integer(0, 3), m.maybe(), 2 * half
    if m.maybe(0.3):
        m.set(rotary_embedding_dim=width, num_heads=heads)
        width += 2 * m.integer(0, 2)
    elif flat:
        m.attribute("num_heads", heads)
    x = m.real([batch, steps, heads * width] if flat else [batch, heads, steps, width])
    m.rigid.add(0)
    return [x, m.fill("int64", [3, batch, steps], 0, rows - 1)] + rotary_caches(m, rows, half)


@makes("SparseAttention")
def sparse_attention(m):
    m.finite = True
    m.types["T"] = m.pick("float", "float", "float16")
    kv_heads, group = m.integer(1, 2), m.integer(1, 2)
    heads, width, batch, block, blocks = kv_heads * group, m.pick(8, 16), m.integer(1, 2), 16, m.integer(1, 3)
    layouts = m.pick(*[n for n in (1, 2, heads) if heads % n == 0])
    room = block * blocks
    m.set(num_heads=heads, kv_num_heads=kv_heads, sparse_block_size=block)
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.3)
    shown = np.tril(m.fill("bool", [layouts, blocks, blocks])) | np.eye(blocks, dtype=bool)
    lists = [[np.flatnonzero(row) for row in layout] for layout in shown]
    rows = np.array([np.cumsum([0] + [len(row) for row in layout]) for layout in lists], np.int32)
    columns = np.full([layouts, rows[:, -1].max()], -1, np.int32)
    for own, layout in zip(columns, lists):
        own[:sum(map(len, layout))] = np.concatenate(layout)
    if m.maybe():
        steps = m.integer(1, room)
        lengths, total = np.full([batch], steps, np.int32), steps
    else:
        steps = 1
        lengths = m.fill("int32", [batch], 2, room)
        total = int(lengths.max())
    if m.maybe(0.3):
        values = [m.real([batch, steps, (heads + 2 * kv_heads) * width]), None, None]
    else:
        values = [m.real([batch, steps, heads * width])] + [m.real([batch, steps, kv_heads * width]) for _ in range(2)]
    values += [m.real([batch, kv_heads, room, width]) for _ in range(2)] + [rows, columns, one(total), lengths]
    if m.maybe():
        m.set(do_rotary=1)
        m.attribute("rotary_interleaved", m.integer(0, 1))
        values += rotary_caches(m, room, width // 2)
    m.outputs = 3
    return values


@makes("DecoderMaskedMultiHeadAttention")
def decoder_masked(m):
    heads, width, batch = m.integer(1, 3), m.pick(4, 8), m.integer(1, 2)
    room, past = m.integer(3, 6), m.integer(1, 2)
    m.set(num_heads=heads, past_present_share_buffer=1)
    values = [m.real([batch, 1, heads * width]) for _ in range(3)] + [None]
    values.append(m.real([1, heads, 1, past + 1]) if m.maybe(0.3) else None)
    values += [m.real([batch, heads, room, width]) for _ in range(2)]
    values += [one([past])]
    if m.maybe():
        values += [None, None, m.real([3 * heads * width], -1, 1)]
    m.outputs = 3
    m.outputs_wanted = {0}
    return values


@makes("QAttention")
def qattention(m):
    heads, width, batch, steps, size, before = projected(m)
    hidden = heads * width
    kind = m.pick("uint8", "int8")
    each = m.pick([1], [1], [3 * hidden])
    values = [m.fill("uint8", [batch, steps, size], 0, 30), m.fill(kind, [size, 3 * hidden], -9, 30),
              m.real([3 * hidden], -1, 1), m.real([1], 0.01, 0.1), m.real(each, 0.01, 0.1),
              masks(m, batch, steps, before + steps),
              m.fill("uint8", [1], 0, 20) if m.maybe(0.7) else None, m.fill(kind, each, 0, 9) if m.maybe(0.7) else None,
              m.real([2, batch, heads, before, width]) if before else None]
    m.outputs = 2 if before or m.maybe(0.3) else 1
    return values


@makes("LinearAttention")
def linear_attention(m):
    kv_heads, group = m.integer(1, 2), m.integer(1, 2)
    heads, width, values_width = kv_heads * group, m.pick(2, 4), m.pick(2, 4)
    batch, steps = m.integer(1, 2), m.integer(1, 4)
    m.set(q_num_heads=heads, kv_num_heads=kv_heads)
    rule = m.pick("linear", "gated", "delta", "gated_delta")
    m.set(update_rule=rule)
    m.attribute("scale", m.rng.uniform(0.2, 1), 0.4)
    values = [m.real([batch, steps, heads * width]), m.real([batch, steps, kv_heads * width], -0.7, 0.7),
              m.real([batch, steps, kv_heads * values_width]),
              m.real([batch, kv_heads, width, values_width]) if m.maybe() else None,
              m.real([batch, steps, kv_heads * m.pick(1, width)], -1, 0) if "gated" in rule else None,
              m.real([batch, steps, kv_heads], 0, 1) if "delta" in rule else None]
    m.outputs = 2
    return values


@makes("LinearAttentionGate")
def linear_gate(m):
    m.types["T"] = m.pick("float", "float16")
    batch, steps, heads = m.integer(1, 2), m.integer(1, 4), m.integer(1, 4)
    values = [m.real([batch, steps, heads]), m.fill("float", [heads]), m.fill("float", [heads])]
    if m.maybe():
        values.append(m.real([batch, steps, heads]))
        m.outputs = 2
    return values


@makes("CausalConvWithState")
def causal_conv(m):
    batch, channels, steps, kernel = m.integer(1, 2), m.integer(1, 4), m.integer(1, 5), m.integer(1, 4)
    m.attribute("activation", m.pick("none", "silu", "swish"))
    values = [m.real([batch, channels, steps]), m.real([channels, 1, kernel]),
              m.real([channels]) if m.maybe() else None,
              m.real([batch, channels, kernel - 1]) if m.maybe() else None]
    m.outputs = 2
    return values


# Mixtures of experts

def experts_common(m, experts):
    m.set(k=m.integer(1, min(experts, 2)))
    m.attribute("normalize_routing_weights", m.integer(0, 1))
    kind = m.pick("relu", "gelu", "silu", "identity", "swiglu")
    m.set(activation_type=kind)
    if kind == "swiglu":
        m.set(swiglu_fusion=1)
        m.attribute("activation_alpha", m.rng.uniform(0.5, 2))
        m.attribute("activation_beta", m.rng.uniform(0, 1))
        m.attribute("swiglu_limit", m.rng.uniform(1, 7), 0.3)
    return 2 if kind == "swiglu" else 1


@makes("MoE")
def moe(m):
    experts, rows, size, inner = m.integer(1, 4), m.integer(1, 5), m.integer(1, 5), m.integer(1, 5)
    fused = experts_common(m, experts)
    return [m.real([rows, size] if m.maybe() else [1, rows, size]), m.real([rows, experts]),
            m.real([experts, fused * inner, size]), m.real([experts, fused * inner]) if m.maybe() else None,
            m.real([experts, size, inner]), m.real([experts, size]) if m.maybe() else None]


@makes("QMoE")
def qmoe(m):
    experts, rows, size, inner = m.integer(1, 4), m.integer(1, 5), m.pick(16, 32), m.pick(16, 32)
    bits = m.pick(4, 8)
    m.set(expert_weight_bits=bits)
    block = m.pick(0, 16, 32)
    m.types["T"] = m.pick("float", "float", "float16")
    if block:
        if size % block or inner % block:
            raise Skip
        m.set(block_size=block)
    fused = experts_common(m, experts)
    pack = 8 // bits
    scales = lambda rows, columns: [experts, rows] + ([columns // block] if block else [])
    values = [m.real([rows, size]), m.real([rows, experts]),
              m.fill("uint8", [experts, fused * inner, size // pack], 0, 255),
              m.real(scales(fused * inner, size), 0.005, 0.05),
              m.real([experts, fused * inner]) if m.maybe() else None,
              m.fill("uint8", [experts, size, inner // pack], 0, 255), m.real(scales(size, inner), 0.005, 0.05),
              m.real([experts, size]) if m.maybe() else None]
    if m.maybe(0.3):
        points = lambda rows, columns: [experts, -(-rows // pack)] if not block else \
            [experts, rows, -(-(columns // block) // pack)]
        values += [None, None, None, m.fill("uint8", points(fused * inner, size), 0, 255),
                   m.fill("uint8", points(size, inner), 0, 255)]
    return values


# The rest

@makes("MaxpoolWithMask")
def masked_pool(m):
    shape = [m.integer(1, 2), m.integer(1, 2), m.integer(4, 7), m.integer(4, 7)]
    m.set(kernel_shape=[m.integer(1, 3), m.integer(1, 3)])
    m.attribute("strides", [m.integer(1, 2), m.integer(1, 2)])
    # ONNX Runtime reads the mask of a channel at another place, the same one only if channels divide their size.
    if shape[2] * shape[3] % (shape[0] * shape[1]):
        raise Skip
    return [m.real(shape), np.broadcast_to(m.fill("int32", shape[2:], 0, 1), shape).copy()]


@makes("NGramRepeatBlock")
def ngram_repeat(m):
    words, batch = m.integer(2, 6), m.integer(1, 3)
    m.set(ngram_size=m.integer(1, 3))
    return [m.fill("int64", [batch, m.integer(1, 7)], 0, words - 1), m.real([batch, words])]


@makes("NGramHashMapping", "VarlenNGramHashMapping")
def ngram_hash(m):
    packed = m.name == "VarlenNGramHashMapping"
    kind = m.pick("int32", "int64")
    size, per = m.integer(2, 4), m.integer(1, 2)
    batch, steps = m.integer(1, 3), m.integer(1, 5)
    m.set(max_ngram_size=size, n_head_per_ngram=per, pad_id=m.integer(0, 4))
    m.attribute("reset_on_eos", m.integer(0, 1))
    heads, before = (size - 1) * per, [batch, size - 1]
    lengths = [m.integer(1, 5) for _ in range(batch)]
    shape = [sum(lengths)] if packed else [batch, steps]
    ids = lambda own: m.fill(kind, own, 0, 5)
    values = [ids(shape), m.fill(kind, [size], 1, 2**31 - 1), m.fill(kind, [heads], 3, 50)]
    past = ids(before) if m.maybe() else None
    offsets = m.fill(kind, [heads], 0, 99) if m.maybe() else None
    end = ids([]) if m.maybe() else None
    segments = m.fill("int32", shape, 0, 1) if m.maybe() else None
    m.outputs = 2
    if not packed:
        return values + [past, offsets, end, segments]
    values += [np.cumsum([0] + lengths).astype(np.int32), past, offsets, end, segments]
    values.append(m.fill("int32", before, 0, 1) if segments is not None and past is not None and m.maybe() else None)
    wanted = {0, 1} if segments is None else {0, 1, 2}
    if m.maybe():
        m.set(state_update_capacity=m.integer(1, 3))
        values.append(m.fill("int32", [batch], 0, 4))
        wanted.add(3)
    m.outputs, m.outputs_wanted = max(wanted) + 1, wanted
    return values


@makes("Unique")
def unique(m):
    m.outputs = 3
    return [m.real([m.extent()], *m.pick((0, 4), (-2, 2))).round()]


@makes("DynamicTimeWarping")
def time_warping(m):
    shape = [m.integer(1, 7), m.integer(1, 7)]
    return [m.real(([1] if m.maybe() else []) + shape, -3, 3).round(m.integer(0, 3))]


@makes("BifurcationDetector")
def bifurcation(m):
    words, length = m.integer(1, 5), m.integer(0, 7)
    least = m.integer(1, 3)
    m.set(min_ngram_size=least, max_ngram_size=least + m.integer(0, 3))
    start = m.integer(0, length)
    tokens = lambda count: m.fill("int64", [count], 0, words)
    source = tokens(length)
    values = [source, tokens(m.integer(0, 5)), np.array(start).reshape(m.pick([], [1]))]
    if m.maybe(0.8):
        predicted = np.append(source[start:], tokens(1))
        place = m.integer(0, length - start)
        predicted[place:] = tokens(len(predicted) - place)
        values.append(predicted)
    m.outputs = 2
    return values


@makes("Tokenizer")
def tokenizer(m):
    m.set(mark=m.integer(0, 1), mincharnum=m.integer(1, 3), pad_value=m.pick("", "#", "pad"))
    if m.maybe():
        m.set(tokenexp=m.pick(".", "[a-z]+", "a|ab", "\\w+", "[^ ]+", "ab*"))
    else:
        m.set(separators=m.pick([""], [" "], [" ", "b"], ["a+"], ["ab", "a"], ["[bc]"]))
    return [m.words([m.integer(1, 3)] if m.maybe() else [m.integer(1, 2), m.integer(1, 3)],
                    ["a b c", " ab  b", "aaab", "", "ab ab ", "b aab", " ", "öä b", "日本a"])]


@makes("WordConvEmbedding")
def word_embedding(m):
    words, length, characters = m.integer(1, 3), m.integer(3, 6), m.integer(2, 5)
    size, out, window = m.integer(1, 3), m.integer(1, 4), m.integer(1, 3)
    m.attribute("embedding_size", out)
    m.attribute("conv_window_size", window)
    m.attribute("char_embedding_size", size)
    text = m.fill("int32", [words, length], 0, characters - 1)
    # ONNX Runtime has no result for words that begin with padding.
    text[:, 0] = np.maximum(text[:, 0], 1)
    m.rigid.add(3)
    return [text, m.real([out, 1, window, size]), m.real([out]), m.real([characters, size])]


@makes("AttnLSTM")
def attention_lstm(m):
    steps, batch, size, hidden, depth, inner, memory = [m.integer(1, 4) for _ in range(7)]
    direction = m.pick("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    m.set(hidden_size=hidden, direction=direction)
    m.attribute("input_forget", m.integer(0, 1), 0.3)
    m.attribute("clip", m.rng.uniform(0.5, 3), 0.2)
    layer = m.integer(1, 4) if m.maybe() else None
    weights = lambda *shape: m.real([directions, *shape], -1, 1)
    optional = lambda *shape: weights(*shape) if m.maybe() else None
    lengths = lambda limit: m.fill("int32", [batch], 1, limit) if m.maybe() else None
    m.outputs = 3
    return [m.real([steps, batch, size], -2, 2), weights(4 * hidden, size + (layer or depth)),
            weights(4 * hidden, hidden), optional(8 * hidden),
            lengths(steps), optional(batch, hidden), optional(batch, hidden),
            optional(3 * hidden), weights(hidden, inner), weights(depth, inner), weights(inner),
            m.real([batch, memory, depth], -1, 1), lengths(memory),
            weights(depth + hidden, layer) if layer else None]


@makes("DynamicQuantizeLSTM")
def quantized_lstm(m):
    steps, batch, size, hidden = m.integer(1, 3), m.integer(1, 3), m.integer(1, 4), m.integer(1, 4)
    direction = m.pick("forward", "reverse", "bidirectional")
    directions = 2 if direction == "bidirectional" else 1
    m.set(hidden_size=hidden, direction=direction)
    kind = m.pick("int8", "uint8")
    state = lambda: m.real([directions, batch, hidden], -1, 1) if m.maybe() else None
    each = m.pick([directions], [directions, 4 * hidden])
    zeros = lambda: m.fill(kind, each, 0, 0 if len(each) == 2 else 9)
    m.outputs = 3
    return [m.real([steps, batch, size], -2, 2), m.fill(kind, [directions, size, 4 * hidden], -60, 60),
            m.fill(kind, [directions, hidden, 4 * hidden], -60, 60),
            m.real([directions, 8 * hidden], -1, 1) if m.maybe() else None,
            m.fill("int32", [batch], 1, steps) if m.maybe(0.3) else None, state(), state(),
            m.real([directions, 3 * hidden], -1, 1) if m.maybe(0.3) else None,
            m.real(each, 0.005, 0.02), zeros(), m.real(each, 0.005, 0.02), zeros()]
