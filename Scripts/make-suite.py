#!/usr/bin/env python3
"""Write the ONNX backend tests of the installed `onnx` package as folders with models and data.

    make-suite.py DIR [--kinds node simple ...]

Every case becomes DIR/KIND/NAME with model.onnx, test_data_set_K/{input,output}_I.pb and data.json with its
tolerances. Cases whose model would have to be downloaded are left out.
"""
import argparse
import json
import os
import shutil

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

DATA_KINDS = ("simple", "pytorch-converted", "pytorch-operator")


def value_proto(value, name, value_type):
    """The protobuf for a test value, given the declared type of the graph input or output."""
    if isinstance(value, (onnx.TensorProto, onnx.SequenceProto, onnx.OptionalProto, onnx.MapProto)):
        return value
    kind = value_type.WhichOneof("value")
    if kind == "map_type":
        return numpy_helper.from_dict(value, name)
    if kind == "sequence_type":
        return numpy_helper.from_list(value, name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, name)
    array = np.asarray(value)
    element = value_type.tensor_type.elem_type
    tensor = numpy_helper.from_array(array, name)
    if element not in (onnx.TensorProto.UNDEFINED, tensor.data_type):
        if array.dtype.kind in "OUS":
            raise ValueError(f"{name}: strings for a tensor of type {element}")
        wanted = onnx.helper.tensor_dtype_to_np_dtype(element)
        tensor = numpy_helper.from_array(array.astype(wanted), name)
    return tensor


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def write_data_set(folder, graph, inputs, outputs):
    """Write one data set from values in memory."""
    os.makedirs(folder, exist_ok=True)
    for role, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
        for index, (value, info) in enumerate(zip(values, infos)):
            data = value_proto(value, info.name, info.type).SerializeToString()
            write(os.path.join(folder, f"{role}_{index}.pb"), data)


def write_case(test, folder):
    """Write one case; returns whether its model is at hand."""
    if test.model is not None:
        os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, "model.onnx"), test.model.SerializeToString())
        for index, (inputs, outputs) in enumerate(test.data_sets):
            write_data_set(os.path.join(folder, f"test_data_set_{index}"), test.model.graph, inputs, outputs)
    elif test.model_dir and os.path.exists(os.path.join(test.model_dir, "model.onnx")):
        shutil.copytree(test.model_dir, folder)
    else:
        return False
    with open(os.path.join(folder, "data.json"), "w", encoding="utf-8") as file:
        json.dump({"rtol": test.rtol, "atol": test.atol}, file)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dir")
    parser.add_argument("--kinds", nargs="+", default=["node", *DATA_KINDS])
    arguments = parser.parse_args()
    written, skipped = 0, []
    for kind in arguments.kinds:
        root = os.path.join(arguments.dir, kind)
        shutil.rmtree(root, ignore_errors=True)
        for test in load_model_tests(kind=kind):
            if write_case(test, os.path.join(root, test.name)):
                written += 1
            else:
                skipped.append(test.name)
    print(f"{written} cases in {arguments.dir}" + (f", {len(skipped)} without a model at hand" if skipped else ""))


if __name__ == "__main__":
    main()
