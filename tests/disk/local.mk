# tests of the disk layer
