"""The commands of `python -m eval`: each adds its options to the parser and runs with them."""
