# rensad and rensa

# The client: everything but its main is a library, so that tests reach it.
noinst_LIBRARIES += librensa_client.a
librensa_client_a_SOURCES = \
	include/prog/amount.h \
	include/prog/args.h \
	include/prog/check.h \
	include/prog/cli.h \
	include/prog/commands.h \
	include/prog/doctor.h \
	include/prog/folder.h \
	include/prog/import.h \
	include/prog/netchain.h \
	include/prog/party.h \
	include/prog/progress.h \
	include/prog/remote.h \
	include/prog/report.h \
	include/prog/safetext.h \
	include/prog/show.h \
	include/prog/source.h \
	include/prog/status_watch.h \
	include/prog/table.h \
	src/prog/amount.c \
	src/prog/args.c \
	src/prog/check.c \
	src/prog/cli.c \
	src/prog/cmd_backup.c \
	src/prog/cmd_balance.c \
	src/prog/cmd_blocks.c \
	src/prog/cmd_compact.c \
	src/prog/cmd_doctor.c \
	src/prog/cmd_export.c \
	src/prog/cmd_health.c \
	src/prog/cmd_import.c \
	src/prog/cmd_log_level.c \
	src/prog/cmd_mine.c \
	src/prog/cmd_reload.c \
	src/prog/cmd_send.c \
	src/prog/cmd_status.c \
	src/prog/cmd_verify.c \
	src/prog/cmd_wallet.c \
	src/prog/cmd_watch.c \
	src/prog/doctor_host.c \
	src/prog/doctor_node.c \
	src/prog/doctor_wallets.c \
	src/prog/folder.c \
	src/prog/import_data.c \
	src/prog/import_node.c \
	src/prog/netchain.c \
	src/prog/party.c \
	src/prog/progress.c \
	src/prog/remote.c \
	src/prog/report.c \
	src/prog/safetext.c \
	src/prog/show.c \
	src/prog/source.c \
	src/prog/status_watch.c \
	src/prog/table.c

bin_PROGRAMS += rensa
rensa_SOURCES = src/prog/rensa.c
rensa_LDADD = librensa_client.a $(CLIENT_LIBS)

sbin_PROGRAMS += rensad
rensad_SOURCES = src/prog/rensad.c src/prog/rensad_reset.c src/prog/rensad_reset.h
rensad_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
rensad_LDADD = $(NODE_LIBS)
