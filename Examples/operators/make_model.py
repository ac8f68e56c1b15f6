"""Writes the example's model: a convolution of the user's own between standard operators, for any batch and length."""
import onnx
from onnx import TensorProto, helper

nodes = [
    helper.make_node("Relu", ["x"], ["r"]),
    helper.make_node("Smooth", ["r", "", "window"], ["s", "peak"], domain="my.audio", stride=2, mode="mirror"),
    helper.make_node("Smooth", ["s", "gain", "window"], ["t", ""], domain="my.audio", stride=1, mode="zero"),
    helper.make_node("Neg", ["t"], ["y"]),
]
graph = helper.make_graph(
    nodes, "smoothing",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "n"]),
     helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
     helper.make_tensor_value_info("peak", TensorProto.FLOAT, None)],
    [helper.make_tensor("window", TensorProto.FLOAT, [3], [0.25, 0.5, 0.25])])
opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.audio", 1)]
onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), "smooth.onnx")
