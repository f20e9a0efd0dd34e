"""The sources of vertices: those of several pages are one."""

from app.graph.propagation.sources import Sources, count_pairs, group_of, is_group, vertices_among


def test_sources_of_several_pages_are_added() -> None:
    """Each vertex has the sources of all pages, the records are those of all, and no page is changed later."""
    page = Sources({1: {2}, 3: {4}}, {2: {"sensitivity": "PUBLIC"}})
    found = Sources()
    for each in (page, Sources({1: {5}}, {5: {"sensitivity": "RESTRICTED"}})):
        found.add(each)
    assert (found.of, set(found.records)) == ({1: {2, 5}, 3: {4}}, {2, 5})
    assert (page.of[1], found.rank(5), found.rank(2)) == ({2}, 3, 0)


def test_a_group_is_no_vertex() -> None:
    """The id of a group differs from that of every vertex."""
    assert is_group(group_of(7))
    assert not is_group(7)


def test_vertices_and_pairs_of_sources() -> None:
    """A vertex that is a source of several counts as a pair for each; groups are no vertices."""
    of = {1: {2, group_of(3)}, 4: {2, group_of(3)}, group_of(3): {3, 5}}
    assert vertices_among(of) == {2, 3, 5}
    assert count_pairs(of) == 6
    assert vertices_among({}) == set()
