"""What a store's library says of a failure, for a person. Pure.

The same failure always has the same words: they end up in Events and conditions, where words that
differ each time (durations, counts of retries, ids of requests, addresses of objects in memory)
would make each look at a broken store news of its own.
"""

import re

_DURATION = r"in [\d.]+\w+(?:, after \d+ retries, max_retries: \d+, retry_timeout: \S+)?"
_OBSTORE = re.compile(rf"Error performing (\w+) (\S+) {_DURATION}\s+- (.*)", re.DOTALL)
_XML = re.compile(r"<Code>(.*?)</Code>(?:.*?<Message>(.*?)</Message>)?", re.DOTALL)
_CAUSE = re.compile(r'\b(?:message|error): "([^"]*)"')
_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>:? ?|\([\w.]+ object at 0x[0-9a-f]+\)")
_CHARS_MAX = 500


def obstore_reason(text: str) -> str:
    """Return an error of obstore without its dump, times and ids: request, answer, cause."""
    said, _, dump = text.partition("Debug source:")
    match = _OBSTORE.search(said)
    if match is None:
        return _one_line(re.sub(rf" {_DURATION}", "", said))
    method, url, answer = match.groups()
    if xml := _XML.search(answer):
        answer = ": ".join(filter(None, (answer[: answer.find("<")].rstrip(" :"), *xml.groups())))
    elif causes := _CAUSE.findall(dump):
        answer = f"{answer.strip()}: {causes[-1]}"
    return _one_line(f"{method} {url.partition('?')[0]}: {answer}")


def google_reason(text: str) -> str:
    """Return an error of Google's library without addresses of objects."""
    return _one_line(_OBJECT.sub("", text))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_CHARS_MAX]
