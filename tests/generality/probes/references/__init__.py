"""Three hundred definitions as users would type them, and what PyTorch says of each."""
