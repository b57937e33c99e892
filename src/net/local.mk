noinst_LIBRARIES += librensa_net.a
librensa_net_a_SOURCES = \
	include/net/httpc.h \
	include/net/httpd.h \
	include/net/listener.h \
	include/net/loop.h \
	include/net/netaddr.h \
	include/net/probe.h
