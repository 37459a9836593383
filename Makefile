# Every long step says what it does; `make help` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Node 24 comes as an npm package: whatever node is installed only has to run npm once.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# A cluster of the user's own is never touched.
unexport KUBECONFIG
ifeq ($(origin CONTEXT),command line)
$(error CONTEXT=$(CONTEXT): reclaims can only be played in a cluster whose virtual nodes are simulated, so every target starts one of its own; leave CONTEXT out)
endif
export GOTOOLCHAIN := auto
unexport GOFLAGS
# These break a plain install.
unexport NODE_ENV npm_config_omit NPM_CONFIG_OMIT

OPERATOR ?= 1

.PHONY: help
## help: what can be made
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk '{ name = $$1; sub(/:$$/, "", name); sub(/^[^ ]* /, ""); printf "  make %-18s %s\n", name, $$0 }'

# What is missing is named in one line each before anything is downloaded; the shell is all that is there for sure.
demo up test test-integration bench bench-admission bench-flood: NEEDS := cluster
node_modules/.package-lock.json: package.json package-lock.json
	@hack/prerequisites $(NEEDS)
	@echo "installing packages, usually 20 seconds the first time" >&2
	@npm ci --include=dev --include=optional --engine-strict=false --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

.PHONY: deps
deps: node_modules/.package-lock.json

.PHONY: demo
## demo: a cluster with virtual nodes, the operator, and a few reclaims, told as they happen (1.5 minutes once built)
demo: deps
	@node hack/demo.ts

.PHONY: up down operator
## up: the same cluster and operator in the background, to try things by hand (OPERATOR=0 leaves the operator out)
up: deps
	@OPERATOR=$(OPERATOR) node hack/up.ts

## down: end what `make up` began; nothing stays behind
down: deps
	@node hack/down.ts

## operator: run the operator in the foreground, in the cluster of `make up OPERATOR=0`
operator: deps
	@node hack/operator.ts

.PHONY: program
## program: write the operator as one file for an image, build/spotpolicy.mjs
program: deps
	@node hack/program.ts

.PHONY: test test-unit test-integration
## test: everything: unit, property and integration tests
test: deps
	@vitest run

## test-unit: unit and property tests, in seconds
test-unit: deps
	@vitest run --project unit --project property

## test-integration: behaviour against a real control plane
test-integration: deps
	@vitest run --project integration --project storm

.PHONY: bench bench-admission bench-flood
## bench: how fast reclaims are handled; rewrites docs/performance.md (30 minutes; QUICK=1 tries it out in 4)
bench: deps
	@node test/bench/interruption.ts $(if $(QUICK),--quick)

## bench-admission: what admission costs a pod; rewrites docs/performance.md (12 minutes; QUICK=1 tries it out in 2)
bench-admission: deps
	@node test/bench/admission.ts $(if $(QUICK),--quick)

.PHONY: generate format verify
## bench-flood: admission beside a flood of its port; rewrites docs/performance.md (2 minutes)
bench-flood: deps
	@node test/bench/flood.ts

## generate: rewrite crds/, dist/ and docs/reference from the code
generate: deps
	@node hack/update-crds.ts
	@node hack/update-manifests.ts

## format: format every file
format: deps
	@prettier --log-level warn --write .

## verify: format, types, lint with the rules of the house, generated files, unused code
verify: deps
	@node hack/verify.ts
