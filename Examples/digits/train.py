#!/usr/bin/env python3
"""Train a small convolutional network on scikit-learn's 8x8 digits and write digits.onnx and samples.h.

The network: 3x3 convolution to 16 channels, ReLU, 2x2 max pooling, 3x3 convolution to 32 channels, ReLU,
2x2 max pooling, fully connected layer to 10 logits. Training is Adam in NumPy with a fixed seed.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

EPOCHS, BATCH, RATE, SAMPLES = 40, 64, 2e-3, 10


def patches(x):
    """The 3x3 neighbourhoods of a zero-padded batch: [n, c, h, w] to [n, h, w, 9 c]."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(*windows.shape[:1], *windows.shape[2:4], -1)


def convolve(x, weight, bias):
    """A 3x3 convolution with the patches that its gradient needs."""
    columns = patches(x)
    return (columns @ weight.reshape(len(weight), -1).T + bias).transpose(0, 3, 1, 2), columns


def convolve_back(gradient, columns, weight, shape):
    """Gradients of a 3x3 convolution with respect to input, weight and bias."""
    rows = gradient.transpose(0, 2, 3, 1)
    weight_gradient = np.einsum("nhwo,nhwk->ok", rows, columns).reshape(weight.shape)
    spread = (rows @ weight.reshape(len(weight), -1)).reshape(*rows.shape[:3], shape[1], 3, 3)
    padded = np.zeros((shape[0], shape[1], shape[2] + 2, shape[3] + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i:i + shape[2], j:j + shape[3]] += spread[..., i, j].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1], weight_gradient, rows.sum((0, 1, 2))


def pool(x):
    """2x2 max pooling with the mask of the winners."""
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // 2, 2, w // 2, 2)
    best = cells.max((3, 5), keepdims=True)
    mask = cells == best
    return best[:, :, :, 0, :, 0], mask / mask.sum((3, 5), keepdims=True)


def pool_back(gradient, mask):
    n, c, h, _, w, _ = mask.shape
    return (mask * gradient[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w).astype(np.float32)


def forward(p, x):
    """Logits, and what the backward pass needs."""
    a1, k1 = convolve(x, p["conv1.weight"], p["conv1.bias"])
    s1, m1 = pool(np.maximum(a1, 0))
    a2, k2 = convolve(s1, p["conv2.weight"], p["conv2.bias"])
    s2, m2 = pool(np.maximum(a2, 0))
    flat = s2.reshape(len(x), -1)
    return flat @ p["fc.weight"].T + p["fc.bias"], (x, a1, k1, s1, m1, a2, k2, s2, m2, flat)


def gradients(p, x, labels):
    """Gradients of the mean cross entropy."""
    logits, (x, a1, k1, s1, m1, a2, k2, s2, m2, flat) = forward(p, x)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    d = exponentials / exponentials.sum(1, keepdims=True)
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    g = {"fc.weight": d.T @ flat, "fc.bias": d.sum(0)}
    d = pool_back((d @ p["fc.weight"]).reshape(s2.shape), m2) * (a2 > 0)
    d, g["conv2.weight"], g["conv2.bias"] = convolve_back(d, k2, p["conv2.weight"], s1.shape)
    d = pool_back(d, m1) * (a1 > 0)
    _, g["conv1.weight"], g["conv1.bias"] = convolve_back(d, k1, p["conv1.weight"], x.shape)
    return g


def train(images, labels, rng):
    def weights(*shape):
        return (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)

    p = {
        "conv1.weight": weights(16, 1, 3, 3), "conv1.bias": np.zeros(16, np.float32),
        "conv2.weight": weights(32, 16, 3, 3), "conv2.bias": np.zeros(32, np.float32),
        "fc.weight": weights(10, 128), "fc.bias": np.zeros(10, np.float32),
    }
    mean = {k: np.zeros_like(v) for k, v in p.items()}
    square = {k: np.zeros_like(v) for k, v in p.items()}
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(images))
        for start in range(0, len(order), BATCH):
            batch = order[start:start + BATCH]
            step += 1
            for k, g in gradients(p, images[batch], labels[batch]).items():
                mean[k] += 0.1 * (g - mean[k])
                square[k] += 0.001 * (g * g - square[k])
                p[k] -= (RATE * mean[k] / (1 - 0.9**step) / (np.sqrt(square[k] / (1 - 0.999**step)) + 1e-8)).astype(np.float32)
    return p


def export(p, accuracy):
    pads = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    halve = dict(kernel_shape=[2, 2], strides=[2, 2])
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], name="conv1", **pads),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], name="pool1", **halve),
        helper.make_node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["c2"], name="conv2", **pads),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("MaxPool", ["r2"], ["p2"], name="pool2", **halve),
        helper.make_node("Flatten", ["p2"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["logits"], name="fc", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8], "Grey levels from 0 to 1.")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10], "A score for each digit.")],
        [numpy_helper.from_array(v, k) for k, v in p.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="train.py",
        doc_string="Recognises handwritten digits of 8x8 pixels.")
    helper.set_model_props(model, {"accuracy": f"{accuracy:.4f}"})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "digits.onnx")


def write_samples(images, labels):
    with open("samples.h", "w", encoding="utf-8") as file:
        file.write("/* Held-out images of handwritten digits with their labels; written by train.py. */\n")
        file.write(f"#define SAMPLES {SAMPLES}\n\n")
        file.write(f"static const int sample_labels[SAMPLES] = {{{', '.join(map(str, labels))}}};\n\n")
        file.write("static const float sample_images[SAMPLES][64] = {\n")
        for image in images:
            file.write("  {\n")
            for row in image.reshape(8, 8):
                file.write("    " + " ".join(f"{value}f," for value in row) + "\n")
            file.write("  },\n")
        file.write("};\n")


def main():
    rng = np.random.default_rng(1)
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    order = rng.permutation(len(images))
    held_out, rest = order[:360], order[360:]
    p = train(images[rest], digits.target[rest], rng)
    predictions = forward(p, images[held_out])[0].argmax(1)
    accuracy = (predictions == digits.target[held_out]).mean()
    print(f"accuracy on {len(held_out)} held-out images: {accuracy:.4f}")
    export(p, accuracy)
    chosen = [held_out[np.flatnonzero(digits.target[held_out] == digit)[0]] for digit in range(SAMPLES)]
    write_samples(images[chosen], digits.target[chosen])


if __name__ == "__main__":
    main()
