"""Credits as they are shown: an amount of the smallest part, with the company's decimals."""


def shown(amount: int, scale: int) -> str:
    """8650 with two decimals is 86.50."""
    if not scale:
        return str(amount)
    digits = f"{abs(amount):0{scale + 1}}"
    return f"{'-' if amount < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"
