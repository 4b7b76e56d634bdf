"""Wrong kernels that the judge has never seen: what must not pass as right."""
