"""The turns of worklists for tags: callers first, and no more repetition than new work."""

from app.graph.commits.outbox_entry import Caller, OutboxEntry
from app.graph.jobs.tag_work.tag_turns import MIN_BATCHES, TagTurns
from app.graph.jobs.tag_work.tag_worklist import TagWorklist

ADA: Caller = ("acme", "ada")
BO: Caller = ("acme", "bo")
PII = 1


def worklist(turns: TagTurns, caller: Caller, *vids: int, tag: int = PII) -> TagWorklist:
    """Return a new worklist with an entry and vertices to decide."""
    found = turns.worklist(tag, caller)
    found.entries.append(OutboxEntry(len(turns.entries) + 1, "acme", 1, tag=tag))
    found.recheck(vids)
    return found


def work(turns: TagTurns, *removing: TagWorklist) -> TagWorklist:
    """Take one vertex of the next worklist, and find it unsupported in those ``removing``; return the worklist."""
    with turns.turn() as found:
        vids = found.take(1)
        if found in removing:
            found.unsupported |= dict.fromkeys(vids)
    return found


def test_a_tag_that_arrives_passes_to_the_next_caller_after_each_batch() -> None:
    """Nothing is decided again, so that a turn need not be long, and all that is left keeps its order."""
    turns = TagTurns()
    ada, bo = worklist(turns, ADA, *range(10, 15)), worklist(turns, BO, *range(20, 25))
    assert [work(turns) for _ in range(6)] == [ada, bo] * 3
    assert ([*ada.suspects], [*bo.suspects]) == ([13, 14], [23, 24])


def test_a_removal_has_a_tag_for_some_batches() -> None:
    """What a turn found unsupported is decided again, and no other caller works on the tag before the turn ends."""
    turns = TagTurns()
    ada, bo = worklist(turns, ADA, *range(100, 200)), worklist(turns, BO, 20, 21)
    assert [work(turns, ada) for _ in range(MIN_BATCHES)] == [ada] * MIN_BATCHES
    assert work(turns, ada) is bo
    assert not ada.unsupported
    assert [*ada.suspects] == [*range(100, 200)]


def test_a_removal_is_at_most_repeated_by_half() -> None:
    """A turn has as many new batches as it repeats, so that the work ends however long it is, and others have turns."""
    turns = TagTurns()
    ada, bo = worklist(turns, ADA, *range(1_000, 3_000)), worklist(turns, BO, *range(20, 40))
    found = [work(turns, ada) for _ in range(15 * MIN_BATCHES + 4)]
    assert found.count(bo) == 4
    assert len(ada.decided) == 8 * MIN_BATCHES


def test_a_caller_alone_has_no_turns() -> None:
    """Nothing is decided again if no other caller waits for the tag."""
    turns = TagTurns()
    ada = worklist(turns, ADA, *range(100, 200))
    for _ in range(3 * MIN_BATCHES):
        work(turns, ada)
    assert len(ada.unsupported) == 3 * MIN_BATCHES
