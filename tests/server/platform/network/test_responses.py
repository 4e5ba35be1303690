"""A refusal over HTTP is a problem document as RFC 9457 describes it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import pytest

from chatty.errors import CODES
from chatty.protocol import Problem
from chatty.server.platform.network.responses import problem


@pytest.mark.parametrize("code", CODES)
def test_a_problem_without_a_type_has_its_status_in_words_as_its_title(code: str) -> None:
    response = problem(code)
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    assert "type" not in msgspec.json.decode(response.body)  # it is about:blank (4.2.1)
    body = msgspec.json.decode(response.body, type=Problem)
    assert body == Problem(body.title, CODES[code].status, CODES[code].text, code)
    assert response.status == body.status
    phrase = "Content Too Large" if body.status == 413 else HTTPStatus(body.status).phrase  # RFC 9110, 15.5.14
    assert body.title == phrase


def test_the_title_follows_a_status_that_is_not_the_code_s_own() -> None:
    body = problem("bad_request", "It did not come.", status=408).body
    assert isinstance(body, bytes)
    assert msgspec.json.decode(body, type=Problem) == Problem("Request Timeout", 408, "It did not come.", "bad_request")
