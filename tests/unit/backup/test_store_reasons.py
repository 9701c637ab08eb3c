"""What stores say of a failure: the same words each time, the cause among them, one line."""

import pytest

from armillary.backup.storage.reasons import google_reason, obstore_reason

REQUEST = "Generic S3 error: Error performing GET {url} in {took} - {answer}"
URL = "http://127.0.0.1:1/bucket?list-type=2&prefix=main%2F-80%2F"
DUMP = (
    '\n\nDebug source:\nGeneric {\n elapsed: 1.5s,\n inner: {\n  message: "Connection refused",\n'
)


@pytest.mark.parametrize(
    "took",
    ["1.522688914s", "246.7ms", "1.5µs, after 10 retries, max_retries: 10, retry_timeout: 180s "],
)
def test_nobody_listens(took: str) -> None:
    text = REQUEST.format(url=URL, took=took, answer="HTTP error: error sending request") + DUMP
    assert obstore_reason(text) == (
        "GET http://127.0.0.1:1/bucket: HTTP error: error sending request: Connection refused"
    )


@pytest.mark.parametrize("request_id", ["4442587FB7D0A2F9", "A2F9"])
def test_a_key_that_nobody_knows(request_id: str) -> None:
    body = (
        "<Error><Code>InvalidAccessKeyId</Code>\n<Message>No such key.</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    answer = f"Server returned non-2xx status code: 403 Forbidden: {body}"
    text = REQUEST.format(url=URL, took="1.9ms", answer=answer) + DUMP
    assert obstore_reason(text) == (
        "GET http://127.0.0.1:1/bucket: Server returned non-2xx status code: 403 Forbidden: "
        "InvalidAccessKeyId: No such key."
    )


def test_what_has_another_form_is_shortened_all_the_same() -> None:
    assert obstore_reason(f"something\n  broke in 1.5s{DUMP}") == "something broke"
    assert len(obstore_reason("x" * 5000)) == 500


def test_google_addresses_of_objects_go() -> None:
    text = (
        "HTTPConnectionPool(host='localhost', port=1): Max retries exceeded with url: /b "
        "(Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f{}>: "
        "Failed to establish a new connection: [Errno 111] Connection refused'))"
    )
    said = {google_reason(text.replace("{}", some)) for some in ("12ab", "98fe")}
    assert len(said) == 1 and "('Failed to establish" in said.pop()
