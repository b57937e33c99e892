# Manual pages. The guides in docs/ are for reading in the source tree.
dist_man_MANS = docs/man/rensa.1 docs/man/rensad.conf.5 docs/man/rensad.8
