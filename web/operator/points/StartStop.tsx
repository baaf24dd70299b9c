// The button of a connector: start, stop, cancel, or the reason why there is none.
import { Button, Tooltip } from "@mantine/core";
import type { Connector } from "@shared/api/types";
import { Play, Stop } from "@shared/components/icons";
import { offersStart } from "@shared/words";
import { useTranslation } from "react-i18next";
import type { Point } from "./usePoints";

type Props = { point: Point; connector: Connector; start: () => void; stop: () => void };

export function StartStop({ point, connector, start, stop }: Props) {
  const { t } = useTranslation();
  const place = `${point.stationId}-${connector.connectorId}`;
  const name = { id: point.stationId, connector: connector.connectorId };
  const session = connector.session;
  if (session) {
    const isAsked = session.state === "STOPPING";
    const isBefore = session.state === "PENDING" || session.state === "STARTING";
    const reason = point.isOnline ? (isAsked ? t("points.stopAsked") : "") : t("points.stopOffline");
    return (
      <Tooltip label={reason} disabled={!reason} multiline maw={260}>
        <Button
          size="xs"
          w={100}
          variant={reason ? "default" : "light"}
          color={reason ? "gray" : "red"}
          leftSection={<Stop size={13} />}
          data-disabled={reason ? true : undefined}
          aria-disabled={reason ? true : undefined}
          onClick={() => !reason && stop()}
          aria-label={t(isBefore ? "points.cancelOn" : "points.stopOn", name)}
          data-testid={`stop-${place}`}
        >
          {t(isBefore ? "points.cancel" : "points.stop")}
        </Button>
      </Tooltip>
    );
  }
  if (!offersStart(point, connector)) return null;
  return (
    <Button
      size="xs"
      w={100}
      variant={connector.status === "Preparing" ? "filled" : "default"}
      leftSection={<Play size={13} />}
      onClick={start}
      aria-label={t("points.startOn", name)}
      data-testid={`start-${place}`}
    >
      {t("points.start")}
    </Button>
  );
}
