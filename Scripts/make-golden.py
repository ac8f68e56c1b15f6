#!/usr/bin/env python3
"""Writes the models of Golden/ with inputs and the outputs of ONNX's reference evaluator.

    python3 Scripts/make-golden.py Golden

The texts beside them come from the compiler: `make bless`.
"""
import os, sys
import numpy as np, onnx
from onnx import TensorProto as T, helper as oh, numpy_helper as nh
from onnx.reference import ReferenceEvaluator

OUT = sys.argv[1]
rng = np.random.default_rng(7)


def weights(*shape):
    return (rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


def write(name, nodes, inputs, outputs, initializers, doc):
    value = lambda v: oh.make_tensor_value_info(v[0], T.FLOAT, v[1])
    graph = oh.make_graph(nodes, name, [value(v) for v in inputs], [value(v) for v in outputs],
                          [nh.from_array(v, k) for k, v in initializers.items()], doc_string=doc)
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], producer_name="onnxc")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    case = os.path.join(OUT, name, "test_data_set_0")
    os.makedirs(case, exist_ok=True)
    onnx.save(model, os.path.join(OUT, name, "model.onnx"))
    feed = {n: rng.standard_normal(s).astype(np.float32) for n, s in inputs}
    for i, (n, _) in enumerate(inputs):
        open(os.path.join(case, f"input_{i}.pb"), "wb").write(nh.from_array(feed[n], n).SerializeToString())
    for i, y in enumerate(ReferenceEvaluator(model).run(None, feed)):
        open(os.path.join(case, f"output_{i}.pb"), "wb").write(nh.from_array(y, outputs[i][0]).SerializeToString())


node = oh.make_node
write("residual_block",
      [node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
       node("BatchNormalization", ["c1", "scale", "shift", "mean", "var"], ["n1"], name="norm1"),
       node("Relu", ["n1"], ["r1"], name="relu1"),
       node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1, 1, 1, 1], group=4),
       node("Add", ["c2", "x"], ["sum"], name="add"),
       node("Relu", ["sum"], ["r2"], name="relu2"),
       node("MaxPool", ["r2"], ["pooled"], name="pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
       node("GlobalAveragePool", ["pooled"], ["mean_pool"], name="mean"),
       node("Flatten", ["mean_pool"], ["y"], name="flatten")],
      [("x", [1, 8, 9, 7])], [("y", [1, 8])],
      {"w1": weights(8, 8, 3, 3), "b1": weights(8), "scale": weights(8) + 1, "shift": weights(8), "mean": weights(8),
       "var": np.abs(weights(8)) + 1, "w2": weights(8, 2, 3, 3)},
      "Convolutions with a residual connection")
write("classifier",
      [node("Gemm", ["x", "w1", "b1"], ["h"], name="hidden", transB=1),
       node("Relu", ["h"], ["a"], name="relu"),
       node("Gemm", ["a", "w2", "b2"], ["logits"], name="logits", alpha=0.5),
       node("Softmax", ["logits"], ["p"], name="softmax", axis=-1)],
      [("x", [3, 20])], [("p", [3, 10])],
      {"w1": weights(33, 20), "b1": weights(33), "w2": weights(33, 10), "b2": weights(10)},
      "A small fully connected classifier")
write("attention",
      [node("MatMul", ["x", "wq"], ["q"], name="query"), node("MatMul", ["x", "wk"], ["k"], name="key"),
       node("MatMul", ["x", "wv"], ["v"], name="value"),
       *[node("Reshape", [n, "heads"], [n + "r"], name=n + "_split") for n in "qkv"],
       node("Transpose", ["qr"], ["qt"], name="q_heads", perm=[0, 2, 1, 3]),
       node("Transpose", ["kr"], ["kt"], name="k_heads", perm=[0, 2, 3, 1]),
       node("Transpose", ["vr"], ["vt"], name="v_heads", perm=[0, 2, 1, 3]),
       node("MatMul", ["qt", "kt"], ["scores"], name="scores"), node("Mul", ["scores", "scale"], ["scaled"], name="scale"),
       node("Softmax", ["scaled"], ["p"], name="softmax", axis=-1), node("MatMul", ["p", "vt"], ["o"], name="mix"),
       node("Transpose", ["o"], ["ot"], name="join_heads", perm=[0, 2, 1, 3]),
       node("Reshape", ["ot", "flat"], ["of"], name="join"), node("MatMul", ["of", "wo"], ["out"], name="project"),
       node("Add", ["out", "x"], ["y"], name="residual")],
      [("x", [1, 10, 24])], [("y", [1, 10, 24])],
      {"wq": weights(24, 24), "wk": weights(24, 24), "wv": weights(24, 24), "wo": weights(24, 24),
       "heads": np.array([0, 0, 3, 8], np.int64), "flat": np.array([0, 0, -1], np.int64), "scale": np.float32(8 ** -0.5)},
      "Self-attention with three heads")
