"""What the generated kernels cost, beside what people write and use today.

`cases` says which inputs every layer gets, `handwritten`, `in_autograd` and `in_torch` are the contenders,
`timing` runs them in turn, and `python -m benchmarks` prints the table. Cases, hand-written kernels and the
PyTorch table also serve tests/peers, which checks that all of them compute the same thing.

Nothing here imports `derive`.
"""
