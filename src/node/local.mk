noinst_LIBRARIES += librensa_node.a
librensa_node_a_SOURCES =
