#!/usr/bin/env bash
# Build an environment from its pinned versions: setup.sh tool (.venv, Python 3.7), setup.sh vela (.venv-vela, >= 3.9),
# or setup.sh vela VERSION (.venv-vela-VERSION, a second compiler beside it; 5.1 and later need Python >= 3.10).
# EFNAS_TENSORFLOW names another build of TensorFlow 1.15 for .venv, as in intel-tensorflow==1.15.2.
set -eu
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1

make_venv() {  # folder, versions of Python
    local python
    python=$(.ci/find-python.sh "$2")
    echo "Setting up $1 with $python (a few minutes, once)"
    rm -rf "$1"
    "$python" -m venv "$1"
}

case $1 in
tool)
    make_venv .venv "3.7"
    .venv/bin/pip install --quiet pip==24.0 setuptools==68.0.0 wheel==0.42.0
    .venv/bin/pip install --quiet --no-deps -r .ci/requirements.txt
    if [ -n "${EFNAS_TENSORFLOW:-}" ]; then
        .venv/bin/pip uninstall --quiet --yes tensorflow
        .venv/bin/pip install --quiet --no-deps "$EFNAS_TENSORFLOW"
    fi
    .venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
    touch .venv/ready
    ;;
vela)
    folder=.venv-vela${2:+-$2}
    packages=(-r .ci/requirements-vela.txt)
    [ -z "${2:-}" ] || packages=("ethos-u-vela==$2")
    case ${2:-} in
    5.0.*) pythons="3.11 3.12 3.10 3.9" ;;
    5.*) pythons="3.11 3.12 3.10" ;;
    3.8.*) pythons="3.7" ;;
    3.*) pythons="3.9 3.10" packages+=("numpy<2") ;;
    *) pythons="3.11 3.12 3.10 3.9" ;;
    esac
    make_venv "$folder" "$pythons"
    "$folder"/bin/pip install --quiet "${packages[@]}"
    "$folder"/bin/vela --version >/dev/null
    if [ -z "${2:-}" ]; then  # the board's runtime: pre-releases, which come and go, each for some versions of Python
        with_micro=("$folder"/bin/pip install --quiet --pre -c .ci/requirements-vela.txt)
        "${with_micro[@]}" -r .ci/requirements-micro.txt 2>/dev/null || "${with_micro[@]}" tflite-micro 2>/dev/null ||
            echo "TensorFlow Lite Micro is not to be had for $("$folder"/bin/python --version): going on without it"
    fi
    touch "$folder"/ready
    ;;
esac
