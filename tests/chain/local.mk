# tests of the chain layer
