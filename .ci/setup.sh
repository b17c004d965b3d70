#!/usr/bin/env bash
# Build an environment from its pinned versions:
#   setup.sh tool             .venv: TensorFlow 1.15 where there is a Python 3.7, else 2.15; EFNAS_TENSORFLOW decides
#   setup.sh runtime NAME     .venv-NAME, another runtime beside it: 1.15, intel, nvidia or 2.15
#   setup.sh horovod          into .venv; it needs a C++ compiler
#   setup.sh vela [VERSION]   .venv-vela, Python >= 3.9, or .venv-vela-VERSION, a second compiler beside it
# EFNAS_TENSORFLOW is the package of a build: tensorflow==1.15.0, intel-tensorflow==1.15.2, nvidia-tensorflow==1.15.5+nv23.03,
# tensorflow-cpu==2.15.1, tensorflow[and-cuda]==2.15.1 (what .venv is built with on 2.15, where there is an NVIDIA GPU).
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

make_runtime() {  # folder, package of TensorFlow
    local versions lock pip=("$1/bin/pip" install --quiet)
    case $2 in
    nvidia-tensorflow*) versions="3.8" lock=.ci/requirements.txt ;;
    *==1.15*) versions="3.7" lock=.ci/requirements.txt ;;
    *==2.15*) versions="3.11 3.10 3.9" lock=.ci/requirements-2.15.txt ;;
    *)
        echo "EFNAS_TENSORFLOW is $2: efnas runs on builds of TensorFlow 1.15 and 2.15, as in tensorflow==2.15.1." >&2
        exit 1
        ;;
    esac
    make_venv "$1" "$versions"
    "${pip[@]}" pip==24.0 setuptools==68.0.0 wheel==0.42.0
    "${pip[@]}" --no-deps -r $lock
    case $2 in
    # Wheels of NVIDIA's own index, with CUDA as packages that they need.
    nvidia-tensorflow*) "${pip[@]}" --extra-index-url https://pypi.nvidia.com "$2" ;;
    *and-cuda*) "${pip[@]}" -c $lock "$2" ;;
    *) "${pip[@]}" --no-deps "$2" ;;
    esac
    "${pip[@]}" --no-deps --no-build-isolation -e .
    touch "$1/ready"
}

case $1 in
tool)
    chosen=${EFNAS_TENSORFLOW:-}
    [ -n "$chosen" ] || { .ci/find-python.sh 3.7 >/dev/null 2>&1 && chosen=tensorflow==1.15.0; } ||
        { command -v nvidia-smi >/dev/null && chosen="tensorflow[and-cuda]==2.15.1"; } || chosen=tensorflow-cpu==2.15.1
    make_runtime .venv "$chosen"
    ;;
runtime)
    case $2 in
    1.15) build=tensorflow==1.15.0 ;;
    intel) build=intel-tensorflow==1.15.2 ;;
    nvidia) build=nvidia-tensorflow==1.15.5+nv23.03 ;;
    2.15) build=tensorflow-cpu==2.15.1 ;;
    *)
        echo "There is no runtime $2: there are 1.15, intel, nvidia and 2.15." >&2
        exit 1
        ;;
    esac
    make_runtime ".venv-$2" "$build"
    ;;
horovod)  # into .venv, compiled against its TensorFlow; what is set for GPUs (HOROVOD_GPU_OPERATIONS=NCCL) counts too
    export PATH="$PWD/.venv/bin:$PATH" HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1
    export HOROVOD_WITH_GLOO=1 HOROVOD_CPU_OPERATIONS=${HOROVOD_CPU_OPERATIONS:-GLOO}
    [ -n "${HOROVOD_WITH_MPI:-}" ] || export HOROVOD_WITHOUT_MPI=1
    echo "Compiling Horovod (about four minutes, once)"
    .venv/bin/pip install --quiet cmake==3.26.4
    .venv/bin/pip install --quiet --no-cache-dir --no-deps --no-build-isolation -r .ci/requirements-horovod.txt
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
