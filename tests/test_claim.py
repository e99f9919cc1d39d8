from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes import axes
from regimes.claim import Claim, ClaimError, Control, Erratum, Grid, Paper, always, at_least, at_most, claim, where
from regimes.kinds import Empirical, Expectation, Probability

paper = Paper(key="doe2020coins", title="Coins", authors=("J. Doe", "A. Roe"), year=2020, arxiv="2001.00001")


def subject(case, replicates, randomness):
    """Heads."""
    return [True] * replicates


def declare(**changes) -> Claim:
    given = {
        "id": "heads",
        "kind": Probability(at_least=0.9, margin=0.05),
        "statement": "p",
        "axes": (axes.width(4, 1024), axes.depth(1, 8)),
        "premise": at_least("width", lambda case: 16 * case.depth),
        "subject": subject,
        "controls": {"one": subject, "two": subject},
        **changes,
    }
    source = given.pop("paper", paper)
    reference = given.pop("reference", "Theorem 1")

    def observable(networks, case):
        """Heads."""
        return networks

    if given.pop("undocumented", False):
        observable.__doc__ = None
    return claim(source, reference, **given)(observable)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"paper": Paper(key="k", title="t", authors=("a",), year=2020)}, "it has no reference"),
        ({"reference": " "}, "it has no reference"),
        ({"premise": None}, "it has no premise"),
        ({"controls": {"one": subject}}, r"it has 1 control; give at least two"),
        ({"controls": {}}, r"it has no controls; give at least two"),
        ({"controls": [subject, subject]}, "its controls have no names"),
        ({"premise": "any width"}, r"its premise is 'any width'; give a Premise or a function of the case"),
        ({"axes": axes.width(1, 2)}, "its axes are no tuple of axes"),
        ({"axes": ("width",)}, "its axes are no tuple of axes"),
        ({"controls": {"one": subject, "two": Control()}}, "control 'two' changes nothing"),
        (
            {"controls": {"one": subject, "two": Control(subject=subject, at={"height": 1})}},
            "'height', which is not an axis",
        ),
        ({"id": "Heads Up"}, "not lower-case words"),
        ({"kind": "probability"}, "use one of the kinds"),
        ({"statement": ""}, "its statement is empty"),
        ({"axes": ()}, "it has no axes"),
        ({"axes": (axes.width(1, 2), axes.width(3, 4))}, "the axis 'width' appears twice"),
        ({"subject": None}, "cannot be called"),
        ({"undocumented": True}, "no docstring"),
        ({"grid": Grid(x="width", y="height")}, "its grid names an axis"),
        (
            {"axes": (axes.width(4, 8), axes.depth(1, 2), axes.inputs(1, 2)), "grid": Grid(x="width", y="depth")},
            "leaves inputs open",
        ),
        ({"erratum": Erratum(published="p", finding="f", control="three")}, "names the control 'three'"),
    ],
)
def test_a_claim_that_lacks_something_does_not_load_and_says_why(changes: dict, reason: str) -> None:
    with pytest.raises(ClaimError, match=reason) as refused:
        declare(**changes)
    assert str(refused.value).startswith("claim ")
    assert "\n" not in str(refused.value)


def test_only_an_empirical_claim_may_leave_out_the_premise() -> None:
    assert declare(premise=None, kind=Empirical(lower=0, upper=1)).premise.text == ""


@given(st.data(), st.sampled_from(["quick", "default", "thorough"]))
def test_random_cases_are_inside_the_premise(data: st.DataObject, profile: str) -> None:
    one = declare(
        premise=at_least("width", lambda case: 16 * case.depth) & where(lambda case: case.width % 2 == 0, "even")
    )
    case = data.draw(one.cases(profile))
    assert case.width >= 16 * case.depth
    assert case.width % 2 == 0


@given(st.data())
def test_two_sided_thresholds_are_met_by_construction(data: st.DataObject) -> None:
    one = declare(
        premise=at_least("width", lambda case: 16 * case.depth) & at_most("width", lambda case: 16 * case.depth + 1)
    )
    case = data.draw(one.cases())
    assert 16 * case.depth <= case.width <= 16 * case.depth + 1
    assert one.premise.boundary("width", case) == 16 * case.depth
    assert one.premise.boundary("depth", case) is None


@given(st.data())
def test_pinned_coordinates_stay(data: st.DataObject) -> None:
    assert data.draw(declare().cases(at={"depth": 3})).depth == 3


def test_a_control_replaces_its_part() -> None:
    other = Expectation(equals=0, margin=1, variance=1)
    one = declare(
        controls={"law": Control(kind=other), "promise": Control(premise=always("everywhere")), "code": subject}
    )
    assert one.under("law").kind is other
    assert one.under("law").subject is subject
    assert one.under("promise").premise.text == "everywhere"
    with pytest.raises(ValueError, match="its controls are law, promise, code"):
        one.under("none")


def test_a_case_off_its_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="off the axis width: it takes integers from 4 to 1024"):
        declare().case({"width": 2, "depth": 1})
    with pytest.raises(ValueError, match="depth is missing"):
        declare().case({"width": 8})
    with pytest.raises(ValueError, match="no axis 'height'; its axes are width, depth"):
        declare().case({"width": 8, "depth": 1, "height": 1})


def test_kinds_state_exactly_one_relation() -> None:
    with pytest.raises(ValueError, match="exactly one of at_least, at_most, equals; got none"):
        Probability(margin=0.1)
    with pytest.raises(ValueError, match="got equals, at_least"):
        Expectation(equals=0, at_least=0, margin=0.1, variance=1)
    with pytest.raises(ValueError, match="exactly one of support, variance"):
        Expectation(equals=0, margin=0.1)


def test_a_paper_is_cited() -> None:
    assert paper.url == "https://arxiv.org/abs/2001.00001"
    assert paper.citation == "J. Doe, A. Roe. Coins. arXiv 2001.00001 (2020)."
    assert "author = {J. Doe and A. Roe}" in paper.bibtex()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"authors": "J. Doe"}, r"the authors of doe are one text; write a tuple, as in authors=\('J. Doe',\)"),
        ({"arxiv": "arXiv:2001.00001"}, "write it bare, as in arxiv='1901.03611'"),
        ({"arxiv": "https://arxiv.org/abs/2001.00001"}, "write it bare"),
        ({"doi": "https://doi.org/10.1000/1"}, "the doi of doe is 'https://doi.org/10.1000/1'; write it bare"),
    ],
)
def test_a_paper_that_cannot_be_cited_says_why(wrong: dict, reason: str) -> None:
    with pytest.raises(ClaimError, match=reason):
        Paper(**{"key": "doe", "title": "Coins", "authors": ("J. Doe",), "year": 2020, **wrong})


def test_a_paper_with_neither_arxiv_id_nor_doi_has_a_link() -> None:
    own = Paper(key="doe2020coins", title="Coins", authors=("J. Doe",), year=2020, link="https://jmlr.org/papers/v1/doe20a.html")
    assert declare(paper=own).paper.url == own.link
    assert own.citation == "J. Doe. Coins. https://jmlr.org/papers/v1/doe20a.html (2020)."
    assert "  url = {https://jmlr.org/papers/v1/doe20a.html}\n" in own.bibtex()
    with pytest.raises(ClaimError, match="the link of k is 'javascript:x'; write the whole address, from https:// on"):
        Paper(key="k", title="t", authors=("a",), year=2020, link="javascript:x")


@pytest.mark.parametrize("arxiv", ["2001.00001", "1312.6098v3", "0704.0001", "math/0601001", "math.PR/0601001v1"])
def test_every_form_of_an_arxiv_id_is_taken(arxiv: str) -> None:
    assert Paper(key="doe", title="Coins", authors=("J. Doe",), year=2020, arxiv=arxiv).url.endswith(arxiv)


def test_a_premise_that_always_holds_says_why() -> None:
    with pytest.raises(ValueError, match="says in words"):
        always(" ")
