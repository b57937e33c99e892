# tests of the client; test_cli.py beside this file runs the program itself against a node that misbehaves
check_PROGRAMS += tests/prog/test_prog
tests_prog_test_prog_SOURCES = \
	tests/prog/main.c \
	tests/prog/suite_amount.c \
	tests/prog/suite_args.c \
	tests/prog/suite_remote.c \
	tests/prog/suite_safetext.c \
	tests/prog/suite_table.c \
	tests/prog/suites.h \
	tests/suite.h
tests_prog_test_prog_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_prog_test_prog_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_prog_test_prog_LDADD = librensa_client.a $(CLIENT_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/prog/completion.zsh tests/prog/fake_node.py tests/prog/test_cli.py tests/prog/test_completion.py \
	tests/prog/test_documents.py tests/prog/test_sbom.py \
	tests/prog/test_doctor_node.py
