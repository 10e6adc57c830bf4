# Every target is what people and CI run; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test matrix check bench fuzz lab

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build, make a real call between two processes, print the verdict
	cargo build --locked
	@tests/demo.sh target/debug/callcheck

test: ## install what the tests lack (CALLCHECK_NO_INSTALL=1 forbids it), then run every test
	@tests/tools.sh
	cargo test --locked --workspace

matrix: ## attach style x moment x offered direction as real calls, against the browsers' table
	cargo test --locked --test wire matrix -- --nocapture

check: ## formatting, lints, the pure folders on their own, documentation
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --no-default-features --lib -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

bench: ## speed: medians and ratios, in release
	cargo bench --locked --bench calls --bench sim --bench jsep --bench sdp --bench dialect --bench room --bench bridge --bench why

TARGET ?= stun_message
TIME ?= 60s
fuzz: ## strange input, led by coverage: make fuzz TARGET=stun_message TIME=60s (wants cargo-bolero)
	cargo bolero test -p callcheck-fuzz --manifest-path fuzz/Cargo.toml --profile dev -s NONE -T $(TIME) $(TARGET)

lab: ## a shell in a network that is bad on purpose: make lab NAME=symmetric, as root on Linux (without NAME: all names)
	@tests/lab.sh check "$(NAME)"
	cargo build --locked
	@tests/lab.sh shell "$(NAME)" target/debug
