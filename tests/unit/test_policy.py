from breakwater.policies import AlertPolicy
from breakwater.policy import Policy


def test_without_a_document_the_functions_assume_what_the_policy_says() -> None:
    assert AlertPolicy() == Policy().alerts()
