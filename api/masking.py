"""What is left of a personal field when it is shown to somebody who need not know it."""

PHONE_SHOWN = 7
"""Digits of a phone that stay: the first three and the last four."""
NUMBER_SHOWN = 10
"""Characters of an identity number that stay: the area code in front and the last four."""


def name(value: str) -> str:
    """张三 → 张*; a name in Latin letters keeps the first letter of its first word."""
    value = value.strip()
    return value[:1] + "*" * max(1, min(len(value) - 1, 2)) if value else ""


def phone(value: str) -> str:
    """13800000000 → 138****0000; shorter numbers keep their last two digits."""
    value = value.strip()
    if len(value) <= PHONE_SHOWN:
        return "*" * max(0, len(value) - 2) + value[-2:] if len(value) > 2 else "*" * len(value)
    return value[:3] + "*" * (len(value) - PHONE_SHOWN) + value[-4:]


def number(value: str) -> str:
    """310104198001011234 → 310104********1234; shorter numbers show nothing."""
    value = value.strip()
    return value[:6] + "*" * (len(value) - NUMBER_SHOWN) + value[-4:] if len(value) > NUMBER_SHOWN + 2 else "*" * len(value)
