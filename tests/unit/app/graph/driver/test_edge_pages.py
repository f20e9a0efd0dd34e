"""How many edges a page has; the pages of a real store are compared in the integration test of this name."""

import pytest

from app.graph.driver.edge_pages import LARGE, PAGE, EdgePages, VisitBudget


@pytest.mark.parametrize(("in_one_step", "maximum"), [(False, PAGE), (True, LARGE * PAGE)])
def test_a_page_has_no_more_than_its_budget(*, in_one_step: bool, maximum: int) -> None:
    """A large one neither; without a budget, and for what a step must read after it was spent, a page is complete."""
    pages = EdgePages([], in_one_step)
    assert pages.page == maximum
    sizes = {left: pages.within(VisitBudget(left)).page for left in (-1, 0, 1, maximum - 1, maximum, maximum + 1)}
    assert sizes == {-1: maximum, 0: maximum, 1: 1, maximum - 1: maximum - 1, maximum: maximum, maximum + 1: maximum}
