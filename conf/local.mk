# Configuration: the files of the compose net, and the sample with every key and its default.
EXTRA_DIST += conf/compose/node1.conf conf/compose/node2.conf conf/compose/node3.conf
