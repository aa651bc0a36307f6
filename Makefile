# Start with `make demo`. Every target first installs or builds what it needs.
.PHONY: help check test test-compat fuzz accuracy demo image sbom generate cluster cluster-down screenshots bench
.DEFAULT_GOAL := help

help: ## lists the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## diagnoses embedded faults: no cluster, no key, no root
	@cargo run --quiet --locked --bin claudeprobe -- demo

check: ## format, lints, licences, unit tests: the quick part, no root
	@tests/run check
	@cargo test --quiet --locked --lib

test: ## all tests, with real gateways, a real API server and a real node (root)
	@tests/run

test-compat: ## the oldest and the newest API server, 64-bit ARM: before a release, and after a change of CRD, chart or API code (root)
	@tests/run compat

generate: ## all generated files: the CRD, the chart's copy of it, deploy/, dashboards, documents
	@build/generate

fuzz: ## one fuzz target guided by coverage, until stopped: make fuzz TARGET=sse|error|headers|report|plan
	@fuzz/run $(TARGET)

accuracy: ## every case on real nginx, HAProxy, Envoy, Squid and LiteLLM: expected, found, confidence (root)
	@tests/gateways/accuracy

image: ## dist/claudeprobe-image.tar: FROM scratch, static, reproducible; ARCH=arm64; PROFILE=dev builds quicker
	@build/image

sbom: ## dist/claudeprobe.cdx.json: bill of materials (CycloneDX) from the lock file, validated
	@build/sbom

cluster: ## a one-node Kubernetes here with operator, stand-in API and gateway, to try it out (root)
	@tests/cluster/playground up

cluster-down: ## removes it again (root)
	@tests/cluster/playground down

screenshots: ## docs/images: the status page of `demo --serve` in Chromium, light and dark (root)
	@tests/browser/screenshots

bench: ## what a run costs, measured on this machine (root)
	@tests/bench
