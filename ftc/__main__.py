"""`python -m ftc`: the command line."""

from ftc.cli import main

if __name__ == "__main__":
    main()
