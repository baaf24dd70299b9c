// A connector's status in colour, sign and word: never by colour alone.
import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ConnectorLike, PointLike } from "../live/patch";
import { type ConnectorClass, classOf } from "../words";
import { Alert, Away, Bolt, Check, type Icon, Other, Plug } from "./icons";

export const CLASS_LOOK: Record<ConnectorClass, { color: string; Sign: Icon }> = {
  available: { color: "teal", Sign: Check },
  inUse: { color: "blue", Sign: Plug },
  faulted: { color: "red", Sign: Alert },
  offline: { color: "gray", Sign: Away },
  other: { color: "yellow", Sign: Other },
};

export function StatusPill({ point, connector }: { point: PointLike; connector: ConnectorLike }) {
  const { t } = useTranslation();
  const kind = classOf(point, connector);
  const { color, Sign } = CLASS_LOOK[kind];
  const isCharging = kind === "inUse" && connector.status === "Charging";
  const word = kind === "offline" ? t("class.offline") : t(`status.${connector.status}`, connector.status);
  return (
    <Badge
      variant="light"
      color={color}
      radius="sm"
      tt="none"
      fw={600}
      leftSection={isCharging ? <Bolt size={13} /> : <Sign size={13} />}
      title={kind === "offline" ? t("points.lastKnown", { status: connector.status }) : connector.status}
      data-testid={`status-${point.stationId}-${connector.connectorId}`}
      data-status={kind === "offline" ? "Offline" : connector.status}
    >
      {word}
    </Badge>
  );
}
