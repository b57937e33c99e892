# Scripts for people (demo, test, bench, install-deps) and checks of the tree, which `make check` runs with the unit tests.
TESTS += scripts/check-layers scripts/check-headers scripts/check-logs tests/scripts/test-checks

EXTRA_DIST += \
	scripts/bench \
	scripts/check-format \
	scripts/check-headers \
	scripts/check-layers \
	scripts/check-logs \
	scripts/check-reproducible \
	scripts/demo \
	scripts/install-deps \
	scripts/lib.sh \
	scripts/sbom \
	scripts/test \
	tests/scripts/test-checks \
	.ci/run \
	.clang-format \
	CHANGELOG.md \
	README.ja.md \
	.dockerignore \
	Dockerfile \
	docker-compose.yml

# check-headers compiles with what the sources are compiled with.
if HAVE_CHECK
rensa_have_check = yes
else
rensa_have_check = no
endif
AM_TESTS_ENVIRONMENT = \
	CC='$(CC)'; export CC; \
	RENSA_COMPILE='$(COMPILE)'; export RENSA_COMPILE; \
	RENSA_HAVE_CHECK='$(rensa_have_check)'; export RENSA_HAVE_CHECK;
