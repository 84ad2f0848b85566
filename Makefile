# Targets that a person would guess. `make help` lists them.

VERSION  := 0.1.0
GO       ?= go
CACHE    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/puppet-cron
LINT     := $(CACHE)/golangci-lint-v2.15.0
# Functions begin at multiples of 16 bytes, not of 32, which leaves 150 KB of nothing out.
LDFLAGS  := -s -w -funcalign=16 -X github.com/puppet-cron/puppet-cron/internal/version.release=$(VERSION)
# Functions are not copied into others: that takes a tenth off the program, which works
# for milliseconds at a time, and costs no time that can be measured.
GCFLAGS  := all=-l
# Time zones for cron, where the system has none; HTTP/2 is of no use for one request.
TAGS     := timetzdata,nethttpomithttp2
PLATFORMS := linux windows darwin freebsd

.PHONY: help build run test check lint lint-tool vet-all unit race e2e systemd fuzz-seconds soak bench lab package install man clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

BIN      := bin

build: $(BIN)/puppet-cron $(BIN)/puppet-cron-collector ## build both programs into bin, static and stripped

.PHONY: $(BIN)/puppet-cron $(BIN)/puppet-cron-collector
$(BIN)/puppet-cron:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -gcflags '$(GCFLAGS)' -ldflags '$(LDFLAGS)' -o $@ ./cmd/puppet-cron

$(BIN)/puppet-cron-collector: # nothing is taken off it: speed counts, and there is one of it
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/puppet-cron-collector

run: build ## run the demonstration on real Puppet (installs puppet-agent when it is missing)
	test/lab/install agent
	demo/run bin/puppet-cron bin/puppet-cron-collector

test: lint-tool ## install what the tests need and run all of them
	test/lab/install server collector browser packages module
	$(MAKE) lint vet-all race e2e systemd
	$(GO) test -tags soak -count=1 -timeout 20m ./test/soak
	$(MAKE) fuzz-seconds FUZZ=3s

check: ## the inner loop: format, vet, lint, unit tests; installs nothing
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$(MAKE) lint unit

unit:
	$(GO) test ./...

# What is pure has nothing to race, and takes minutes under the detector.
PURE := /(scheduler|splay|standing|api)$$

race: # without the second that the detector waits at the end of each fake Puppet
	GORACE=atexit_sleep_ms=0 $(GO) test -race -count=1 -timeout 20m $$($(GO) list ./... | grep -vE '$(PURE)')
	$(GO) test -count=1 $$($(GO) list ./... | grep -E '$(PURE)')

e2e: ## the tests against a real puppetserver (installed by `make test`) and real monitoring
	$(GO) test -tags lab -count=1 -timeout 25m ./test/e2e ./test/central ./test/rig ./test/monitoring ./test/packages ./puppet ./collector/sqlstore ./test/browser

systemd: ## the service on a real systemd, with real Puppet (needs root)
	$(GO) test -tags machine,lab -count=1 -parallel 4 -timeout 30m ./test/systemd

lint: ## golangci-lint (installed by `make lint-tool`)
	@test -x $(LINT) || { echo "golangci-lint is missing: run \`make lint-tool\`"; exit 1; }
	$(LINT) run ./...

lint-tool: $(LINT)
$(LINT):
	mkdir -p $(CACHE)
	GOBIN=$(CACHE)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(CACHE)/bin/golangci-lint $@

# SQLite is 90 s of compilation for each system. The collector is for servers with Linux.
vet-all: ## build and vet for every system that we name
	for os in $(PLATFORMS); do for arch in amd64 arm64; do \
	  echo "$$os/$$arch"; export GOOS=$$os GOARCH=$$arch; \
	  $(GO) build -o /dev/null ./cmd/puppet-cron && $(GO) vet $$($(GO) list ./... | grep -v collector) || exit 1; done; done
	GOARCH=arm64 $(GO) build -o /dev/null ./cmd/puppet-cron-collector
	$(GO) vet ./...

fuzz-seconds: # each fuzz target for $(FUZZ)
	test/fuzz $(FUZZ)

soak: build ## the long forms of the tests
	test/lab/install server collector
	SOAK=full $(GO) test -tags soak -count=1 -timeout 3h -v ./test/soak
	SOAK=full $(GO) test -count=1 -timeout 1h ./scheduler ./hold
	SOAK=full $(GO) test -tags machine,lab -count=1 -parallel 1 -timeout 2h -v ./test/machine ./test/systemd
	$(GO) test -tags lab -count=1 -timeout 30m ./test/lab
	SOAK=full E2E_RACES=50 $(GO) test -tags lab -count=1 -timeout 1h -run 'Race|Serves' -v ./test/e2e
	$(MAKE) fuzz-seconds FUZZ=120s

bench: build ## speed and size, side by side with bare Puppet
	test/lab/install server collector browser
	$(GO) test -run '^$$' -bench . -benchtime 3x ./puppet/report
	$(GO) test -count=1 -v -run Fleet ./scheduler
	$(GO) test -tags bench,lab -count=1 -timeout 2h -v ./test/bench

package: ## make deb, rpm, apk and archlinux packages in dist, with checksums and SBOMs
	packaging/build $(VERSION)

install: build ## install both programs, units, man pages and documents below DESTDIR
	BIN=$(BIN) packaging/install puppet-cron puppet-cron-collector

lab: ## bring up a real puppetserver on loopback and say how to use it
	test/lab/install server collector
	test/lab/up

man: ## make man pages, the API's description and the module's reference anew; the tests fail when they are stale
	$(GO) test ./cmd/puppet-cron -run TestManPage -update
	$(GO) test ./cmd/puppet-cron-collector -run TestManPage -update
	$(GO) test ./collector -run TestOpenAPI -update
	test/lab/install module
	$(GO) test -tags lab ./test/packages -run TestModuleReference -update

clean:
	rm -rf bin dist
