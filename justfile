# The same recipes as continuous integration; `just` alone lists them.

export CARGO_INCREMENTAL := "0"

default:
    @just --list

# Format everything
fmt:
    cargo fmt --all
    cd fuzz && cargo fmt

# Clippy without warnings
lint:
    ./tests/run --only format,lint

# Unit, property, golden, conformance and end-to-end tests
test:
    ./tests/run --only test,config

# Documentation tests and the documentation itself
docs:
    ./tests/run --only doc

# Licences, bans and sources of dependencies
deny:
    ./tests/run --only deny

# Everything, as continuous integration runs it
ci:
    ./.ci/run
