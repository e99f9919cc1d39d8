#!/usr/bin/env bash
# The package's CI: its initialiser and its flow against theorems, on random cases and then on a map against a baseline.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONPATH="$PWD/theorems${PYTHONPATH:+:$PYTHONPATH}"
claims=${CLAIMS:-$(python -c 'from regimes.catalogue import claim_folder; print(claim_folder())')}
build=${BUILD:-build}
mkdir -p "$build"

# NAME FILE SUBJECT "ID ..." --grid ...: random cases by pytest, then a map and its gate.
theorems() {
    local store="$build/$1.sqlite" file=$2 subject=$3 ids=$4
    python -m pytest -q -p no:cacheprovider "$claims/$file" -k "$(basename -a $ids | paste -sd '|' | sed 's/|/ or /g')" \
        --regimes-profile quick --regimes-subject "$subject" || failed=1
    # A fresh store: cells that are there already are never computed twice, also if the subject's code has changed.
    rm -f "$store" "$store"-*
    regimes map $ids --claims "$claims" --subject "$subject" --profile quick --store "$store" "${@:5}" || failed=1
    regimes gate --store "$store" --baseline "baselines/$1.json" --complete --summary "$build/$1.md" ${UPDATE:+--update} || failed=1
}

theorems initialiser arpit2019benefits.py examplenets.init:he_normal_ \
    arpit2019benefits/he-norm-exact-law --grid width=4,16 --grid depth=1,4
theorems flow dinh2019rad.py examplenets_subjects:coupling_flow \
    "dinh2019rad/rad-log-det-scaling dinh2019rad/rad-precision-scaling" --grid depth=4 --grid gain=1
exit "${failed:-0}"
