"""What the command ``gradbook`` does: build, verify, show, and what it keeps of them in files."""
