#!/usr/bin/env bash
# The package's CI: its initialiser against the theorems on norms, then its map against the baseline.
set -euo pipefail
cd "$(dirname "$0")"
subject=examplenets.init:he_normal_
claims=${CLAIMS:-$(python -c 'from regimes.catalogue import claim_folder; print(claim_folder())')}
build=${BUILD:-build}
mkdir -p "$build"

python -m pytest -q -p no:cacheprovider "$claims/arpit2019benefits.py" -k he-norm-exact-law \
    --regimes-profile quick --regimes-subject "$subject" || failed=1

# A fresh store: cells that are there already are never computed twice, also if the subject's code has changed.
rm -f "$build/maps.sqlite"
regimes map arpit2019benefits/he-norm-exact-law --claims "$claims" --subject "$subject" --profile quick \
    --grid width=4,16 --grid depth=1,4 --store "$build/maps.sqlite" || failed=1
regimes gate --store "$build/maps.sqlite" --baseline "${BASELINE:-baseline.json}" --complete --summary "$build/summary.md" ${UPDATE:+--update}
exit "${failed:-0}"
