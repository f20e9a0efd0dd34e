"""The figures of a soak are those of its observations, by the part of the time in which they were due."""

from bench.soak.mixed_load import Observation, code_of
from bench.soak.soak_report import PARTS, growth, parts_of, svg


def test_each_part_has_its_own_figures() -> None:
    """Requests count where they were due, reads and writes apart, and a slow request is the p99 of its part only."""
    observed = [Observation(second + 0.5, 10.0, is_write=False) for second in range(10)]
    observed += [Observation(3.2, 900.0, is_write=False), Observation(3.4, 50.0, is_write=True, error="WRONG")]
    parts = parts_of(observed, 10.0)
    assert [part.requests for part in parts] == [1, 1, 1, 3, *[1] * 6]
    assert parts[3].reads == (455.0, 900.0)
    assert parts[3].writes == (50.0, 50.0)
    assert parts[4].reads == (10.0, 10.0)
    assert parts[4].writes == (0.0, 0.0)
    assert len(parts) == PARTS


def test_growth_leaves_out_the_warm_up() -> None:
    """Memory that rises during the first fifth only has not grown; memory that doubles afterwards has."""
    assert growth([10, 50, 100, 100, 100, 100, 100, 100, 100, 100]) == 100 / 100
    assert growth([100, 100, 100, 100, 120, 140, 160, 180, 200, 200]) == 2.0


def test_the_plot_has_a_line_for_each_series() -> None:
    """The plot names each series of both panels."""
    found = svg("a <title>", parts_of([Observation(0.5, 10.0, is_write=False)], 10.0), {"API": [100.0, 120.0]})
    assert "a &lt;title&gt;" in found
    assert found.count("<polyline") == 5
    assert "API</text>" in found


def test_the_code_of_a_response() -> None:
    """A response has the code of its first error; without a body that has one, its status."""
    assert code_of(200, b'{"data":{"a":{"errors":[]}}}') == ""
    assert code_of(200, b'{"data":null,"errors":[{"message":"m","extensions":{"code":"LIMIT"}}]}') == "LIMIT"
    assert code_of(429, b'{"errors":[{"extensions":{"code":"RATE_LIMITED"}}]}') == "RATE_LIMITED"
    assert code_of(502, b"<html>") == "STATUS_502"
