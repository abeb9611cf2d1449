.DEFAULT_GOAL := help
.PHONY: help demo test check bench faults

# No build server stays behind.
export MSBUILDDISABLENODEREUSE := 1
export UseSharedCompilation := false

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-8s %s\n", $$1, $$2 }'

demo: ## Do the main job once: a server and a provider of its own, sign-in, connect, exchange, refresh, disconnect (KEEP=demo: keep them up for the samples)
	@eng/require dotnet sqlite
	@dotnet run -c Release --project src/TokenVault.Server -- demo $(if $(KEEP),--keep "$(KEEP)")

test: ## Build and run all tests: .NET, and published client libraries against the running server
	@eng/test

check: ## Check format, build and tests, and that they leave the tree as it was
	@eng/check

faults: ## Kill, stop and starve real server processes in the middle of refreshes, and count what is lost (SIZE=full for all of it)
	@eng/faults $(or $(SIZE),short) $(SCENARIOS) $(if $(ROUNDS),rounds=$(ROUNDS)) $(if $(SEED),seed=$(SEED))

bench: ## Measure how fast the server exchanges tokens, beside the floor and a peer (SIZE=quick for a look, SIZE=scale to simulate many servers, OUT=docs to keep it)
	@eng/bench $(or $(SIZE),full) $(OUT)
