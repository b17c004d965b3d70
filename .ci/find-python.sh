#!/usr/bin/env bash
# Print the path of a Python of one of the given versions: find-python.sh "3.7" or "3.11 3.12 3.10 3.9".
# Looks at $EFNAS_PYTHON (when its version is one of them), PATH, pyenv, conda and uv. Exit 1, with one line, for none.
set -u

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

candidates() {
    local version=$1 home
    [ -n "${EFNAS_PYTHON:-}" ] && echo "$EFNAS_PYTHON"
    command -v "python$version"
    for home in "${PYENV_ROOT:-}" "$HOME/.pyenv" /opt/pyenv /usr/local/pyenv; do
        [ -n "$home" ] && ls -d "$home"/versions/"$version".*/bin/python 2>/dev/null | sort -V -r
    done
    for home in "${CONDA_PREFIX:-}" "$(dirname "$(dirname "${CONDA_EXE:-/x/x}")")" "$HOME/miniconda3" "$HOME/anaconda3" \
                "$HOME/miniforge3" "$HOME/mambaforge" /opt/conda; do
        [ -n "$home" ] && ls -d "$home"/bin/python "$home"/envs/*/bin/python 2>/dev/null
    done
    command -v uv >/dev/null && uv python find --no-project "$version" 2>/dev/null
    command -v python3
    true
}

for version in $1; do
    while read -r python; do
        if [ "$(version_of "$python")" = "$version" ]; then
            echo "$python"
            exit 0
        fi
    done < <(candidates "$version")
done
echo "No Python ${1// / or } found (looked at \$EFNAS_PYTHON, PATH, pyenv, conda, uv): get one with" \
     "'uv python install ${1%% *}', 'pyenv install ${1%% *}' or 'conda create -n py python=${1%% *}', then run this again." >&2
exit 1
