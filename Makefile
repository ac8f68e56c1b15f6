# make deps    install what building and testing need (Debian)
# make demo    build the compiler, compile the digits model, link it into a program and run it
# make operators  compile a model with operators of its own with both back ends, link and run it
# make test    build everything and run all tests
# make bless   accept the present texts of golden models and passes after a look at what changed

ONNXC := .build/release/onnxc
PYTHON := .venv/bin/python
DEBIAN_PACKAGES := llvm-19-dev clang-19 lld-19 libprotobuf-c-dev protobuf-c-compiler pkg-config libzstd-dev \
  zlib1g-dev python3-venv gcc g++
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
JOBS ?= $(shell nproc)

.PHONY: build demo operators test suite bless proto deps clean

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
	rm -rf .build suite
	$(MAKE) -C Examples/digits clean
	$(MAKE) -C Examples/operators clean
