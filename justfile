# The commands of this repository: `just --list`. Each recipe is one call of a script, which can be called directly.

# list the commands
default:
    @just --list

# packages, cargo-pgrx, a private copy of the server
setup:
    scripts/setup

# six real series in a throwaway server, with a psql prompt
demo *args:
    scripts/demo {{ args }}

# all tests, or the named steps: just test lint core
test *args:
    scripts/test {{ args }}

# golden SQL tests: just golden [--accept] [NAME...]
golden *args:
    scripts/installcheck {{ args }}

# the SQL of README.md and docs/
docsql *args:
    scripts/docsql {{ args }}

# monitors' runs killed at random moments
crash *args:
    scripts/crash-check {{ args }}

# every kind of statement with too little memory
memory *args:
    scripts/memory-check {{ args }}

# upgrades of the extension, with --pg also of the server
upgrade *args:
    scripts/upgrade-check {{ args }}

# golden tests with the real TimescaleDB and pg_cron (root, Debian)
timescale *args:
    scripts/timescale-check {{ args }}

# a monitored fleet in fast motion: just fleet [--check] [SERIES [DAYS]]
fleet *args:
    scripts/fleet {{ args }}

# draw docs/pictures anew, or compare with --check
pictures *args:
    scripts/pictures {{ args }}

# fetch a PostgreSQL of another major: just server 16
server major:
    scripts/other-server {{ major }}

# accuracy, calibration and speed of the core: just bench accuracy FOLDER
bench *args:
    cargo run --release -p tsad-bench -- {{ args }}

# how soon statements end after a cancel
cancel *args:
    benches/cancel {{ args }}
