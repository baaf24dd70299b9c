// One connector: status, live figures, a sentence, and the button that fits.
import { Text } from "@mantine/core";
import type { Connector } from "@shared/api/types";
import { StatusPill } from "@shared/components/StatusPill";
import { useNow } from "@shared/components/useNow";
import { kilowattHours, kilowatts, percent } from "@shared/format/quantity";
import { pendingOf, sentenceOf } from "@shared/words";
import { useTranslation } from "react-i18next";
import classes from "./ConnectorLine.module.css";
import { outcomeWords } from "./outcomeWords";
import { Pending } from "./Pending";
import type { Chosen } from "./PointsPage";
import { StartStop } from "./StartStop";
import type { Point } from "./usePoints";

type Props = {
  point: Point;
  connector: Connector;
  start: (chosen: Chosen) => void;
  stop: (chosen: Chosen) => void;
};

export function ConnectorLine({ point, connector, start, stop }: Props) {
  const chosen = { stationId: point.stationId, connectorId: connector.connectorId };
  return (
    <div className={classes.line}>
      <span className={classes.number}>{connector.connectorId}</span>
      <span className={classes.pill}>
        <StatusPill point={point} connector={connector} />
      </span>
      <div className={classes.words}>
        <Sentence point={point} connector={connector} />
        <Figures point={point} connector={connector} />
      </div>
      <div className={classes.act}>
        <StartStop
          point={point}
          connector={connector}
          start={() => start(chosen)}
          stop={() => stop(chosen)}
        />
      </div>
    </div>
  );
}

/** Only of a charge that goes on, and only while the station is there to report it. */
function Figures({ point, connector }: { point: Point; connector: Connector }) {
  const session = connector.session;
  const isRunning = session && (session.state === "ONGOING" || session.state === "STOPPING");
  if (!isRunning) return null;
  const power = session.powerW ?? connector.powerW;
  const soc = session.socPercent ?? connector.socPercent;
  return (
    <span className={classes.figures} data-old={!point.isOnline}>
      <span>{kilowatts(point.isOnline ? power : null)}</span>
      <span>{soc === null || soc === undefined ? "" : percent(soc)}</span>
      <span>{kilowattHours(session.energyWh)}</span>
    </span>
  );
}

function Sentence({ point, connector }: { point: Point; connector: Connector }) {
  const { t } = useTranslation();
  const now = useNow(5000);
  const pending = point.isOnline ? pendingOf(point, connector) : null;
  if (pending) return <Pending point={point} connector={connector} pending={pending} />;
  const { key, values = {}, tone } = sentenceOf(point, connector, now);
  const words =
    key === "outcome"
      ? outcomeWords(t, { action: values.action ?? "", code: values.code ?? "" })
      : t(`sentence.${key}`, {
          ...values,
          defaultValue: t("sentence.unknown", { status: connector.status }),
        });
  return (
    <Text size="sm" c={tone === "bad" ? "var(--mantine-color-error)" : "dimmed"} lh={1.35}>
      {words}
    </Text>
  );
}
