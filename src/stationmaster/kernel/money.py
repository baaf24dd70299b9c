"""Money is integer minor units (paise); this is the only place that rounds."""

BPS = 10_000
WH_PER_KWH = 1000


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded half away from zero; denominator > 0."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def share_bps(amount_minor: int, bps: int) -> int:
    """``bps`` basis points of an amount, rounded half up."""
    return round_half_up(amount_minor * bps, BPS)


def energy_cost_minor(energy_wh: int, price_minor_per_kwh: int) -> int:
    """What so much energy costs, rounded half up once."""
    return round_half_up(energy_wh * price_minor_per_kwh, WH_PER_KWH)
