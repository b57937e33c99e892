# tests of the util layer
