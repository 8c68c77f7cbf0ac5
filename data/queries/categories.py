"""Categories of incidents and the rules of their deadlines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from data.scope import Scope

ALL = text("""
    SELECT category.id, category.code, category.name, category.name_en, symbol, parent_id, catalogue.code AS catalogue,
           catalogue.version AS catalogue_version
      FROM category JOIN category_catalogue AS catalogue ON catalogue.id = catalogue_id
     ORDER BY catalogue.code, catalogue.version, category.code
""")
RULE = text("""
    SELECT id, serial, file_when, close_when, limit_amount, limit_unit, handling_unit, department
      FROM category_rule WHERE category_id = ANY (:category_ids) AND (CAST(:rule_id AS integer) IS NULL OR id = :rule_id)
     ORDER BY serial LIMIT 1
""")
RULES = text("""
    SELECT DISTINCT ON (category_id) category_id, id, limit_amount, limit_unit
      FROM category_rule WHERE category_id = ANY (:category_ids) ORDER BY category_id, serial
""")
KNOWN = text("SELECT id FROM category WHERE id = ANY (:category_ids)")


def every(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """All categories of all catalogues, by code; categories belong to no area."""
    return session.execute(ALL).all()


def first_rules(session: Session, scope: Scope, category_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The first rule of each category that has one."""
    return {row.category_id: row for row in session.execute(RULES, {"category_ids": list(category_ids)})}


def rule(session: Session, scope: Scope, category_id: int, rule_id: int | None) -> Row[Any] | None:
    """One rule of a category: the one named, or its first."""
    return session.execute(RULE, {"category_ids": [category_id], "rule_id": rule_id}).one_or_none()


def known(session: Session, scope: Scope, category_ids: Sequence[int]) -> set[int]:
    """Those of the ids that are categories."""
    return set(session.scalars(KNOWN, {"category_ids": list(category_ids)}))
