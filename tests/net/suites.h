#ifndef RENSA_TESTS_NET_SUITES_H
#define RENSA_TESTS_NET_SUITES_H

#include "../suite.h"

suite_maker suite_netaddr;
suite_maker suite_loop;
suite_maker suite_listener;
suite_maker suite_httpd_rules;
suite_maker suite_httpd;
suite_maker suite_httpd_crowd;
suite_maker suite_httpd_date;
suite_maker suite_httpd_streams;
suite_maker suite_httpd_observer;
suite_maker suite_httpd_files;
suite_maker suite_httpc;
suite_maker suite_httpc_replies;
suite_maker suite_onlink;
suite_maker suite_probe;

#endif
