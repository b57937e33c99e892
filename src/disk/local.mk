noinst_LIBRARIES += librensa_disk.a
librensa_disk_a_SOURCES =
