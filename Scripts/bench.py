#!/usr/bin/env python3
"""Measure onnxc beside ONNX Runtime and OpenVINO, and write a report in Markdown.

    bench.py DIR [--threads N ...] [--rounds N] [--output FILE] [--onnxc FILE]

DIR has a folder for each model: NAME/model.onnx and NAME/test_data_set_0/input_*.pb, and if errors are to be compared,
NAME/test_data_set_0/reference64.npz with the results of a float64 evaluation, named 0, 1, and so on. Every engine runs
in a process of its own that answers requests: after a line of JSON that says how long loading and the first run took, a
number asks for that many latencies in seconds, and `save FILE.npz` for the outputs. Rounds go over the engines in turn,
so that a change of the machine's speed meets all of them.
"""
import argparse
import contextlib
import datetime
import importlib.metadata
import json
import math
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
ENGINES = {"onnxc": "onnxc", **PEERS}
# Seconds of work for each engine and round, seconds after which a process is given up, and starts to take the best of.
BUDGET, PATIENCE, STARTS = 0.25, 900, 3
PROCESSORS = sorted(os.sched_getaffinity(0))

# Measures when the first result is there, in the clock of time.monotonic().
STARTED_PROGRAM = r"""
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model.h"

static void *allocate(void *context, uint64_t bytes) {
  (void)context;
  void *memory = NULL;
  return posix_memalign(&memory, 64, bytes + 64) ? NULL : memory;
}

static void *contents(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) return NULL;
  long bytes = ftell(file);
  void *memory = allocate(NULL, (uint64_t)bytes);
  rewind(file);
  if (!memory || fread(memory, 1, (size_t)bytes, file) != (size_t)bytes) return NULL;
  fclose(file);
  return memory;
}

static int failed(const char *reason) {
  fprintf(stderr, "%s\n", reason);
  return 1;
}

int main(int argc, char **argv) {
  const onnxc_model *model = model_model();
  if (model->symbol_count) return failed("the inputs leave sizes open");
  if ((uint32_t)argc != model->input_count + 1) return failed("the case has another number of inputs");
  const void **inputs = calloc(model->input_count + 1, sizeof *inputs);
  void **outputs = calloc(model->output_count + 1, sizeof *outputs);
  uint32_t rank = 1;
  for (uint32_t i = 0; i < model->output_count; i++) rank += (uint32_t)model->outputs[i].rank;
  int64_t *dims = calloc(rank, sizeof *dims);
  void *arena = allocate(NULL, model->arena_bytes);
  if (!inputs || !outputs || !dims || !arena) return failed("no memory");
  for (uint32_t i = 0; i < model->input_count; i++)
    if (!(inputs[i] = contents(argv[i + 1]))) return failed("an input cannot be read");
  for (uint32_t i = 0; i < model->output_count; i++) {
    uint64_t bytes = model->output_size(i, NULL);
    if (bytes && !(outputs[i] = allocate(NULL, bytes))) return failed("no memory");
  }
  onnxc_memory memory = {allocate, NULL};
  int status = model->run(arena, inputs, outputs, NULL, dims, &memory, NULL);
  if (status) return failed(onnxc_strerror(status));
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("%.9f\n", (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
  return 0;
}
"""


class Failure(Exception):
    """Why something has no figure."""


# Cases


class Case:
    """A model and its inputs."""

    def __init__(self, folder):
        self.name = os.path.basename(folder)
        self.folder = folder
        self.model = os.path.join(folder, "model.onnx")
        self.data = os.path.join(folder, "test_data_set_0")
        self.reference = os.path.join(self.data, "reference64.npz")

    def inputs(self):
        """Declarations and values of the inputs, in order."""
        try:
            return self.decoded_inputs()
        except DecodeError as reason:
            raise Failure(str(reason)) from None

    def decoded_inputs(self):
        graph = onnx.load(self.model, load_external_data=False).graph
        initialized = {tensor.name for tensor in graph.initializer}
        result = []
        for info in graph.input:
            if info.name in initialized:
                continue
            kinds = {"tensor_type": (onnx.TensorProto, numpy_helper.to_array),
                     "sequence_type": (onnx.SequenceProto, numpy_helper.to_list)}
            kind = info.type.WhichOneof("value")
            if kind not in kinds:
                raise Failure(f"input '{info.name}' is neither a tensor nor a sequence")
            message, convert = kinds[kind][0](), kinds[kind][1]
            with open(os.path.join(self.data, f"input_{len(result)}.pb"), "rb") as file:
                message.ParseFromString(file.read())
            result.append((info, convert(message)))
        return result

    def tensors(self):
        """Inputs as a compiled program takes them, and the sizes of their open dimensions as options."""
        tensors, sizes = [], {}
        for info, value in self.inputs():
            if not isinstance(value, np.ndarray):
                raise Failure(f"input '{info.name}' is a sequence")
            for axis, dim in enumerate(info.type.tensor_type.shape.dim):
                if not dim.HasField("dim_value"):
                    sizes[dim.dim_param or f"{info.name}_dim{axis}"] = value.shape[axis]
            if value.dtype != object:
                tensors.append(value.tobytes())
                continue
            texts = [text.encode() if isinstance(text, str) else text for text in value.ravel()]
            starts = np.cumsum([0, *map(len, texts)])
            tensors.append(np.array([int(at) << 32 | len(text) for at, text in zip(starts, texts)], np.int64).tobytes())
            tensors.append(b"".join(texts))
            sizes[f"{info.name}.size"] = int(starts[-1])
        return tensors, ["--dim", ",".join(f"{name}={size}" for name, size in sizes.items())] if sizes else []

    def reason(self, text):
        """One short line of a message, without the places of files."""
        text = text.replace(os.path.abspath(self.folder) + "/", "").replace(self.folder + "/", "")
        return " ".join(text.split())[:240]


# The process of a peer


def onnxruntime_session(model, threads, feed):
    import onnxruntime
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return start, lambda: session.run(None, feed)


def openvino_session(model, threads, feed):
    import openvino
    start = time.perf_counter()
    core = openvino.Core()
    network = core.read_model(model)
    if any(each.partial_shape.is_dynamic for each in network.inputs):
        network.reshape({name: list(value.shape) for name, value in feed.items()})
    compiled = core.compile_model(network, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return start, lambda: request.infer(feed, share_inputs=True, share_outputs=True)


def serve(engine, folder, threads):
    """Answers requests for one model with a peer."""
    try:
        feed = {info.name: value for info, value in Case(folder).inputs()}
        session = {"onnxruntime": onnxruntime_session, "openvino": openvino_session}[engine]
        start, run = session(os.path.join(folder, "model.onnx"), threads, feed)
        loaded = time.perf_counter()
        run()
        times = {"load_s": loaded - start, "first_s": time.perf_counter() - loaded}
    except Exception as reason:  # noqa: BLE001, whatever keeps a peer from running
        sys.exit(" ".join(str(reason).split()))
    print(json.dumps(times), flush=True)
    for line in sys.stdin:
        if line.startswith("save "):
            outputs = run()
            values = outputs.values() if isinstance(outputs, Mapping) else outputs
            np.savez(line[5:].strip(), **{str(index): np.array(value) for index, value in enumerate(values)})
            print('"saved"', flush=True)
            continue
        latencies = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            latencies.append(time.perf_counter() - start)
        print(json.dumps(latencies), flush=True)


# Measuring


class Engine:
    """One engine with one model in a process of its own."""

    def __init__(self, name, case, threads, onnxc):
        self.case = case
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        command = [sys.executable, os.path.abspath(__file__), "--serve", name, case.folder, str(threads)]
        if name == "onnxc":
            command = [onnxc, "bench", case.model, "--serve", "--threads", str(threads), "--inputs", case.data]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def answer(self):
        """The next line of JSON; an engine may print other things."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line[0] in '[{"':
                    return json.loads(line)
        finally:
            timer.cancel()
        status = self.process.wait()
        self.errors.seek(0)
        lines = [line for line in self.errors.read().splitlines() if line.strip()]
        raise Failure(self.case.reason(lines[-1] if lines else ended(status)))

    def ask(self, request):
        try:
            self.process.stdin.write(f"{request}\n")
            self.process.stdin.flush()
        except OSError:
            pass  # The process has ended, and its answer says why.
        return self.answer()


def ended(status):
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def pin(threads):
    """Leaves as many processors to the processes that follow as they have threads."""
    os.sched_setaffinity(0, PROCESSORS[-threads:])


def measure(case, threads, rounds, onnxc, errors):
    """The 10th percentile of each engine in seconds, or why there is none; fills in errors where they are asked for."""
    pin(threads)
    latencies, result, counts = {}, {}, {}
    with contextlib.ExitStack() as stack:
        running = {}

        def attempt(name, action):
            try:
                action()
            except (Failure, OSError, ValueError) as reason:
                result[name] = Failure(case.reason(str(reason)))
                running.pop(name, None)

        def begin(name):
            running[name] = stack.enter_context(Engine(name, case, threads, onnxc))
            running[name].answer()
            counts[name] = max(1, int(BUDGET / max(min(running[name].ask(3)), 1e-6)))
            latencies[name] = []

        def go_on(name):
            latencies[name] += running[name].ask(counts[name])

        for name in ENGINES:
            attempt(name, lambda: begin(name))
        for _ in range(rounds):
            for name in list(running):
                attempt(name, lambda: go_on(name))
        for name in running:
            result[name] = sorted(latencies[name])[len(latencies[name]) // 10]
        if errors is not None and os.path.exists(case.reference):
            for name in ("onnxc", "onnxruntime"):
                errors[name] = deviation(running[name], case) if name in running else result[name]
    return result


def deviation(engine, case):
    """The largest and the root mean square error of an engine's outputs, relative to the rms of the reference."""
    with tempfile.TemporaryDirectory() as folder, np.load(case.reference) as reference:
        path = os.path.join(folder, "outputs.npz")
        try:
            engine.ask(f"save {path}")
            with np.load(path) as outputs:
                worst = (0.0, 0.0)
                for key in reference.files:
                    exact = reference[key].astype(np.float64)
                    difference = outputs[key].astype(np.float64).reshape(exact.shape) - exact
                    scale = np.sqrt((exact**2).mean()) or 1.0
                    here = (np.abs(difference).max() / scale, np.sqrt((difference**2).mean()) / scale)
                    worst = tuple(np.maximum(worst, here))
                return worst
        except (Failure, OSError, KeyError, ValueError) as reason:
            return Failure(case.reason(str(reason)))


def run(case, command):
    """What a command prints, and the seconds that it takes."""
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, errors="replace")
    except subprocess.TimeoutExpired:
        raise Failure(f"takes longer than {PATIENCE} s") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise Failure(case.reason(lines[-1] if lines else ended(done.returncode)))
    return done.stdout, time.monotonic() - start


def prepare(case, onnxc):
    """Seconds to a first result and to compile, arena and its lower bound; what fails has its reason instead."""
    pin(1)
    keys = ["program", "session", "compile", "arena", "lower_bound"]
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            tensors, sizes = case.tensors()
            memory = json.loads(run(case, [onnxc, "inspect", "--memory", "--json", case.model, *sizes])[0])
            result.update(arena=memory["arena"], lower_bound=memory["lower_bound"])
            program = link(case, onnxc, folder, sizes, result)
            arguments = [os.path.join(folder, f"input_{index}.bin") for index in range(len(tensors))]
            for path, data in zip(arguments, tensors):
                with open(path, "wb") as file:
                    file.write(data)
        except (Failure, OSError) as reason:
            program = None
            result.update({key: Failure(case.reason(str(reason))) for key in keys if key not in result})
            del result["session"]

        def start_program():
            start = time.monotonic()
            return float(run(case, [program, *arguments])[0]) - start

        def start_session():
            with Engine("onnxruntime", case, 1, onnxc) as engine:
                times = engine.answer()
                return times["load_s"] + times["first_s"]

        for _ in range(STARTS):
            for key, start in (("program", start_program), ("session", start_session)):
                if isinstance(result.get(key), Failure):
                    continue
                try:
                    result[key] = min(start(), result.get(key, math.inf))
                except Failure as reason:
                    result[key] = reason
    return result


def link(case, onnxc, folder, sizes, result):
    """Compiles a model and links it into a program, of which it returns the path."""
    source, code, program = (os.path.join(folder, name) for name in ("main.c", "model.o", "program"))
    with open(source, "w", encoding="utf-8") as file:
        file.write(STARTED_PROGRAM)
    result["compile"] = run(case, [onnxc, "compile", case.model, "-o", code, "--name", "model", *sizes])[1]
    run(case, [os.environ.get("CC", "cc"), "-std=c99", "-O2", source, code, "-lm", "-o", program])
    return program


# The report


class Report:
    """Lines of Markdown, with a note for each figure that is missing."""

    def __init__(self):
        self.lines, self.notes = [], []

    def text(self, *lines):
        self.lines += [*lines, ""]

    def table(self, columns, rows):
        self.lines += ["| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
        self.text(*("| " + " | ".join(row) + " |" for row in rows))

    def cell(self, value, show):
        """A figure, or a dash with a note of what keeps it from being there."""
        if value is None:
            return "–"
        if not isinstance(value, Failure):
            return show(value)
        reason = str(value) or "no reason given"
        if reason not in self.notes:
            self.notes.append(reason)
        return f"–[^{self.notes.index(reason) + 1}]"

    def __str__(self):
        notes = [f"[^{number}]: `{reason.replace('`', chr(39))}`" for number, reason in enumerate(self.notes, 1)]
        return "\n".join(self.lines + notes).rstrip() + "\n"


def digits(value):
    """Three significant digits without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def ratio(latencies):
    """onnxc's latency over that of the fastest peer, if both are known."""
    peers = [latencies[name] for name in PEERS if not isinstance(latencies[name], Failure)]
    if isinstance(latencies["onnxc"], Failure) or not peers:
        return None
    return latencies["onnxc"] / min(peers)


def summary(measured):
    ratios = [each for each in map(ratio, measured.values()) if each is not None]
    failed = sum(isinstance(each["onnxc"], Failure) for each in measured.values())
    alone = len(measured) - len(ratios) - failed
    if not ratios:
        return f"No ratios: onnxc fails on {failed} of {len(measured)} models."
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    within = [sum(each <= limit for each in ratios) for limit in (0.8, 1.0)]
    text = (f"Geometric mean of {len(ratios)} ratios: **{mean:.2f}**; at most 0.8: {within[0]}, at most 1.0: "
            f"{within[1]}. Models: {len(measured)}; onnxc fails on {failed}")
    return text + (f", no peer runs {alone}." if alone else ".")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", file.read(), re.M))
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read())[1]) / 2**20
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']})"
    return f"{name}, {len(PROCESSORS)} processors, {memory:.0f} GiB of memory"


def write_report(arguments, latencies, errors, preparations):
    report = Report()
    versions = [f"onnxc {run(None, [arguments.onnxc, '--version'])[0].strip()}"]
    versions += [f"{title} {importlib.metadata.version(name)}" for name, title in PEERS.items()]
    threads = " ".join(map(str, arguments.threads))
    folder = os.path.basename(os.path.abspath(arguments.dir))
    report.text("# Benchmarks")
    report.text(f"- {datetime.date.today()}, {machine()}", f"- {', '.join(versions)}",
                f"- `make bench MODELS={folder} THREADS=\"{threads}\" ROUNDS={arguments.rounds}`")
    report.text(
        "Every engine runs in a process of its own, with float32 as the precision of float32 models; rounds go",
        "over the engines in turn. Latency is the 10th percentile of all rounds, in milliseconds; the ratio is",
        "onnxc's to that of the fastest peer. The peers are called from Python, which is part of their latency and",
        "counts for models of some microseconds. A dash is a model that an engine does not run; the note has its",
        "message.")
    milliseconds = lambda seconds: digits(seconds * 1e3)  # noqa: E731
    for threads, measured in latencies.items():
        report.text(f"## Latency, {threads} thread{'s' if threads > 1 else ''}")
        report.text(summary(measured))
        report.table(["model", *ENGINES.values(), "ratio"], [
            [name, *(report.cell(each[engine], milliseconds) for engine in ENGINES),
             report.cell(ratio(each), "{:.2f}".format)] for name, each in measured.items()])
    if errors:
        report.text("## Errors")
        report.text("Against a float64 evaluation, relative to the root mean square of its results.")
        kinds = [(engine, index) for engine in ("onnxc", "onnxruntime") for index in (0, 1)]
        report.table(["model"] + [f"{ENGINES[engine]}, {('max', 'rms')[index]}" for engine, index in kinds], [
            [name, *(report.cell(each[engine], lambda pair: f"{pair[index]:.1e}") for engine, index in kinds)]
            for name, each in errors.items()])
    report.text("## Start, compile time, memory")
    report.text(
        "With one thread and the sizes of the inputs. Start of onnxc: from the start of the process of a linked C",
        "program to its first result, reading the inputs included. Start of ONNX Runtime: creation of a session and",
        f"first run in a process that has loaded the library and the inputs already. Best of {STARTS}, files cached.",
        "Compile time is that of `onnxc compile` to an object. The lower bound of the arena is the largest sum of",
        "live bytes.")
    columns = [("program", "onnxc, start, ms", milliseconds), ("session", "ONNX Runtime, start, ms", milliseconds),
               ("compile", "compile, s", "{:.2f}".format), ("arena", "arena, bytes", "{:,}".format),
               ("lower_bound", "lower bound", "{:,}".format)]
    report.table(["model", *(title for _, title, _ in columns)], [
        [name, *(report.cell(each[key], show) for key, _, show in columns)] for name, each in preparations.items()])
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(str(report))


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dir")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", default="Benchmarks.md")
    parser.add_argument("--onnxc", default=".build/release/onnxc")
    arguments = parser.parse_args()
    if min(arguments.threads) < 1 or max(arguments.threads) > len(PROCESSORS):
        parser.error(f"this machine has 1 to {len(PROCESSORS)} threads")
    if arguments.rounds < 1:
        parser.error("at least one round is needed")
    folders = [os.path.join(arguments.dir, name) for name in sorted(os.listdir(arguments.dir))]
    cases = [Case(folder) for folder in folders if os.path.exists(os.path.join(folder, "model.onnx"))]
    if not cases:
        parser.error(f"{arguments.dir} has no folder with a model.onnx")
    latencies, errors, preparations = {threads: {} for threads in arguments.threads}, {}, {}
    for number, case in enumerate(cases, 1):
        deviations = {}
        for threads in latencies:
            wanted = deviations if threads == arguments.threads[0] else None
            measured = latencies[threads][case.name] = measure(case, threads, arguments.rounds, arguments.onnxc, wanted)
            figures = ", ".join(f"{title} {'fails' if isinstance(value, Failure) else digits(value * 1e3)}"
                                for title, value in ((title, measured[name]) for name, title in ENGINES.items()))
            print(f"{number}/{len(cases)} {case.name}, {threads} threads, ms: {figures}", flush=True)
        if deviations:
            errors[case.name] = deviations
        preparations[case.name] = prepare(case, arguments.onnxc)
    write_report(arguments, latencies, errors, preparations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
