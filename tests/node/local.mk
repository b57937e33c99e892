# tests of the node layer
