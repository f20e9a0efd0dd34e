"""`mlg` with small pages of elements, so that a test can end a command between them: `python -m … store copy …`."""

from app.cli.command_line import main
from app.graph.admin.elements import element_pages

SIZE = 20

if __name__ == "__main__":
    element_pages.PAGE_VERTICES = SIZE  # type: ignore[misc]
    main()
