# Manual pages, and the guides in docs/, which are for reading in the source tree.
dist_man_MANS = docs/man/rensa.1 docs/man/rensad.conf.5 docs/man/rensad.8
EXTRA_DIST += docs/metrics.md docs/operations.md docs/performance.md docs/tutorial.md docs/tutorial.ja.md docs/upgrading.md
EXTRA_DIST += bench/results/amd-epyc-2-cores.md bench/results/amd-epyc-2-cores.svg
