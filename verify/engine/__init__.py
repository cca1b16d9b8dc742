"""The fast engine: the kernel's statements in exact arithmetic at about the price of float passes."""
