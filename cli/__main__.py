"""`python -m cli` is `breakwater`."""

from cli.main import app

if __name__ == "__main__":
    app(prog_name="breakwater")
