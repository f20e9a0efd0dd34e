"""Access to rows and edges: the grade and mask of a row, and the masks of both ends on an edge."""

import pytest
from support.oracles.decision_table import CALLERS, team
from support.stores.writers import shipped_policy

from app.graph.reading.access.field_masks import UNMASKED, EdgeAccess, RowAccess, access_of
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.row import AccessGrade
from policies.attributes import PolicyAttributes
from policies.decision import Denial, FieldMask, Rights
from policies.policy import Policy
from policies.vocabulary import WriteAction

OURS = PolicyAttributes("MODEL", team("ranking"), "ORG", "INTERNAL", "ACTIVE", "INTERNAL")


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Load the shipped policy."""
    return shipped_policy()


def access(policy: Policy, caller: str, attributes: PolicyAttributes) -> RowAccess | None:
    """Return the access of a caller to models with these attributes."""
    return access_of(policy.access(CALLERS[caller]), "Model", attributes, PolicyReport("v1"))


def test_a_hidden_row_has_no_access(policy: Policy) -> None:
    """The result is None, as for a row that does not exist."""
    assert access(policy, "bo", OURS._replace(visibility="TEAM")) is None


@pytest.mark.parametrize(("stage", "grade"), [("ACTIVE", AccessGrade.READ), ("DRAFT", AccessGrade.DISCOVER)])
def test_a_row_has_its_grade_and_rights(policy: Policy, stage: str, grade: AccessGrade) -> None:
    """A reader of another team sees, and may change nothing; the owner team may update."""
    found = access(policy, "bo", OURS._replace(stage=stage))
    assert found is not None
    assert (found.grade, found.may(WriteAction.UPDATE)) == (grade, False)
    assert ("task" in found.hidden) is (grade is AccessGrade.DISCOVER)
    own = access(policy, "ada", OURS._replace(stage=stage))
    assert own is not None
    assert own.may(WriteAction.UPDATE)
    assert own.rights() == policy.access(CALLERS["ada"]).rights("Model", OURS._replace(stage=stage))


def test_a_kind_that_is_not_governed_hides_nothing_and_grants_nothing() -> None:
    """A team is open, and its rights are decided when it is written."""
    found = RowAccess("Team", UNMASKED, PolicyReport("v1"))
    assert (found.hidden, found.may(WriteAction.UPDATE)) == (frozenset(), False)
    assert found.rights() == EdgeAccess("Neighbour", UNMASKED, PolicyReport("v1")).rights() == Rights()


def test_an_edge_hides_what_either_end_hides(policy: Policy) -> None:
    """The field of a readable row is hidden where the far end is only discoverable; both directions agree."""
    readable, draft = access(policy, "bo", OURS), access(policy, "bo", OURS._replace(stage="DRAFT"))
    assert readable is not None
    assert draft is not None
    there, back = readable.of_edge("Neighbour", draft), draft.of_edge("Neighbour", readable)
    assert there.hidden == back.hidden == draft.masked("Neighbour").hidden
    assert there.hidden > readable.of_edge("Neighbour", readable).hidden
    assert readable.of_edge("Neighbour", draft) is there


def test_reports_name_the_coordinate() -> None:
    """A hidden field is reported with its reason, and a logged one with the id of the row."""
    report = PolicyReport("v1")
    why = Denial(("p1",), ("p2",))
    found = EdgeAccess("Run", FieldMask(frozenset({"error"}), {"error": why}, frozenset({"params"})), report)
    assert found.hidden == {"error"}
    assert found.watched == {"error", "params"}
    found.report_hidden("error")
    found.report_read("params", "mlg://run/a")
    assert dict(report.hidden) == {"Run.error": 1}
    assert report.why["Run.error"] == why
    assert {name: [*ids] for name, ids in report.reads.items()} == {"Run.params": ["mlg://run/a"]}


def test_a_field_hidden_at_one_end_is_not_logged_as_read() -> None:
    """What is not shown was not read, although the other end would log it."""

    def end(mask: FieldMask) -> RowAccess:
        class Fixed(RowAccess):
            def masked(self, type_name: str) -> FieldMask:
                del type_name
                return mask

        return Fixed("Run", UNMASKED, PolicyReport("v1"))

    near = end(FieldMask(frozenset(), {}, frozenset({"note", "via"})))
    far = end(FieldMask(frozenset({"note"}), {"note": Denial((), ("p",))}))
    found = near.of_edge("Neighbour", far)
    assert found.hidden == {"note"}
    assert found.watched == {"note", "via"}
    assert isinstance(found, EdgeAccess)
    assert found.mask.logged == {"via"}
