"""Wrong kernels, by how they are made."""
