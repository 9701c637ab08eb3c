"""Which columns of the new row a trigger's body sets."""

import pytest

from armillary.sql.triggers import columns_set


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("SET NEW.id = 2", {"id"}),
        ("set new.`Id` := new.a + 1, NEW.b = 3", {"id", "b"}),
        ("BEGIN SET @x = 1, NEW.a = f(NEW.b, 1); SET NEW.c = 2; END", {"a", "c"}),
        ("BEGIN IF NEW.id = 1 THEN SET NEW.note = 'x'; END IF; END", {"note"}),
        ("BEGIN SELECT id, note INTO NEW.id, NEW.note FROM t WHERE a = NEW.b; END", {"id", "note"}),
        ("BEGIN FETCH c INTO NEW.id; END", {"id"}),
        ("INSERT INTO log VALUES (NEW.id, NEW.note)", set()),
        ("UPDATE other SET a = NEW.id, b = NEW.b WHERE c = NEW.c", set()),
        ("SET @a = 'NEW.id = 1' /* SET NEW.id = 1 */", set()),
    ],
)
def test_the_columns_that_a_body_sets(body: str, columns: set[str]) -> None:
    assert columns_set(body) == columns
