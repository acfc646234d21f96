# shellcheck shell=sh
# Shared by the scripts beside it: sourced, never run. Expects `set -eu` and $0 to be a script in this folder.
#
# What a script may rely on after sourcing: TSAD_ROOT, the functions below, and a clean-up that runs on every way out
# (end, error, INT, TERM, HUP). What it may set before: TSAD_KEEP_CLUSTER=1 to leave a started server running.

TSAD_ROOT=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$TSAD_ROOT" || exit
umask 022

# Locale and time zone of the caller must not show in what tests print; a backtrace would land in DETAIL.
export LC_ALL=C
unset RUST_BACKTRACE RUST_LOG PGRX_PG_CONFIG_PATH PGRX_PG_CONFIG_AS_ENV PG_VERSION

# Not the user's own ~/.pgrx. (Nor a file .cargo/config.toml that says so: it would also hold for who builds the
# extension with `cargo pgrx` in the ordinary way.)
export PGRX_HOME="$TSAD_ROOT/target/pgrx"
# The work-around adds a linker flag to all crates, so that nothing would be shared with a plain `cargo build`.
export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1

# A container's user may have no home folder, or one that only reads. rustup then keeps its toolchains where they are.
home=${HOME:-$(getent passwd "$(id -u)" | cut -d : -f 6)}
if [ -n "$home" ] && [ -w "$home" ]; then
    HOME=$home
else
    if [ -d "$home/.rustup" ]; then export RUSTUP_HOME="${RUSTUP_HOME:-$home/.rustup}"; fi
    HOME="$TSAD_ROOT/target/home"
    mkdir -p "$HOME"
fi
export HOME

# rust-toolchain.toml names a version. Where rustup has it under another name only ("stable") and cannot fetch it anew,
# that one will do.
if command -v rustup >/dev/null && ! cargo --version >/dev/null 2>&1; then
    wanted=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
    for toolchain in $(rustup toolchain list | cut -d ' ' -f 1); do
        case $(RUSTUP_TOOLCHAIN=$toolchain cargo --version 2>/dev/null) in
            "cargo $wanted "*)
                export RUSTUP_TOOLCHAIN="$toolchain"
                break
                ;;
        esac
    done
fi

# ---- messages ------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# ---- clean-up ------------------------------------------------------------------------------------------------------

TSAD_RUN=
TSAD_KEEP_CLUSTER=${TSAD_KEEP_CLUSTER:-0}

clean_up() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$TSAD_RUN" ] && [ "$TSAD_KEEP_CLUSTER" != 1 ]; then
        cluster_stop
        rm -rf "$TSAD_RUN"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- whose server --------------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root; root's servers run as this user.
if [ "$(id -u)" -eq 0 ]; then
    TSAD_SERVER_USER=${TSAD_SERVER_USER:-postgres}
else
    TSAD_SERVER_USER=$(id -un)
fi

# A server may live in a root folder of its own (scripts/other-server). A file of this name marks one.
TSAD_ROOT_MARK=.pg_tsad-root
TSAD_HOST_ROOT=

# as_server_user COMMAND...: runs it with a clean environment, as the user the server runs as; inside the server's root
# folder where it has one. TSAD_RUN has the same path inside.
as_server_user() {
    (
        cd "${TSAD_RUN:-/}" || exit
        set -- env -i "PATH=${TSAD_BIN:-/usr/bin}:/usr/bin:/bin" "HOME=${TSAD_RUN:-/}" "USER=$TSAD_SERVER_USER" \
            LC_ALL=C TZ=UTC "TERM=${TERM:-dumb}" "$@"
        if [ -n "$TSAD_HOST_ROOT" ]; then
            # The mounts are those of a namespace that ends with its last process: there is nothing to unmount.
            # shellcheck disable=SC2016 # for the shell inside
            set -- unshare --mount sh -eu -c '
                root=$1 server=$2 run=$3
                shift 3
                mount --rbind /proc "$root/proc"
                mount --rbind /dev "$root/dev"
                mount -t tmpfs tmpfs "$root/tmp"
                mount --bind "$server/usr/lib/postgresql" "$root/usr/lib/postgresql"
                mount --bind "$server/usr/share/postgresql" "$root/usr/share/postgresql"
                mkdir -p "$root$run"
                mount --bind "$run" "$root$run"
                exec chroot --userspec=postgres "$root" sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$run" "$@"
            ' sh "$TSAD_HOST_ROOT" "$TSAD_SERVER$TSAD_HOST_ROOT" "$TSAD_RUN" "$@"
        elif [ "$(id -u)" -eq 0 ]; then
            set -- runuser -u "$TSAD_SERVER_USER" -- "$@"
        fi
        exec "$@"
    )
}

# ---- which server --------------------------------------------------------------------------------------------------

# The majors this extension is built for, newest first.
TSAD_MAJORS="18 17 16 15"

supported_major() {
    case " $TSAD_MAJORS " in
        *" $1 "*) return 0 ;;
        *) return 1 ;;
    esac
}

# server_major PG_CONFIG: 15 out of "PostgreSQL 15.20 (Debian ...)", 18 out of "PostgreSQL 18beta1".
server_major() { "$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'; }

# Sets TSAD_HOST_PG_CONFIG and TSAD_MAJOR: the value of PG_CONFIG where given, else what PATH has, else what packages
# install. Returns 1 where there is none.
find_host_server() {
    if [ -n "${PG_CONFIG:-}" ]; then
        TSAD_HOST_PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG=$PG_CONFIG is no command"
        TSAD_MAJOR=$(server_major "$TSAD_HOST_PG_CONFIG")
        supported_major "$TSAD_MAJOR" ||
            die "$PG_CONFIG is of PostgreSQL ${TSAD_MAJOR:-unknown}; supported are $TSAD_MAJORS"
        TSAD_HOST_ROOT=${TSAD_HOST_PG_CONFIG%/usr/lib/postgresql/*}
        if [ ! -f "$TSAD_HOST_ROOT/$TSAD_ROOT_MARK" ]; then
            TSAD_HOST_ROOT=
        elif [ "$(id -u)" -ne 0 ]; then
            die "$PG_CONFIG is in a root folder, which only root can enter"
        fi
        return 0
    fi
    set -- "$(command -v pg_config || true)"
    for major in $TSAD_MAJORS; do
        set -- "$@" "/usr/lib/postgresql/$major/bin/pg_config" "/usr/pgsql-$major/bin/pg_config"
    done
    for candidate in "$@"; do
        [ -x "$candidate" ] || continue
        TSAD_MAJOR=$(server_major "$candidate")
        supported_major "$TSAD_MAJOR" || continue
        # A client-only pg_config (package libpq-dev) knows the folders, but the server is not in them.
        [ -x "$("$candidate" --bindir)/postgres" ] || continue
        TSAD_HOST_PG_CONFIG=$candidate
        return 0
    done
    return 1
}

# Where the private copies of the server lie: in target/, unless the user the server runs as cannot read there (a
# clone below /root), then in a folder of root's own that everybody can read.
servers_folder() {
    mkdir -p "$TSAD_ROOT/target"
    if [ "$(id -u)" -ne 0 ] || [ -n "$TSAD_HOST_ROOT" ] || as_server_user test -r "$TSAD_ROOT/target" -a -x "$TSAD_ROOT/target" 2>/dev/null; then
        TSAD_SERVERS="$TSAD_ROOT/target/servers"
    else
        TSAD_SERVERS="/var/cache/pg_tsad/$(printf '%s' "$TSAD_ROOT" | cksum | cut -d ' ' -f 1)"
    fi
}

# copy_server FOLDER: a private copy of the host's server tree. PostgreSQL finds its files relative to its own
# executable, so the copy works where it lies, and installing into it leaves the host untouched.
copy_server() {
    # A later installed extension counts too.
    stamp="$("$TSAD_HOST_PG_CONFIG" --version) $("$TSAD_HOST_PG_CONFIG" --bindir) $(
        find "$("$TSAD_HOST_PG_CONFIG" --sharedir)/extension" -name '*.control' | wc -l)"
    [ "$(cat "$1/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
    rm -rf "$1"
    mkdir -p "$1"
    for kind in bindir pkglibdir sharedir pkgincludedir includedir-server libdir includedir; do
        folder=$("$TSAD_HOST_PG_CONFIG" "--$kind")
        case "$kind:$folder" in
            # The system's, not the server's.
            libdir:/usr/lib* | libdir:/lib* | libdir:*/usr/lib/*-linux-gnu | includedir:/usr/include) continue ;;
        esac
        [ -d "$folder" ] || continue
        mkdir -p "$1$(dirname "$folder")"
        [ -d "$1$folder" ] || cp -R -p -P "$folder" "$1$(dirname "$folder")/"
    done
    # The libraries that a Python wheel brings along lie beside its package.
    package=$(dirname "$(dirname "$(dirname "$("$TSAD_HOST_PG_CONFIG" --bindir)")")")
    for folder in "$package"/*.libs; do
        [ ! -d "$folder" ] || cp -R -p -P "$folder" "$1$package/"
    done
    # An extension of this name that the host has installed must not pass for the one under test.
    find "$1" -type f -name 'pg_tsad*' -exec rm -f {} +
    printf '%s' "$stamp" >"$1/.stamp"
}

# use_server: after scripts/setup has run, sets TSAD_PG_CONFIG and TSAD_BIN to the private copy.
use_server() {
    find_host_server || die "no PostgreSQL server found: run scripts/setup"
    servers_folder
    TSAD_SERVER="$TSAD_SERVERS/pg$TSAD_MAJOR"
    TSAD_PG_CONFIG="$TSAD_SERVER$("$TSAD_HOST_PG_CONFIG" --bindir)/pg_config"
    [ -x "$TSAD_PG_CONFIG" ] || die "no copy of the server in $TSAD_SERVERS: run scripts/setup"
    TSAD_BIN=$(server_path "$(dirname "$TSAD_PG_CONFIG")")
    if [ -n "$TSAD_HOST_ROOT" ]; then
        # By number: inside, the name may be another's.
        TSAD_SERVER_USER=$(sed -n 's/^postgres:[^:]*:\([0-9]*\):.*/\1/p' "$TSAD_HOST_ROOT/etc/passwd")
    fi
}

# server_path PATH: how the server sees a file of its own tree.
server_path() {
    if [ -n "$TSAD_HOST_ROOT" ]; then
        printf '%s' "${1#*"$TSAD_HOST_ROOT"}"
    else
        printf '%s' "$1"
    fi
}

# ---- cargo-pgrx ----------------------------------------------------------------------------------------------------

pgrx_version() { sed -n 's/^pgrx = "=\([0-9.]*\)"$/\1/p' "$TSAD_ROOT/Cargo.toml"; }

# Sets CARGO_PGRX to a cargo-pgrx of exactly the pinned version; returns 1 where there is none yet.
find_cargo_pgrx() {
    version=$(pgrx_version)
    TSAD_PGRX_ROOT="${XDG_CACHE_HOME:-$HOME/.cache}/pg_tsad/cargo-pgrx-$version"
    for candidate in "$TSAD_PGRX_ROOT/bin/cargo-pgrx" "$(command -v cargo-pgrx || true)"; do
        [ -x "$candidate" ] || continue
        case "$("$candidate" pgrx --version 2>/dev/null)" in
            *" $version")
                export CARGO_PGRX="$candidate"
                return 0
                ;;
        esac
    done
    return 1
}

cargo_pgrx() {
    [ -n "${CARGO_PGRX:-}" ] || find_cargo_pgrx || die "no cargo-pgrx $(pgrx_version): run scripts/setup"
    "$CARGO_PGRX" pgrx "$@"
}

# install_extension [--plain | --release]: prepares all, builds the extension and installs it into the private server.
# Cargo shows its progress; what cargo-pgrx then reports is shown only where it fails. The build has the feature
# test_support, so that it shares what the tests have built, but for --plain, and for --release, which takes minutes.
install_extension() {
    "$TSAD_ROOT/scripts/setup" --quiet
    use_server
    case ${1:-} in
        --release) set -- --release --no-default-features --features "pg$TSAD_MAJOR" ;;
        --plain) set -- --no-default-features --features "pg$TSAD_MAJOR" ;;
        *) set -- --no-default-features --features "pg$TSAD_MAJOR test_support" ;;
    esac
    [ "$1" = --release ] || cargo build --lib "$@" || die "the extension could not be built"
    log="$TSAD_ROOT/target/install.log"
    cargo_pgrx install --pg-config "$TSAD_PG_CONFIG" "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        die "the extension could not be installed"
    }
}

# ---- a throwaway cluster -------------------------------------------------------------------------------------------

# Makes TSAD_RUN, a folder that the server's user owns and nobody else enters; once made, it becomes that of the server
# that is used now.
make_run_folder() {
    if [ -z "$TSAD_RUN" ]; then
        tmp=${TMPDIR:-/tmp}
        # The path of a unix socket may have 107 bytes; a root folder gets a /tmp of its own.
        if [ "${#tmp}" -gt 60 ] || [ -n "$TSAD_HOST_ROOT" ]; then tmp=/tmp; fi
        TSAD_RUN=$(mktemp -d "$tmp/pg_tsad.XXXXXX")
        chmod 700 "$TSAD_RUN"
    fi
    if [ "$(id -u)" -eq 0 ]; then
        chown "$TSAD_SERVER_USER" "$TSAD_RUN"
    fi
}

# cluster_start [SETTING...]: a server that listens on a unix socket in TSAD_RUN and nowhere else.
cluster_start() {
    make_run_folder
    as_server_user "$TSAD_BIN/initdb" --pgdata "$TSAD_RUN/data" --username postgres --auth trust --encoding UTF8 \
        --locale C --no-sync >"$TSAD_RUN/initdb.log" 2>&1 || {
        cat "$TSAD_RUN/initdb.log" >&2
        die "initdb failed"
    }
    {
        printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$TSAD_RUN'" "fsync = off" \
            "timezone = 'UTC'" "log_timezone = 'UTC'" "max_worker_processes = 16" "jit = off" "$@"
    } >>"$TSAD_RUN/data/postgresql.conf"
    cluster_ctl start || {
        cat "$TSAD_RUN/server.log" >&2
        die "the server did not start"
    }
}

# cluster_ctl ARGUMENTS...: pg_ctl on the cluster.
cluster_ctl() {
    as_server_user "$TSAD_BIN/pg_ctl" --pgdata "$TSAD_RUN/data" --log "$TSAD_RUN/server.log" --silent --wait "$@" >/dev/null
}

cluster_stop() {
    [ -f "$TSAD_RUN/data/postmaster.pid" ] || return 0
    cluster_ctl stop --mode immediate 2>/dev/null || note "warning: the server in $TSAD_RUN did not stop"
}

# new_database NAME
new_database() { cluster_psql --quiet --dbname postgres --command "CREATE DATABASE \"$1\""; }

# share FILE...: copies files and folders into TSAD_RUN, for the server's user may not be able to read the clone.
share() {
    cp -R "$@" "$TSAD_RUN/"
    for shared; do chmod -R a+rX "$TSAD_RUN/$(basename "$shared")"; done
}

# cluster_psql ARGUMENTS...: psql on the cluster, errors stop it, the user's .psqlrc is not read.
cluster_psql() {
    as_server_user "$TSAD_BIN/psql" --host "$TSAD_RUN" --username postgres --no-psqlrc --set ON_ERROR_STOP=1 "$@"
}
