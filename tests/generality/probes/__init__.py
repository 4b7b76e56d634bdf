"""Some 330 definitions as users would type them, with what PyTorch says of each."""
