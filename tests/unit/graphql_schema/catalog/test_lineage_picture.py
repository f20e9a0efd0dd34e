"""The picture of the README shows the lineage relations of the catalog and no other."""

import re

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.lineage_picture import lineage_picture
from graphql_schema.catalog.relations import RELATIONS


def test_each_arrow_is_a_relation_between_concepts() -> None:
    """Read back, the arrows are the lineage relations of the catalog, between the concepts of their ends."""
    arrows = re.findall(r"(?m)^  (\w+) -- ([A-Z_, ]+) --> (\w+)$", lineage_picture())
    drawn = {(source, name, target) for source, names, target in arrows for name in names.split(", ")}
    assert drawn == {
        (KINDS[source].concept, relation.name, KINDS[target].concept)
        for relation in RELATIONS.values()
        if relation.lineage
        for source, target in relation.ends
    }


def test_each_box_lists_the_kinds_of_its_concept() -> None:
    """A concept is one box, with its kinds in the order of the catalog; kinds without lineage have none."""
    boxes = dict(re.findall(r'(?m)^  (\w+)\["(.*)"\]$', lineage_picture()))
    assert boxes["workflow"] == "Workflow · Run"
    assert boxes["service"] == "Service · Deployment"
    assert "team" not in boxes
