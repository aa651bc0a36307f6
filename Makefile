# Start with `make demo`. Every target installs or builds what it needs first, and says nothing about what is there already.
.PHONY: help check test fuzz accuracy demo image sbom cluster cluster-down screenshots bench
.DEFAULT_GOAL := help

help: ## what there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## the main job on embedded faults: no cluster, no key, no root
	@cargo run --quiet --locked --bin claudeprobe -- demo

check: ## format, lints, licences, unit tests: the quick part, no root
	@tests/run check
	@cargo test --quiet --locked --lib

test: ## all tests, with real gateways, real API servers and a real node (root)
	@tests/run

fuzz: ## one fuzz target guided by coverage, until stopped: make fuzz TARGET=sse|error|headers|report|plan
	@tests/fuzz/run $(TARGET)

accuracy: ## every case on real nginx, HAProxy, Envoy, Squid and LiteLLM: expected, found, how sure (root)
	@tests/gateways/accuracy

image: ## dist/claudeprobe-image.tar: FROM scratch, static, reproducible; ARCH=arm64; PROFILE=test-image builds quicker
	@tests/tools/image

sbom: ## dist/claudeprobe.cdx.json: bill of materials (CycloneDX) from the lock file, validated
	@tests/tools/sbom

cluster: ## a one-node Kubernetes here with operator, stand-in API and gateway, to play with (root)
	@tests/cluster/playground up

cluster-down: ## takes it away again (root)
	@tests/cluster/playground down

screenshots: ## docs/images: the status page of `demo --serve` in Chromium, light and dark (root)
	@tests/browser/screenshots

bench: ## what a run costs, measured on this machine (root)
	@tests/bench
