"""Generated kernels, one module a layer."""
