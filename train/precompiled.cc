// Nothing: the target that this belongs to makes the precompiled header of LibTorch.
