"""What a read may not keep: everything that was written while it was under way."""

from app.graph.cache.fill import MAX_WRITES, Fill, Forbidden, InFlight, has_edges, has_listing, has_vertex
from app.graph.cache.known_edges import Shape
from app.graph.records.touched import EVERYTHING, NOTHING, Touched

SHAPE = Shape("out", ("FEEDS", "DERIVES"), (), "store")
WRITTEN = Touched(frozenset({1}), frozenset({("out", "DERIVES", 2), ("in", "DERIVES", 3)}), frozenset({"here"}))


def test_a_write_touches_its_vertices_the_ends_of_its_edges_and_its_tenant() -> None:
    """An end is a direction, a label and a vertex; edges of a shape depend on each of its labels."""
    barrier = Forbidden()
    barrier.add(WRITTEN)
    for each in (barrier, WRITTEN):
        assert [vid for vid in (1, 2, 3) if has_vertex(each, vid)] == [1]
        assert [vid for vid in (1, 2, 3) if has_edges(each, SHAPE, vid)] == [2]
        assert not has_edges(each, SHAPE._replace(labels=("FEEDS",)), 2)
        assert has_edges(each, SHAPE._replace(direction="in"), 3)
        assert (has_listing(each, "here"), has_listing(each, "there")) == (True, False)


def test_a_write_about_which_nothing_is_known_touches_everything() -> None:
    """One for which nothing is to be forgotten touches nothing."""
    assert has_vertex(EVERYTHING, 1)
    assert has_edges(EVERYTHING, SHAPE, 1)
    assert has_listing(EVERYTHING, "here")
    assert not has_vertex(NOTHING, 1)
    assert not has_edges(NOTHING, SHAPE, 1)
    assert not has_listing(NOTHING, "here")
    assert has_listing(Touched(tenants=None), "here")


def test_several_writes_add_up() -> None:
    """A tenant that is not known counts as all tenants, also together with known ones."""
    barrier = Forbidden()
    barrier.add(WRITTEN)
    barrier.add(Touched(frozenset({2, 3}), tenants=None))
    barrier.add(WRITTEN)
    assert (barrier.vertices, barrier.tenants, len(barrier)) == ({1, 2, 3}, None, 5)
    assert has_listing(barrier, "there")


def test_what_is_in_flight_is_barred_until_the_last_write_of_it_ends() -> None:
    """Two transactions may touch the same; everything and all tenants count until their own transactions end."""
    flying = InFlight()
    for touched in (WRITTEN, WRITTEN, EVERYTHING, Touched(tenants=None)):
        flying.add(touched)
    assert has_vertex(flying, 9)
    flying.remove(EVERYTHING)
    assert (has_vertex(flying, 9), has_listing(flying, "there")) == (False, True)
    flying.remove(Touched(tenants=None))
    flying.remove(WRITTEN)
    assert has_vertex(flying, 1)
    assert has_edges(flying, SHAPE, 2)
    assert (has_listing(flying, "here"), has_listing(flying, "there")) == (True, False)
    flying.remove(WRITTEN)
    assert [has_vertex(flying, 1), has_edges(flying, SHAPE, 2), has_listing(flying, "here")] == [False] * 3
    assert (len(flying.vertices), len(flying.edge_ends)) == (0, 0)


def test_a_read_learns_of_writes_when_it_keeps_something() -> None:
    """Writes that end between two steps of the same read count for the later one."""
    fill = Fill()
    assert not has_vertex(fill.forbidden(), 1)
    fill.ended.append(WRITTEN)
    assert has_vertex(fill.forbidden(), 1)
    fill.ended += [NOTHING] * MAX_WRITES
    assert not has_vertex(fill.forbidden(), 2)
    fill.ended += [NOTHING] * (MAX_WRITES + 1)
    assert has_vertex(fill.forbidden(), 2)
