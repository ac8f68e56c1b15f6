"""Operators of classical machine learning."""
import numpy as np
from onnx import numpy_helper

from maker import NUMPY, WORDS, makes as makes_any

DOMAIN = "ai.onnx.ml"


def makes(*names):
    return makes_any(*names, domain=DOMAIN)


def floats(m, count, low=-2.0, high=2.0):
    return [m.rng.uniform(low, high) for _ in range(count)]


def data(m, shape, *kinds):
    return m.fill(m.pick(*(kinds or ("float", "double", "int32", "int64"))), shape)


@makes("ArrayFeatureExtractor")
def extractor(m):
    shape = m.shape(1, 3)
    shape[-1] = max(shape[-1], 1)
    return [data(m, shape), m.fill("int64", m.pick([1], [3], [1, 2]), 0, shape[-1] - 1)]


@makes("Binarizer", "Scaler", "Normalizer", "Imputer")
def scaled(m):
    if m.name == "Binarizer":
        m.attribute("threshold", m.rng.uniform(-1, 1))
        return [data(m, m.shape(0, 3), "float")]
    shape = [m.extent(), m.integer(1, 5)] if m.maybe(0.8) else [m.integer(1, 5)]
    if m.name == "Normalizer":
        m.attribute("norm", m.pick("MAX", "L1", "L2"))
        # ONNX Runtime squares integers as integers.
        kind = m.pick("float", "double", "int32", "int64")
        return [m.fill(kind, shape, *((-99, 99) if kind.startswith("int") else ()))]
    count = m.pick(1, shape[-1])
    if m.name == "Scaler":
        m.attribute("offset", floats(m, count), 1)
        m.attribute("scale", floats(m, count), 1)
        return [data(m, shape)]
    x = data(m, shape, "float", "int64")
    if x.dtype == np.float32:
        m.set(imputed_value_floats=floats(m, count))
        if m.maybe():
            m.set(replaced_value_float=1.5)
            x = np.where(m.fill("bool", shape), x, np.float32(1.5))
        elif x.size:
            x.flat[0] = np.nan
    else:
        m.set(imputed_value_int64s=[m.integer(-5, 5) for _ in range(count)], replaced_value_int64=m.integer(-2, 2))
    return [x]


@makes("FeatureVectorizer")
def vectorizer(m):
    widths, rows = [m.integer(1, 4) for _ in range(m.integer(1, 3))], m.integer(1, 3)
    m.set(inputdimensions=widths)
    kind = m.pick("float", "double", "int32", "int64")
    return [m.fill(kind, [rows, width]) for width in widths]


@makes("LabelEncoder")
def label_encoder(m):
    count = m.integer(1, 5)
    if m.version == 1:
        m.set(classes_strings=m.rng.sample(WORDS, count))
        if m.maybe():
            m.attribute("default_string", "none")
            return [m.fill("int64", m.shape(0, 2), -1, count)]
        m.attribute("default_int64", 7)
        return [m.words(m.shape(0, 2))]
    kinds = ["int64", "string", "float"] + (["double", "int16"] if m.version >= 4 else [])
    key, value = m.pick(*kinds), m.pick(*kinds)
    numbers = m.rng.sample(range(-9, 9), count)
    for role, kind in (("keys", key), ("values", value)):
        if kind == "string":
            m.set(**{f"{role}_strings": m.rng.sample(WORDS, count)})
        elif kind == "int64":
            m.set(**{f"{role}_int64s": numbers})
        elif kind == "float":
            m.set(**{f"{role}_floats": [float(n) / 2 for n in numbers]})
        else:
            m.set(**{f"{role}_tensor": numpy_helper.from_array(np.array(numbers, NUMPY[kind]))})
    if value in ("double", "int16"):
        m.set(default_tensor=numpy_helper.from_array(np.array([3], NUMPY[value])))
    elif m.maybe():
        m.set(**{f"default_{value}": {"string": "?", "int64": 77, "float": 1.25}[value]})
    shape = m.shape(0, 3)
    if key == "string":
        return [m.words(shape)]
    x = m.fill(key, shape, -9, 9)
    return [(np.round(x) / 2).astype(np.float32) if key == "float" else np.round(x)]


@makes("OneHotEncoder")
def one_hot(m):
    m.set(zeros=1)
    if m.maybe():
        m.set(cats_strings=m.rng.sample(WORDS, m.integer(1, 5)))
        return [m.words(m.shape(1, 2))]
    m.set(cats_int64s=m.rng.sample(range(9), m.integer(1, 5)))
    return [m.fill(m.pick("int64", "float", "int32", "double"), m.shape(1, 2), 0, 9)]


@makes("CategoryMapper")
def category_mapper(m):
    count = m.integer(1, 5)
    m.set(cats_strings=m.rng.sample(WORDS, count), cats_int64s=m.rng.sample(range(9), count))
    if m.maybe():
        m.attribute("default_int64", -7)
        return [m.words(m.shape(1, 2))]
    m.attribute("default_string", "none")
    return [m.fill("int64", m.shape(1, 2), 0, 9)]


def labels(m, count):
    if m.maybe():
        m.set(classlabels_strings=[f"c{i}" for i in range(count)])
        return "classlabels_strings"
    m.set(classlabels_ints=m.rng.sample(range(20), count))
    return "classlabels_ints"


TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


@makes("LinearRegressor", "LinearClassifier")
def linear(m):
    width, targets = m.integer(1, 4), m.integer(1, 4)
    m.attribute("post_transform", m.pick(*TRANSFORMS))
    if m.attributes.get("post_transform") == "PROBIT" and targets > 1:
        del m.attributes["post_transform"]
    if m.name == "LinearRegressor":
        m.set(coefficients=floats(m, targets * width), targets=targets)
        if m.maybe(0.7):
            m.set(intercepts=floats(m, targets))
        return [data(m, [m.extent(), width], "float")]
    m.outputs = 2
    m.set(coefficients=floats(m, targets * width), intercepts=floats(m, targets))
    name = labels(m, max(targets, 2) if targets == 1 else targets)
    m.attribute("multi_class", m.integer(0, 1))
    if name == "classlabels_ints":
        m.set(classlabels_ints=m.attributes.pop(name))
    return [data(m, [m.integer(1, 4), width])]


@makes("ZipMap")
def zip_map(m):
    count = m.integer(1, 4)
    if m.maybe():
        m.set(classlabels_strings=m.rng.sample(WORDS, count))
    else:
        m.set(classlabels_int64s=m.rng.sample(range(-9, 9), count))
    return [m.fill("float", [m.integer(1, 4), count])]


@makes("SVMRegressor", "SVMClassifier")
def svm(m):
    m.finite = True
    width, count = m.integer(1, 4), m.integer(1, 5)
    kind = m.pick("LINEAR", "POLY", "RBF", "SIGMOID")
    m.set(kernel_type=kind, kernel_params=[m.rng.uniform(0.1, 0.7), m.rng.uniform(-1, 1), float(m.integer(1, 3))])
    if m.name == "SVMRegressor":
        m.set(rho=floats(m, 1))
        m.attribute("one_class", m.integer(0, 1), 0.3)
        m.set(n_supports=count, support_vectors=floats(m, count * width), coefficients=floats(m, count))
        return [data(m, [m.integer(1, 4), width], "float")]
    m.outputs = 2
    classes = m.integer(2, 4)
    labels(m, classes)
    counts = [m.integer(1, 3) for _ in range(classes)]
    total, pairs = sum(counts), classes * (classes - 1) // 2
    m.set(vectors_per_class=counts, support_vectors=floats(m, total * width),
          coefficients=floats(m, total * (classes - 1)), rho=floats(m, pairs))
    if m.maybe(0.4):
        m.set(prob_a=floats(m, pairs, -2, -0.1), prob_b=floats(m, pairs))
    m.attribute("post_transform", m.pick("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"), 0.5)
    return [data(m, [m.integer(1, 4), width])]


class Trees:
    """Random trees as the lists of attributes that ensembles have."""

    def __init__(self, m, width, targets, prefix, modes, whole=False):
        self.m, self.width, self.targets, self.prefix, self.modes = m, width, targets, prefix, modes
        # Whether every leaf counts for all targets.
        self.whole = whole
        names = ["treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                 "missing_value_tracks_true"]
        self.nodes = {name: [] for name in names}
        self.leaves = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}

    def grow(self, tree, depth):
        """Adds a node and what is below it; returns its number."""
        m = self.m
        number = sum(1 for t in self.nodes["treeids"] if t == tree)
        row = len(self.nodes["treeids"])
        is_leaf = depth == 0 or m.maybe(0.2)
        added = {"treeids": tree, "nodeids": number, "featureids": m.integer(0, self.width - 1),
                 "modes": "LEAF" if is_leaf else m.pick(*self.modes), "values": float(m.integer(-6, 6)) / 2,
                 "truenodeids": 0, "falsenodeids": 0, "missing_value_tracks_true": m.integer(0, 1)}
        for name, value in added.items():
            self.nodes[name].append(value)
        if is_leaf:
            for target in m.rng.sample(range(self.targets), self.targets if self.whole else m.integer(1, self.targets)):
                for name, value in (("treeids", tree), ("nodeids", number), ("ids", target),
                                    ("weights", m.rng.uniform(-2, 2))):
                    self.leaves[name].append(value)
        else:
            self.nodes["truenodeids"][row] = self.grow(tree, depth - 1)
            self.nodes["falsenodeids"][row] = self.grow(tree, depth - 1)
        return number

    def set(self):
        self.m.set(**{f"nodes_{name}": value for name, value in self.nodes.items()})
        self.m.set(**{f"{self.prefix}_{name}": value for name, value in self.leaves.items()})


@makes("TreeEnsembleRegressor", "TreeEnsembleClassifier")
def trees(m):
    width, targets = m.integer(1, 4), m.integer(1, 3)
    modes = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
    modes = m.pick(modes, modes[:1], (m.pick(*modes),))
    is_regressor = m.name == "TreeEnsembleRegressor"
    grown = Trees(m, width, targets, "target" if is_regressor else "class", modes, whole=m.maybe())
    for tree in range(m.integer(1, 6)):
        grown.grow(tree, m.integer(0, 4))
    grown.set()
    m.attribute("post_transform", m.pick(*TRANSFORMS[:4]))
    # ONNX Runtime adds no base value where no leaf counts for a target.
    if m.maybe() and (targets == 1 or grown.whole):
        m.set(base_values=floats(m, targets))
    if is_regressor:
        m.set(n_targets=targets)
        m.attribute("aggregate_function", m.pick("SUM", "AVERAGE", "MIN", "MAX"))
    else:
        m.outputs = 2
        labels(m, max(targets, 2))
        m.attributes.pop("base_values", None)
        if m.maybe():
            # Of two classes ONNX Runtime drops the scores of one if both have base values.
            m.set(base_values=floats(m, targets if targets > 2 else 1))
    x = data(m, [m.integer(1, 5), width], "float", "float", "double", "int64", "int32")
    if x.dtype.kind == "f":
        x = (np.round(x * 2) / 2).astype(x.dtype)
    return [x]


@makes("TreeEnsemble")
def ensemble(m):
    width, targets = m.integer(1, 3), m.integer(1, 3)
    kind = NUMPY[m.pick("float", "double")]
    splits, leaves = [], []

    def grow(depth):
        if depth == 0 or m.maybe(0.2):
            leaves.append((m.integer(0, targets - 1), m.rng.uniform(-2, 2)))
            return len(leaves) - 1, 1
        row = len(splits)
        splits.append(None)
        sides = grow(depth - 1), grow(depth - 1)
        splits[row] = (m.integer(0, width - 1), m.integer(0, 5), m.integer(-6, 6) / 2, *sides)
        return row, 0

    roots = []
    for _ in range(m.integer(1, 4)):
        row, is_leaf = grow(m.integer(1, 3))
        if is_leaf:
            splits.append((0, 0, 0.0, (row, 1), (row, 1)))
            row = len(splits) - 1
        roots.append(row)
    m.set(tree_roots=roots, n_targets=targets, aggregate_function=m.integer(0, 3), post_transform=m.integer(0, 3),
          nodes_featureids=[s[0] for s in splits],
          nodes_modes=numpy_helper.from_array(np.array([s[1] for s in splits], np.uint8)),
          nodes_splits=numpy_helper.from_array(np.array([s[2] for s in splits], kind)),
          nodes_truenodeids=[s[3][0] for s in splits], nodes_trueleafs=[s[3][1] for s in splits],
          nodes_falsenodeids=[s[4][0] for s in splits], nodes_falseleafs=[s[4][1] for s in splits],
          leaf_targetids=[leaf[0] for leaf in leaves],
          leaf_weights=numpy_helper.from_array(np.array([leaf[1] for leaf in leaves], kind)))
    x = m.fill(NAMES_OF[kind], [m.integer(1, 5), width])
    return [(np.round(x * 2) / 2).astype(kind)]


NAMES_OF = {NUMPY[name]: name for name in ("float", "double")}
