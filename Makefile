# make deps    install what building and testing need (Debian)
# make demo    build the compiler, compile the digits model, link it into a program and run it
# make operators  compile a model with operators of its own with both back ends, link and run it
# make test    build everything and run all tests
# make sanitize      run the ONNX backend tests in C under AddressSanitizer and UndefinedBehaviorSanitizer
# make differential  compare random small models with ONNX Runtime and the reference evaluator of ONNX
# make bench MODELS=DIR  measure models beside ONNX Runtime and OpenVINO, and write Benchmarks.md
# make bless   accept the present texts of golden models and passes after a look at what changed

ONNXC := .build/release/onnxc
PYTHON := .venv/bin/python
DEBIAN_PACKAGES := llvm-19-dev clang-19 lld-19 libprotobuf-c-dev protobuf-c-compiler pkg-config libzstd-dev \
  zlib1g-dev python3-venv gcc g++ qemu-user
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
JOBS ?= $(shell nproc)

.PHONY: build demo operators test suite sanitize differential bench models-given bless proto deps clean

build: deps
	swift build -c release --product onnxc

demo: build
	$(MAKE) -C Examples/digits ONNXC=$(abspath $(ONNXC)) run

operators: build
	for backend in llvm c; do \
	  $(MAKE) -C Examples/operators clean && \
	  $(MAKE) -C Examples/operators ONNXC=$(abspath $(ONNXC)) BACKEND=$$backend run || exit 1; \
	done

test: build operators
	swift test
	$(MAKE) suite

# Accepts the present texts of the golden models and of the passes.
bless: deps
	ONNXC_BLESS=1 swift test --filter 'GoldenTests|PassesTests'

# Runs the ONNX backend tests with both back ends; none that passed before may be lost.
suite: build suite/node
	$(ONNXC) verify --suite suite --jobs $(JOBS) --quiet --passing Tests/Data/passing.txt
	$(ONNXC) verify --suite suite --jobs $(JOBS) --quiet --passing Tests/Data/passing.txt --backend c

# Every access of the generated C to memory outside of inputs, outputs, constants and arena, every overflow of signed
# integers and every conversion that C does not define ends the case.
sanitize: export CFLAGS := -O1 -g -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
sanitize: export ASAN_OPTIONS := detect_leaks=0:allow_user_segv_handler=0:print_legend=0
sanitize: build suite/node
	for cases in suite Golden; do \
	  LD_PRELOAD=$$(cc -print-file-name=libasan.so) \
	    $(ONNXC) verify --suite $$cases --jobs $(JOBS) --quiet --timeout 600 --backend c || exit; \
	done

# Random models of a seed, with both back ends; `COUNT` of them.
SEED ?= 1
COUNT ?= 3000
differential: build .venv/differential
	$(PYTHON) Scripts/differential random/valid --seed $(SEED) --count $(COUNT) --jobs $(JOBS)
	$(ONNXC) verify --suite random/valid --jobs $(JOBS) --quiet
	$(ONNXC) verify --suite random/valid --jobs $(JOBS) --quiet --backend c
	$(PYTHON) Scripts/differential random/invalid --seed $(SEED) --count $(COUNT) --jobs $(JOBS) \
	  --invalid $(ONNXC)

# `MODELS` is a folder of models in the layout of the ONNX backend tests; `ONNXC` may name another compiler.
THREADS ?= 1 2
ROUNDS ?= 4
bench: models-given .venv/bench $(ONNXC)
	$(PYTHON) Scripts/bench.py "$(MODELS)" --threads $(THREADS) --rounds $(ROUNDS) --onnxc $(ONNXC)

models-given:
	@test -n "$(MODELS)" || { echo 'make bench MODELS=DIR [THREADS="1 2"] [ROUNDS=4] [ONNXC=FILE]: DIR has' \
	  'NAME/model.onnx and NAME/test_data_set_0/input_*.pb for each model'; exit 1; }

.build/release/onnxc: build

.venv/differential: .venv/done
	.venv/bin/pip install --quiet onnxruntime==1.31.1
	touch $@

.venv/bench: .venv/differential
	.venv/bin/pip install --quiet openvino==2026.4.1
	touch $@

suite/node: .venv/done Scripts/make-suite.py
	$(PYTHON) Scripts/make-suite.py suite

.venv/done: Scripts/requirements.txt | deps
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement Scripts/requirements.txt
	touch $@

# Regenerates the C code that parses ONNX files.
proto:
	cd Sources/CONNXProto && protoc-c --c_out=. onnx.proto && mv onnx.pb-c.h include/

deps:
	@missing=; for package in $(DEBIAN_PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends $$missing; fi

clean:
	rm -rf .build suite random
	$(MAKE) -C Examples/digits clean
	$(MAKE) -C Examples/operators clean
