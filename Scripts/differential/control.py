"""Models with control flow, sequences, optional values and functions."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from cases import Sample
from maker import RUNTIME_OPSET

UNARY = ["Tanh", "Neg", "Abs", "Relu", "Sigmoid", "Identity"]
BINARY = ["Add", "Sub", "Mul", "Max", "Min"]


class Names:
    """Names that no other value of the model has."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        return f"v{self.count}"


class Block:
    """Nodes of a graph that is being drawn; `values` are names of f32 tensors with their shapes."""

    def __init__(self, rng, names, version, outer=None, depth=0):
        self.rng, self.names, self.version, self.depth = rng, names, version, depth
        self.values = dict(outer or {})
        self.nodes = []
        self.functions = []

    # Parts

    def node(self, kind, inputs, count=1, **attributes):
        results = [self.names() for _ in range(count)]
        self.nodes.append(helper.make_node(kind, inputs, results, name=f"n_{results[0] if results else kind}",
                                           **attributes))
        return results[0] if count == 1 else results

    def constant(self, value):
        return self.node("Constant", [], value=numpy_helper.from_array(np.asarray(value)))

    def keep(self, name, shape):
        self.values[name] = tuple(shape)
        return name

    def any(self, shape=None):
        """A value of a shape; of any if None."""
        found = [n for n, s in self.values.items() if shape is None or s == tuple(shape)]
        if not found:
            generator = np.random.default_rng(self.rng.getrandbits(32))
            return self.keep(self.constant(generator.uniform(-1, 1, shape).astype(np.float32)), shape)
        return self.rng.choice(found[-6:])

    def total(self, value):
        return self.node("ReduceSum", [value], keepdims=0)

    def condition(self):
        kind = self.rng.choice(["Greater", "Less"])
        return self.node(kind, [self.total(self.any()), self.constant(np.float32(self.rng.uniform(-1, 1)))])

    def inner(self):
        block = Block(self.rng, self.names, self.version, self.values, self.depth + 1)
        block.functions = self.functions
        return block

    def steps(self, count):
        for _ in range(count):
            kinds = [self.unary, self.binary, self.reduced, self.function]
            if self.depth < 2:
                kinds += [self.branch, self.loop, self.scan, self.sequence, self.optional, self.growing, self.parts,
                          self.mapped] * 2
            self.rng.choice(kinds)()

    # Steps

    def unary(self):
        name = self.any()
        self.keep(self.node(self.rng.choice(UNARY), [name]), self.values[name])

    def binary(self):
        name = self.any()
        shape = self.values[name]
        self.keep(self.node(self.rng.choice(BINARY), [name, self.any(shape)]), shape)

    def reduced(self):
        self.keep(self.total(self.any()), ())

    def result(self, shape):
        """A value of a shape that this block computes itself."""
        own = self.node(self.rng.choice(UNARY), [self.any(shape)])
        return self.keep(own, shape)

    def branch(self):
        condition = self.condition()
        shapes = [self.values[self.any()] for _ in range(self.rng.randint(1, 2))]
        sides = []
        for _ in range(2):
            block = self.inner()
            block.steps(self.rng.randint(0, 3))
            outputs = [block.result(shape) for shape in shapes]
            sides.append(self.graph(block, [], list(zip(outputs, shapes))))
        results = self.node("If", [condition], len(shapes), then_branch=sides[0], else_branch=sides[1])
        for name, shape in zip([results] if len(shapes) == 1 else results, shapes):
            self.keep(name, shape)

    def graph(self, block, inputs, outputs):
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs]
        return helper.make_graph(block.nodes, self.names(), inputs, infos)

    def loop(self):
        states = [self.any() for _ in range(self.rng.randint(1, 2))]
        shapes = [self.values[state] for state in states]
        block = self.inner()
        turn, going = self.names(), self.names()
        inside = [self.names() for _ in states]
        for name, shape in zip(inside, shapes):
            block.keep(name, shape)
        block.steps(self.rng.randint(1, 3))
        outputs = [block.result(shape) for shape in shapes]
        scanned = [block.values[block.any()] for _ in range(self.rng.randint(0, 2))]
        collected = [block.result(shape) for shape in scanned]
        stops = self.rng.random() < 0.4
        flag = block.condition() if stops else block.node("Identity", [going])
        inputs = [helper.make_tensor_value_info(turn, TensorProto.INT64, []),
                  helper.make_tensor_value_info(going, TensorProto.BOOL, [])]
        inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(inside, shapes)]
        infos = [helper.make_tensor_value_info(flag, TensorProto.BOOL, [])]
        infos += [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
                  for n, s in zip(outputs + collected, shapes + scanned)]
        body = helper.make_graph(block.nodes, self.names(), inputs, infos)
        turns = self.rng.choice([0, 1, 2, 3, 5, 18, 40])
        limit = self.constant(np.int64(turns))
        # Whether a condition counts that has no start is where the oracles differ.
        start = self.constant(np.bool_(True)) if stops or self.rng.random() < 0.4 else ""
        results = self.node("Loop", [limit, start] + states, max(len(outputs + collected), 2), body=body) \
            if len(outputs + collected) > 1 else [self.node("Loop", [limit, start] + states, body=body)]
        for name, shape in zip(results, shapes):
            self.keep(name, shape)
        for name, shape in zip(results[len(shapes):], scanned):
            if stops:
                self.keep(self.total(name), ())
            else:
                self.keep(name, (turns, *shape))

    def scan(self):
        length = self.rng.randint(1, 5)
        name = self.any()
        rows = self.values[name]
        axis = self.rng.randint(0, len(rows))
        # Copies of a value along a new axis, of which the scan takes one after the other.
        wide = self.node("Unsqueeze", [name, self.constant(np.array([axis]))]) if self.version >= 13 \
            else self.node("Unsqueeze", [name], axes=[axis])
        weights = np.random.default_rng(self.rng.getrandbits(32)).uniform(-1, 1, length).astype(np.float32)
        shape = rows[:axis] + (length,) + rows[axis:]
        wide = self.node("Mul", [wide, self.constant(weights.reshape([length] + [1] * (len(rows) - axis)))])
        state = self.any()
        block = self.inner()
        inside, element = self.names(), self.names()
        block.keep(inside, self.values[state])
        block.keep(element, rows)
        block.steps(self.rng.randint(1, 2))
        own = block.values[block.any()]
        outputs = [block.result(self.values[state]), block.result(own)]
        inputs = [helper.make_tensor_value_info(inside, TensorProto.FLOAT, self.values[state]),
                  helper.make_tensor_value_info(element, TensorProto.FLOAT, rows)]
        body = self.graph(block, [], [(outputs[0], self.values[state]), (outputs[1], own)])
        body.input.extend(inputs)
        result_axis = self.rng.randint(0, len(own))
        final, collected = self.node(
            "Scan", [state, wide], 2, body=body, num_scan_inputs=1, scan_input_axes=[axis - (
                len(shape) if self.version >= 11 and self.rng.random() < 0.3 else 0)],
            scan_input_directions=[self.rng.randint(0, 1)], scan_output_axes=[result_axis],
            scan_output_directions=[self.rng.randint(0, 1)])
        self.keep(final, self.values[state])
        self.keep(collected, own[:result_axis] + (length,) + own[result_axis:])

    def sequence(self):
        shape = self.values[self.any()]
        count = self.rng.randint(1, 4)
        items = self.node("SequenceConstruct", [self.any(shape) for _ in range(count)])
        for _ in range(self.rng.randint(0, 3)):
            place = [self.constant(np.int64(self.rng.randint(-count, count - 1)))] if self.rng.random() < 0.6 else []
            if self.rng.random() < 0.6 or count < 2:
                items = self.node("SequenceInsert", [items, self.any(shape)] + place)
                count += 1
            else:
                items = self.node("SequenceErase", [items] + place)
                count -= 1
        if self.rng.random() < 0.5:
            self.keep(self.node("SequenceAt", [items, self.constant(np.int64(self.rng.randint(-count, count - 1)))]),
                      shape)
            return
        axis = self.rng.randint(0, len(shape))
        self.keep(self.node("ConcatFromSequence", [items], axis=axis, new_axis=1),
                  shape[:axis] + (count,) + shape[axis:])

    def parts(self):
        """A value cut into a sequence, of which one part is taken, and the number of the parts."""
        name = self.any()
        shape = self.values[name]
        if not shape:
            return
        axis = self.rng.randrange(len(shape))
        extent = shape[axis]
        sizes = [1] * extent
        given, keeps = [], 1
        form = self.rng.choice(["single", "equal", "list"])
        if form == "single":
            keeps = self.rng.randint(0, 1)
        elif form == "equal":
            size = self.rng.randint(1, extent)
            sizes = [min(size, extent - start) for start in range(0, extent, size)]
            given = [self.constant(np.int64(size))]
        else:
            first = self.rng.randint(0, extent)
            sizes = [first, extent - first]
            given = [self.constant(np.array(sizes))]
        axis_given = axis - self.rng.choice([0, len(shape)])
        items = self.node("SplitToSequence", [name] + given, axis=axis_given, keepdims=keeps)
        self.keep(self.node("Cast", [self.node("SequenceLength", [items])], to=TensorProto.FLOAT), ())
        place = self.rng.randrange(len(sizes))
        own = (sizes[place],) if keeps else ()
        part = self.node("SequenceAt", [items, self.constant(np.int64(place))])
        self.keep(part, shape[:axis] + own + shape[axis + 1:])

    def mapped(self):
        """Every element of a sequence of values of any shapes, with a value that is the same for all."""
        if self.version < 17:
            return
        names = [self.any() for _ in range(self.rng.randint(1, 3))]
        items = self.node("SequenceConstruct", names)
        item, whole = self.names(), self.names()
        number = self.total(self.any())
        nodes = [helper.make_node(self.rng.choice(UNARY), [item], [item + "_u"]),
                 helper.make_node(self.rng.choice(BINARY), [item + "_u", whole], [item + "_b"])]
        types = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in
                 ((item, None), (whole, []), (item + "_b", None))]
        body = helper.make_graph(nodes, self.names(), types[:2], types[2:])
        results = self.node("SequenceMap", [items, number], body=body)
        place = self.rng.randrange(len(names))
        self.keep(self.node("SequenceAt", [results, self.constant(np.int64(place))]), self.values[names[place]])

    def growing(self):
        """A sequence that a loop fills."""
        shape = self.values[self.any()]
        block = self.inner()
        turn, going, inside = self.names(), self.names(), self.names()
        block.steps(self.rng.randint(0, 2))
        value = block.result(shape)
        counted = block.node("Cast", [turn], to=TensorProto.FLOAT)
        items = block.node("SequenceInsert", [inside, block.node("Add", [value, counted])])
        kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, shape))
        flag = block.node("Identity", [going])
        body = helper.make_graph(
            block.nodes, self.names(),
            [helper.make_tensor_value_info(turn, TensorProto.INT64, []),
             helper.make_tensor_value_info(going, TensorProto.BOOL, []), helper.make_value_info(inside, kind)],
            [helper.make_tensor_value_info(flag, TensorProto.BOOL, []), helper.make_value_info(items, kind)])
        turns = self.rng.choice([1, 2, 3, 7, 20, 33])
        empty = self.node("SequenceEmpty", [], dtype=TensorProto.FLOAT)
        full = self.node("Loop", [self.constant(np.int64(turns)), "", empty], body=body)
        self.keep(self.node("ConcatFromSequence", [full], axis=0, new_axis=1), (turns, *shape))

    def optional(self):
        if self.version < 15:
            return
        name = self.any()
        wrapped = self.node("Optional", [name])
        has = self.node("OptionalHasElement", [wrapped])
        value = self.keep(self.node("OptionalGetElement", [wrapped]), self.values[name])
        self.keep(self.node("Where", [has, value, self.any(self.values[name])]), self.values[name])

    def function(self):
        """A call of a function of the model with an attribute that its nodes refer to."""
        name = self.any()
        kind = f"f{len(self.functions)}"
        opsets = [helper.make_opsetid("", self.version), helper.make_opsetid("own", 1)]
        inner = helper.make_node("LeakyRelu", ["x"], ["t"])
        reference = inner.attribute.add()
        reference.name, reference.ref_attr_name, reference.type = "alpha", "slope", 1
        nodes = [inner, helper.make_node("Add", ["t", "x"], ["y"])]
        if self.functions and self.rng.random() < 0.5:
            call = helper.make_node(self.rng.choice(self.functions).name, ["t"], ["u"], domain="own")
            passed = call.attribute.add()
            passed.name, passed.ref_attr_name, passed.type = "slope", "slope", 1
            nodes = [inner, call, helper.make_node("Sub", ["u", "x"], ["y"])]
        self.functions.append(helper.make_function("own", kind, ["x"], ["y"], nodes, opsets, ["slope"]))
        result = self.names()
        self.nodes.append(helper.make_node(kind, [name], [result], domain="own", name=f"n_{result}",
                                           slope=self.rng.uniform(0.1, 0.9)))
        self.keep(result, self.values[name])


def draw(rng):
    """A model of one to six steps."""
    version = rng.randint(13, RUNTIME_OPSET)
    block = Block(rng, Names(), version)
    values = {}
    for index in range(rng.randint(1, 3)):
        shape = tuple(rng.randint(1, 4) for _ in range(rng.randint(0, 3)))
        generator = np.random.default_rng(rng.getrandbits(32))
        values[f"x{index}"] = generator.uniform(-2, 2, shape).astype(np.float32)
        block.keep(f"x{index}", shape)
    block.steps(rng.randint(1, 6))
    outputs = [name for name in block.values if name not in values and name in
               {result for node in block.nodes for result in node.output}][-3:]
    return Sample(f"Control-{version}", block.nodes, values, outputs, {"": version, "own": 1}, block.functions, 10,
                  {name: True for name in values})
