"""Write random small models with the results of an oracle, in the layout that `onnxc verify --suite` reads.

    differential DIR [--seed N] [--count N] [--group GROUP ...] [--only OPERATOR ...] [--invalid ONNXC]

A case is one operator, a chain of 3 to 10 or a small network (`graphs.py`), of a random version of its definition, with
random element types, shapes (empty ones included), attributes and optional arguments; arguments are inputs, with fixed
or named extents, or constants. Named extents have two sizes where the model takes both. The oracle is ONNX Runtime, and
the reference evaluator of `onnx` where that refuses; where both answer and differ the case is left out and listed in
models.txt.
With --invalid one thing of every model is changed at random instead, and `onnxc check` must take it or name the node;
models.txt says which of them ONNX Runtime alone refuses.
"""
import argparse
import multiprocessing
import os
import shutil
import sys

import cases
import control
import devices
import graphs
import learning
import legacy
import microsoft
import recent
import standard
from maker import MAKERS

DOMAINS = {"standard": (standard.DOMAIN, recent.PREVIEW, recent.TRAINING),
           "microsoft": {microsoft.DOMAIN, devices.DOMAIN}, "learning": (learning.DOMAIN,)}
GROUPS = [*DOMAINS, "chains", "networks", "control", "legacy"]


class Draw:
    """Draws samples of some groups of operators."""

    def __init__(self, groups, only):
        self.groups, self.only = groups, only

    def __call__(self, rng):
        if self.only:
            return cases.single(rng, *rng.choice(sorted(key for key in MAKERS if key[1] in self.only)))
        group = rng.choice(self.groups)
        if group in DOMAINS:
            return cases.single(rng, *rng.choice(sorted(key for key in MAKERS if key[0] in DOMAINS[group])))
        others = {"chains": cases.chain, "networks": graphs.draw, "control": control.draw, "legacy": legacy.draw}
        return others[group](rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("dir")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--group", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--only", nargs="+", metavar="OPERATOR")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--invalid", metavar="ONNXC", help="break the models, and have this compiler check them")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.dir, ignore_errors=True)
    os.makedirs(arguments.dir)
    draw = Draw(arguments.group, arguments.only)
    work = [(arguments.dir, arguments.seed, n, draw, arguments.invalid) for n in range(arguments.count)]
    tally = {}
    with multiprocessing.Pool(arguments.jobs) as pool_of_workers, \
            open(os.path.join(arguments.dir, "models.txt"), "w", encoding="utf-8") as log:
        for name, outcome in pool_of_workers.imap(cases.work, work, chunksize=8):
            kind = outcome.split(":")[0].split(" after")[0]
            tally[kind] = tally.get(kind, 0) + 1
            log.write(f"{name}\t{outcome}\n")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(tally.items())))
    sys.exit(1 if "CRASH" in tally else 0)


if __name__ == "__main__":
    main()
