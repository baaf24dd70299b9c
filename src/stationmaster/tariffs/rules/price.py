"""What does this much charging cost?"""

from stationmaster.kernel.money import energy_cost_minor, share_bps
from stationmaster.tariffs.model import Line, Priced, TariffTerms, Usage


def price(terms: TariffTerms, usage: Usage) -> Priced:
    """Each line is rounded once, half up; tax is taken on the sum of the net lines, as a line of its own."""
    assert usage.energy_wh >= 0, "energy is never given back"
    lines = (_energy_line(terms, usage),)
    net_minor = sum(line.amount_minor for line in lines)
    tax_minor = share_bps(net_minor, terms.tax_bps)
    return Priced(lines, net_minor, tax_minor, net_minor + tax_minor, terms.currency)


def _energy_line(terms: TariffTerms, usage: Usage) -> Line:
    return Line(
        kind="energy",
        quantity=usage.energy_wh,
        unit="Wh",
        price_minor=terms.price_minor_per_kwh,
        amount_minor=energy_cost_minor(usage.energy_wh, terms.price_minor_per_kwh),
    )
