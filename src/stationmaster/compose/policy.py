"""Which settings of the charging room does an operator choose?"""

from stationmaster.charging.model import ChargingPolicy
from stationmaster.compose.adapters import Parts


def policy_of(parts: Parts) -> ChargingPolicy:
    return ChargingPolicy(
        default_hold_minor=parts.settings.default_hold_minor, start_deadline_s=parts.settings.start_deadline_s
    )
