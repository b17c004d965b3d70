#!/usr/bin/env bash
# Build an environment from its pinned versions: setup.sh tool (.venv, Python 3.7) or setup.sh vela (.venv-vela, >= 3.9).
# EFNAS_TENSORFLOW names another build of TensorFlow 1.15 for .venv, as in intel-tensorflow==1.15.2.
set -eu
cd "$(dirname "$0")/.."

make_venv() {  # folder, versions of Python
    local python
    python=$(.ci/find-python.sh "$2")
    echo "Setting up $1 with $python"
    rm -rf "$1"
    "$python" -m venv "$1"
}

case $1 in
tool)
    make_venv .venv "3.7"
    .venv/bin/pip install --quiet --disable-pip-version-check pip==24.0 setuptools==68.0.0 wheel==0.42.0
    .venv/bin/pip install --quiet --no-deps -r .ci/requirements.txt
    if [ -n "${EFNAS_TENSORFLOW:-}" ]; then
        .venv/bin/pip uninstall --quiet --yes tensorflow
        .venv/bin/pip install --quiet --no-deps "$EFNAS_TENSORFLOW"
    fi
    .venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
    touch .venv/ready
    ;;
vela)
    make_venv .venv-vela "3.11 3.12 3.10 3.9"
    .venv-vela/bin/pip install --quiet --disable-pip-version-check -r .ci/requirements-vela.txt
    .venv-vela/bin/vela --version >/dev/null
    touch .venv-vela/ready
    ;;
esac
